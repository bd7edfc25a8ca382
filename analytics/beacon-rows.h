/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* BeaconRows: writes what the beacon job scored, learnt and could not see.
 *
 * All within the caller's transaction; a run replaces the scores of the run before.
 * Errors: DB_ERROR. */

#include <libpq-fe.h>
#include <stdbool.h>

#include "detect/finding.h"

/* Empties the scores of the last run over the same window: the short one, or the long
 * one of @sparse groups. */
bool beacon_rows_begin(PGconn *conn, bool sparse, GError **error);

/* One scored group.  The same group again, from another window: the higher score
 * stays. */
bool beacon_rows_add(PGconn *conn, const Finding *finding, bool sparse, int64_t now_us,
                     GError **error);

/* The group was regular on the day of @now_us, when its rank is @min_rank at least. */
bool beacon_rows_learn(PGconn *conn, const Finding *finding, double min_rank,
                       int64_t now_us, GError **error);

/* Scores beyond @n_max, and days that are no longer looked at. */
bool beacon_rows_tidy(PGconn *conn, unsigned n_max, int64_t now_us, GError **error);

/* What @job does not see of @exporter_id (0 = all of them). */
bool beacon_rows_blind(PGconn *conn, int32_t exporter_id, const char *reason,
                       int64_t now_us, GError **error);

/* Forgets what was not said again in this run. */
bool beacon_rows_blind_end(PGconn *conn, int64_t now_us, GError **error);
