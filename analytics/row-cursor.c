/* SPDX-License-Identifier: Apache-2.0 */
#include "row-cursor.h"

#include "db.h"

#define FETCH_ROWS "4000"

struct RowCursor {
    PGconn *conn; /* lent */
    char *doing;
    char *fetch;
    PGresult *rows;
    int next;
    GByteArray *bytes;
};

PGresult *
row_cursor_query(PGconn *conn, const char *doing, const char *select, int n_params,
                 const char *const *params, GError **error)
{
    g_autoptr(PGresult) result =
        PQexecParams(conn, select, n_params, NULL, params, NULL, NULL, 1);
    const ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        db_error_set(error, conn, result, doing);
        return NULL;
    }
    return g_steal_pointer(&result);
}

RowCursor *
row_cursor_open(PGconn *conn, const char *name, const char *doing, const char *select,
                int n_params, const char *const *params, GError **error)
{
    g_autofree char *declare =
        g_strdup_printf("DECLARE %s NO SCROLL CURSOR FOR %s", name, select);
    g_autoptr(PGresult) result =
        row_cursor_query(conn, doing, declare, n_params, params, error);

    if (!result)
        return NULL;

    RowCursor *self = g_new0(RowCursor, 1);
    self->conn = conn;
    self->doing = g_strdup(doing);
    self->fetch = g_strdup_printf("FETCH " FETCH_ROWS " FROM %s", name);
    self->bytes = g_byte_array_new();
    return self;
}

void
row_cursor_free(RowCursor *self)
{
    if (!self)
        return;
    PQclear(self->rows);
    g_free(self->doing);
    g_free(self->fetch);
    g_byte_array_unref(self->bytes);
    g_free(self);
}

Reader
row_cursor_row(const PGresult *result, int number, GByteArray *bytes)
{
    g_byte_array_set_size(bytes, 0);
    for (int i = 0; i < PQnfields(result); i++) {
        const int n_bytes =
            PQgetisnull(result, number, i) ? -1 : PQgetlength(result, number, i);
        const guint32 length = GUINT32_TO_BE((guint32) n_bytes);

        g_byte_array_append(bytes, (const guint8 *) &length, sizeof(length));
        if (n_bytes > 0)
            g_byte_array_append(bytes, (const guint8 *) PQgetvalue(result, number, i),
                                (guint) n_bytes);
    }
    return reader_over(bytes->data, bytes->len);
}

bool
row_cursor_next(RowCursor *self, Reader *row, GError **error)
{
    if (!self->rows || self->next == PQntuples(self->rows)) {
        PQclear(self->rows);
        self->next = 0;
        self->rows =
            row_cursor_query(self->conn, self->doing, self->fetch, 0, NULL, error);
        if (!self->rows || PQntuples(self->rows) == 0)
            return false;
    }
    *row = row_cursor_row(self->rows, self->next++, self->bytes);
    return true;
}
