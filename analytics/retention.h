/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Retention: incidents and messages that are old enough are forgotten.
 *
 * Once a day, whoever calls how often; docs/schema.md says what stays how long.
 * Begins its own transaction.  Errors: DB_ERROR. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

/* A message is not given up before @retry_hours. */
bool retention_apply(PGconn *conn, unsigned retry_hours, int64_t now_us,
                     GError **error);
