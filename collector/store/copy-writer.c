/* SPDX-License-Identifier: Apache-2.0 */
#include "store/copy-writer.h"

#include <string.h>

#include "copy-field.h"
#include "db.h"
#include "store/copy-row.h"

/* Small enough for the server to begin early, large enough that the calls do not
 * matter. */
#define PIECE_BYTES 65536

/* Kept between batches; a batch that needed more gives the rest back. */
#define KEPT_BYTES (16u << 20)

/* Rows that go to one table, one after the other. */
typedef struct {
    char *statement;
    size_t begin; /* bytes into CopyWriter.rows */
    size_t end;   /* of the last one: see CopyWriter.used */
} Run;

struct CopyWriter {
    PGconn *conn;
    uint8_t *rows;
    size_t size; /* bytes */
    size_t used;
    size_t sent;
    size_t n_rows;
    GArray *runs;     /* Run */
    GArray *refusals; /* CopyWriterRefusal */
    bool is_open;     /* BEGIN was sent */
    bool in_copy;
};

typedef enum { ANSWER_OK, ANSWER_REFUSED, ANSWER_LOST } Answer;

static void
clear_run(void *run)
{
    g_free(((Run *) run)->statement);
}

static void
clear_refusal(void *refusal)
{
    g_free(((CopyWriterRefusal *) refusal)->message);
}

CopyWriter *
copy_writer_new(PGconn *conn)
{
    CopyWriter *self = g_new0(CopyWriter, 1);

    self->conn = conn;
    self->runs = g_array_new(FALSE, FALSE, sizeof(Run));
    self->refusals = g_array_new(FALSE, FALSE, sizeof(CopyWriterRefusal));
    g_array_set_clear_func(self->runs, clear_run);
    g_array_set_clear_func(self->refusals, clear_refusal);
    return self;
}

void
copy_writer_free(CopyWriter *self)
{
    if (!self)
        return;

    g_free(self->rows);
    g_array_unref(self->runs);
    g_array_unref(self->refusals);
    g_free(self);
}

/* True when the server found fault with the data: trying again cannot help, sending
 * less can.  Anything else (a right taken away, a table dropped) is no row's fault,
 * and rows must not be given up for it. */
static bool
is_about_data(const PGresult *result)
{
    static const char *const classes[] = {
        "08P01", /* field too short: binary format */
        "22",    /* data exception */
        "23",    /* constraint violation */
        "44",    /* WITH CHECK OPTION */
        "54",    /* program limit: row too big */
        "P0001", /* raised by a trigger */
    };
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    for (size_t i = 0; sqlstate && i < G_N_ELEMENTS(classes); i++) {
        if (g_str_has_prefix(sqlstate, classes[i]))
            return true;
    }
    return false;
}

/* Sets @error as lost whatever the server said, and returns ANSWER_LOST. */
static Answer
set_lost(PGconn *conn, const PGresult *result, const char *doing, GError **error)
{
    db_error_set(error, conn, result, doing);
    if (error && *error)
        (*error)->code = DB_ERROR_LOST;
    return ANSWER_LOST;
}

/* Sends @statement (which may have others before it) up to where the server waits
 * for data, and the header. */
static bool
start_copy(PGconn *conn, const char *statement, GError **error)
{
    g_autoptr(PGresult) result = PQexec(conn, statement);

    if (PQresultStatus(result) != PGRES_COPY_IN ||
        PQputCopyData(conn, COPY_FIELD_HEADER, COPY_FIELD_HEADER_BYTES) != 1) {
        set_lost(conn, result, "starting COPY", error);
        return false;
    }
    return true;
}

static bool
send_bytes(PGconn *conn, const uint8_t *bytes, size_t n_bytes, GError **error)
{
    while (n_bytes > 0) {
        const size_t piece = MIN(n_bytes, PIECE_BYTES);

        if (PQputCopyData(conn, (const char *) bytes, (int) piece) != 1) {
            set_lost(conn, NULL, "sending rows", error);
            return false;
        }
        bytes += piece;
        n_bytes -= piece;
    }
    return true;
}

/* Ends COPY and drains the connection.  @refusal (transfer full) is set with
 * ANSWER_REFUSED. */
