/* SPDX-License-Identifier: Apache-2.0 */

/* The tests on gaps alone: bounded, folded, growing, contrast. */

#include <glib.h>
#include <math.h>

#include "stats/bounded-gaps.h"
#include "stats/folded-gaps.h"
#include "stats/gap-contrast.h"
#include "stats/growing-gaps.h"
#include "stats/quantile.h"
#include "stats/xoshiro.h"

enum { MAX = 2000 };

static double
even(Xoshiro *random, double low, double high)
{
    return low + (high - low) * xoshiro_uniform(random);
}

static double
median_of(const double *gaps, size_t n)
{
    double copy[MAX];

    memcpy(copy, gaps, n * sizeof(*gaps));
    return quantile_median(copy, n);
}

static void
test_bounded_even_gaps(void)
{
    double gaps[MAX];
    double scratch[MAX];
    Xoshiro random;

    xoshiro_seed(&random, 1);
    for (int i = 0; i < MAX; i++)
        gaps[i] = even(&random, 30, 570);

    BoundedGaps bounded = bounded_gaps(gaps, MAX, scratch);

    g_assert_cmpfloat_with_epsilon(bounded.median, 300, 20);
    g_assert_cmpfloat_with_epsilon(bounded.max_over_median, 1.9, 0.1);
    g_assert_cmpfloat_with_epsilon(bounded.mad_over_median, 0.45, 0.05);
    g_assert_cmpfloat(bounded.score, >, 100);

    /* One night asleep costs little. */
    gaps[700] = 28800;
    bounded = bounded_gaps(gaps, MAX, scratch);
    g_assert_cmpfloat(bounded.max_over_median, >, 90);
    g_assert_cmpfloat(bounded.score, >, 80);
}

static void
test_bounded_poisson_is_as_expected(void)
{
    double gaps[MAX];
    double scratch[MAX];
    double n_high = 0;
    Xoshiro random;

    xoshiro_seed(&random, 2);
    for (int trial = 0; trial < 500; trial++) {
        for (int i = 0; i < 100; i++)
            gaps[i] = xoshiro_exponential(&random);
        n_high += bounded_gaps(gaps, 100, scratch).score > 2;
    }
    g_assert_cmpfloat(n_high / 500, <=, 0.02);
    for (int i = 0; i < MAX; i++)
        gaps[i] = xoshiro_exponential(&random);
    g_assert_cmpfloat_with_epsilon(bounded_gaps(gaps, MAX, scratch).mad_over_median,
                                   0.69, 0.05);
}

static void
test_light_tails_are_told_from_heavy_ones(void)
{
    double gaps[MAX];
    double scratch[MAX];
    Xoshiro random;

    xoshiro_seed(&random, 9);
    for (int i = 0; i < MAX; i++)
        gaps[i] = xoshiro_exponential(&random);
    g_assert_cmpfloat(bounded_gaps(gaps, MAX, scratch).light_tail, >, 10);
    for (int i = 0; i < MAX; i++)
        gaps[i] = pow(1 - xoshiro_uniform(&random), -1 / 1.3);
    g_assert_cmpfloat(bounded_gaps(gaps, MAX, scratch).light_tail, ==, 0);
    g_assert_cmpfloat(bounded_gaps(gaps, MAX, scratch).score, <, 1);
}

static void
test_bounded_nothing(void)
{
    const double zeros[] = { 0, 0, 0, 0, 1 };
    double scratch[5];

    g_assert_cmpfloat(bounded_gaps(zeros, 5, scratch).score, ==, 0);
    g_assert_cmpfloat(bounded_gaps(zeros, 0, scratch).score, ==, 0);
}

static void
test_folded_finds_the_period_behind_missing_beats(void)
{
    double gaps[MAX];
    double scratch[MAX];
    size_t n_used = 0;
    size_t n_beats = 0;
    Xoshiro random;

    xoshiro_seed(&random, 3);
    for (int i = 0; i < 150; i++) {
        gaps[i] = even(&random, 240, 300);
        while (xoshiro_uniform(&random) < 0.5)
            gaps[i] += even(&random, 240, 300);
    }

    const FoldedGaps folded = folded_gaps_find(gaps, 150, median_of(gaps, 150));

    g_assert_cmpfloat_with_epsilon(folded.period, 270, 10);
    g_assert_cmpfloat(folded.score, >, 10);
    g_assert_cmpfloat(folded_gaps_lv(gaps, 150, folded.period, scratch, &n_used,
                                     &n_beats),
                      <, 0.05);
    g_assert_cmpuint(n_used, >, 130);
    g_assert_cmpfloat_with_epsilon((double) n_used / n_beats, 0.5, 0.1);
}

