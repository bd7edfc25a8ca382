/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Quantiles by selection, in linear time; the order of @values is changed.
 * Values must not be NaN.  Of nothing, the answer is NaN. */

#include <stddef.h>

/* The element that would stand at @rank (from 0) if @values were sorted; the smaller
 * ones stand before it afterwards, the larger ones behind. */
double quantile_select(double *values, size_t n_values, size_t rank);

/* Of 0 <= @share <= 1, between two elements by linear interpolation. */
double quantile_of(double *values, size_t n_values, double share);

double quantile_median(double *values, size_t n_values);

/* Median of the distances from @center.  @values are replaced by these. */
double quantile_mad(double *values, size_t n_values, double center);
