/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/quantile.h"

#include <glib.h>
#include <math.h>

#include "stats/xoshiro.h"

static int
compare(const void *a, const void *b)
{
    const double x = *(const double *) a;
    const double y = *(const double *) b;

    return (x > y) - (x < y);
}

static void
test_selection_agrees_with_sorting(void)
{
    enum { N = 257 };
    Xoshiro random;

    xoshiro_seed(&random, 1);
    for (int trial = 0; trial < 50; trial++) {
        double values[N];
        double sorted[N];

        /* Half of the trials have many equal values. */
        for (int i = 0; i < N; i++)
            values[i] = trial % 2 ? floor(7 * xoshiro_uniform(&random))
                                  : xoshiro_uniform(&random);
        memcpy(sorted, values, sizeof(values));
        qsort(sorted, N, sizeof(*sorted), compare);

        const size_t rank = xoshiro_next(&random) % N;

        g_assert_cmpfloat(quantile_select(values, N, rank), ==, sorted[rank]);
    }
}

static void
test_quantiles_lie_between_elements(void)
{
    double values[] = { 4, 1, 3, 2 };
    double one[] = { 7 };

    g_assert_cmpfloat(quantile_median(values, 4), ==, 2.5);
    g_assert_cmpfloat(quantile_of(values, 4, 0), ==, 1);
    g_assert_cmpfloat(quantile_of(values, 4, 1), ==, 4);
    g_assert_cmpfloat_with_epsilon(quantile_of(values, 4, 0.9), 3.7, 1e-12);
    g_assert_cmpfloat(quantile_median(one, 1), ==, 7);
    g_assert_true(isnan(quantile_median(NULL, 0)));
}

static void
test_mad_is_the_median_distance(void)
{
    double values[] = { 1, 2, 4, 8, 100 };

    g_assert_cmpfloat(quantile_mad(values, 5, 4), ==, 3);
}

static void
test_equal_values_do_not_take_forever(void)
{
    enum { N = 200000 };
    g_autofree double *values = g_new0(double, N);
    const gint64 from = g_get_monotonic_time();

    g_assert_cmpfloat(quantile_median(values, N), ==, 0);
    g_assert_cmpint(g_get_monotonic_time() - from, <, 5 * G_USEC_PER_SEC);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/quantile/selection-agrees-with-sorting",
                    test_selection_agrees_with_sorting);
    g_test_add_func("/quantile/quantiles-lie-between-elements",
                    test_quantiles_lie_between_elements);
    g_test_add_func("/quantile/mad-is-the-median-distance",
                    test_mad_is_the_median_distance);
    g_test_add_func("/quantile/equal-values-do-not-take-forever",
                    test_equal_values_do_not_take_forever);
    return g_test_run();
}
