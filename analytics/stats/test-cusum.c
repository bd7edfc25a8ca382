/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/cusum.h"

#include <glib.h>

static void
test_a_lasting_rise_is_found_and_a_single_value_is_not(void)
{
    static const struct {
        const char *why;
        double values[8];
        size_t from;
        size_t crossed; /* 8 = never */
    } cases[] = {
        { "nothing", { 0 }, 8, 8 },
        { "at the allowance", { 1, 1, 1, 1, 1, 1, 1, 1 }, 8, 8 },
        { "one huge value", { 0, 1e300, 0, 0, 0, 0, 0, 0 }, 8, 8 },
        { "a rise from the third on", { 0, 0, 3, 3, 3, 3, 3, 3 }, 2, 5 },
        { "a rise that ended", { 3, 3, 3, 3, 0, 0, 0, 0 }, 0, 3 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Cusum cusum = cusum_of(cases[i].values, 8, 1, 3, 8);

        g_test_message("%s", cases[i].why);
        g_assert_cmpuint(cusum.from, ==, cases[i].from);
        g_assert_cmpuint(cusum.crossed, ==, cases[i].crossed);
    }
}

static void
test_of_nothing_there_is_nothing(void)
{
    const Cusum cusum = cusum_of(NULL, 0, 1, 3, 8);

    g_assert_cmpfloat(cusum.highest, ==, 0);
    g_assert_cmpuint(cusum.crossed, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cusum/a-lasting-rise-is-found-and-a-single-value-is-not",
                    test_a_lasting_rise_is_found_and_a_single_value_is_not);
    g_test_add_func("/cusum/of-nothing-there-is-nothing",
                    test_of_nothing_there_is_nothing);
    return g_test_run();
}
