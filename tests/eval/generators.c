/* SPDX-License-Identifier: Apache-2.0 */
#include "generators.h"

#include <math.h>
#include <string.h>

#include "negatives.h"

/* More events than this are not made, whatever is asked for. */
#define MAX_EVENTS 200000

/* What a program needs between its calls beside its sleep, and what the network does
 * to the start of each: seconds. */
#define WORK_SEC    0.02
#define NETWORK_SEC 0.01

#define PACKET_GAP_SEC 0.05
#define USUAL_PACKETS  12.0

/* The sizes of one source. */
typedef struct {
    GeneratorsSizes kind;
    double octets;
    uint32_t sampling;
    uint32_t n_packets;
} Source;

static Source
draw_source(GeneratorsSizes kind, uint32_t sampling, uint32_t n_packets, Dice *dice)
{
    double octets = dice_lognormal(dice, 600.0, 0.8);

    return (Source){ kind, fmax(octets, 60.0), sampling, n_packets };
}

static double
draw_octets(const Source *source, Dice *dice)
{
    switch (source->kind) {
    case GENERATORS_CONSTANT:
        return source->octets;
    case GENERATORS_TWO_PCT:
        return source->octets * dice_between(dice, 0.98, 1.02);
    case GENERATORS_TEN_PCT:
        return source->octets * dice_between(dice, 0.9, 1.1);
    case GENERATORS_TWENTY_PCT:
        return source->octets * dice_between(dice, 0.8, 1.2);
    default:
        return dice_lognormal(dice, source->octets, 1.0);
    }
}

/* How many of a session's packets are seen; @first is the number of the first. */
static uint32_t
sample(const Source *source, Dice *dice, uint32_t *first)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < source->n_packets; i++)
        if (dice_below(dice, source->sampling) == 0 && n++ == 0)
            *first = i;
    return n;
}

/* Adds a session that starts at @at_sec, if any of it is seen. */
static void
add_session(GArray *events, const Source *source, double at_sec, Dice *dice)
{
    double octets = draw_octets(source, dice);
    ContactEvent event;

    at_sec += dice_uniform(dice) * NETWORK_SEC;
    if (source->sampling > 1) {
        uint32_t first = 0, n = sample(source, dice, &first);

        if (n == 0)
            return;
        at_sec += first * PACKET_GAP_SEC;
        octets *= (double) n * source->sampling / source->n_packets;
    }
    event.start_us = GENERATORS_FROM_US + (int64_t) (at_sec * 1e6);
    event.out_octets = (uint64_t) fmax(octets, 1.0);
    g_array_append_val(events, event);
}

static int
compare_events(gconstpointer a, gconstpointer b)
{
    int64_t x = ((const ContactEvent *) a)->start_us;
    int64_t y = ((const ContactEvent *) b)->start_us;

    return (x > y) - (x < y);
}

/* Orders the events and makes one of those that are too close, as the session job
 * does: the octets are added up. */
static void
settle(GArray *events, double window_sec)
{
    int64_t to_us = GENERATORS_FROM_US + (int64_t) (window_sec * 1e6);
    size_t n = 0;

    g_array_sort(events, compare_events);
    for (size_t i = 0; i < events->len; i++) {
        ContactEvent event = g_array_index(events, ContactEvent, i);
        ContactEvent *last = n ? &g_array_index(events, ContactEvent, n - 1) : NULL;

        if (event.start_us < GENERATORS_FROM_US || event.start_us >= to_us)
            continue;
        if (last && event.start_us - last->start_us < CONTACT_BURST_US)
            last->out_octets += event.out_octets;
        else
            g_array_index(events, ContactEvent, n++) = event;
    }
    g_array_set_size(events, n);
}

static double
draw_interval(const GeneratorsBeacon *beacon, Dice *dice)
{
    double factor = 1.0 - beacon->jitter * dice_uniform(dice);

    if (beacon->symmetric_jitter > 0.0)
        factor += beacon->symmetric_jitter * dice_between(dice, -1.0, 1.0);
    if (beacon->shape == GENERATORS_CUT) /* the next packet after the cut starts it */
        return beacon->period_sec + dice_exponential(dice, 0.2);
    return beacon->period_sec * factor + dice_uniform(dice) * 2.0 * WORK_SEC;
}

