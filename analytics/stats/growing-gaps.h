/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Growing gaps: each the sum of the last two, or a fixed multiple of the last.
 *
 * A program that backs off by a rule is as regular as a clock, yet its gaps differ by
 * orders of magnitude.  Counts the gaps that follow the rule within a tolerance,
 * against the share of those of a Poisson source that do by chance. */

#include <stddef.h>

typedef struct {
    double factor; /* from gap to gap, geometric mean; 0 = none */
    double share;  /* of the gaps that follow */
    double score;  /* nominal -log10 p, rules and tolerances tried charged for */
} GrowingGaps;

GrowingGaps growing_gaps(const double *gaps, size_t n_gaps);
