/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Dispatch: sends what is due in the outbox, one message after the other.
 *
 * The caller sees to it that there is one at a time, in whatever process.  What
 * became of each message is committed before the next.  A server that cannot be
 * reached ends the run after one attempt, and all messages wait.  When the database
 * goes away while the server answers, what it answered is recorded as soon as the
 * database is back.  Blocks. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "mail/smtp.h"

/* All lent. */
typedef struct {
    const SmtpOptions *smtp;
    const char *from;
    unsigned retry_hours;
    const char *conninfo; /* to get the database back */
    unsigned connect_timeout_sec;
    bool (*should_stop)(void); /* asked between messages; may be NULL */
} DispatchOptions;

typedef struct {
    uint64_t n_sent;
    uint64_t n_refused;
    uint64_t n_later;
} DispatchCounts;

/* Errors: DB_ERROR, G_FILE_ERROR (the password).  A mail server that fails is none: it
 * stands in the outbox. */
bool dispatch_run(PGconn *conn, const DispatchOptions *options, int64_t now_us,
                  DispatchCounts *counts, GError **error);
