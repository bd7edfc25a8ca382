/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* IncidentStored: the incidents in the table that a finding belongs to, as far as is
 * needed to decide what becomes of them (incident.h has the rule).  Their rows are
 * locked until the end of the transaction. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "alert/incident-rules.h"

typedef struct {
    char id[24];
    IncidentScope scope;
    IncidentKnown known;
    double others_score; /* highest of its other findings, lately; NaN = none */
    double shown_score;
    bool is_fresh; /* what is shown is of this rule, and was written lately */
} IncidentStored;

/* Of what finding: texts are parameters of statements, lent. */
typedef struct {
    const char *kind;
    const char *host;
    const char *peers;
    const char *port;
    const char *protocol;
    const char *rule;
    const char *now; /* microseconds since 1970 */
} IncidentStoredOf;

/* Of IncidentStored: those that are not resolved, the one that takes the others in
 * first; or the one that is to be opened again; or none.  NULL with DB_ERROR. */
GArray *incident_stored_find(PGconn *conn, const IncidentStoredOf *of, GError **error);
