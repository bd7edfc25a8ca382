/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Even counts: equal numbers of events in equal times.
 *
 * Pearson's chi-square of the counts in equal cells, of which a Poisson source has one
 * per degree of freedom and every burstier one more; fewer means that something holds
 * the events apart.  Survives a wait that is jittered by nearly all of itself. */

#include <stddef.h>

typedef struct {
    double fano;  /* variance over mean of the counts; NaN = too few */
    double score; /* nominal -log10 p, the sizes of cells tried charged for */
} EvenCounts;

/* Times rise. */
EvenCounts even_counts(const double *times, size_t n_times);

/* Of @n_cells equal parts from the first to the last time, the share that holds one. */
double even_counts_presence(const double *times, size_t n_times, size_t n_cells);
