/* SPDX-License-Identifier: Apache-2.0 */
#include "rita.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>

/* Of RITA's default configuration. */
enum {
    N_BARS = 24,
    MIN_SECONDS = 4,    /* unique_connection_threshold */
    MIN_BIMODAL = 11,   /* histogram_bimodal_min_hours_seen */
    MAY_MISS = 1,       /* histogram_bimodal_outlier_removal */
    MIN_DURATION = 6,   /* duration_min_hours_seen */
    IDEAL_DURATION = 12 /* duration_consistency_ideal_hours_seen */
};
#define HEIGHT_STEP 0.05 /* histogram_mode_sensitivity */
#define MIN_SPREAD  10.0 /* of the quartiles, for a skewness */

#define DAY_US INT64_C(86400000000)

static int
compare_doubles(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

static double
thousandths(double value)
{
    return round(value * 1000.0) / 1000.0;
}

static double
thousandths_up(double value)
{
    return fmin(ceil(value * 1000.0) / 1000.0, 1.0);
}

static double
median(const double *ordered, size_t n)
{
    return n % 2 ? ordered[n / 2] : (ordered[n / 2 - 1] + ordered[n / 2]) / 2.0;
}

/* 1 - |skewness|.  The quartiles are the medians of the halves; the middle value of an
 * odd number is in neither. */
static double
symmetry(const double *ordered, size_t n)
{
    size_t half = n / 2;
    double low = median(ordered, half), middle = median(ordered, n);
    double high = median(ordered + n - half, half);

    if (high - low < MIN_SPREAD || middle == low || middle == high)
        return 1.0;
    return 1.0 - fabs((low + high - 2.0 * middle) / (high - low));
}

double
rita_statistical(double *values, size_t n, double score_below_one)
{
    g_autofree double *distances = g_new(double, n);
    double middle, closeness = score_below_one, even;

    qsort(values, n, sizeof(double), compare_doubles);
    middle = median(values, n);
    even = symmetry(values, n);
    for (size_t i = 0; i < n; i++)
        distances[i] = fabs(values[i] - middle);
    qsort(distances, n, sizeof(double), compare_doubles);
    if (middle >= 1.0)
        closeness = fmax((middle - median(distances, n)) / middle, 0.0);
    return thousandths((even + closeness) / 2.0);
}

static double
flatness(const unsigned *bars, size_t n_bars)
{
    double mean = 0.0, squares = 0.0;

    for (size_t i = 0; i < n_bars; i++)
        mean += (double) bars[i] / (double) n_bars;
    for (size_t i = 0; i < n_bars; i++)
        squares += (bars[i] - mean) * (bars[i] - mean);
    return fmax(thousandths(1.0 - sqrt(squares / (double) n_bars) / mean), 0.0);
}

/* How many bars are as high as bar @i, to the step, if it is the first of these. */
static unsigned
count_alike(const unsigned *bars, size_t n_bars, size_t i, double step)
{
    double height = floor(bars[i] / step);
    unsigned n = 0;

    for (size_t k = 0; k < n_bars; k++) {
        if (bars[k] == 0 || floor(bars[k] / step) != height)
            continue;
        if (k < i)
            return 0;
        n++;
    }
    return n;
}

static double
bimodal_fit(const unsigned *bars, size_t n_bars)
{
    unsigned highest = 0, n_filled = 0, most = 0, second = 0;
    double step;

    for (size_t i = 0; i < n_bars; i++) {
        highest = MAX(highest, bars[i]);
        n_filled += bars[i] > 0;
    }
    if (n_filled < MIN_BIMODAL)
        return 0.0;
    step = ceil(highest * HEIGHT_STEP);
    for (size_t i = 0; i < n_bars; i++) {
        unsigned n = bars[i] ? count_alike(bars, n_bars, i, step) : 0;

        if (n > most) {
            second = most;
            most = n;
        } else if (n > second) {
            second = n;
        }
    }
    return fmin(thousandths((double) (most + second) / (n_filled - MAY_MISS)), 1.0);
}

double
rita_histogram(const unsigned *bars, size_t n_bars)
{
    return fmax(flatness(bars, n_bars), bimodal_fit(bars, n_bars));
}

double
rita_duration(const unsigned *bars, size_t n_bars, double covered)
{
    size_t n_filled = 0, run = 0, longest = 0;

    for (size_t i = 0; i < 2 * n_bars; i++) {
        run = bars[i % n_bars] ? run + 1 : 0;
        longest = MAX(longest, run);
        n_filled += i < n_bars && bars[i] > 0;
    }
    if (n_filled < MIN_DURATION)
        return 0.0;
    longest = MIN(longest, n_bars);
    return fmax(thousandths_up(covered),
                thousandths_up((double) longest / IDEAL_DURATION));
}

/* The part of a window that RITA looks at, in its whole seconds. */
typedef struct {
    const ContactEvent *events;
    size_t n_events;
    int64_t from_sec;
    int64_t to_sec;
} Day;

static Day
last_day(const ContactSeries *series)
{
    int64_t from_us = MAX(series->from_us, series->to_us - DAY_US);
    Day day = { series->events, series->n_events, from_us / G_USEC_PER_SEC,
                series->to_us / G_USEC_PER_SEC };

    while (day.n_events > 0 && day.events->start_us < from_us) {
        day.events++;
        day.n_events--;
    }
    return day;
}

static int64_t
second(const Day *day, size_t i)
{
    return day->events[i].start_us / G_USEC_PER_SEC;
}

static void
fill_bars(const Day *day, unsigned *bars)
{
    double width = (double) (day->to_sec - day->from_sec) / N_BARS;

    for (size_t i = 0; i < day->n_events; i++) {
        size_t bar = (size_t) ((double) (second(day, i) - day->from_sec) / width);

        bars[MIN(bar, N_BARS - 1)]++;
    }
}

RitaScore
rita_score(const ContactSeries *series)
{
    Day day = last_day(series);
    g_autofree double *values = g_new(double, day.n_events + 1);
    unsigned bars[N_BARS] = { 0 };
    RitaScore score = { 0 };
    size_t n = 0;

    for (size_t i = 1; i < day.n_events; i++)
        if (second(&day, i) > second(&day, i - 1))
            values[n++] = (double) (second(&day, i) - second(&day, i - 1));
    if (n + 1 < MIN_SECONDS || day.to_sec <= day.from_sec)
        return score;

    score.is_scored = true;
    score.timing = rita_statistical(values, n, 1.0);
    for (size_t i = 0; i < day.n_events; i++)
        values[i] = (double) day.events[i].out_octets;
    score.size = rita_statistical(values, day.n_events, 0.0);
    fill_bars(&day, bars);
    score.histogram = rita_histogram(bars, N_BARS);
    score.duration =
        rita_duration(bars, N_BARS,
                      (double) (second(&day, day.n_events - 1) - second(&day, 0)) /
                          (double) (day.to_sec - day.from_sec));
    score.total = thousandths(
        (score.timing + score.size + score.histogram + score.duration) * 0.25);
    return score;
}
