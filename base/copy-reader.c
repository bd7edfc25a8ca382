/* SPDX-License-Identifier: Apache-2.0 */
#include "copy-reader.h"

#include <string.h>

#include "clock.h"
#include "db.h"

/* PostgreSQL counts from 2000-01-01. */
#define PG_EPOCH_US (INT64_C(946684800) * US_PER_SEC)

#define SIGNATURE       "PGCOPY\n\377\r\n" /* and its NUL */
#define SIGNATURE_BYTES 11
#define PG_AF_INET      2
#define PG_AF_INET6     3

/* The function to call and what it must know. */
typedef struct {
    const char *doing;
    unsigned n_columns;
    CopyRowFunc func;
    void *user_data;
} Run;

bool
copy_reader_double(Reader *row, double *value)
{
    Reader field;

    if (!copy_reader_bytes(row, &field) || field.left != sizeof(*value))
        return false;

    const uint64_t bits = reader_uint(&field, sizeof(bits));
    memcpy(value, &bits, sizeof(*value));
    return true;
}

bool
copy_reader_bool(Reader *row, bool *value)
{
    Reader field;

    if (!copy_reader_bytes(row, &field) || field.left != 1)
        return false;

    *value = field.at[0] != 0;
    return true;
}

bool
copy_reader_time(Reader *row, int64_t *unix_us)
{
    Reader field;

    if (!copy_reader_bytes(row, &field) || field.left != 8)
        return false;

    *unix_us = (int64_t) (reader_uint(&field, 8) + (uint64_t) PG_EPOCH_US);
    return true;
}

bool
copy_reader_inet(Reader *row, IpAddress *value)
{
    Reader field;

    if (!copy_reader_bytes(row, &field))
        return false;

    const uint64_t family = reader_uint(&field, 1);
    reader_bytes(&field, 2); /* prefix length; whether it is a cidr */
    const uint64_t n_bytes = reader_uint(&field, 1);
    const uint8_t *bytes = reader_bytes(&field, n_bytes);

    if (bytes && family == PG_AF_INET && n_bytes == 4)
        *value = ip_address_from_v4(bytes);
    else if (bytes && family == PG_AF_INET6 && n_bytes == 16)
        *value = ip_address_from_v6(bytes);
    else
        return false;
    return true;
}

bool
copy_reader_text_uint(Reader *row, uint64_t max, uint64_t *value)
{
    char text[24];
    Reader field;

    if (!copy_reader_bytes(row, &field) || field.left == 0 ||
        field.left >= sizeof(text))
        return false;

    memcpy(text, field.at, field.left);
    text[field.left] = '\0';

    char *end;
    const uint64_t number = g_ascii_strtoull(text, &end, 10);
    if (*end || !g_ascii_isdigit(text[0]) || number > max)
        return false;

    *value = number;
    return true;
}

bool
copy_reader_ints(Reader *row, int64_t *values, size_t max, size_t *n_values)
{
    Reader array;

    if (!copy_reader_bytes(row, &array))
        return false;

    const uint64_t n_dimensions = reader_uint(&array, 4);
    reader_bytes(&array, 8); /* whether there are nulls; the type of the elements */
    *n_values = 0;
    if (!reader_ok(&array) || n_dimensions == 0)
        return reader_ok(&array);

    const uint64_t n = reader_uint(&array, 4);
    reader_bytes(&array, 4); /* the lowest index */
    if (!reader_ok(&array) || n_dimensions != 1)
        return false;

    for (uint64_t i = 0; i < n && i < max && reader_ok(&array); i++) {
        values[i] = 0;
        copy_reader_int(&array, &values[i]);
    }
    *n_values = n;
    return reader_ok(&array);
}

bool
copy_reader_refuse(const char *doing, GError **error)
{
    g_set_error(error, DB_ERROR, DB_ERROR_REJECTED, "%s: a row is not as it should be",
                doing);
    return false;
}

/* The signature stands at the beginning of the first piece. */
static void
skip_signature(Reader *r)
{
    if (r->left < SIGNATURE_BYTES + 8 || memcmp(r->at, SIGNATURE, SIGNATURE_BYTES) != 0)
        return;

    reader_bytes(r, SIGNATURE_BYTES + 4);
    reader_bytes(r, reader_uint(r, 4)); /* extension */
}

/* libpq hands out a row a piece, the last one being the trailer. */
static bool
take_piece(const Run *run, const char *bytes, int n_bytes, bool first, GError **error)
{
    Reader r = reader_over((const uint8_t *) bytes, (size_t) n_bytes);

    if (first)
        skip_signature(&r);
    if (r.left <= 2)
        return true;
    if (reader_uint(&r, 2) != run->n_columns)
        return copy_reader_refuse(run->doing, error);
    return run->func(&r, run->user_data, error);
}

static bool
read_rows(PGconn *conn, const Run *run, GError **error)
{
    for (bool first = true;; first = false) {
        char *piece = NULL;
        const int n_bytes = PQgetCopyData(conn, &piece, 0);

        if (n_bytes < 0)
            return true; /* the result says whether it is well */

        const bool ok = take_piece(run, piece, n_bytes, first, error);
        PQfreemem(piece);
        if (!ok)
            return false;
    }
}

static bool
finish_copy(PGconn *conn, const char *doing, GError **error)
{
    bool ok = true;

    for (;;) {
        g_autoptr(PGresult) result = PQgetResult(conn);

        if (!result)
            return ok;
        if (ok && PQresultStatus(result) != PGRES_COMMAND_OK)
            ok = db_error_set(error, conn, result, doing);
    }
}

bool
copy_reader_run(PGconn *conn, const char *copy, const char *doing, unsigned n_columns,
                CopyRowFunc func, void *user_data, GError **error)
{
    const Run run = { doing, n_columns, func, user_data };
    g_autoptr(PGresult) begun = PQexec(conn, copy);

    if (PQresultStatus(begun) != PGRES_COPY_OUT)
        return db_error_set(error, conn, begun, doing);
    return read_rows(conn, &run, error) && finish_copy(conn, doing, error);
}
