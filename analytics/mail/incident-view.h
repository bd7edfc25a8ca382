/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* IncidentView: an incident as people see it, in plain text and in HTML, with its
 * pictures; what mail and report have alike.
 *
 * Pure: reads values only.  Times are UTC. */

#include <glib.h>

#include "alert/evidence.h"
#include "alert/incident-store.h"
#include "mail/chart.h"
#include "mail/html.h"
#include "mail/message.h"

typedef struct {
    const Incident *incident; /* lent, as is the next */
    const Evidence *evidence; /* NULL = could not be read */
    ChartData data;
    int64_t *starts_us;
    ChartHour *hours;
} IncidentView;

void incident_view_init(IncidentView *self, const Incident *incident,
                        const Evidence *evidence);
void incident_view_clear(IncidentView *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(IncidentView, incident_view_clear)

/* "servers 10.2.0.14 -> 203.0.113.51:443"; the arrow points to who was called
 * (transfer full). */
char *incident_view_pair(const Incident *incident);

/* "3 188 contacts", "1.2 GB" (transfer full). */
char *incident_view_magnitude(const char *kind, double magnitude);

/* "regularity 45, rarity 20, new 10 = 75"; NULL without terms (transfer full). */
char *incident_view_points(const IncidentView *self, double score);

/* The number in subjects: 0 to 100, never rounded up over a limit. */
int incident_view_score(double score);

/* Fills @pictures, which has room for CHART_N_KINDS, with what there is to draw, the
 * most telling first; returns their number. */
size_t incident_view_draw(const IncidentView *self, MessagePicture *pictures);

/* Table of terms: points, of how many, why. */
void incident_view_terms(const IncidentView *self, Html *html);

/* The same command wherever it stands (transfer full). */
char *incident_view_mute_command(const Incident *incident);
