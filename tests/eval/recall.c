/* SPDX-License-Identifier: Apache-2.0 */
#include "recall.h"

#include <math.h>
#include <stdlib.h>

#define Z_95 1.959964 /* 97.5 % of the normal distribution */

static int
compare_doubles(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

double
recall_cut(double *negatives, size_t n, double share)
{
    size_t n_above = (size_t) floor(share * (double) n + 1e-9);

    qsort(negatives, n, sizeof(double), compare_doubles);
    return n_above < n ? negatives[n - 1 - n_above] : -INFINITY;
}

Recall
recall_of(size_t n_found, size_t n)
{
    double share, z2 = Z_95 * Z_95, middle, half;

    if (n == 0)
        return (Recall){ NAN, 0.0, 1.0 };
    share = (double) n_found / (double) n;
    middle = (share + z2 / (2.0 * (double) n)) / (1.0 + z2 / (double) n);
    half =
        Z_95 / (1.0 + z2 / (double) n) *
        sqrt(share * (1.0 - share) / (double) n + z2 / (4.0 * (double) n * (double) n));
    return (Recall){ share, fmax(middle - half, 0.0), fmin(middle + half, 1.0) };
}

Recall
recall_above(const double *scores, size_t n, double cut)
{
    size_t n_found = 0;

    for (size_t i = 0; i < n; i++)
        n_found += scores[i] > cut;
    return recall_of(n_found, n);
}

double
recall_median(double *values, size_t n)
{
    if (n == 0)
        return NAN;
    qsort(values, n, sizeof(double), compare_doubles);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2.0;
}
