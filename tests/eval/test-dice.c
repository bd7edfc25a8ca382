/* SPDX-License-Identifier: Apache-2.0 */
#include "dice.h"

#include <glib.h>
#include <math.h>

enum { N = 200000 };

typedef double (*Draw)(Dice *dice);

static double
exponential(Dice *dice)
{
    return dice_exponential(dice, 3.0);
}

static double
log_of_lognormal(Dice *dice)
{
    return log(dice_lognormal(dice, 100.0, 0.5));
}

/* 1 where it lies beyond 9 scales: (1 + 9)^-alpha */
static double
beyond_of_pareto(Dice *dice)
{
    return dice_pareto(dice, 2.0, 1.5) > 18.0;
}

static double
between(Dice *dice)
{
    return dice_between(dice, -1.0, 5.0);
}

static void
test_moments(void)
{
    static const struct {
        const char *why;
        Draw draw;
        double mean, deviation;
    } cases[] = {
        { "uniform on [0, 1)", dice_uniform, 0.5, 0.288675 },
        { "uniform on [-1, 5)", between, 2.0, 1.732051 },
        { "exponential", exponential, 3.0, 3.0 },
        { "normal", dice_normal, 0.0, 1.0 },
        { "lognormal", log_of_lognormal, 4.605170, 0.5 },
        { "tail of Pareto", beyond_of_pareto, 0.0316228, 0.174991 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        double sum = 0.0, squares = 0.0, mean, deviation;
        Dice dice;

        dice_seed(&dice, 1, i);
        for (unsigned k = 0; k < N; k++) {
            double x = cases[i].draw(&dice);

            sum += x;
            squares += x * x;
        }
        mean = sum / N;
        deviation = sqrt(squares / N - mean * mean);
        g_test_message("%s: mean %g, deviation %g", cases[i].why, mean, deviation);
        /* Five standard errors of the mean. */
        g_assert_cmpfloat_with_epsilon(mean, cases[i].mean,
                                       5.0 * cases[i].deviation / sqrt(N));
        g_assert_cmpfloat_with_epsilon(deviation, cases[i].deviation,
                                       0.02 * cases[i].deviation);
    }
}

static void
test_repeats(void)
{
    Dice a, b, other_stream, other_seed;

    dice_seed(&a, 7, 3);
    dice_seed(&b, 7, 3);
    dice_seed(&other_stream, 7, 4);
    dice_seed(&other_seed, 8, 3);
    for (unsigned i = 0; i < 100; i++) {
        uint64_t next = dice_next(&a);

        g_assert_cmpuint(next, ==, dice_next(&b));
        g_assert_cmpuint(next, !=, dice_next(&other_stream));
        g_assert_cmpuint(next, !=, dice_next(&other_seed));
    }
}

static void
test_below(void)
{
    unsigned counts[6] = { 0 };
    Dice dice;

    dice_seed(&dice, 1, 1);
    for (unsigned i = 0; i < 60000; i++)
        counts[dice_below(&dice, 6)]++;
    for (unsigned i = 0; i < 6; i++) {
        g_assert_cmpuint(counts[i], >, 9500);
        g_assert_cmpuint(counts[i], <, 10500);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dice/distributions-have-their-moments", test_moments);
    g_test_add_func("/dice/same-seed-and-stream-repeat", test_repeats);
    g_test_add_func("/dice/below-is-even", test_below);
    return g_test_run();
}
