/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* BeaconNull: what sources without regularity reach, so that a result can be judged.
 *
 * A table, made by tests/eval/make-null from the development set of made-up sources
 * (tests/eval/generators.h): Poisson, diurnal, bursty sessions, heavy-tailed,
 * lognormal, on/off, of 4 to 30 000 events, in windows up to 4 h, a day, and more.
 * Each went through the whole of beacon_measure(), so the number of tests and windows
 * tried is in it.  A cell holds quantiles of the best score, those of the kind of
 * source for which they are highest: an average over kinds would be too low for
 * one of them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Burstiness of a series, by the coefficient of variation of its gaps.  What is steady
 * must not be judged by what a bursty source may do by chance, nor the other way. */
typedef enum {
    BEACON_NULL_STEADY,
    BEACON_NULL_MIXED,
    BEACON_NULL_BURSTY,
} BeaconNullClass;
enum { BEACON_NULL_N_CLASSES = BEACON_NULL_BURSTY + 1 };

BeaconNullClass beacon_null_class(double gap_variation);

/* -log10 of the share of comparison sources of this size, window and class that reach
 * @raw; beyond the table's last quantile extrapolated, so it is a rank and not a
 * probability.  @n_compared and @beats_all may be NULL. */
double beacon_null_evidence(double raw, size_t n_events, double window_sec,
                            BeaconNullClass burstiness, unsigned *n_compared,
                            bool *beats_all);
