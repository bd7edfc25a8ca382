/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Local variation: how regular a series of gaps is, whatever its slow drift.
 *
 *     Lv = 3/(m-1) sum ((g[i] - g[i-1]) / (g[i] + g[i-1]))^2
 *
 * (Shinomoto, Shima and Tanji, "Differences in spiking patterns among cortical
 * neurons", 2003).  0 for a clock, 1 on average for a Poisson source, above for
 * clusters. */

#include <stddef.h>

/* Of @n_gaps >= 0 gaps; NaN below two.  A pair of gaps that are both 0 counts as
 * equal. */
double local_variation(const double *gaps, size_t n_gaps);

/* How far below 1 that is, in standard deviations: those of a Poisson source and those
 * between sources without a period, whose Lv is 1 give or take 0.08 however long one
 * looks.  0 where Lv is NaN. */
double local_variation_z(double lv, size_t n_gaps);

/* One-sided jitter j, waits even on (1 - j) T .. T, that gives @lv; 0..1.  (For small
 * j, Lv = 1.5 CV^2 with CV = (j / sqrt 12) / (1 - j/2).) */
double local_variation_jitter(double lv);

/* Lv of waits spread evenly over (1 - jitter) T .. T. */
double local_variation_of_jitter(double jitter);
