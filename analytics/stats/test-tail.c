/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/tail.h"

#include <glib.h>
#include <math.h>

/* Reference values: Abramowitz and Stegun, tables 26.1, 26.2 and 26.8. */
static void
test_normal_tail_is_that_of_the_tables(void)
{
    static const struct {
        double z;
        double minus_log10;
    } cases[] = {
        { 0, 0.30103 }, { 1.6449, 1.30103 }, { 2.3263, 2 },    { 3.0902, 3 },
        { 5, 6.54265 }, { 10, 23.11805 },    { 20, 88.56010 }, { -10, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpfloat_with_epsilon(tail_normal(cases[i].z), cases[i].minus_log10,
                                       0.001);
}

static void
test_normal_tail_has_no_step_where_the_formula_changes(void)
{
    g_assert_cmpfloat_with_epsilon(tail_normal(7.9999999), tail_normal(8.0000001),
                                   1e-3);
}

static double
exact_binomial_low(int n, int n_hits, double p)
{
    double sum = 0;

    for (int i = 0; i <= n_hits; i++)
        sum += exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) + i * log(p) +
                   (n - i) * log1p(-p));
    return -log10(sum);
}

static void
test_binomial_tail_is_a_bound_and_near(void)
{
    for (int n = 10; n <= 1000; n *= 10)
        for (int hits = 0; hits < n / 4; hits += 1 + n / 40) {
            const double exact = exact_binomial_low(n, hits, 0.3);
            const double bound = tail_binomial_low(n, hits, 0.3);

            g_assert_cmpfloat(bound, <=, exact + 1e-9);
            g_assert_cmpfloat(bound, >=, exact - 1.8);
        }
    g_assert_cmpfloat_with_epsilon(tail_binomial_low(100, 0, 0.5), 100 * log10(2),
                                   1e-9);
    g_assert_cmpfloat_with_epsilon(tail_binomial_high(100, 100, 0.5), 100 * log10(2),
                                   1e-9);
    g_assert_cmpfloat(tail_binomial_low(100, 50, 0.5), ==, 0);
    g_assert_cmpfloat(tail_binomial_high(100, 50, 0.5), ==, 0);
    g_assert_cmpfloat(tail_binomial_low(0, 0, 0.5), ==, 0);
}

static void
test_chi_square_tail_is_that_of_the_tables(void)
{
    /* Lower 1 % points. */
    g_assert_cmpfloat_with_epsilon(tail_chi_square_low(2.558, 10), 2, 0.03);
    g_assert_cmpfloat_with_epsilon(tail_chi_square_low(14.953, 30), 2, 0.02);
    g_assert_cmpfloat_with_epsilon(tail_chi_square_low(70.065, 100), 2, 0.01);
    g_assert_cmpfloat(tail_chi_square_low(1, 0), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tail/normal-tail-is-that-of-the-tables",
                    test_normal_tail_is_that_of_the_tables);
    g_test_add_func("/tail/normal-tail-has-no-step-where-the-formula-changes",
                    test_normal_tail_has_no_step_where_the_formula_changes);
    g_test_add_func("/tail/binomial-tail-is-a-bound-and-near",
                    test_binomial_tail_is_a_bound_and_near);
    g_test_add_func("/tail/chi-square-tail-is-that-of-the-tables",
                    test_chi_square_tail_is_that_of_the_tables);
    return g_test_run();
}
