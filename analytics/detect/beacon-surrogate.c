/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/beacon-surrogate.h"

#include "stats/quantile.h"
#include "stats/redraw.h"

/* Of more events, the newest are compared: it would take too long, and so many need no
 * more. */
enum { MAX_EVENTS = 20000 };

/* FNV-1a over what identifies the group and the window, so that the same question gets
 * the same random numbers. */
static uint64_t
seed_of(const ContactSeries *series)
{
    uint64_t hash = ip_address_hash(&series->key.host);

    hash = (hash ^ ip_address_hash(&series->key.peer)) * UINT64_C(0x100000001b3);
    hash = (hash ^ series->key.service_port) * UINT64_C(0x100000001b3);
    hash = (hash ^ series->key.protocol) * UINT64_C(0x100000001b3);
    return (hash ^ (uint64_t) series->from_us) * UINT64_C(0x100000001b3);
}

/* Starts of bursts in seconds, and for each contact the burst it is in and how much
 * later it came. */
typedef struct {
    double *times;
    size_t n_times;
    size_t *burst;
    int64_t *later_us;
} Bursts;

static void
find_bursts(const ContactSeries *series, Bursts *bursts)
{
    int64_t burst_us = 0;

    for (size_t i = 0; i < series->n_events; i++) {
        const int64_t start_us = series->events[i].start_us;

        if (i == 0 || start_us - burst_us >= CONTACT_BURST_US) {
            burst_us = start_us;
            bursts->times[bursts->n_times++] =
                (double) (start_us - series->events[0].start_us) / 1e6;
        }
        bursts->burst[i] = bursts->n_times - 1;
        bursts->later_us[i] = MAX(start_us - burst_us, 0);
    }
}

static double
median_gap(const double *times, size_t n_times, double *gaps)
{
    for (size_t i = 1; i < n_times; i++)
        gaps[i - 1] = times[i] - times[i - 1];
    return quantile_median(gaps, n_times - 1);
}

bool
beacon_surrogate_beaten(const ContactSeries *series, const BeaconMeasure *measure,
                        unsigned n_surrogates)
{
    const size_t n = MIN(series->n_events, MAX_EVENTS);
    ContactSeries copy = *series;
    double raw = measure->raw;
    Bursts bursts = { 0 };
    Xoshiro random;
    bool beaten = true;

    /* None were measured where the times are beyond any clock's: here neither. */
    if (n < BEACON_MEASURE_MIN_EVENTS || measure->n_events == 0)
        return false;
    copy.events = series->events + (series->n_events - n);
    copy.n_events = n;
    if (n < series->n_events) { /* like is compared with like */
        BeaconMeasure newest;

        beacon_measure(&copy, &newest);
        raw = newest.raw;
    }

    g_autofree double *times = g_new(double, 3 * n);
    g_autofree size_t *burst = g_new(size_t, n);
    g_autofree int64_t *later_us = g_new(int64_t, n);
    g_autofree ContactEvent *events = g_memdup2(copy.events, n * sizeof(*events));

    bursts = (Bursts){ times, 0, burst, later_us };
    find_bursts(&copy, &bursts);
    if (bursts.n_times < BEACON_MEASURE_MIN_EVENTS)
        return false;

    const double median = median_gap(times, bursts.n_times, times + n);
    const int64_t origin_us = copy.events[0].start_us;

    copy.events = events;
    xoshiro_seed(&random, seed_of(series));
    for (unsigned i = 0; i < n_surrogates && beaten; i++) {
        BeaconMeasure surrogate;

        redraw(times, bursts.n_times, redraw_window(median, &random), &random,
               times + 2 * n);
        for (size_t k = 0; k < n; k++)
            events[k].start_us =
                origin_us + (int64_t) (times[2 * n + burst[k]] * 1e6) + later_us[k];
        beacon_measure(&copy, &surrogate);
        beaten = surrogate.raw < raw;
    }
    return beaten;
}
