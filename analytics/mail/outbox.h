/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Outbox: the messages that are to be sent, as stored.  A message exists once per
 * Message-ID, which follows from what it is about.
 *
 *   pending --> sending --> sent
 *      ^  \________|\_____> refused       held (over a cap; never sent)
 *      |___________|
 *
 * "sending" is committed before the last bytes of a message go to the server: while
 * it is pending, no server has taken it.  A message whose sender died in "sending"
 * may have been taken or not; it is tried again after OUTBOX_GRACE_SEC, under the
 * same Message-ID.
 *
 * outbox_add() is for the caller's transaction; the rest is one statement, committed
 * by itself.  Times are the caller's.  Errors: DB_ERROR. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

/* As long as a sender can possibly be busy with the last bytes of one message and
 * with getting its database back: smtp.h's SMTP_LAST_ANSWER_SEC and OUTBOX_RECORD_SEC
 * (dispatch.c). */
enum { OUTBOX_GRACE_SEC = 1500 };

typedef struct {
    const char *message_id; /* without < > */
    const char *kind;       /* "alert", "digest", "test" */
    int64_t alert_id;       /* 0 = none, likewise the next */
    int64_t alert_event_id;
    const char *recipient;
    const char *address;
    const char *subject;
    GBytes *message;
    bool is_held;
} OutboxMessage;

/* Does nothing when there is one of that Message-ID. */
bool outbox_add(PGconn *conn, const OutboxMessage *message, int64_t now_us,
                GError **error);

/* One that is due. */
typedef struct {
    int64_t id;
    int attempts; /* made before */
    int64_t created_us;
    char *address;
    GBytes *message;
} OutboxDue;

void outbox_due_free(OutboxDue *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OutboxDue, outbox_due_free)

/* The one to send next, those tried least first (transfer full); NULL without an
 * error when none is due. */
OutboxDue *outbox_next(PGconn *conn, int64_t now_us, GError **error);
bool outbox_has_due(PGconn *conn, int64_t now_us, bool *has_due, GError **error);

/* What became of one; @said is the server's last words. */
bool outbox_mark_sending(PGconn *conn, int64_t id, int64_t now_us, GError **error);
bool outbox_mark_sent(PGconn *conn, int64_t id, const char *said, int64_t now_us,
                      GError **error);
bool outbox_mark_refused(PGconn *conn, int64_t id, const char *said, GError **error);
bool outbox_mark_later(PGconn *conn, int64_t id, const char *said, int64_t next_us,
                       GError **error);

/* No message got through to the server: all that are due wait until @next_us. */
bool outbox_put_off(PGconn *conn, const char *said, int64_t now_us, int64_t next_us,
                    GError **error);

/* When to try again after the @attempts-th attempt: a minute, doubling up to an
 * hour.  0 = not at all: it was created @retry_hours ago. */
int64_t outbox_next_attempt_us(int attempts, int64_t created_us, int64_t now_us,
                               unsigned retry_hours);
