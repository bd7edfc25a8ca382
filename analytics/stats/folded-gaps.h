/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Folded gaps: where beats are missing, gaps are multiples of one period.
 *
 * With phi(f) = mean cos(2 pi f gap), a period T with few or many beats missing makes
 * phi(1/T) near 1 and phi(1/(2T)) negative.  Any mixture of Poisson sources, however
 * its rate changes, has phi(f) = mean 1 / (1 + (2 pi f mu)^2), which only falls; so
 * phi(f) - phi(f/2) is at most 0 for it, with variance 1/m.  The gap from one beat
 * to the next is what counts, so a wait that is jittered anew each time does no harm.
 */

#include <stddef.h>

typedef struct {
    double period; /* 0 = none */
    double z;      /* (phi(f) - phi(f/2)) sqrt(m) at the period */
    double score;  /* nominal -log10 p, the number of periods tried charged for */

    /* The same of the gaps longer than one and a half periods alone.  A source with a
     * shortest gap has many gaps a little longer than that, which looks like a period;
     * but the long ones are no multiples of it. */
    double long_score;
} FoldedGaps;

FoldedGaps folded_gaps_find(const double *gaps, size_t n_gaps, double median);

/* Lv of the gaps within 15 % of k * @period, k = 1..6, each divided by its k; NaN
 * below two.  @scratch: @n_gaps values.  The number of gaps used and of beats they
 * span are left in *n_used and *n_beats. */
double folded_gaps_lv(const double *gaps, size_t n_gaps, double period, double *scratch,
                      size_t *n_used, size_t *n_beats);
