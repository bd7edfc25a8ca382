/* SPDX-License-Identifier: Apache-2.0 */
#include "explain-text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alert-words.h"
#include "clock.h"
#include "human.h"
#include "printable.h"
#include "text-table.h"

#define INDENT     2
#define SMALL_PART 4                  /* of a window: a quarter */
#define MAX_WHOLE  9007199254740992.0 /* 2^53: all whole numbers up to it are exact */

static void
append_table(GString *to, const TextTable *table)
{
    g_autofree char *text = text_table_format(table, INDENT);

    g_string_append(to, text);
}

/* Words of @text in lines of @columns. */
static void
append_wrapped(GString *to, const char *text, unsigned columns)
{
    g_autofree char *shown = printable(text);
    g_auto(GStrv) words = g_strsplit(shown, " ", -1);
    size_t column = 0;

    for (size_t i = 0; words[i]; i++) {
        const size_t n = (size_t) g_utf8_strlen(words[i], -1);

        if (column > 0 && column + 1 + n > columns) {
            g_string_append_c(to, '\n');
            column = 0;
        }
        g_string_append_printf(to, "%*s%s", column ? 1 : INDENT, "", words[i]);
        column += n + (column ? 1 : INDENT);
    }
    g_string_append_c(to, '\n');
}

/* --- what it is --- */

static void
append_head(GString *to, const ExplainFacts *facts)
{
    const Incident *incident = facts->incident;
    g_autofree char *title = printable(incident->title);
    g_autofree char *opened = human_time(incident->opened_us);
    g_autofree char *found = human_ago(incident->found_us, facts->now_us);
    g_autofree char *told = human_time(incident->told_us);
    g_autofree char *resolved = human_time(incident->resolved_us);
    g_autofree char *first = human_time(incident->first_contact_us);
    g_autofree char *last = human_time(incident->last_contact_us);

    g_autofree char *group = printable(incident->host_group);
    g_autofree char *peers = alert_words_end(incident->peer_network, incident->port);

    g_string_append_printf(to, "%s\n\n", title);
    append_wrapped(to, incident->explanation, facts->style.columns);
    g_string_append_printf(to,
                           "\n  Alert %" G_GINT64_FORMAT
                           ": %s, severity %s, score %.0f of 100\n"
                           "  Host %s%s%s%s, peer %s\n"
                           "  Opened %s, last found %s; told %s\n"
                           "  Contacts from %s to %s (UTC)\n",
                           incident->id, incident->state, incident->severity,
                           incident->score, incident->host, *group ? " (" : "", group,
                           *group ? ")" : "", peers, opened, found,
                           incident->told_us ? told : "to nobody yet", first, last);
    if (incident->resolved_us > 0)
        g_string_append_printf(to, "  Resolved %s\n", resolved);
    if (incident->mute_id > 0) {
        g_autofree char *reason = printable(incident->mute_reason);
        g_autofree char *until = human_time(incident->mute_until_us);

        g_string_append_printf(to, "  Muted by m%" G_GINT64_FORMAT " %s%s: %s\n",
                               incident->mute_id,
                               incident->mute_until_us ? "until " : "for ever",
                               incident->mute_until_us ? until : "", reason);
    }
}

static void
append_points(GString *to, const Evidence *evidence)
{
    static const TextColumn columns[] = {
        { "POINTS", TEXT_COLUMN_RIGHT },
        { "OF", TEXT_COLUMN_RIGHT },
        { "FOR", TEXT_COLUMN_LEFT },
        { "BECAUSE", TEXT_COLUMN_LEFT },
    };
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));
    double sum = 0;

    for (size_t i = 0; i < evidence->n_terms; i++) {
        const EvidenceTerm *term = &evidence->terms[i];

        text_table_add_take(table, g_strdup_printf("%.3g", term->points));
        text_table_add_take(table, isnan(term->max_points)
                                       ? NULL
                                       : g_strdup_printf("%.3g", term->max_points));
        text_table_add(table, term->name);
        text_table_add(table, term->why);
        sum += isnan(term->points) ? 0 : term->points;
    }
    if (evidence->n_terms == 0)
        return;

    g_string_append(to, "\nPoints\n");
    append_table(to, table);
    g_string_append_printf(to, "  together %.0f\n", CLAMP(sum, 0, 100));
}

/* Whole numbers, octets for one, in full; moments as such. */
static char *
number_text(const EvidenceNumber *number)
{
    const double value = number->value;
    const bool is_whole = value == floor(value) && fabs(value) < MAX_WHOLE;

    if (number->text)
        return g_strdup(number->text);
    if (isnan(value))
        return g_strdup("-");
    if (is_whole && g_str_has_suffix(number->name, "_us"))
        return human_time((int64_t) value);
    return g_strdup_printf(is_whole ? "%.0f" : "%.6g", value);
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp((*(const EvidenceNumber *const *) a)->name,
                  (*(const EvidenceNumber *const *) b)->name);
}

