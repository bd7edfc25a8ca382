/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ExplainText: all that is known of an incident, for people.
 *
 * Pure, so that golden texts can be compared: everything comes in ExplainFacts, the
 * text goes out.  Whatever names and reasons hold, nothing a terminal obeys is in
 * it. */

#include <glib.h>

#include "alert/evidence.h"
#include "alert/incident-store.h"
#include "drawing.h"

typedef struct {
    const Incident *incident;
    const Evidence *evidence; /* NULL = it cannot be read */
    const GArray *events;     /* of IncidentEvent */
    const GArray *findings;   /* of IncidentFinding */
    int64_t now_us;
    unsigned n_contacts; /* the newest contacts, and hours, in the tables */
    DrawingStyle style;
} ExplainFacts;

char *explain_text(const ExplainFacts *facts); /* (transfer full) */
