/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/fourier.h"

#include <glib.h>
#include <math.h>

#include "stats/xoshiro.h"

static double
slow_power(const double *values, size_t n, size_t line)
{
    double re = 0;
    double im = 0;

    for (size_t i = 0; i < n; i++) {
        const double angle = 2 * M_PI * (double) (line * i % n) / (double) n;

        re += values[i] * cos(angle);
        im += values[i] * sin(angle);
    }
    return re * re + im * im;
}

static void
test_power_is_that_of_the_definition(void)
{
    Xoshiro random;

    xoshiro_seed(&random, 3);
    for (size_t n = 8; n <= 512; n *= 2) {
        g_autofree double *values = g_new(double, n);
        g_autofree double *copy = g_new(double, n);
        g_autofree double *scratch = g_new(double, 2 * n);

        for (size_t i = 0; i < n; i++)
            values[i] = copy[i] = xoshiro_normal(&random);
        fourier_power(values, n, scratch);
        for (size_t k = 0; k < n / 2; k++)
            g_assert_cmpfloat_with_epsilon(values[k], slow_power(copy, n, k),
                                           1e-9 * (double) n);
    }
}

static void
test_a_sine_is_one_line(void)
{
    enum { N = 4096, LINE = 321 };
    g_autofree double *values = g_new(double, N);
    g_autofree double *scratch = g_new(double, 2 * N);

    for (int i = 0; i < N; i++)
        values[i] = sin(2 * M_PI * LINE * i / N);
    fourier_power(values, N, scratch);
    for (int k = 0; k < N / 2; k++)
        g_assert_cmpfloat_with_epsilon(values[k], k == LINE ? N * N / 4.0 : 0, 1e-3);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fourier/power-is-that-of-the-definition",
                    test_power_is_that_of_the_definition);
    g_test_add_func("/fourier/a-sine-is-one-line", test_a_sine_is_one_line);
    return g_test_run();
}