/* By name, in two columns: down the first, then down the second. */
static void
append_numbers(GString *to, const Evidence *evidence)
{
    static const TextColumn columns[] = {
        { "NUMBER", TEXT_COLUMN_LEFT },
        { "VALUE", TEXT_COLUMN_LEFT },
        { "NUMBER", TEXT_COLUMN_LEFT },
        { "VALUE", TEXT_COLUMN_LEFT },
    };
    const EvidenceNumber *sorted[EVIDENCE_MAX_NUMBERS];
    const size_t n = MIN(evidence->n_numbers, (size_t) EVIDENCE_MAX_NUMBERS);
    const size_t n_rows = (n + 1) / 2;
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        sorted[i] = &evidence->numbers[i];
    qsort(sorted, n, sizeof(sorted[0]), compare_names);

    for (size_t i = 0; i < 2 * n_rows; i++) {
        const size_t at = i % 2 * n_rows + i / 2;

        text_table_add(table, at < n ? sorted[at]->name : NULL);
        text_table_add_take(table, at < n ? number_text(sorted[at]) : NULL);
    }
    g_string_append(to, "\nNumbers it rests on\n");
    append_table(to, table);
}

/* Only when there is more than what is shown already. */
static void
append_findings(GString *to, const ExplainFacts *facts)
{
    static const TextColumn columns[] = {
        { "RULE", TEXT_COLUMN_LEFT },        { "PEERS", TEXT_COLUMN_LEFT },
        { "SEVERITY", TEXT_COLUMN_LEFT },    { "SCORE", TEXT_COLUMN_RIGHT },
        { "LAST FOUND", TEXT_COLUMN_RIGHT }, { "SAYS", TEXT_COLUMN_LEFT },
    };
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    for (unsigned i = 0; i < facts->findings->len; i++) {
        const IncidentFinding *finding =
            &g_array_index(facts->findings, IncidentFinding, i);

        text_table_add(table, finding->rule);
        text_table_add_take(table,
                            alert_words_end(finding->peer_network, finding->port));
        text_table_add(table, finding->severity);
        text_table_add_take(table, g_strdup_printf("%.0f", finding->score));
        text_table_add_take(table, human_ago(finding->found_us, facts->now_us));
        text_table_add(table, finding->explanation);
    }
    if (facts->findings->len < 2)
        return;

    g_string_append(to, "\nFound by\n");
    append_table(to, table);
}

/* --- the pictures --- */

static void
append_drawing(GString *to, const char *title, char *taken)
{
    g_autofree char *drawing = taken;

    if (*drawing)
        g_string_append_printf(to, "\n%s\n%s", title, drawing);
}

/* The window; or, where contacts fill a small part of it only, or are not all there,
 * from the first to the last of them. */
static char *
draw_contacts(const Evidence *evidence, const DrawingStyle *style)
{
    const ContactEvent *events = evidence->events;
    const size_t n = evidence->n_events;

    if (n == 0)
        return g_strdup("");

    const int64_t first_us = events[0].start_us, last_us = events[n - 1].start_us;
    const bool is_small =
        (last_us - first_us) * SMALL_PART < evidence->to_us - evidence->from_us;
    const bool is_cut = n == FINDING_MAX_EVENTS;

    return drawing_contacts(events, n,
                            is_small || is_cut ? first_us : evidence->from_us,
                            is_small ? last_us : evidence->to_us, style);
}

static void
append_drawings(GString *to, const ExplainFacts *facts)
{
    const Evidence *evidence = facts->evidence;
    g_autofree char *contacts =
        g_strdup_printf("Contacts%s, a row from left to right, how many at its end",
                        evidence->n_events == FINDING_MAX_EVENTS
                            ? ", the newest of many"
                            : "");

    append_drawing(to, contacts, draw_contacts(evidence, &facts->style));
    append_drawing(to, "Intervals between them, and how many",
                   drawing_intervals(evidence->events, evidence->n_events,
                                     &facts->style));
    append_drawing(to, "Octets sent an hour; shaded: what was learnt as usual",
                   drawing_volume(evidence->hours, evidence->n_hours, &facts->style));
}

/* --- the contacts behind it --- */

static void
append_contacts(GString *to, const ExplainFacts *facts)
{
    static const TextColumn columns[] = { { "TIME (UTC)", TEXT_COLUMN_LEFT },
                                          { "AFTER", TEXT_COLUMN_RIGHT },
                                          { "OCTETS SENT", TEXT_COLUMN_RIGHT } };
    const Evidence *evidence = facts->evidence;
    const size_t n = MIN(evidence->n_events, facts->n_contacts);
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    for (size_t i = evidence->n_events - n; i < evidence->n_events; i++) {
        const ContactEvent *event = &evidence->events[i];

        text_table_add_take(table, human_time(event->start_us));
        text_table_add_take(
            table, i == 0
                       ? NULL
                       : g_strdup_printf("%.1f s",
                                         (double) (event->start_us -
                                                   evidence->events[i - 1].start_us) /
                                             US_PER_SEC));
        text_table_add_take(table,
                            g_strdup_printf("%" G_GUINT64_FORMAT, event->out_octets));
    }
    if (n == 0)
        return;

    g_string_append_printf(to, "\nNewest contacts (%u of %u)\n", (unsigned) n,
                           (unsigned) evidence->n_events);
    append_table(to, table);
}

