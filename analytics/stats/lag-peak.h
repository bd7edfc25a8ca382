/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lag peak: do the differences of times gather at one lag?
 *
 * Counts t[i+k] - t[i], k = 1..16, in cells of 1.5 % and compares bands of several
 * widths (1.5 to 27 %) with their neighbours on both sides.  Survives other contacts
 * mixed in, and a wait that is jittered anew each time, since two neighbouring beats
 * are enough for a hit.  A change of rate bends the counts but makes no band. */

#include <stddef.h>

typedef struct {
    double lag;   /* mean of the differences in the band; 0 = none */
    double width; /* of the band, as a share of the lag */
    double share; /* differences in the band beyond those expected, per event */
    double score; /* nominal -log10 p, the number of bands tried charged for */
} LagPeak;

/* Times rise.  No two are closer than @dead > 0; differences near to it are bent by
 * that and left out. */
LagPeak lag_peak_find(const double *times, size_t n_times, double dead);
