/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/exfil-rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/exfil-text.h"
#include "stats/quantile.h"

#define SEASON_Z      6.0 /* beyond it a known network may be told of */
#define GROWTH        3   /* a known network may get so many times its largest day */
#define VOLUME_POINTS 55.0

#define PUBLISHES_POINTS 20.0

#define SPREAD_PEERS 3 /* addresses that make a rotation */

#define DRIP_MIN_DAYS      3
#define DRIP_VOLUME_POINTS 40.0
#define PERSISTENCE_POINTS 25.0
#define PERSISTENCE_DAYS   7.0

#define FLIP_MIN    0.5
#define FLIP_POINTS 10.0

#define CHUNKS_MIN     6
#define CHUNK_SPREAD   0.1  /* of the sizes: MAD over median */
#define CHUNK_EVENNESS 0.25 /* of the gaps, likewise */
#define CHUNK_POINTS   25.0

#define CHANNEL_POINTS        45.0
#define CHANNEL_VOLUME_POINTS 25.0

static uint64_t
times(uint64_t octets, uint64_t factor)
{
    return octets > UINT64_MAX / factor ? UINT64_MAX : octets * factor;
}

/* --- sentences --- */

/* "sent 6.2 GB within 2 hours (got 61 MB)" */
static GString *
say_volume(const ExfilCase *exfil)
{
    g_autofree char *out = exfil_text_octets((double) exfil->sum.out_octets);
    g_autofree char *in = exfil_text_octets((double) exfil->sum.in_octets);
    GString *text = g_string_new(NULL);

    g_string_printf(text, "sent %s within %zu %s, got %s back", out, exfil->n_hours,
                    exfil->n_hours == 1 ? "hour" : "hours", in);
    return text;
}

static void
say_age(const ExfilCase *exfil, GString *text)
{
    g_autofree char *since = exfil_text_time(exfil->pair_first_us);
    g_autofree char *age =
        exfil_text_span(exfil->window->now_us - exfil->pair_first_us);

    g_string_append_printf(text, ", network first seen %s (%s ago)", since, age);
}

/* What is usual, or that nobody knows yet. */
static void
say_usual(const ExfilCase *exfil, GString *text)
{
    const size_t place = exfil_learn_week_hour(exfil->window->from_us +
                                               (int64_t) exfil->hour * EXFIL_HOUR_US);
    const double usual = exfil->baseline->hour_median[place] +
                         1.645 * exfil->baseline->hour_spread[place];

    if (!exfil->is_warm) {
        g_string_append_printf(
            text,
            ". This host is known for %.1f of the %u days that learning takes: only "
            "the limits that are set decide",
            exfil->host_days, exfil->policy->warm_up_days);
        return;
    }
    if (!isnan(usual)) {
        g_autofree char *most = exfil_text_octets((double) exfil_learn_octets(usual));

        g_string_append_printf(
            text,
            ". Usual for this host at this hour of the week: at most %s to all "
            "networks together (95 %%)",
            most);
    }

    g_autofree char *habit =
        exfil_text_octets((double) exfil->baseline->new_peer_octets);
    g_string_append_printf(text, "; to a new network in a day: %s%s",
                           exfil->baseline->new_peer_octets ? "at most " : "",
                           exfil->baseline->new_peer_octets ? habit
                                                            : "next to nothing");
}

static void
end_text(Finding *finding, GString *text)
{
    g_string_append_c(text, '.');
    finding->explanation = g_string_free(text, FALSE);
}

/* --- volume: burst, rotation, single session --- */

/* What a network must get beyond what it sends, to be told of; 0 = never mind. */
static uint64_t
burst_limit(const ExfilCase *exfil)
{
    if (!exfil->is_warm || exfil->is_new)
        return exfil->new_limit;
    if (exfil_case_season_z(exfil) < SEASON_Z)
        return 0;
    return MAX(exfil->policy->any_peer_octets, times(exfil->pair_day_octets, GROWTH));
}

