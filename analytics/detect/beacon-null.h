/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* BeaconNull: what sources without regularity reach, so that a result can be judged.
 *
 * A table, made by tests/eval/make-null from the development set of made-up sources
 * (tests/eval/generators.h): Poisson, diurnal, bursty sessions, heavy-tailed,
 * lognormal, on/off, of 4 to 30 000 events in steps of 25 %, in 1 h, 24 h and 7 days.
 * Each went through the whole of beacon_measure(), so the number of tests and windows
 * tried is in it.  A row holds quantiles of the best score, those of the kind of source
 * for which they are highest: an average over kinds would be too low for one of
 * them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Burstiness of a series, by the coefficient of variation of its gaps.  What is steady
 * must not be judged by what a bursty source may do by chance, nor the other way. */
typedef enum {
    BEACON_NULL_STEADY, /* below 1.15; a Poisson source has 1 */
    BEACON_NULL_MIXED,  /* below 2 */
    BEACON_NULL_BURSTY,
} BeaconNullClass;

enum {
    BEACON_NULL_N_CLASSES = BEACON_NULL_BURSTY + 1,
    BEACON_NULL_N_SIZES = 41,
    BEACON_NULL_N_WINDOWS = 3,
    BEACON_NULL_N_ROWS =
        BEACON_NULL_N_WINDOWS * BEACON_NULL_N_SIZES * BEACON_NULL_N_CLASSES,
};

typedef struct {
    uint32_t n_compared;               /* sources behind the row */
    float ten_pct, three_pct, one_pct; /* best scores that so many reach */
    float slope;                       /* of the score, for each further power of ten */
    float max;                         /* the best of all */
} BeaconNullRow;

extern const uint32_t beacon_null_sizes[BEACON_NULL_N_SIZES];       /* events */
extern const double beacon_null_windows_sec[BEACON_NULL_N_WINDOWS]; /* lengths */

/* By window, size and class, the last varying fastest. */
extern const BeaconNullRow beacon_null_table[BEACON_NULL_N_ROWS];

BeaconNullClass beacon_null_class(double gap_variation);

/* -log10 of the share of comparison sources of this size, window and class that reach
 * @raw; beyond the table's last quantile extrapolated, so it is a rank and not a
 * probability.  @n_compared and @beats_all tell what can be said of it in words. */
double beacon_null_evidence(double raw, size_t n_events, double window_sec,
                            BeaconNullClass burstiness, unsigned *n_compared,
                            bool *beats_all);
