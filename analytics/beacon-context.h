/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* BeaconContext: what the database knows about candidates besides their contacts.
 *
 * Asked for candidates only, in one statement for all of them: rarity, age and learned
 * automation from contact_hour and periodic_day, role by host, loss by exporter. */

#include <libpq-fe.h>

#include "analytics-settings.h"
#include "beacon-scan.h"
#include "detect/context.h"

typedef struct BeaconContext BeaconContext;

/* Of the window [@from_us, @to_us), in which @n_hosts watched hosts were seen.  What is
 * configured as infrastructure is taken from @settings (lent). */
BeaconContext *beacon_context_new(const AnalyticsSettings *settings, int64_t from_us,
                                  int64_t to_us, uint32_t n_hosts);
void beacon_context_free(BeaconContext *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BeaconContext, beacon_context_free)

/* Loads what is known of @candidates (of BeaconCandidate), within a transaction of the
 * caller's, which it leaves a temporary table in.  Errors: DB_ERROR. */
bool beacon_context_load(BeaconContext *self, PGconn *conn, const GArray *candidates,
                         GError **error);

/* Of the candidate at @index, seen by @exporter_id (0 = unknown). */
Context beacon_context_of(const BeaconContext *self, guint index, int32_t exporter_id);

/* Exporters that lost more than @share of their flows in the window: calls @func. */
void beacon_context_each_loss(const BeaconContext *self, double share,
                              void (*func)(int32_t exporter_id, double share,
                                           void *user_data),
                              void *user_data);