static Answer
end_copy(PGconn *conn, PGresult **refusal, GError **error)
{
    Answer answer = ANSWER_OK;

    if (PQputCopyData(conn, COPY_FIELD_TRAILER, COPY_FIELD_TRAILER_BYTES) != 1 ||
        PQputCopyEnd(conn, NULL) != 1)
        return set_lost(conn, NULL, "ending COPY", error);

    for (;;) {
        g_autoptr(PGresult) result = PQgetResult(conn);

        if (!result)
            return answer;
        if (answer != ANSWER_OK || PQresultStatus(result) == PGRES_COMMAND_OK)
            continue;
        if (PQstatus(conn) != CONNECTION_OK || !is_about_data(result)) {
            answer = set_lost(conn, result, "storing rows", error);
            continue;
        }
        answer = ANSWER_REFUSED;
        *refusal = g_steal_pointer(&result);
    }
}

bool
copy_writer_begin(CopyWriter *self, GError **error)
{
    if (self->is_open)
        return true;

    g_autoptr(PGresult) result = PQexec(self->conn, "BEGIN");

    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        set_lost(self->conn, result, "beginning a batch", error);
        return false;
    }
    self->is_open = true;
    return true;
}

bool
copy_writer_use(CopyWriter *self, const char *statement, GError **error)
{
    if (!copy_writer_finish(self, error))
        return false;

    g_autofree char *both = g_strconcat(self->is_open ? "" : "BEGIN;", statement, NULL);

    if (!start_copy(self->conn, both, error))
        return false;

    const Run run = {
        .statement = g_strdup(statement),
        .begin = self->used,
        .end = self->used,
    };

    g_array_append_val(self->runs, run);
    self->is_open = true;
    self->in_copy = true;
    self->sent = self->used;
    return true;
}

uint8_t *
copy_writer_reserve(CopyWriter *self, size_t n_bytes)
{
    if (self->size - self->used < n_bytes) {
        self->size = MAX(2 * self->size, self->used + MAX(n_bytes, 16 * PIECE_BYTES));
        self->rows = g_realloc(self->rows, self->size);
    }
    return self->rows + self->used;
}

bool
copy_writer_row(CopyWriter *self, const uint8_t *end, GError **error)
{
    self->used = (size_t) (end - self->rows);
    self->n_rows++;
    if (self->used - self->sent < PIECE_BYTES)
        return true;

    const size_t begin = self->sent;

    self->sent = self->used;
    return send_bytes(self->conn, self->rows + begin, self->used - begin, error);
}

/* --- a batch that was refused --- */

/* One COPY of rows [first, last), whose offsets stand in @starts, behind a savepoint
 * that is rolled back to when they are refused. */
static Answer
try_rows(CopyWriter *self, const char *statement, const GArray *starts, guint first,
         guint last, PGresult **refusal, GError **error)
{
    const size_t begin = g_array_index(starts, size_t, first);
    const size_t end = g_array_index(starts, size_t, last);
    g_autofree char *both = g_strconcat("SAVEPOINT part;", statement, NULL);

    if (!start_copy(self->conn, both, error) ||
        !send_bytes(self->conn, self->rows + begin, end - begin, error))
        return ANSWER_LOST;

    const Answer answer = end_copy(self->conn, refusal, error);
    const char *after =
        answer == ANSWER_OK ? "RELEASE part" : "ROLLBACK TO part; RELEASE part";

    if (answer != ANSWER_LOST && !db_exec(self->conn, after, error)) {
        if (error && *error)
            (*error)->code = DB_ERROR_LOST;
        return ANSWER_LOST;
    }
    return answer;
}

static void
refuse_row(CopyWriter *self, size_t begin, size_t end, const PGresult *result)
{
    CopyWriterRefusal refusal = { .at = begin, .n_bytes = end - begin };

    g_strlcpy(refusal.sqlstate, PQresultErrorField(result, PG_DIAG_SQLSTATE),
              sizeof(refusal.sqlstate));
    refusal.message =
        g_strdup(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) ?: "unknown");
    g_array_append_val(self->refusals, refusal);
}