static Finding *
volume_finding(const ExfilCase *exfil, const char *rule, uint64_t octets,
               uint64_t limit, const char *words)
{
    Finding *finding = exfil_case_finding(exfil, rule);
    GString *text = say_volume(exfil);
    g_autofree char *limit_text = exfil_text_octets((double) limit);
    g_autofree char *limit_why = g_strdup_printf("the limit of %s here", limit_text);

    g_string_append(text, words);
    say_age(exfil, text);
    say_usual(exfil, text);
    exfil_case_add_volume(exfil, finding, octets, limit, VOLUME_POINTS, limit_why);
    exfil_case_add_direction(exfil, finding, &exfil->sum);
    exfil_case_add_new(exfil, finding, 7);
    exfil_case_add_season(exfil, finding);
    exfil_case_add_context(exfil, finding);
    end_text(finding, text);
    return finding;
}

static bool
is_spread(const ExfilCase *exfil)
{
    return !exfil->is_one_peer && exfil->group->n_large_peers >= SPREAD_PEERS;
}

static Finding *
look_for_burst(const ExfilCase *exfil)
{
    const uint64_t octets = exfil_window_surplus(&exfil->sum);
    const uint64_t limit = burst_limit(exfil);

    if (limit == 0 || octets < limit || is_spread(exfil))
        return NULL;
    return volume_finding(exfil, "burst", octets, limit, "");
}

static Finding *
look_for_rotation(const ExfilCase *exfil)
{
    const uint64_t octets = exfil_window_surplus(&exfil->sum);
    const uint64_t limit = burst_limit(exfil);

    if (limit == 0 || octets < limit || !is_spread(exfil))
        return NULL;

    g_autofree char *words =
        g_strdup_printf(", spread over %zu addresses of one network",
                        exfil->group->n_peers);
    return volume_finding(exfil, "rotation", octets, limit, words);
}

/* A published service that one network takes far more of than any did. */
static Finding *
look_for_served(const ExfilCase *exfil)
{
    const uint64_t limit = MAX(exfil->policy->any_peer_octets,
                               times(exfil->baseline->served_octets, GROWTH));
    const uint64_t octets = exfil_window_surplus(&exfil->served);

    if (!exfil->is_warm || octets < limit || exfil_case_season_z(exfil) < SEASON_Z)
        return NULL;

    ExfilCase served = *exfil;
    served.sum = exfil->served;
    served.is_one_peer = exfil->group->n_peers == 1;

    Finding *finding = volume_finding(&served, "burst", octets, limit,
                                      " to callers of a service that it publishes");
    finding->magnitude = (double) exfil->served.out_octets;
    finding_add_term(finding, "publishes", -PUBLISHES_POINTS, -PUBLISHES_POINTS,
                     "answering many networks is what this service is for");
    return finding;
}

static Finding *
look_for_single_session(const ExfilCase *exfil)
{
    const ExfilUpload *largest = &exfil->group->largest;
    const uint64_t octets =
        MIN(largest->event.out_octets, exfil_window_surplus(&exfil->sum));
    uint64_t limit = MAX(exfil->policy->session_octets, exfil->new_limit);

    if (exfil->is_warm && !exfil->is_new)
        limit = MAX(limit, times(exfil->pair_day_octets, GROWTH));
    if (exfil->publishes_anything || octets < limit)
        return NULL;

    g_autofree char *size = exfil_text_octets((double) largest->event.out_octets);
    g_autofree char *when = exfil_text_time(largest->event.start_us);
    g_autofree char *words = g_strdup_printf(
        ", %s of it in one session that began %s, from a host that publishes nothing",
        size, when);
    return volume_finding(exfil, "single-session", octets, limit, words);
}

/* --- drip --- */

typedef struct {
    ExfilDrip measure;
    bool is_new; /* the network, within the month */
    bool is_old; /* was there when the host was first seen */
} Drip;

static Drip
measure_drip(const ExfilCase *exfil)
{
    const double warm_up_days = exfil->policy->warm_up_days;
    ExfilSum days[EXFIL_DAYS];
    Drip drip = { 0 };

    memcpy(days, exfil->group->days, sizeof(days));
    for (size_t i = 0; !exfil->publishes_anything && i < EXFIL_DAYS; i++)
        exfil_window_sum(&days[i], exfil->group->served[i].out_octets,
                         exfil->group->served[i].in_octets);

    drip.is_old = exfil->pair_days >= warm_up_days &&
                  exfil->host_days - exfil->pair_days < warm_up_days;
    drip.is_new = exfil->is_warm && !drip.is_old && exfil->pair_days <= EXFIL_MONTH;
    drip.measure =
        exfil_drip_measure(days, (size_t) CLAMP(exfil->pair_days, 0, EXFIL_DAYS),
                           drip.is_new || !exfil->is_warm,
                           exfil->is_warm ? (double) exfil->baseline->network_day_octets
                                          : 0);
    return drip;
}

