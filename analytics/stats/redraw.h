/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Redraw: a surrogate of a series that keeps rate and burstiness, and nothing else.
 *
 * The time is cut into windows of 5-20 median gaps, the number of events in each is
 * kept, and their times are drawn anew inside it.  (Shuffling gaps instead would keep
 * the regularity that is to be tested: a beacon looks like its own shuffle.) */

#include <stddef.h>

#include "stats/xoshiro.h"

/* Fills @redrawn with @n_times rising times.  @times rise; @window > 0 is the length
 * of the windows, whose first begins at a random moment before the first time. */
void redraw(const double *times, size_t n_times, double window, Xoshiro *random,
            double *redrawn);

/* The length of a window for @median_gap: 5 to 20 of them, at random. */
double redraw_window(double median_gap, Xoshiro *random);
