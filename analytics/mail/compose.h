/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Compose: changes of incidents become messages in the outbox, one a recipient, each
 * exactly once: the messages and the mark on the change are one transaction.
 *
 * Without recipients nothing is composed and the changes wait; those older than
 * `retry_hours` are then told to nobody.  A muted incident is not told.  Over the cap a
 * message is held: the next one of its kind to that recipient, and the digest, say how
 * many.  Begins its own transactions.  Errors: DB_ERROR. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdint.h>

#include "mail/routing.h"

typedef struct {
    uint64_t n_read;     /* changes looked at */
    uint64_t n_composed; /* messages to be sent */
    uint64_t n_held;
} ComposeCounts;

bool compose_alerts(PGconn *conn, const MailPolicy *policy, int64_t now_us,
                    ComposeCounts *counts, GError **error);
