/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/beacon-null.h"

#include <math.h>

const uint32_t beacon_null_sizes[BEACON_NULL_N_SIZES] = {
    4,    5,    6,    8,     10,    12,    15,    19,    24,   30,   37,
    46,   58,   73,   91,    114,   142,   178,   222,   278,  347,  434,
    542,  678,  847,  1059,  1323,  1654,  2068,  2585,  3231, 4039, 5048,
    6311, 7888, 9860, 12326, 15407, 19259, 24074, 30092,
};

const double beacon_null_windows_sec[BEACON_NULL_N_WINDOWS] = { 3600, 86400, 604800 };

/* No score grows by less than this for each power of ten that a result is rarer: the
 * tests' own -log10 p grow by 1. */
#define MIN_SLOPE 0.8

BeaconNullClass
beacon_null_class(double gap_variation)
{
    if (gap_variation < 1.15)
        return BEACON_NULL_STEADY;
    return gap_variation < 2 ? BEACON_NULL_MIXED : BEACON_NULL_BURSTY;
}

static size_t
nearest_size(size_t n_events)
{
    size_t i = 0;

    /* Up to the geometric mean of two sizes it is the smaller one. */
    while (i + 1 < BEACON_NULL_N_SIZES &&
           (double) n_events * (double) n_events >
               (double) beacon_null_sizes[i] * beacon_null_sizes[i + 1])
        i++;
    return i;
}

static size_t
nearest_window(double window_sec)
{
    size_t i = 0;

    while (i + 1 < BEACON_NULL_N_WINDOWS &&
           window_sec * window_sec >
               beacon_null_windows_sec[i] * beacon_null_windows_sec[i + 1])
        i++;
    return i;
}

/* The quantiles rest on some hundred sources each, so a share may be wrong by a factor
 * of two: without this, heavy tails came to up to 3.8 % where 1 % was said. */
#define MARGIN 0.3

/* -log10 of the share, between the quantiles by interpolation. */
static double
read_off(const BeaconNullRow *row, double raw)
{
    static const double three_pct = 1.5229; /* -log10 */

    if (raw <= row->ten_pct)
        return row->ten_pct > 0 ? fmax(0, raw) / row->ten_pct : 0;
    if (raw <= row->three_pct)
        return 1 +
               (three_pct - 1) * (raw - row->ten_pct) / (row->three_pct - row->ten_pct);
    if (raw <= row->one_pct)
        return three_pct + (2 - three_pct) * (raw - row->three_pct) /
                               (row->one_pct - row->three_pct);
    return 2 + (raw - row->one_pct) / fmax(MIN_SLOPE, row->slope);
}

double
beacon_null_evidence(double raw, size_t n_events, double window_sec,
                     BeaconNullClass burstiness, unsigned *n_compared, bool *beats_all)
{
    const size_t cell =
        nearest_window(window_sec) * BEACON_NULL_N_SIZES + nearest_size(n_events);
    const BeaconNullRow *row =
        &beacon_null_table[cell * BEACON_NULL_N_CLASSES + burstiness];

    *n_compared = row->n_compared;
    *beats_all = raw > row->max;
    return fmax(0, read_off(row, raw) - MARGIN);
}
