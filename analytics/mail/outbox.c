/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/outbox.h"

#include "clock.h"
#include "db.h"
#include "mail/sql-time.h"
#include "pg-cell.h"

#define FIRST_WAIT_US (60 * US_PER_SEC)
#define MAX_WAIT_US   (3600 * US_PER_SEC)
#define HOUR_US       (3600 * US_PER_SEC)

int64_t
outbox_next_attempt_us(int attempts, int64_t created_us, int64_t now_us,
                       unsigned retry_hours)
{
    int64_t wait_us = FIRST_WAIT_US;

    for (int i = 1; i < attempts && wait_us < MAX_WAIT_US; i++)
        wait_us *= 2;
    if (now_us - created_us >= retry_hours * HOUR_US)
        return 0;
    return now_us + MIN(wait_us, MAX_WAIT_US);
}

void
outbox_due_free(OutboxDue *self)
{
    if (!self)
        return;
    g_free(self->address);
    g_clear_pointer(&self->message, g_bytes_unref);
    g_free(self);
}

static char *
number_text(int64_t number)
{
    return g_strdup_printf("%" G_GINT64_FORMAT, number);
}

bool
outbox_add(PGconn *conn, const OutboxMessage *message, int64_t now_us, GError **error)
{
    size_t n_bytes = 0;
    const char *bytes =
        message->message ? g_bytes_get_data(message->message, &n_bytes) : "";
    g_autofree char *alert = number_text(message->alert_id);
    g_autofree char *event = number_text(message->alert_event_id);
    g_autofree char *now = sql_time(now_us);
    const char *const values[] = { message->message_id,
                                   message->kind,
                                   message->alert_id ? alert : NULL,
                                   message->alert_event_id ? event : NULL,
                                   message->recipient,
                                   message->address,
                                   message->subject,
                                   bytes ? bytes : "",
                                   message->is_held ? "held" : "pending",
                                   now };
    const int lengths[G_N_ELEMENTS(values)] = { [7] = (int) n_bytes };
    const int formats[G_N_ELEMENTS(values)] = { [7] = 1 };
    g_autoptr(PGresult) result = PQexecParams(
        conn,
        "INSERT INTO flowkeep.outbox (message_id, kind, alert_id, alert_event_id,"
        " recipient, address, subject, message, state, next_attempt_at, created_at)"
        " VALUES ($1, $2, $3::bigint, $4::bigint, $5, $6, $7, $8::bytea, $9,"
        " to_timestamp($10), to_timestamp($10))"
        " ON CONFLICT (message_id) DO NOTHING",
        G_N_ELEMENTS(values), NULL, values, lengths, formats, 0);

    return PQresultStatus(result) == PGRES_COMMAND_OK ||
           db_error_set(error, conn, result, "writing a message to the outbox");
}

#define IS_DUE "state IN ('pending', 'sending') AND next_attempt_at <= to_timestamp($1)"

/* Binary, for the sake of the message. */
OutboxDue *
outbox_next(PGconn *conn, int64_t now_us, GError **error)
{
    g_autofree char *now = sql_time(now_us);
    const char *const values[] = { now };
    g_autoptr(PGresult) rows = PQexecParams(
        conn,
        "SELECT id::text, attempts::text,"
        " (extract(epoch FROM created_at) * 1000000)::bigint::text, address, message"
        " FROM flowkeep.outbox WHERE " IS_DUE
        " ORDER BY attempts, next_attempt_at, id LIMIT 1",
        G_N_ELEMENTS(values), NULL, values, NULL, NULL, 1);

    if (PQresultStatus(rows) != PGRES_TUPLES_OK) {
        db_error_set(error, conn, rows, "reading the outbox");
        return NULL;
    }
    if (PQntuples(rows) == 0)
        return NULL;

    OutboxDue *due = g_new0(OutboxDue, 1);
    due->id = pg_cell_int(rows, 0, 0);
    due->attempts = (int) pg_cell_int(rows, 0, 1);
    due->created_us = pg_cell_int(rows, 0, 2);
    due->address = g_strdup(PQgetvalue(rows, 0, 3));
    due->message =
        g_bytes_new(PQgetvalue(rows, 0, 4), (size_t) PQgetlength(rows, 0, 4));
    return due;
}

bool
outbox_has_due(PGconn *conn, int64_t now_us, bool *has_due, GError **error)
{
    g_autofree char *now = sql_time(now_us);
    const char *const values[] = { now };
    g_autoptr(PGresult) rows =
        db_query(conn, "looking into the outbox",
                 "SELECT EXISTS (SELECT FROM flowkeep.outbox WHERE " IS_DUE ")",
                 G_N_ELEMENTS(values), values, error);

    if (!rows)
        return false;
    *has_due = pg_cell_bool(rows, 0, 0);
    return true;
}

/* Runs @sql with the message's number, @text and @us as $1 to $3. */
static bool
mark(PGconn *conn, const char *sql, int64_t id, const char *text, int64_t us,
     GError **error)
{
    g_autofree char *number = number_text(id);
    g_autofree char *time = sql_time(us);
    const char *const values[] = { number, text, time };
    g_autoptr(PGresult) result = db_query(conn, "noting what became of a message", sql,
                                          G_N_ELEMENTS(values), values, error);

    return result != NULL;
}

bool
outbox_mark_sending(PGconn *conn, int64_t id, int64_t now_us, GError **error)
{
    return mark(conn,
                "UPDATE flowkeep.outbox SET state = 'sending', last_error = $2,"
                " next_attempt_at = to_timestamp($3) WHERE id = $1::bigint",
                id, NULL, now_us + OUTBOX_GRACE_SEC * US_PER_SEC, error);
}

bool
outbox_mark_sent(PGconn *conn, int64_t id, const char *said, int64_t now_us,
                 GError **error)
{
    return mark(conn,
                "UPDATE flowkeep.outbox SET state = 'sent', attempts = attempts + 1,"
                " last_error = $2, sent_at = to_timestamp($3)"
                " WHERE id = $1::bigint",
                id, said, now_us, error);
}

bool
outbox_mark_refused(PGconn *conn, int64_t id, const char *said, GError **error)
{
    return mark(conn,
                "UPDATE flowkeep.outbox SET state = 'refused', attempts = attempts + 1,"
                " last_error = $2 WHERE id = $1::bigint AND $3::float8 = 0",
                id, said, 0, error);
}

bool
outbox_mark_later(PGconn *conn, int64_t id, const char *said, int64_t next_us,
                  GError **error)
{
    return mark(conn,
                "UPDATE flowkeep.outbox SET state = 'pending', attempts = attempts + 1,"
                " last_error = $2, next_attempt_at = to_timestamp($3)"
                " WHERE id = $1::bigint",
                id, said, next_us, error);
}

bool
outbox_put_off(PGconn *conn, const char *said, int64_t now_us, int64_t next_us,
               GError **error)
{
    g_autofree char *now = sql_time(now_us);
    g_autofree char *next = sql_time(next_us);
    const char *const values[] = { now, said, next };
    g_autoptr(PGresult) result =
        db_query(conn, "putting off what is in the outbox",
                 "UPDATE flowkeep.outbox SET attempts = attempts + 1, last_error = $2,"
                 " next_attempt_at = to_timestamp($3) WHERE " IS_DUE,
                 G_N_ELEMENTS(values), values, error);

    return result != NULL;
}
