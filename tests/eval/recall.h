/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Recall at a fixed rate of false alarms.
 *
 * Scores with different scales can be compared only after each got its cut from the
 * same negatives: the cut is such that at most the wanted share of these lies above
 * it, and a positive is found if it lies above it too.  Equal scores do not count as
 * above, for nobody.  Plain numbers; -INFINITY and INFINITY are scores like others. */

#include <stddef.h>

typedef struct {
    double share; /* 0..1 */
    double low;   /* Wilson's interval of 95 % */
    double high;
} Recall;

/* The score of which no more than floor(@share * n) negatives lie above: the next lower
 * negative.  -INFINITY where all may.  @negatives are put in order. */
double recall_cut(double *negatives, size_t n, double share);

/* The share of @scores above @cut.  Of none, the interval is [0, 1]. */
Recall recall_above(const double *scores, size_t n, double cut);

/* Of @n_found among @n (Wilson, 1927). */
Recall recall_of(size_t n_found, size_t n);

/* @values are put in order; the mean of the middle two of an even number.  NaN of
 * none. */
double recall_median(double *values, size_t n);
