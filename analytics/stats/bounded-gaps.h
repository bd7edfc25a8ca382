/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Bounded gaps: a program that waits a random but limited time has no long gaps.
 *
 * Of a Poisson source, gaps longer than x medians have the share 2^-x, and every other
 * source that is not regular has more of them.  So the test counts them; a few may be
 * there for other reasons (the machine slept) and are charged for. */

#include <stddef.h>

typedef struct {
    double median;
    double max_over_median; /* NaN if the median is 0 */
    double mad_over_median; /* 0.5 for even waits on 0..T, 0.69 for Poisson */
    double score;           /* nominal -log10 p */

    /* How much better an exponential tail fits the gaps above the median than a heavy
     * one (Pareto): log10 of the ratio of likelihoods, at their best; 0 = no better.
     * Missing beats make an exponential tail, waiting for people a heavy one. */
    double light_tail;
} BoundedGaps;

/* @scratch: @n_gaps values, overwritten. */
BoundedGaps bounded_gaps(const double *gaps, size_t n_gaps, double *scratch);
