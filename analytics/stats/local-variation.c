/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/local-variation.h"

#include <math.h>

double
local_variation(const double *gaps, size_t n_gaps)
{
    double sum = 0;

    if (n_gaps < 2)
        return NAN;
    for (size_t i = 1; i < n_gaps; i++) {
        const double total = gaps[i] + gaps[i - 1];

        if (total > 0) {
            const double ratio = (gaps[i] - gaps[i - 1]) / total;

            sum += ratio * ratio;
        }
    }
    return 3 * sum / (double) (n_gaps - 1);
}

/* Of one term the variance is 9 (1/5 - 1/9) = 0.8, since of a Poisson source the ratio
 * is even on -1..1; neighbouring terms share a gap, which takes it to 0.97. */
#define VARIANCE 0.97

/* Lognormal gaps of sigma 1 have 0.93, fast changes of rate a little more than 1. */
#define BETWEEN_SOURCES 0.08

double
local_variation_z(double lv, size_t n_gaps)
{
    const double variance =
        VARIANCE / (double) n_gaps + BETWEEN_SOURCES * BETWEEN_SOURCES;

    return isnan(lv) ? 0 : (1 - lv) / sqrt(variance);
}

/* The mean of 3 ((a - b) / (a + b))^2 for a and b even and independent on 1 - j .. 1,
 * by Simpson's rule in both. */
double
local_variation_of_jitter(double jitter)
{
    enum { N = 16 };
    double sum = 0;

    for (int i = 0; i <= N; i++)
        for (int k = 0; k <= N; k++) {
            const double a = 1 - jitter * i / N;
            const double b = 1 - jitter * k / N;
            const double weight_a = i == 0 || i == N ? 1 : 2 + 2 * (i % 2);
            const double weight_b = k == 0 || k == N ? 1 : 2 + 2 * (k % 2);
            const double ratio = a + b > 0 ? (a - b) / (a + b) : 0;

            sum += weight_a * weight_b * 3 * ratio * ratio;
        }
    return sum / (9.0 * N * N);
}

double
local_variation_jitter(double lv)
{
    double low = 0;
    double high = 1;

    if (!(lv > 0))
        return 0;
    for (int i = 0; i < 20; i++) {
        const double middle = (low + high) / 2;

        if (local_variation_of_jitter(middle) < lv)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}