static void
add_persistence(Finding *finding, const ExfilDrip *drip)
{
    const double share = fmin((double) drip->n_days / PERSISTENCE_DAYS, 1);

    if (drip->cusum.sum >= EXFIL_DRIP_LIMIT)
        finding_add_term(finding, "persistence", PERSISTENCE_POINTS * share,
                         PERSISTENCE_POINTS,
                         "%zu of 30 days, a lasting rise: CUSUM %.1f, the limit is "
                         "%.0f",
                         drip->n_days, drip->cusum.sum, EXFIL_DRIP_LIMIT);
    else
        finding_add_term(finding, "persistence", PERSISTENCE_POINTS / 2 * share,
                         PERSISTENCE_POINTS, "%zu of 30 days", drip->n_days);
}

static char *
drip_numbers(const ExfilDrip *drip)
{
    GString *json = g_string_new(NULL);

    exfil_text_count(json, "month_out_octets", drip->sum.out_octets);
    exfil_text_count(json, "month_in_octets", drip->sum.in_octets);
    exfil_text_count(json, "month_days", drip->n_days);
    exfil_text_number(json, "usual_day_octets", drip->usual);
    exfil_text_number(json, "cusum", drip->cusum.sum);
    return g_string_free(json, FALSE);
}

static Finding *
drip_finding(const ExfilCase *exfil, const ExfilDrip *drip, uint64_t limit)
{
    Finding *finding = exfil_case_finding(exfil, "drip");
    g_autofree char *out = exfil_text_octets((double) drip->sum.out_octets);
    g_autofree char *in = exfil_text_octets((double) drip->sum.in_octets);
    g_autofree char *day =
        exfil_text_octets((double) drip->surplus / (double) MAX(drip->n_days, 1));
    g_autofree char *typical = exfil_text_octets(drip->usual);
    g_autofree char *limit_text = exfil_text_octets((double) limit);
    g_autofree char *limit_why =
        g_strdup_printf("the limit of %s in 30 days", limit_text);
    GString *text = g_string_new(NULL);

    g_string_printf(text,
                    "sent %s on %zu of the last 30 days, about %s a day, got %s back",
                    out, drip->n_days, day, in);
    say_age(exfil, text);
    g_string_append_printf(text, ". Usual for nine of ten networks: at most %s a day",
                           typical);
    if (!exfil->is_warm)
        say_usual(exfil, text);
    finding->magnitude = (double) drip->sum.out_octets;
    finding->first_us =
        MAX(exfil->pair_first_us, exfil->window->now_us - EXFIL_MONTH * EXFIL_DAY_US);
    finding->from_us = finding->first_us;
    finding->numbers = drip_numbers(drip);
    exfil_case_add_volume(exfil, finding, drip->surplus, limit, DRIP_VOLUME_POINTS,
                          limit_why);
    add_persistence(finding, drip);
    exfil_case_add_direction(exfil, finding, &drip->sum);
    exfil_case_add_new(exfil, finding, EXFIL_MONTH);
    exfil_case_add_context(exfil, finding);
    end_text(finding, text);
    return finding;
}

static Finding *
look_for_drip(const ExfilCase *exfil)
{
    const Drip drip = measure_drip(exfil);
    const ExfilDrip *measure = &drip.measure;
    const uint64_t limit =
        MAX(exfil->policy->drip_octets, exfil->is_warm ? exfil->new_limit : 0);
    const bool is_much = measure->surplus >= limit && (drip.is_new || !exfil->is_warm);
    const bool rises = exfil->is_warm && measure->cusum.sum >= EXFIL_DRIP_LIMIT &&
                       (drip.is_new || measure->surplus >= limit);

    if (measure->n_days < DRIP_MIN_DAYS || (!is_much && !rises))
        return NULL;
    return drip_finding(exfil, measure, limit);
}

/* --- role flip --- */

