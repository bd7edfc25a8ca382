/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tail probabilities as -log10, so that they stay numbers where a double would be 0.
 * All are >= 0. */

#include <stddef.h>

/* Of a standard normal variable above @z. */
double tail_normal(double z);

/* Of at most @n_hits in @n trials of chance @p, by Chernoff's bound: never too sure,
 * and exact for no hits.  0 if that many hits are no less than expected. */
double tail_binomial_low(double n, double n_hits, double p);

/* Likewise of at least @n_hits. */
double tail_binomial_high(double n, double n_hits, double p);

/* Of a chi-square variable with @freedom degrees below @x (Wilson and Hilferty). */
double tail_chi_square_low(double x, double freedom);