/* The beats; returns how many there were, seen or not. */
static size_t
add_beats(const GeneratorsBeacon *beacon, double from_sec, double to_sec, Dice *dice,
          GArray *events)
{
    Source source =
        draw_source(beacon->sizes, beacon->sampling, beacon->n_packets, dice);
    double last = dice_between(dice, 0.5, 5.0), interval = last;
    double at = from_sec + dice_uniform(dice) * beacon->period_sec;
    size_t n = 0;

    while (at < to_sec && n < MAX_EVENTS) {
        if (dice_uniform(dice) >= beacon->missing)
            add_session(events, &source, at, dice);
        n++;
        if (beacon->shape == GENERATORS_GROWING) {
            double next = interval + last;

            at += interval * (1.0 - beacon->jitter * dice_uniform(dice));
            last = interval;
            interval = next;
        } else {
            at += draw_interval(beacon, dice);
        }
    }
    return n;
}

void
generators_beacon(const GeneratorsBeacon *beacon, Dice *dice, GArray *events)
{
    double from_sec = 0.0, to_sec = beacon->window_sec;
    size_t n_beats, n_extra;
    Source other;

    g_array_set_size(events, 0);
    if (beacon->alive_max_sec > 0.0) {
        double alive = dice_between(dice, beacon->alive_min_sec, beacon->alive_max_sec);

        from_sec = dice_uniform(dice) * (beacon->window_sec - alive);
        to_sec = from_sec + alive;
    }
    n_beats = add_beats(beacon, from_sec, to_sec, dice, events);

    n_extra = (size_t) ((double) n_beats * beacon->extra + 0.5);
    other = draw_source(GENERATORS_ANY_SIZE, beacon->sampling, beacon->n_packets, dice);
    for (size_t i = 0; i < n_extra; i++)
        add_session(events, &other, dice_between(dice, from_sec, to_sec), dice);
    settle(events, beacon->window_sec);
}

/* Sessions for @times_sec.  Of a sampled negative these are the ones that were seen. */
static void
add_seen(GArray *events, const Source *source, const GArray *times_sec, Dice *dice)
{
    for (size_t i = 0; i < times_sec->len; i++) {
        size_t before = events->len;

        do
            add_session(events, source, g_array_index(times_sec, double, i), dice);
        while (events->len == before);
    }
}

void
generators_negative(const GeneratorsNegative *negative, Dice *dice, GArray *events)
{
    enum { MAX_TRIES = 20 };
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(double));
    Source source =
        draw_source(negative->sizes, negative->sampling, negative->n_packets, dice);
    Dice start = *dice;
    size_t n = negative->n_events;

    /* Contacts that are too close become one, so more are drawn until enough are left;
     * of a few too many, some are forgotten at random. */
    for (unsigned i = 0; i < MAX_TRIES; i++) {
        *dice = start;
        g_array_set_size(events, 0);
        negatives_times(negative, n, dice, times);
        add_seen(events, &source, times, dice);
        settle(events, negative->window_sec);
        if (events->len >= negative->n_events || n >= MAX_EVENTS)
            break;
        n = MAX(n + 1, n * negative->n_events / MAX(events->len, n / 4));
    }
    while (events->len > negative->n_events)
        g_array_remove_index(events, dice_below(dice, events->len));
}

const char *
generators_kind_name(GeneratorsKind kind)
{
    static const char *const names[GENERATORS_N_ALL_KINDS] = {
        "Poisson",   "diurnal", "bursty sessions", "heavy-tailed",
        "lognormal", "on/off",  "dead time",       "steady sessions",
    };

    return names[kind];
}

const char *
generators_set_name(GeneratorsSet set)
{
    return set == GENERATORS_HELD_OUT ? "held-out" : "development";
}

ContactSeries
generators_series(const GArray *events, double window_sec, uint32_t sampling,
                  uint32_t n_packets)
{
    static const uint8_t host[4] = { 10, 2, 0, 14 }, peer[4] = { 203, 0, 113, 51 };
    ContactSeries series = {
        .key = { .service_port = 443, .protocol = 6, .initiator = CONTACT_BY_HOST },
        .from_us = GENERATORS_FROM_US,
        .to_us = GENERATORS_FROM_US + (int64_t) (window_sec * 1e6),
        .events = (const ContactEvent *) (const void *) events->data,
        .n_events = events->len,
        .n_sessions = events->len,
        .longest_us = 1000000,
        .sampling = sampling,
    };
    double packets = USUAL_PACKETS;

    series.key.host = ip_address_from_v4(host);
    series.key.peer = ip_address_from_v4(peer);
    for (size_t i = 0; i < series.n_events; i++)
        series.out_octets += series.events[i].out_octets;
    if (sampling > 1) /* of a session that is seen at all, multiplied out */
        packets = n_packets / (1.0 - pow(1.0 - 1.0 / sampling, n_packets));
    series.in_octets = 2 * series.out_octets;
    series.out_packets = (uint64_t) (packets / 2.0 * (double) series.n_events);
    series.in_packets = series.out_packets;
    return series;
}