static void
test_folded_mixtures_of_poisson_do_not_pass(void)
{
    double gaps[MAX];
    double n_high = 0;
    Xoshiro random;

    xoshiro_seed(&random, 4);
    for (int trial = 0; trial < 500; trial++) {
        for (int i = 0; i < 200; i++)
            gaps[i] = xoshiro_exponential(&random) *
                      (trial % 3 && xoshiro_uniform(&random) < 0.3 ? 50 : 1);
        n_high += folded_gaps_find(gaps, 200, median_of(gaps, 200)).score > 2.5;
    }
    g_assert_cmpfloat(n_high / 500, <=, 0.02);
}

static void
test_growing_rules_are_found(void)
{
    double golden[20] = { 60, 60 };
    double doubling[12] = { 1 };
    double steady[20];
    double skipping[40];
    Xoshiro random;

    xoshiro_seed(&random, 5);
    for (int i = 2; i < 20; i++)
        golden[i] = golden[i - 1] + golden[i - 2];
    for (int i = 1; i < 12; i++)
        doubling[i] = 2 * doubling[i - 1];
    for (int i = 0; i < 20; i++)
        steady[i] = 100;
    for (int i = 0; i < 40; i++)
        skipping[i] = 60 * (1 + xoshiro_next(&random) % 3);
    g_assert_cmpfloat(growing_gaps(golden, 20).score, >, 15);
    g_assert_cmpfloat_with_epsilon(growing_gaps(golden, 20).factor, 1.62, 0.03);
    g_assert_cmpfloat(growing_gaps(doubling, 12).score, >, 10);
    g_assert_cmpfloat_with_epsilon(growing_gaps(doubling, 12).factor, 2, 1e-9);
    g_assert_cmpfloat(growing_gaps(steady, 20).score, ==, 0);
    g_assert_cmpfloat(growing_gaps(skipping, 40).score, ==, 0);
    g_assert_cmpfloat(growing_gaps(golden, 3).score, ==, 0);
}

static void
test_growing_chance_is_charged(void)
{
    double n_high = 0;
    Xoshiro random;

    xoshiro_seed(&random, 6);
    for (int trial = 0; trial < 2000; trial++) {
        double gaps[30];

        for (int i = 0; i < 30; i++)
            gaps[i] = xoshiro_exponential(&random);
        n_high += growing_gaps(gaps, 30).score > 2;
    }
    g_assert_cmpfloat(n_high / 2000, <=, 0.01);
}

static void
test_contrast_of_a_peak(void)
{
    const uint16_t flat[8] = { 10, 10, 10, 10, 10, 10, 10, 10 };
    const uint16_t peak[8] = { 0, 0, 2, 40, 2, 0, 0, 0 };
    const uint16_t lone[8] = { 0, 0, 0, 4, 0, 0, 0, 0 };
    const uint16_t few[8] = { 0, 0, 0, 3, 0, 0, 0, 0 };

    g_assert_cmpfloat(gap_contrast(flat, 8), ==, 1);
    g_assert_cmpfloat(gap_contrast(peak, 8), ==, 40);
    g_assert_cmpfloat(gap_contrast(lone, 8), ==, 8);
    g_assert_cmpfloat(gap_contrast(few, 8), ==, 0);
    g_assert_cmpfloat(gap_contrast(flat, 0), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bounded-gaps/even-gaps-are-bounded", test_bounded_even_gaps);
    g_test_add_func("/bounded-gaps/poisson-passes-as-often-as-it-says",
                    test_bounded_poisson_is_as_expected);
    g_test_add_func("/bounded-gaps/light-tails-are-told-from-heavy-ones",
                    test_light_tails_are_told_from_heavy_ones);
    g_test_add_func("/bounded-gaps/nothing-is-nothing", test_bounded_nothing);
    g_test_add_func("/folded-gaps/finds-the-period-behind-missing-beats",
                    test_folded_finds_the_period_behind_missing_beats);
    g_test_add_func("/folded-gaps/mixtures-of-poisson-do-not-pass",
                    test_folded_mixtures_of_poisson_do_not_pass);
    g_test_add_func("/growing-gaps/rules-are-found", test_growing_rules_are_found);
    g_test_add_func("/growing-gaps/chance-is-charged", test_growing_chance_is_charged);
    g_test_add_func("/gap-contrast/a-peak-stands-out", test_contrast_of_a_peak);
    return g_test_run();
}
