/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/beacon-text.h"

#include <math.h>
#include <time.h>

#define HOUR_US INT64_C(3600000000)

static const char *const weekdays[] = {
    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
};

/* With a point, whatever the locale.  @format: "%.1f" and the like, alone. */
static void
append_number(GString *text, const char *before, const char *format, double value,
              const char *after)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append(text, before);
    g_string_append(text, g_ascii_formatd(digits, sizeof(digits), format, value));
    g_string_append(text, after);
}

/* "3 188" */
static void
append_count(GString *text, uint64_t count)
{
    g_autofree char *digits = g_strdup_printf("%" G_GUINT64_FORMAT, count);
    const size_t n = strlen(digits);

    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            g_string_append_c(text, ' ');
        g_string_append_c(text, digits[i]);
    }
}

static void
append_duration(GString *text, double seconds)
{
    if (seconds < 120)
        append_number(text, "", "%.1f", seconds, " s");
    else if (seconds < 120 * 60)
        append_number(text, "", "%.1f", seconds / 60, " min");
    else if (seconds < 96 * 3600)
        append_number(text, "", "%.1f", seconds / 3600, " h");
    else
        append_number(text, "", "%.1f", seconds / 86400, " days");
}

/* "Fri 18:38 UTC", or with the date if that is more than six days before @now_us. */
static void
append_moment(GString *text, int64_t moment_us, int64_t now_us)
{
    const time_t seconds = (time_t) (moment_us / 1000000);
    struct tm tm;

    if (!gmtime_r(&seconds, &tm)) {
        g_string_append(text, "an absurd time");
        return;
    }
    if (now_us - moment_us < 6 * 24 * HOUR_US)
        g_string_append(text, weekdays[tm.tm_wday]);
    else
        g_string_append_printf(text, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                               tm.tm_mday);
    g_string_append_printf(text, " %02d:%02d UTC", tm.tm_hour, tm.tm_min);
}

static void
append_octets(GString *text, double octets)
{
    if (octets < 10e3)
        append_number(text, "", "%.0f", octets, " B");
    else if (octets < 10e6)
        append_number(text, "", "%.1f", octets / 1e3, " kB");
    else
        append_number(text, "", "%.1f", octets / 1e6, " MB");
}

static void
append_rhythm(GString *text, const BeaconMeasure *measure)
{
    if (measure->test == BEACON_TEST_GROWING) {
        g_string_append(text, "at intervals that grow by a rule");
        return;
    }
    if (isnan(measure->period_sec)) {
        g_string_append(text, "at regular times");
        return;
    }
    g_string_append(text, "every ");
    append_duration(text, measure->period_sec);
    if (measure->is_symmetric)
        append_number(text, " (+-", "%.0f", measure->jitter_pct, " %)");
    else if (measure->jitter_pct >= 1)
        append_number(text, " (jitter about ", "%.0f", measure->jitter_pct, " %)");
    else if (measure->jitter_pct >= 0)
        g_string_append(text, " (by the clock)");
}

static void
append_contacts(GString *text, const ContactSeries *series,
                const BeaconMeasure *measure)
{
    g_string_append(text, ", ");
    append_count(text, measure->n_beats);
    g_string_append(text, " contacts in ");
    append_duration(text, (double) (measure->last_us - measure->first_us) / 1e6);
    g_string_append(text, " since ");
    append_moment(text, measure->first_us, series->to_us);
    g_string_append(text, ".");
    if (measure->missing_pct > 5)
        append_number(text, " About ", "%.0f", measure->missing_pct,
                      " % of the beats are missing.");
    if (measure->window == BEACON_WINDOW_SIZE)
        g_string_append(text, " Seen in the contacts of one upload size.");
    if (series->n_sessions > series->n_events) {
        g_string_append(text, " So many contacts that only the starts of ");
        append_count(text, series->n_events);
        g_string_append(text, " were kept.");
    }
}

static void
append_comparison(GString *text, const BeaconMeasure *measure, unsigned n_surrogates,
                  bool beats_surrogates)
{
    g_string_append(text, measure->beats_all ? " More regular than all "
                                             : " More regular than most of ");
    append_count(text, measure->n_compared);
    g_string_append(text, " comparison pairs of this size");
    if (n_surrogates > 0 && beats_surrogates)
        g_string_append_printf(text, " and than %u shuffles of itself", n_surrogates);
    else if (n_surrogates > 0)
        g_string_append(text, ", but not than every shuffle of itself");
    g_string_append(text, ".");
}

static void
append_context(GString *text, const ContactSeries *series, const Context *context)
{
    if (context->n_hosts > 1 && context->n_hosts_of_peer <= 1)
        g_string_append_printf(text, " No other of %u watched hosts talks to it.",
                               context->n_hosts);
    else if (context->n_hosts_of_peer > 1)
        g_string_append_printf(text, " %u of %u watched hosts talk to it.",
                               context->n_hosts_of_peer, context->n_hosts);
    if (context->pair_first_us > 0 && context->pair_first_us < series->to_us) {
        g_string_append(text, " First seen ");
        append_duration(text, (double) (series->to_us - context->pair_first_us) / 1e6);
        g_string_append(text, " ago.");
    }
    if (context->history_from_us > 0 && context->history_from_us < series->to_us &&
        series->to_us - context->history_from_us < 7 * 24 * HOUR_US) {
        g_string_append(text, " Stored history is only ");
        append_duration(text,
                        (double) (series->to_us - context->history_from_us) / 1e6);
        g_string_append(text, " long, so what is new or usual is not known yet.");
    }
    if (context->host_initiated_share < 0.05)
        g_string_append(text, " This host hardly ever initiates sessions.");
}

