/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/beacon-period.h"

#include <math.h>

#include "stats/local-variation.h"
#include "stats/phase-coherence.h"
#include "stats/quantile.h"

enum {
    MIN_CORE = 3,
    MAX_HARMONIC = 6,
    MAX_FOLD = 50, /* a longer gap is a pause */
};

/* Below this -log10 p a hint is none. */
#define MIN_HINT 3.0

/* Median distance from the median gap, as a share of it, below which most gaps are one
 * wait and no multiple of it. */
#define ALIKE 0.15

/* Phase hints: at least this much of R must stay at a multiple of the period for the
 * multiple to be the real one. */
#define KEPT_COHERENCE 0.85

/* Waits that are spread wider around their mean than one-sided jitter can be. */
#define MAX_ONE_SIDED_LV 0.36

static size_t
fill_gaps(const double *times, size_t n_times, double *gaps)
{
    size_t n = 0;

    for (size_t i = 1; i < n_times; i++)
        if (times[i] > times[i - 1])
            gaps[n++] = times[i] - times[i - 1];
    return n;
}

/* The gaps within @width of @period, in their order, into @core. */
static size_t
pick_core(const double *gaps, size_t n_gaps, double period, double width, double *core)
{
    size_t n = 0;

    for (size_t i = 0; i < n_gaps; i++)
        if (fabs(gaps[i] - period) <= width * period)
            core[n++] = gaps[i];
    return n;
}

static double
mean_of(const double *values, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return n ? sum / (double) n : NAN;
}

/* The longest multiple of @period that the events are still in phase with: a sharp
 * rhythm is in phase with all fractions of its period. */
static double
fundamental(const double *times, size_t n_times, double period)
{
    const double coherence = phase_coherence(times, n_times, period);

    for (int k = MAX_HARMONIC; k > 1; k--)
        if (phase_coherence(times, n_times, k * period) > KEPT_COHERENCE * coherence)
            return k * period;
    return period;
}

typedef struct {
    double period;
    bool by_gaps; /* the gaps themselves are the waits; none of them is a multiple */
} Guess;

/* Where gaps are alike or bounded, they are the waits, whatever else fits. */
static Guess
first_guess(const double *times, size_t n_times, double median, double mad,
            double gaps_score, const BeaconPeriodHint *folded,
            const BeaconPeriodHint *lag, const BeaconPeriodHint *phase)
{
    const double best = fmax(phase->score, fmax(folded->score, lag->score));

    if (best < MIN_HINT || gaps_score > best || mad < ALIKE * median)
        return (Guess){ median, true };
    if (phase->score >= best)
        return (Guess){ fundamental(times, n_times, phase->period_sec), false };
    return (Guess){ folded->score >= best ? folded->period_sec : lag->period_sec,
                    false };
}

/* How far from the period gaps still belong to it, as a share: by how they gather
 * around it, so that a piece of a gap cut by a foreign contact is left out. */
static double
core_width(const double *gaps, size_t n_gaps, const Guess *guess, double *core)
{
    const size_t n = pick_core(gaps, n_gaps, guess->period, 0.6, core);
    const double mad = quantile_mad(core, n, guess->period) / guess->period;

    if (n < MIN_CORE)
        return 0.5;
    if (guess->by_gaps && mad > 0.2)
        return 1.5; /* all but pauses */
    /* Even waits reach to two of their median distances, on both sides. */
    return fmin(fmax(3.5 * mad, 0.05), 0.5);
}

/* Missing beats and foreign contacts, where gaps gather enough to tell. */
static void
count_others(const double *gaps, size_t n_gaps, BeaconPeriod *result)
{
    size_t n_beats = 0;
    size_t n_folded = 0;
    size_t n_short = 0;

    for (size_t i = 0; i < n_gaps; i++) {
        const double fold = round(gaps[i] / result->period_sec);

        n_short += gaps[i] < 0.5 * result->period_sec;
        if (fold >= 1 && fold <= MAX_FOLD) {
            n_beats += (size_t) fold;
            n_folded++;
        }
    }
    /* Each foreign contact cuts a gap in two, one of them short more often than not. */
    result->noise_pct = 100.0 * (double) n_short / (double) (n_gaps + 1);
    if (n_beats > 0)
        result->missing_pct = 100.0 * (1 - (double) n_folded / (double) n_beats);
}

static void
find_jitter(const double *core, size_t n_core, BeaconPeriod *result)
{
    const double lv = local_variation(core, n_core);

    if (isnan(lv))
        return;
    result->is_symmetric = lv > MAX_ONE_SIDED_LV;
    if (result->is_symmetric) {
        /* Even on T (1 - j) .. T (1 + j): the half width over the mean. */
        const double j = local_variation_jitter(lv);

        result->jitter_pct = 100 * fmin(1, (j / 2) / (1 - j / 2));
    } else {
        result->jitter_pct = 100 * local_variation_jitter(lv);
    }
}

BeaconPeriod
beacon_period_find(const double *times, size_t n_times, double gaps_score,
                   const BeaconPeriodHint *folded, const BeaconPeriodHint *lag,
                   const BeaconPeriodHint *phase, double *scratch)
{
    BeaconPeriod result = { NAN, NAN, false, NAN, NAN, NAN };
    double *gaps = scratch;
    double *core = scratch + n_times;
    const size_t n_gaps = fill_gaps(times, n_times, gaps);

    if (n_gaps < MIN_CORE)
        return result;
    for (size_t i = 0; i < n_gaps; i++)
        core[i] = gaps[i];

    const double median = quantile_median(core, n_gaps);
    const double mad = quantile_mad(core, n_gaps, median);
    const Guess guess =
        first_guess(times, n_times, median, mad, gaps_score, folded, lag, phase);
    const double width = core_width(gaps, n_gaps, &guess, core);
    double period = guess.period;
    size_t n_core = 0;

    for (int i = 0; i < 3; i++) {
        n_core = pick_core(gaps, n_gaps, period, width, core);
        if (n_core < MIN_CORE)
            break;
        period = mean_of(core, n_core);
    }
    result.period_sec = period;
    result.coherence = phase_coherence(times, n_times, period);
    if (width < 0.9)
        count_others(gaps, n_gaps, &result);
    /* Among many foreign contacts, gaps are no waits any more. */
    if (n_core >= MIN_CORE && !(result.noise_pct > 25))
        find_jitter(core, n_core, &result);
    return result;
}
