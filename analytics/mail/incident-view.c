/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/incident-view.h"

#include <math.h>
#include <string.h>

#include "mail/axis.h"

#define TCP 6

void
incident_view_init(IncidentView *self, const Incident *incident,
                   const Evidence *evidence)
{
    *self = (IncidentView){ .incident = incident, .evidence = evidence };
    if (!evidence)
        return;

    const double period_sec = evidence_number(evidence, "period_sec");

    self->starts_us = g_new(int64_t, evidence->n_events + 1);
    for (size_t i = 0; i < evidence->n_events; i++)
        self->starts_us[i] = evidence->events[i].start_us;
    self->hours = g_new(ChartHour, evidence->n_hours + 1);
    for (size_t i = 0; i < evidence->n_hours; i++)
        self->hours[i] =
            (ChartHour){ .hour_us = evidence->hours[i].hour_us,
                         .out_octets = (double) evidence->hours[i].out_octets,
                         .low_octets = evidence->hours[i].baseline_low_octets,
                         .high_octets = evidence->hours[i].baseline_high_octets };
    self->data = (ChartData){
        .from_us = evidence->from_us,
        .to_us = evidence->to_us,
        .starts_us = self->starts_us,
        .n_starts = evidence->n_events,
        .period_sec = isfinite(period_sec) && period_sec > 0 ? period_sec : 0,
        .hours = self->hours,
        .n_hours = evidence->n_hours,
    };
}

void
incident_view_clear(IncidentView *self)
{
    g_clear_pointer(&self->starts_us, g_free);
    g_clear_pointer(&self->hours, g_free);
}

static void
append_port(GString *to, const Incident *incident)
{
    const bool is_v6 = strchr(to->str, ':') != NULL;

    if (incident->port > 0)
        g_string_append_printf(to, "%s%d", is_v6 ? " port " : ":", incident->port);
    if (incident->protocol == 17)
        g_string_append(to, "/udp");
    else if (incident->protocol != 0 && incident->protocol != TCP)
        g_string_append_printf(to, "/protocol %d", incident->protocol);
}

char *
incident_view_pair(const Incident *incident)
{
    const bool peer_called = incident->initiator == CONTACT_BY_PEER;
    GString *host = g_string_new(incident->host);
    GString *peer = g_string_new(incident->peer_network);

    append_port(peer_called ? host : peer, incident);

    char *pair = g_strdup_printf("%s%s%s %s %s", incident->host_group,
                                 incident->host_group[0] ? " " : "", host->str,
                                 peer_called ? "<-" : "->", peer->str);
    g_string_free(host, TRUE);
    g_string_free(peer, TRUE);
    return pair;
}

char *
incident_view_magnitude(const char *kind, double magnitude)
{
    g_autofree char *count = NULL;

    if (g_str_equal(kind, "exfil"))
        return axis_octets(magnitude);
    count = axis_count(magnitude);
    return g_strdup_printf("%s contacts", count);
}

int
incident_view_score(double score)
{
    return (int) CLAMP(isfinite(score) ? score : 0, 0, 100);
}

char *
incident_view_points(const IncidentView *self, double score)
{
    const Evidence *evidence = self->evidence;
    GString *text = g_string_new(NULL);

    for (size_t i = 0; evidence && i < evidence->n_terms; i++) {
        if (fabs(evidence->terms[i].points) >= 0.5)
            g_string_append_printf(text, "%s%s %.0f", text->len ? ", " : "",
                                   evidence->terms[i].name, evidence->terms[i].points);
    }
    if (text->len == 0) {
        g_string_free(text, TRUE);
        return NULL;
    }
    g_string_append_printf(text, " = %d", incident_view_score(score));
    return g_string_free(text, FALSE);
}

size_t
incident_view_draw(const IncidentView *self, MessagePicture *pictures)
{
    static const ChartKind of_beacon[] = { CHART_CONTACTS, CHART_INTERVALS,
                                           CHART_VOLUMES };
    static const ChartKind of_exfil[] = { CHART_VOLUMES, CHART_CONTACTS };
    const bool is_exfil = g_str_equal(self->incident->kind, "exfil");
    const ChartKind *kinds = is_exfil ? of_exfil : of_beacon;
    const size_t n_kinds = is_exfil ? G_N_ELEMENTS(of_exfil) : G_N_ELEMENTS(of_beacon);
    size_t n = 0;

    for (size_t i = 0; i < n_kinds; i++) {
        GBytes *png = chart_draw(kinds[i], &self->data);

        if (png)
            pictures[n++] = (MessagePicture){ .name = chart_name(kinds[i]),
                                              .png = png,
                                              .alt = chart_alt(kinds[i], &self->data) };
    }
    return n;
}

#define CELL "style=\"padding:4px 12px 4px 0;vertical-align:top\""
#define RIGHT                                                                          \
    "style=\"padding:4px 12px 4px 0;vertical-align:top;text-align:right;"              \
    "white-space:nowrap\""
#define SOFT "style=\"padding:4px 0;vertical-align:top;color:#616e7c\""

void
incident_view_terms(const IncidentView *self, Html *html)
{
    const Evidence *evidence = self->evidence;

    if (!evidence || evidence->n_terms == 0)
        return;
    html_begin(html, "table",
               "role=\"presentation\" style=\"border-collapse:collapse;"
               "font-size:14px;margin:12px 0\"");
    for (size_t i = 0; i < evidence->n_terms; i++) {
        const EvidenceTerm *term = &evidence->terms[i];

        html_begin(html, "tr", NULL);
        html_element(html, "td", CELL, term->name);
        html_begin(html, "td", RIGHT);
        html_format(html, "%.0f", term->points);
        if (term->max_points > 0)
            html_format(html, " of %.0f", term->max_points);
        html_end(html);
        html_element(html, "td", SOFT, term->why);
        html_end(html);
    }
    html_end(html);
}

char *
incident_view_mute_command(const Incident *incident)
{
    return g_strdup_printf("flowkeep mute %" G_GINT64_FORMAT
                           " --for 30d --reason \"...\"",
                           incident->id);
}