/* Of the 14 days before: of this network if it is known well enough, else of all. */
static double
usual_pcr(const ExfilCase *exfil, bool *is_of_network)
{
    ExfilSum sum = { 0 };

    for (size_t back = 2; back <= 14; back++)
        exfil_window_sum(&sum, exfil->group->days[back].out_octets,
                         exfil->group->days[back].in_octets);
    *is_of_network =
        exfil->pair_days >= 7 && sum.out_octets / 2 + sum.in_octets / 2 >= 500000;
    return *is_of_network ? exfil_window_pcr(&sum) : exfil->baseline->pcr;
}

static double
pcr_of_host(const ExfilCase *exfil)
{
    ExfilSum sum = { 0 };

    for (size_t h = 0; h < EXFIL_HOURS; h++)
        exfil_window_sum(&sum, exfil->window->hours[h].out_octets,
                         exfil->window->hours[h].in_octets);
    return exfil_window_pcr(&sum);
}

static char *
flip_numbers(double before, double now)
{
    GString *json = g_string_new(NULL);

    exfil_text_number(json, "pcr_before", before);
    exfil_text_number(json, "pcr_now", now);
    return g_string_free(json, FALSE);
}

static Finding *
look_for_role_flip(const ExfilCase *exfil)
{
    const uint64_t octets = exfil_window_surplus(&exfil->sum);
    bool is_of_network;
    const double before = usual_pcr(exfil, &is_of_network);
    const double now = is_of_network ? exfil->pcr : pcr_of_host(exfil);
    const double up = now - before;

    /* A new network has no role that could change: that is a burst, or it is not. */
    if (!exfil->is_warm || exfil->is_new || octets < exfil->policy->role_flip_octets ||
        isnan(exfil->pcr) || !(up >= FLIP_MIN) || !(now > 0))
        return NULL;

    const uint64_t limit = MAX(exfil->new_limit, times(exfil->pair_day_octets, GROWTH));
    g_autofree char *words = g_strdup_printf(
        "; %s used to receive ((out - in) / (out + in) %.2f over 14 days) and "
        "now sends (%.2f)",
        is_of_network ? "from this network it" : "the host", before, now);
    Finding *finding = volume_finding(exfil, "role-flip", octets, limit, words);
    finding->numbers = flip_numbers(before, now);
    finding_add_term(finding, "flip", FLIP_POINTS * fmin(up, 1), FLIP_POINTS,
                     "up by %.2f", up);
    return finding;
}

/* --- chunking --- */

typedef struct {
    double size;        /* median octets */
    double size_spread; /* MAD over median */
    double gap_sec;     /* median */
    double gap_spread;
    double octets; /* of all */
    size_t n;
} Chunks;

static int
compare_starts(const void *a, const void *b)
{
    const ExfilUpload *one = a;
    const ExfilUpload *two = b;

    return (one->event.start_us > two->event.start_us) -
           (one->event.start_us < two->event.start_us);
}

static Chunks
measure_chunks(const ExfilGroup *group)
{
    Chunks chunks = { .n = MIN(group->n_uploads, EXFIL_MAX_UPLOADS) };
    ExfilUpload uploads[EXFIL_MAX_UPLOADS];
    double values[EXFIL_MAX_UPLOADS];

    if (chunks.n < CHUNKS_MIN)
        return chunks;
    memcpy(uploads, group->uploads, chunks.n * sizeof(*uploads));
    qsort(uploads, chunks.n, sizeof(*uploads), compare_starts);
    for (size_t i = 0; i < chunks.n; i++) {
        values[i] = (double) uploads[i].event.out_octets;
        chunks.octets += values[i];
    }
    chunks.size = quantile_median(values, chunks.n);
    chunks.size_spread = quantile_mad(values, chunks.n, chunks.size) / chunks.size;

    for (size_t i = 1; i < chunks.n; i++)
        values[i - 1] =
            (double) (uploads[i].event.start_us - uploads[i - 1].event.start_us) / 1e6;
    chunks.gap_sec = quantile_median(values, chunks.n - 1);
    chunks.gap_spread = quantile_mad(values, chunks.n - 1, chunks.gap_sec);
    /* All at once is no pace. */
    chunks.gap_spread = chunks.gap_sec >= 1 ? chunks.gap_spread / chunks.gap_sec : NAN;
    return chunks;
}