/* Stores rows [first, last) but for the refused ones. */
static bool
store_halves(CopyWriter *self, const char *statement, const GArray *starts, guint first,
             guint last, GError **error)
{
    g_autoptr(PGresult) refusal = NULL;

    if (first == last)
        return true;

    switch (try_rows(self, statement, starts, first, last, &refusal, error)) {
    case ANSWER_OK:
        return true;
    case ANSWER_LOST:
        return false;
    case ANSWER_REFUSED:
        break;
    }

    if (last - first == 1) {
        refuse_row(self, g_array_index(starts, size_t, first),
                   g_array_index(starts, size_t, last), refusal);
        return true;
    }

    /* Depth: the logarithm of the rows in a batch. */
    const guint middle = first + (last - first) / 2;

    return store_halves(self, statement, starts, first, middle, error) &&
           store_halves(self, statement, starts, middle, last, error);
}

/* Where the rows of [begin, end) begin, and @end. */
static GArray *
find_starts(const CopyWriter *self, size_t begin, size_t end)
{
    GArray *starts = g_array_new(FALSE, FALSE, sizeof(size_t));

    for (size_t at = begin; at < end; at += copy_row_len(self->rows + at, end - at))
        g_array_append_val(starts, at);
    g_array_append_val(starts, end);
    return starts;
}

static bool
store_again(CopyWriter *self, GError **error)
{
    if (!db_exec(self->conn, "ROLLBACK; BEGIN", error)) {
        if (error && *error)
            (*error)->code = DB_ERROR_LOST;
        return false;
    }

    g_array_set_size(self->refusals, 0); /* they will be refused again */
    for (guint i = 0; i < self->runs->len; i++) {
        const Run *run = &g_array_index(self->runs, Run, i);
        g_autoptr(GArray) starts = find_starts(self, run->begin, run->end);

        if (!store_halves(self, run->statement, starts, 0, starts->len - 1, error))
            return false;
    }
    return true;
}

bool
copy_writer_finish(CopyWriter *self, GError **error)
{
    g_autoptr(PGresult) refusal = NULL;

    if (!self->in_copy)
        return true;

    self->in_copy = false;
    g_array_index(self->runs, Run, self->runs->len - 1).end = self->used;
    if (!send_bytes(self->conn, self->rows + self->sent, self->used - self->sent,
                    error))
        return false;

    self->sent = self->used;
    switch (end_copy(self->conn, &refusal, error)) {
    case ANSWER_OK:
        return true;
    case ANSWER_REFUSED:
        return store_again(self, error);
    default:
        return false;
    }
}

void
copy_writer_reset(CopyWriter *self)
{
    g_assert(!self->in_copy);

    if (self->size > KEPT_BYTES) {
        g_clear_pointer(&self->rows, g_free);
        self->size = 0;
    }
    self->used = 0;
    self->sent = 0;
    self->n_rows = 0;
    self->is_open = false;
    g_array_set_size(self->runs, 0);
    g_array_set_size(self->refusals, 0);
}

size_t
copy_writer_rows(const CopyWriter *self)
{
    return self->n_rows - self->refusals->len;
}

bool
copy_writer_is_copying(const CopyWriter *self)
{
    return self->in_copy;
}

size_t
copy_writer_n_refusals(const CopyWriter *self)
{
    return self->refusals->len;
}

const CopyWriterRefusal *
copy_writer_refusal(const CopyWriter *self, size_t index)
{
    g_assert(index < self->refusals->len);
    return &g_array_index(self->refusals, CopyWriterRefusal, index);
}

const uint8_t *
copy_writer_refusal_row(const CopyWriter *self, const CopyWriterRefusal *refusal)
{
    return self->rows + refusal->at;
}

bool
copy_writer_send_all(PGconn *conn, const char *statement, const uint8_t *rows,
                     size_t n_bytes, GError **error)
{
    g_autoptr(PGresult) refusal = NULL;

    if (n_bytes == 0)
        return true;
    if (!start_copy(conn, statement, error) || !send_bytes(conn, rows, n_bytes, error))
        return false;

    const Answer answer = end_copy(conn, &refusal, error);

    if (answer == ANSWER_REFUSED)
        set_lost(conn, refusal, statement, error);
    return answer == ANSWER_OK;
}
