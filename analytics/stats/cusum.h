/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CUSUM: sums of what goes beyond an allowance, never below zero (Page, 1954).
 *
 * Finds a small lasting rise long before any single value is remarkable.  Values are
 * in units of the reference: 1 is what is usual, 2 twice as much. */

#include <stddef.h>

typedef struct {
    double sum;     /* at the last value */
    double highest; /* over the series */
    size_t from;    /* where the rise that is going on began; n_values = none is */
    size_t
        crossed; /* first value at which the sum reached the limit; n_values = none */
} Cusum;

/* Adds min(value, cap) - allowance for each of @n_values.  The cap keeps a single
 * value from being a lasting rise: a limit of k caps takes at least k values. */
Cusum cusum_of(const double *values, size_t n_values, double allowance, double cap,
               double limit);
