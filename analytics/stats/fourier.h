/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Fast Fourier transform of powers of two, and the power spectrum of real values. */

#include <stddef.h>

/* Forward transform in place of @n complex numbers, n >= 4 a power of two.  @turns: n
 * values, overwritten. */
void fourier_transform(double *re, double *im, size_t n, double *turns);

/* Replaces @n real @values, n >= 8 a power of two, by the power of lines 0 .. n/2 - 1
 * of their spectrum.  @scratch: 2 n values. */
void fourier_power(double *values, size_t n, double *scratch);
