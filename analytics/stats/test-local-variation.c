/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/local-variation.h"

#include <glib.h>
#include <math.h>

#include "stats/xoshiro.h"

enum { N = 100000 };

static void
test_closed_forms(void)
{
    const double clock[] = { 5, 5, 5, 5 };
    const double doubling[] = { 1, 2, 4, 8, 16 };
    const double golden[] = { 3, 5, 8, 13, 21, 34, 55, 89 };
    const double nothing[] = { 0, 0, 0 };

    g_assert_cmpfloat(local_variation(clock, 4), ==, 0);
    g_assert_cmpfloat_with_epsilon(local_variation(doubling, 5), 1.0 / 3, 1e-12);
    /* Ratio phi: 3 ((phi - 1) / (phi + 1))^2 = 0.167. */
    g_assert_cmpfloat_with_epsilon(local_variation(golden, 8), 0.167, 0.01);
    g_assert_cmpfloat(local_variation(nothing, 3), ==, 0);
    g_assert_true(isnan(local_variation(clock, 1)));
    g_assert_true(isnan(local_variation(clock, 0)));
}

static void
test_poisson_is_one_and_z_is_standard(void)
{
    enum { M = 50, TRIALS = 4000 };
    double sum = 0;
    double squares = 0;
    Xoshiro random;

    xoshiro_seed(&random, 5);
    for (int trial = 0; trial < TRIALS; trial++) {
        double gaps[M];

        for (int i = 0; i < M; i++)
            gaps[i] = xoshiro_exponential(&random);

        const double z = local_variation_z(local_variation(gaps, M), M);

        sum += z;
        squares += z * z;
    }
    g_assert_cmpfloat_with_epsilon(sum / TRIALS, 0, 0.08);
    /* The allowance for differences between sources makes it a little less than 1. */
    g_assert_cmpfloat(squares / TRIALS, <, 1.02);
    g_assert_cmpfloat(squares / TRIALS, >, 0.6);
}

static void
test_slow_drift_does_not_matter(void)
{
    g_autofree double *gaps = g_new(double, N);
    Xoshiro random;

    xoshiro_seed(&random, 6);
    for (int i = 0; i < N; i++)
        gaps[i] = xoshiro_exponential(&random) * (2 + sin(2 * M_PI * i / 5000.0));
    g_assert_cmpfloat_with_epsilon(local_variation(gaps, N), 1, 0.02);
}

static void
test_jitter_can_be_read_off(void)
{
    static const double jitters[] = { 0.05, 0.2, 0.5, 0.9 };
    g_autofree double *gaps = g_new(double, N);
    Xoshiro random;

    xoshiro_seed(&random, 8);
    for (size_t k = 0; k < G_N_ELEMENTS(jitters); k++) {
        const double j = jitters[k];
        const double cv = (j / sqrt(12)) / (1 - j / 2);

        for (int i = 0; i < N; i++)
            gaps[i] = 30 * (1 - j * xoshiro_uniform(&random));
        g_assert_cmpfloat_with_epsilon(local_variation_jitter(local_variation(gaps, N)),
                                       j, 0.01);
        if (j <= 0.2) /* the textbook's formula, right for small jitter */
            g_assert_cmpfloat_with_epsilon(local_variation_of_jitter(j), 1.5 * cv * cv,
                                           0.02 * cv * cv);
    }
    g_assert_cmpfloat(local_variation_jitter(0), ==, 0);
    g_assert_cmpfloat(local_variation_jitter(NAN), ==, 0);
    g_assert_cmpfloat(local_variation_jitter(2), <=, 1);
}

static void
test_scale_does_not_matter(void)
{
    double gaps[] = { 3, 1, 4, 1, 5, 9, 2, 6 };
    const double before = local_variation(gaps, 8);

    for (int i = 0; i < 8; i++)
        gaps[i] *= 1e6;
    g_assert_cmpfloat_with_epsilon(local_variation(gaps, 8), before, 1e-12);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/local-variation/closed-forms", test_closed_forms);
    g_test_add_func("/local-variation/poisson-is-one-and-z-is-standard",
                    test_poisson_is_one_and_z_is_standard);
    g_test_add_func("/local-variation/slow-drift-does-not-matter",
                    test_slow_drift_does_not_matter);
    g_test_add_func("/local-variation/jitter-can-be-read-off",
                    test_jitter_can_be_read_off);
    g_test_add_func("/local-variation/scale-does-not-matter",
                    test_scale_does_not_matter);
    return g_test_run();
}
