/* SPDX-License-Identifier: Apache-2.0 */
#include "recall.h"

#include <glib.h>
#include <math.h>

static void
test_cut(void)
{
    static const struct {
        const char *why;
        double negatives[10];
        size_t n;
        double share, cut;
    } cases[] = {
        { "one of ten may lie above", { 3, 1, 4, 9, 5, 2, 6, 0, 8, 7 }, 10, 0.1, 8 },
        { "1 % of ten is none", { 3, 1, 4, 9, 5, 2, 6, 0, 8, 7 }, 10, 0.01, 9 },
        { "equal ones: none is above", { 5, 5, 5, 5, 5, 5, 5, 5, 5, 5 }, 10, 0.5, 5 },
        { "all may", { 1, 2 }, 2, 1.0, -INFINITY },
        { "three of ten, though 0.3 * 10 is a little less",
          { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 },
          10,
          0.3,
          6 },
        { "of none", { 0 }, 0, 0.01, -INFINITY },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        double negatives[10], cut;
        size_t n_above = 0;

        g_test_message("%s", cases[i].why);
        for (size_t k = 0; k < cases[i].n; k++)
            negatives[k] = cases[i].negatives[k];
        cut = recall_cut(negatives, cases[i].n, cases[i].share);
        g_assert_cmpfloat(cut, ==, cases[i].cut);
        for (size_t k = 0; k < cases[i].n; k++)
            n_above += negatives[k] > cut;
        g_assert_cmpfloat(n_above, <=, cases[i].share * cases[i].n + 1e-9);
    }
}

static void
test_above(void)
{
    static const double scores[] = { 1, 2, 2, 3, INFINITY };

    g_assert_cmpfloat(recall_above(scores, 5, 2).share, ==, 0.4);
    g_assert_cmpfloat(recall_above(scores, 5, -INFINITY).share, ==, 1.0);
    g_assert_cmpfloat(recall_above(scores, 5, INFINITY).share, ==, 0.0);
}

/* From the formula, by hand, to four digits: for 8 of 10 (0.8 + 0.19207) / 1.38415 and
 * 1.95996 / 1.38415 * sqrt(0.016 + 0.0096037). */
static void
test_wilson(void)
{
    static const struct {
        size_t found, n;
        double low, high;
    } cases[] = {
        { 8, 10, 0.4902, 0.9433 },     { 0, 10, 0.0, 0.2775 },
        { 10, 10, 0.7225, 1.0 },       { 500, 1000, 0.4691, 0.5309 },
        { 990, 1000, 0.9817, 0.9946 }, { 0, 0, 0.0, 1.0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Recall recall = recall_of(cases[i].found, cases[i].n);

        g_assert_cmpfloat_with_epsilon(recall.low, cases[i].low, 1e-4);
        g_assert_cmpfloat_with_epsilon(recall.high, cases[i].high, 1e-4);
    }
}

static void
test_median(void)
{
    double odd[] = { 9, 1, 5 }, even[] = { 4, 1, 3, 2 };

    g_assert_cmpfloat(recall_median(odd, 3), ==, 5);
    g_assert_cmpfloat(recall_median(even, 4), ==, 2.5);
    g_assert_true(isnan(recall_median(odd, 0)));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recall/no-more-than-the-share-lies-above-the-cut", test_cut);
    g_test_add_func("/recall/counts-what-lies-above", test_above);
    g_test_add_func("/recall/interval-is-wilsons", test_wilson);
    g_test_add_func("/recall/median", test_median);
    return g_test_run();
}
