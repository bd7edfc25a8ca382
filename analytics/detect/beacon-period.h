/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* BeaconPeriod: the period and the jitter of a series that is known to be regular.
 *
 * The tests say that there is a rhythm, each with its own idea of the period: the
 * median gap is right unless beats are missing or other contacts mixed in; folded gaps,
 * lags and phase survive these, but may mean a multiple.  Here these are weighed, and
 * the period is made precise from the gaps that fit it. */

#include <stdbool.h>
#include <stddef.h>

/* What the tests propose; score is the -log10 p, 0 = nothing. */
typedef struct {
    double period_sec;
    double score;
} BeaconPeriodHint;

typedef struct {
    double period_sec;  /* mean time from beat to beat; NaN = cannot be said */
    double jitter_pct;  /* one-sided; NaN likewise */
    bool is_symmetric;  /* more than one side can hold: @jitter_pct is to both sides */
    double missing_pct; /* of the beats; NaN likewise */
    double noise_pct;   /* of the contacts; NaN likewise */
    double coherence;   /* R at the period */
} BeaconPeriod;

/* @times rise; @scratch: 2 @n_times values; @gaps_score says how sure it
 * is that the gaps themselves are alike or bounded. */
BeaconPeriod beacon_period_find(const double *times, size_t n_times, double gaps_score,
                                const BeaconPeriodHint *folded,
                                const BeaconPeriodHint *lag,
                                const BeaconPeriodHint *phase, double *scratch);
