/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Digest: one mail a day and recipient about what was not worth a mail of its own:
 * what is new, what goes on, what is over, what could not be mailed, and what could
 * not be seen.
 *
 * Exactly one: the moment up to which digests are written (housekeeping, task
 * "digest") moves in the transaction that writes them.  When nothing is new or over
 * and no mail was held or stuck, there is none: what merely goes on is no news.
 * Begins its own transaction.  Errors: DB_ERROR. */

#include "mail/compose.h"

bool digest_compose(PGconn *conn, const MailPolicy *policy, int64_t now_us,
                    ComposeCounts *counts, GError **error);
