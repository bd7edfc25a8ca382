/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* StatusAudit: checks the promise: what was received is stored once, or counted.
 *
 * For every exporter and minute that flow still holds, stored and refused rows
 * together are the rows that the rollup counted; and every collector's position is
 * sound.  Reads all of flow. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>

/* Prints what does not hold.  The exit status: CLI_FAILED when there was anything,
 * or with DB_ERROR. */
int status_audit(PGconn *conn, bool as_json, GError **error);