char *
beacon_text_explanation(const ContactSeries *series, const BeaconMeasure *measure,
                        const Context *context, unsigned n_surrogates,
                        bool beats_surrogates, const char *excuse)
{
    GString *text = g_string_new(NULL);

    append_rhythm(text, measure);
    append_contacts(text, series, measure);
    append_comparison(text, measure, n_surrogates, beats_surrogates);
    if (measure->size_median_octets > 0) {
        g_string_append(text, " Uploads ");
        append_octets(text, measure->size_median_octets);
        append_number(text, " +-", "%.0f", measure->size_spread_pct, " %.");
    }
    append_context(text, series, context);
    if (excuse)
        g_string_append_printf(text, " Not mailed: %s.", excuse);
    return g_string_free(text, FALSE);
}

static void
add_number(GString *json, const char *name, double value)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];

    /* JSON has no NaN and no infinity. */
    g_string_append_printf(json, "%s\"%s\": %s", json->len > 1 ? ", " : "", name,
                           isfinite(value)
                               ? g_ascii_formatd(digits, sizeof(digits), "%.9g", value)
                               : "null");
}

static void
add_time(GString *json, const char *name, int64_t value)
{
    g_string_append_printf(json, ", \"%s\": %" G_GINT64_FORMAT, name, value);
}

static void
add_word(GString *json, const char *name, const char *word)
{
    g_string_append_printf(json, ", \"%s\": \"%s\"", name, word);
}

static void
add_rhythm(GString *json, const BeaconMeasure *m)
{
    add_number(json, "period_sec", m->period_sec);
    add_number(json, "jitter_pct", m->jitter_pct);
    add_number(json, "jitter_both_sides", m->is_symmetric);
    add_number(json, "missing_pct", m->missing_pct);
    add_number(json, "noise_pct", m->noise_pct);
    add_number(json, "n_beats", (double) m->n_beats);
    add_number(json, "n_events", (double) m->n_events);
    add_word(json, "window", beacon_measure_window_name(m->window));
    add_word(json, "test", beacon_measure_test_name(m->test));
    add_number(json, "score_raw", m->raw);
    add_number(json, "rank", m->evidence);
    add_number(json, "burstiness_class", m->burstiness);
    add_number(json, "gap_variation", m->gap_variation);
    add_number(json, "n_compared", m->n_compared);
    add_number(json, "beats_all", m->beats_all);
    add_number(json, "lv", m->lv);
    add_number(json, "contrast", m->contrast);
    add_number(json, "coherence", m->coherence);
    add_number(json, "max_over_median", m->max_over_median);
    add_number(json, "mad_over_median", m->mad_over_median);
    add_number(json, "fano", m->fano);
    for (int t = 0; t < BEACON_N_TESTS; t++) {
        g_autofree char *name =
            g_strconcat("test_", beacon_measure_test_name((BeaconTest) t), NULL);

        add_number(json, name, m->windows[m->window].score[t]);
    }
    add_time(json, "first_us", m->first_us);
    add_time(json, "last_us", m->last_us);
}

char *
beacon_text_numbers(const ContactSeries *series, const BeaconMeasure *measure,
                    const Context *context, unsigned n_surrogates,
                    bool beats_surrogates)
{
    GString *json = g_string_new("{");

    add_rhythm(json, measure);
    add_number(json, "n_surrogates", n_surrogates);
    add_number(json, "beats_surrogates", beats_surrogates);
    add_number(json, "size_median_octets", measure->size_median_octets);
    add_number(json, "size_spread_pct", measure->size_spread_pct);
    add_number(json, "size_mode_share", measure->size_mode_share);
    add_number(json, "active_share", measure->active_share);
    add_number(json, "presence_share", measure->presence_share);
    add_number(json, "n_sessions", (double) series->n_sessions);
    add_number(json, "out_octets", (double) series->out_octets);
    add_number(json, "in_octets", (double) series->in_octets);
    add_number(json, "out_packets", (double) series->out_packets);
    add_number(json, "in_packets", (double) series->in_packets);
    add_number(json, "longest_sec", (double) series->longest_us / 1e6);
    add_number(json, "sampling", series->sampling);
    add_number(json, "n_hosts", context->n_hosts);
    add_number(json, "n_hosts_of_peer", context->n_hosts_of_peer);
    add_number(json, "n_hosts_of_peer_net", context->n_hosts_of_peer_net);
    add_number(json, "host_initiated_share", context->host_initiated_share);
    add_number(json, "host_new_nets_a_day", context->host_new_nets_a_day);
    add_number(json, "n_periodic_days", context->n_periodic_days);
    add_number(json, "learned_period_sec", context->learned_period_sec);
    add_number(json, "loss_share", context->loss_share);
    add_time(json, "history_from_us", context->history_from_us);
    add_time(json, "peer_first_us", context->peer_first_us);
    add_time(json, "pair_first_us", context->pair_first_us);
    add_time(json, "window_from_us", series->from_us);
    add_time(json, "window_to_us", series->to_us);
    g_string_append_c(json, '}');
    return g_string_free(json, FALSE);
}
