/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/dispatch.h"

#include "clock.h"
#include "db.h"
#include "mail/outbox.h"

#define RECORD_SEC      600 /* how long to try to record what became of a message */
#define RECORD_PAUSE_US (2 * US_PER_SEC)

G_STATIC_ASSERT(SMTP_LAST_ANSWER_SEC + RECORD_SEC < OUTBOX_GRACE_SEC);

typedef struct {
    PGconn *conn;
    const DispatchOptions *options;
    int64_t offset_us; /* of the run's time from the monotonic clock */
    int64_t id;        /* of the message under way */
    GError *db_error;  /* from before_end() */
} Dispatch;

static int64_t
now(const Dispatch *self)
{
    return clock_mono_us() + self->offset_us;
}

static bool
before_end(void *user_data)
{
    Dispatch *self = user_data;

    return outbox_mark_sending(self->conn, self->id, now(self), &self->db_error);
}

static bool
record(Dispatch *self, PGconn *conn, const OutboxDue *due, SmtpResult result,
       const char *said, DispatchCounts *counts, GError **error)
{
    const int64_t next_us =
        outbox_next_attempt_us(due->attempts + 1, due->created_us, now(self),
                               self->options->retry_hours);
    g_autofree char *given_up =
        g_strdup_printf("given up after %u hours; the last time: %s",
                        self->options->retry_hours, said);

    if (result == SMTP_TAKEN) {
        counts->n_sent++;
        return outbox_mark_sent(conn, due->id, said, now(self), error);
    }
    if (result == SMTP_REFUSED || next_us == 0) {
        counts->n_refused++;
        return outbox_mark_refused(conn, due->id,
                                   result == SMTP_REFUSED ? said : given_up, error);
    }
    counts->n_later++;
    if (result == SMTP_UNREACHABLE)
        return outbox_put_off(conn, said, now(self), next_us, error);
    return outbox_mark_later(conn, due->id, said, next_us, error);
}

/* The server has answered: that must not be lost with the connection to the
 * database. */
static bool
record_at_last(Dispatch *self, const OutboxDue *due, SmtpResult result,
               const char *said, DispatchCounts *counts, GError **error)
{
    const int64_t until_us = clock_mono_us() + RECORD_SEC * US_PER_SEC;
    const DispatchCounts before = *counts;
    g_autoptr(GError) failure = NULL;

    if (record(self, self->conn, due, result, said, counts, &failure))
        return true;
    while (g_error_matches(failure, DB_ERROR, DB_ERROR_LOST) &&
           clock_mono_us() < until_us) {
        g_usleep(RECORD_PAUSE_US);
        g_autoptr(PGconn) conn =
            db_connect(self->options->conninfo, "flowkeep-analytics", false,
                       self->options->connect_timeout_sec, NULL);

        if (!conn)
            continue;
        g_clear_error(&failure);
        *counts = before;
        if (record(self, conn, due, result, said, counts, &failure)) {
            /* The lock went with the old connection: the run is over. */
            g_set_error(error, DB_ERROR, DB_ERROR_LOST,
                        "the database was away while a message was sent; that it was "
                        "is recorded");
            return false;
        }
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

/* @goes_on: whether the next message may be tried. */
static bool
send_one(Dispatch *self, Smtp *smtp, const OutboxDue *due, bool *goes_on,
         DispatchCounts *counts, GError **error)
{
    g_autofree char *said = NULL;

    self->id = due->id;
    const SmtpResult result = smtp_send(smtp, self->options->from, due->address,
                                        due->message, before_end, self, &said);
    if (self->db_error) {
        g_propagate_error(error, g_steal_pointer(&self->db_error));
        return false;
    }
    *goes_on = result != SMTP_UNREACHABLE && result != SMTP_BROKEN;
    return record_at_last(self, due, result, said, counts, error);
}

bool
dispatch_run(PGconn *conn, const DispatchOptions *options, int64_t now_us,
             DispatchCounts *counts, GError **error)
{
    Dispatch self = { .conn = conn,
                      .options = options,
                      .offset_us = now_us - clock_mono_us() };
    g_autoptr(Smtp) smtp = smtp_new(options->smtp, error);
    bool goes_on = smtp != NULL;

    if (!smtp)
        return false;
    while (goes_on && !(options->should_stop && options->should_stop())) {
        g_autoptr(GError) failure = NULL;
        g_autoptr(OutboxDue) due = outbox_next(conn, now(&self), &failure);

        if (!due && !failure)
            return true;
        if (!due) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        if (!send_one(&self, smtp, due, &goes_on, counts, error))
            return false;
    }
    return true;
}