static char *
chunk_numbers(const Chunks *chunks)
{
    GString *json = g_string_new(NULL);

    exfil_text_count(json, "slices", chunks->n);
    exfil_text_number(json, "slice_octets", chunks->size);
    exfil_text_number(json, "slice_spread", chunks->size_spread);
    exfil_text_number(json, "slice_gap_sec", chunks->gap_sec);
    exfil_text_number(json, "slice_gap_spread", chunks->gap_spread);
    return g_string_free(json, FALSE);
}

static Finding *
look_for_chunking(const ExfilCase *exfil)
{
    const uint64_t octets = exfil_window_surplus(&exfil->sum);

    /* Known networks get regular uploads for good reasons. */
    if ((exfil->is_warm && !exfil->is_new) || octets < exfil->policy->chunk_octets)
        return NULL;

    const Chunks chunks = measure_chunks(exfil->group);
    if (chunks.n < CHUNKS_MIN || chunks.octets < 0.5 * (double) octets ||
        chunks.size_spread > CHUNK_SPREAD || !(chunks.gap_spread <= CHUNK_EVENNESS))
        return NULL;

    g_autofree char *size = exfil_text_octets(chunks.size);
    g_autofree char *gap = exfil_text_span((int64_t) (chunks.gap_sec * 1e6));
    g_autofree char *words =
        g_strdup_printf(" in %zu slices of about %s (+-%.0f %%), one every %s",
                        chunks.n, size, 100 * chunks.size_spread, gap);
    Finding *finding =
        volume_finding(exfil, "chunking", octets, exfil->new_limit, words);
    finding->numbers = chunk_numbers(&chunks);
    finding_add_term(finding, "slices", CHUNK_POINTS, CHUNK_POINTS,
                     "sizes vary by %.0f %%, gaps by %.0f %% at the median",
                     100 * chunks.size_spread, 100 * chunks.gap_spread);
    return finding;
}

/* --- channel misuse --- */

static const char *
channel_name(const ContactKey *key)
{
    if (key->protocol != 17)
        return "ICMP";
    return key->service_port == 53 ? "DNS" : "NTP";
}

static Finding *
look_for_channel(const ExfilCase *exfil)
{
    const ExfilChannel *channel = &exfil->group->channel;
    const double size =
        (double) channel->out_octets / (double) MAX(channel->out_packets, 1);

    if (channel->out_octets < MAX(exfil->policy->channel_octets, 1))
        return NULL;

    Finding *finding = exfil_case_finding(exfil, "channel");
    g_autofree char *octets = exfil_text_octets((double) channel->out_octets);
    g_autofree char *hour = exfil_text_time(channel->hour_us);
    const double more = log10((double) channel->out_octets /
                              (double) MAX(exfil->policy->channel_octets, 1));
    GString *text = g_string_new(NULL);

    finding->peer = channel->key.peer;
    finding->peer_group_bits = 128;
    finding->port = channel->key.service_port;
    finding->protocol = channel->key.protocol;
    finding->initiator = channel->key.initiator;
    finding->magnitude = (double) channel->out_octets;
    g_string_printf(text,
                    "sent %s as %s in the hour of %s, %.0f octets a packet: it needs "
                    "under 100",
                    octets, channel_name(&channel->key), hour, size);
    say_age(exfil, text);
    if (!exfil->is_warm)
        say_usual(exfil, text);
    finding_add_term(finding, "misuse", CHANNEL_POINTS, CHANNEL_POINTS,
                     "%.0f octets a packet over %s", size, channel_name(&channel->key));
    finding_add_term(finding, "volume", CHANNEL_VOLUME_POINTS * CLAMP(more, 0, 1),
                     CHANNEL_VOLUME_POINTS, "%s in an hour", octets);
    exfil_case_add_new(exfil, finding, 7);
    exfil_case_add_context(exfil, finding);
    end_text(finding, text);
    if (channel->is_infrastructure)
        finding->severity = FINDING_LISTED;
    return finding;
}

const ExfilRule exfil_rules[] = {
    { "burst", "a burst", look_for_burst },
    { "rotation", "a burst over many addresses", look_for_rotation },
    { "burst", "a burst to callers", look_for_served },
    { "drip", "a slow transfer", look_for_drip },
    { "single-session", "one long session", look_for_single_session },
    { "chunking", "slices at an even pace", look_for_chunking },
    { "role-flip", "a change of direction", look_for_role_flip },
    { "channel", "misuse of a small protocol", look_for_channel },
};
const size_t exfil_rules_len = G_N_ELEMENTS(exfil_rules);
