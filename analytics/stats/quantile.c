/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/quantile.h"

#include <math.h>

static void
swap(double *a, double *b)
{
    const double kept = *a;

    *a = *b;
    *b = kept;
}

double
quantile_select(double *values, size_t n_values, size_t rank)
{
    if (n_values == 0)
        return NAN;

    /* Hoare's FIND: many equal values are split evenly, not quadratically. */
    ptrdiff_t low = 0;
    ptrdiff_t high = (ptrdiff_t) n_values - 1;
    const ptrdiff_t wanted = (ptrdiff_t) rank;

    while (low < high) {
        const double pivot = values[low + (high - low) / 2];
        ptrdiff_t i = low;
        ptrdiff_t j = high;

        while (i <= j) {
            while (values[i] < pivot)
                i++;
            while (values[j] > pivot)
                j--;
            if (i <= j)
                swap(&values[i++], &values[j--]);
        }
        if (wanted <= j)
            high = j;
        else if (wanted >= i)
            low = i;
        else
            break;
    }
    return values[wanted];
}

double
quantile_of(double *values, size_t n_values, double share)
{
    if (n_values == 0)
        return NAN;

    const double place = share * (double) (n_values - 1);
    const size_t rank = (size_t) place;
    const double low = quantile_select(values, n_values, rank);

    if (rank + 1 >= n_values || place <= (double) rank)
        return low;

    double next = values[rank + 1]; /* the smallest of those behind */

    for (size_t i = rank + 2; i < n_values; i++)
        if (values[i] < next)
            next = values[i];
    return low + (place - (double) rank) * (next - low);
}

double
quantile_median(double *values, size_t n_values)
{
    return quantile_of(values, n_values, 0.5);
}

double
quantile_mad(double *values, size_t n_values, double center)
{
    for (size_t i = 0; i < n_values; i++)
        values[i] = fabs(values[i] - center);
    return quantile_median(values, n_values);
}