static char *
band_text(double octets)
{
    return isnan(octets) ? NULL : human_count(octets);
}

static void
append_hours(GString *to, const ExplainFacts *facts)
{
    static const TextColumn columns[] = {
        { "HOUR (UTC)", TEXT_COLUMN_LEFT },   { "SENT", TEXT_COLUMN_RIGHT },
        { "RECEIVED", TEXT_COLUMN_RIGHT },    { "USUAL FROM", TEXT_COLUMN_RIGHT },
        { "USUAL UP TO", TEXT_COLUMN_RIGHT },
    };
    const Evidence *evidence = facts->evidence;
    const size_t n = MIN(evidence->n_hours, facts->n_contacts);
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    for (size_t i = evidence->n_hours - n; i < evidence->n_hours; i++) {
        const FindingHour *hour = &evidence->hours[i];

        text_table_add_take(table, human_time(hour->hour_us));
        text_table_add_take(table, human_count((double) hour->out_octets));
        text_table_add_take(table, human_count((double) hour->in_octets));
        text_table_add_take(table, band_text(hour->baseline_low_octets));
        text_table_add_take(table, band_text(hour->baseline_high_octets));
    }
    if (n == 0)
        return;

    g_string_append_printf(to, "\nOctets by the hour (newest %u of %u)\n", (unsigned) n,
                           (unsigned) evidence->n_hours);
    append_table(to, table);
}

/* --- what was done and what to do --- */

static void
append_history(GString *to, const ExplainFacts *facts)
{
    static const TextColumn columns[] = {
        { "WHEN (UTC)", TEXT_COLUMN_LEFT }, { "WHAT", TEXT_COLUMN_LEFT },
        { "SCORE", TEXT_COLUMN_RIGHT },     { "SEVERITY", TEXT_COLUMN_LEFT },
        { "MAIL", TEXT_COLUMN_LEFT },       { "BY", TEXT_COLUMN_LEFT },
        { "NOTE", TEXT_COLUMN_LEFT },
    };
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    for (unsigned i = 0; i < facts->events->len; i++) {
        const IncidentEvent *event = &g_array_index(facts->events, IncidentEvent, i);

        text_table_add_take(table, human_time(event->at_us));
        text_table_add(table, event->what);
        text_table_add_take(table, g_strdup_printf("%.0f", event->score));
        text_table_add(table, event->severity);
        text_table_add(table, !event->tell      ? NULL
                              : event->composed ? "written"
                                                : "to be written");
        text_table_add(table, event->who);
        text_table_add(table, event->note);
    }
    g_string_append(to, "\nHistory\n");
    append_table(to, table);
}

static void
append_advice(GString *to, const ExplainFacts *facts)
{
    const Incident *incident = facts->incident;
    const int64_t from_us = incident->first_contact_us;
    g_autofree char *since =
        g_strdup_printf("@%" G_GINT64_FORMAT, MAX(from_us / US_PER_SEC - 60, 0));

    g_string_append(to, "\nWhat to do now\n");
    g_string_append_printf(to,
                           "  All flows of the peer:     flowkeep export --since %s "
                           "--where-host %s -o alert-%" G_GINT64_FORMAT ".ipfix\n",
                           since, incident->peer, incident->id);
    if (g_str_equal(incident->state, "open"))
        g_string_append_printf(to,
                               "  You are looking into it:   flowkeep ack "
                               "%" G_GINT64_FORMAT " --note \"...\"\n",
                               incident->id);
    if (g_str_equal(incident->state, "muted"))
        g_string_append_printf(to,
                               "  It matters after all:      flowkeep unmute "
                               "m%" G_GINT64_FORMAT "\n",
                               incident->mute_id);
    else
        g_string_append_printf(to,
                               "  It is as it should be:     flowkeep mute "
                               "%" G_GINT64_FORMAT " --for 30d --reason \"...\"\n",
                               incident->id);
    append_wrapped(to,
                   g_str_equal(incident->kind, "beacon")
                       ? "Ask whoever runs the host which program calls there so "
                         "regularly; if nobody knows, look on the host (which process "
                         "has that connection) and block the peer meanwhile."
                       : "Ask whoever runs the host what was sent there and by whom; "
                         "if nobody knows, block the peer and keep the host's disk "
                         "and logs as they are.",
                   facts->style.columns);
}

char *
explain_text(const ExplainFacts *facts)
{
    GString *to = g_string_new(NULL);

    append_head(to, facts);
    if (facts->evidence) {
        append_points(to, facts->evidence);
        append_drawings(to, facts);
        append_contacts(to, facts);
        append_hours(to, facts);
        append_numbers(to, facts->evidence);
    } else {
        g_string_append(to, "\n  (its evidence cannot be read)\n");
    }
    append_findings(to, facts);
    append_history(to, facts);
    append_advice(to, facts);
    return g_string_free(to, FALSE);
}
