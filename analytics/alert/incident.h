/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Incident: what findings become.  Raised once and told once, however often a job
 * finds the same thing and wherever it is killed.
 *
 * Identity.  There is one unresolved incident per kind, host, peer group and port.  A
 * finding belongs to the incident of its kind and host whose peer group overlaps its
 * own (equal, wider or narrower) and whose port is the same; port 0 of protocol 0
 * means any port.  The incident then grows to the wider of the two, and others that
 * it covers by that are resolved into it, silently.  So a rotation over a /24 and
 * its members are one incident, and so are a burst to one port and a drip to any.
 * Several rules may find one incident, and each for several peers (table
 * alert_finding): what had the highest score within a day is shown.
 *
 * Events (table alert_event) are what happened to it, and `tell` says whether people
 * get a mail about it: incident-rules.h has the decisions.
 *
 * All functions work inside the caller's transaction, which must be READ COMMITTED;
 * they take locks that last until its end, so call them late in it.  The time is
 * the caller's.  Errors: DB_ERROR; the transaction is then to be rolled back. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "detect/finding.h"

typedef struct {
    int64_t alert_id;
    bool opened; /* or reopened */
    bool told;   /* an event was written that is mailed */
} IncidentRaised;

/* Opens or updates the incident that @finding belongs to.  @raised may be NULL. */
bool incident_raise(PGconn *conn, const Finding *finding, int64_t now_us,
                    IncidentRaised *raised, GError **error);

/* Resolves what @kind has not found since @found_before_us; call it after the raises
 * of the same run.  @n_resolved may be NULL. */
bool incident_resolve_stale(PGconn *conn, FindingKind kind, int64_t found_before_us,
                            int64_t now_us, unsigned *n_resolved, GError **error);

/* Acknowledged by @who, who may have said @note (or NULL).  An incident that is
 * muted or acknowledged already stays as it is, with the note; a resolved one is
 * DB_ERROR_REJECTED, as is one that is not there. */
bool incident_acknowledge(PGconn *conn, int64_t alert_id, const char *who,
                          const char *note, int64_t now_us, GError **error);
