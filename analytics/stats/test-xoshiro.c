/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/xoshiro.h"

#include <glib.h>
#include <math.h>

enum { N = 200000 };

/* The published first numbers of xoshiro256** from the state 1, 2, 3, 4. */
static void
test_numbers_are_the_published_ones(void)
{
    Xoshiro random = { { 1, 2, 3, 4 } };

    g_assert_cmpuint(xoshiro_next(&random), ==, UINT64_C(11520));
    g_assert_cmpuint(xoshiro_next(&random), ==, UINT64_C(0));
    g_assert_cmpuint(xoshiro_next(&random), ==, UINT64_C(1509978240));
    g_assert_cmpuint(xoshiro_next(&random), ==, UINT64_C(1215971899390074240));
}

static void
test_same_seed_gives_same_numbers(void)
{
    Xoshiro a;
    Xoshiro b;

    xoshiro_seed(&a, 42);
    xoshiro_seed(&b, 42);
    for (int i = 0; i < 100; i++)
        g_assert_cmpuint(xoshiro_next(&a), ==, xoshiro_next(&b));
    xoshiro_seed(&b, 43);
    g_assert_cmpuint(xoshiro_next(&a), !=, xoshiro_next(&b));
}

/* Mean and variance of @draw within five standard errors. */
static void
check_moments(double (*draw)(Xoshiro *), double mean, double variance)
{
    double sum = 0;
    double squares = 0;
    Xoshiro random;

    xoshiro_seed(&random, 7);
    for (int i = 0; i < N; i++) {
        const double x = draw(&random);

        sum += x;
        squares += (x - mean) * (x - mean);
    }
    g_assert_cmpfloat_with_epsilon(sum / N, mean, 5 * sqrt(variance / N));
    g_assert_cmpfloat_with_epsilon(squares / N, variance, 15 * variance / sqrt(N));
}

static void
test_moments_are_right(void)
{
    check_moments(xoshiro_uniform, 0.5, 1.0 / 12);
    check_moments(xoshiro_exponential, 1, 1);
    check_moments(xoshiro_normal, 0, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/xoshiro/numbers-are-the-published-ones",
                    test_numbers_are_the_published_ones);
    g_test_add_func("/xoshiro/same-seed-gives-same-numbers",
                    test_same_seed_gives_same_numbers);
    g_test_add_func("/xoshiro/moments-are-right", test_moments_are_right);
    return g_test_run();
}
