/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* BaselineRows: what was learnt of a host and of its networks, to the tables of
 * sql/migrations/0008-baseline.sql and back; and the configured services in SQL.
 *
 * Works in the caller's transaction.  Errors: DB_ERROR. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "analytics-settings.h"
#include "detect/exfil-learn.h"

/* Three array literals, of one length, for flowkeep.baseline_settle(). */
typedef struct {
    char *networks;
    char *ports;
    char *protocols;
} BaselineServices;

void baseline_rows_services(const AnalyticsSettings *settings,
                            BaselineServices *services);
void baseline_rows_services_clear(BaselineServices *services);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BaselineServices, baseline_rows_services_clear)

/* Whether a session with @key is that of a configured service. */
bool baseline_rows_is_service(const AnalyticsSettings *settings, const ContactKey *key);

/* Replaces the row of @host. */
bool baseline_rows_write(PGconn *conn, const IpAddress *host,
                         const ExfilBaseline *baseline, int64_t now_us, GError **error);

/* Nothing learnt, and true, when there is no row. */
bool baseline_rows_read(PGconn *conn, const IpAddress *host, ExfilBaseline *baseline,
                        GError **error);

/* A network as cidr: "203.0.112.0/20" (transfer full). */
char *baseline_rows_network(const IpAddress *network, unsigned bits);

/* A timestamptz as SQL takes it, from microseconds (transfer full). */
char *baseline_rows_time(int64_t unix_us);
