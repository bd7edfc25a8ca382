/* SPDX-License-Identifier: Apache-2.0 */
#include "rita.h"

#include <glib.h>

#include "generators.h"

static void
test_statistical(void)
{
    static const struct {
        const char *why;
        double values[10];
        size_t n;
        double below_one, expected;
    } cases[] = {
        { "a clock: no spread at all", { 60, 60, 60, 60 }, 4, 1.0, 1.0 },
        /* Quartiles 13.5, 90, 1000: skewness 833.5 / 986.5 = 0.84491; distances
         * 0 48 65 88 89 209 410 1410 4885, MAD 89: (90 - 89) / 90 = 0.01111 */
        { "skewed and spread, in any order",
          { 299, 2, 25, 42, 90, 1, 500, 1500, 4975 },
          9,
          1.0,
          0.083 },
        /* Quartiles 20, 50, 80: no skewness; distances 40 30 20 10 0 10 20 30 40, MAD
         * 20: 0.6.  (1 + 0.6) / 2 */
        { "even but spread", { 10, 20, 30, 40, 50, 60, 70, 80, 90 }, 9, 1.0, 0.8 },
        /* Quartiles 98.5, 100, 101.5 less than 10 apart; MAD 1 */
        { "narrow: skewness is not looked at",
          { 98, 98, 99, 100, 100, 100, 101, 102, 109 },
          9,
          1.0,
          0.995 },
        /* Quartiles 10, 10, 40: median is one of them, so no skewness; MAD 0 */
        { "median equals a quartile", { 10, 10, 10, 10, 40, 40, 40 }, 7, 1.0, 1.0 },
        /* Of an even number: quartiles 2, 5, 30; skewness 22 / 28 = 0.78571;
         * distances 3 3 3 4 25 35 from 5, MAD 3.5: 0.3 */
        { "even number", { 1, 2, 8, 2, 30, 40 }, 6, 1.0, 0.257 },
        { "median below one, intervals", { 0, 0, 0, 0 }, 4, 1.0, 1.0 },
        { "median below one, sizes", { 0, 0, 0, 0 }, 4, 0.0, 0.5 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        double values[10];

        g_test_message("%s", cases[i].why);
        for (size_t k = 0; k < cases[i].n; k++)
            values[k] = cases[i].values[k];
        g_assert_cmpfloat_with_epsilon(rita_statistical(values, cases[i].n,
                                                        cases[i].below_one),
                                       cases[i].expected, 1e-9);
    }
}

static void
test_histogram(void)
{
    static const struct {
        const char *why;
        unsigned bars[24];
        double histogram;
        double duration; /* half of the window covered */
    } cases[] = {
        { "flat",
          { 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5 },
          1.0,
          1.0 },
        /* CV 1; 12 of 12 - 1 bars in one height: above 1, so 1.  Runs of 1: duration by
         * cover. */
        { "every second hour",
          { 9, 0, 9, 0, 9, 0, 9, 0, 9, 0, 9, 0, 9, 0, 9, 0, 9, 0, 9, 0, 9, 0, 9, 0 },
          1.0,
          0.5 },
        /* Mean 1, deviation 4.796: CV > 1; too few bars for the rest */
        { "one hour", { 24 }, 0.0, 0.0 },
        /* Step ceil(0.05 * 40) = 2: heights 40 (6 times), 20 (3), 30, 10, 26: 9 of
         * 12 - 1 = 0.818.  CV: mean 326/24, above 1.  Run of 12. */
        { "two heights",
          { 40, 40, 40, 40, 40, 40, 20, 21, 20, 30, 10, 26 },
          0.818,
          1.0 },
        /* Mean 1.5, deviation sqrt(0.5 * 0.25 * 2)= 0.5: 1 - 1/3 = 0.667; but the two
         * heights hold all */
        { "ones and twos",
          { 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2 },
          1.0,
          1.0 },
        /* Seven bars, three at the end and four at the beginning: a run of 7 around
         * midnight, 7/12 upward; CV above 1 and too few bars for two heights */
        { "around midnight",
          { 3, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 3 },
          0.0,
          0.584 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].why);
        g_assert_cmpfloat_with_epsilon(rita_histogram(cases[i].bars, 24),
                                       cases[i].histogram, 1e-9);
        g_assert_cmpfloat_with_epsilon(rita_duration(cases[i].bars, 24, 0.5),
                                       cases[i].duration, 1e-9);
    }
}

static ContactSeries
series_of(const ContactEvent *events, size_t n, int64_t window_sec)
{
    return (ContactSeries){ .from_us = GENERATORS_FROM_US,
                            .to_us = GENERATORS_FROM_US + window_sec * G_USEC_PER_SEC,
                            .events = events,
                            .n_events = n };
}

static void
test_clock_day(void)
{
    ContactEvent events[288];
    ContactSeries series = series_of(events, 288, 86400);
    RitaScore score;

    for (int i = 0; i < 288; i++)
        events[i] = (ContactEvent){ GENERATORS_FROM_US + i * INT64_C(300000000), 349 };
    score = rita_score(&series);
    g_assert_true(score.is_scored);
    g_assert_cmpfloat(score.total, ==, 1.0);
    g_assert_cmpfloat(score.timing, ==, 1.0);

    /* Two hours of it: 24 events, 2 bars of 12.  CV above 1, no duration. */
    series.n_events = 24;
    score = rita_score(&series);
    g_assert_cmpfloat(score.timing, ==, 1.0);
    g_assert_cmpfloat(score.size, ==, 1.0);
    g_assert_cmpfloat(score.histogram, ==, 0.0);
    g_assert_cmpfloat(score.duration, ==, 0.0);
    g_assert_cmpfloat(score.total, ==, 0.5);

    /* In a window of these two hours the bars are 5 minutes each. */
    series = series_of(events, 24, 7200);
    g_assert_cmpfloat(rita_score(&series).total, ==, 1.0);
}

static void
test_last_day_only(void)
{
    ContactEvent events[60];
    ContactSeries series = series_of(events, 60, 7 * 86400);

    /* 12 a day on six days, irregular; none on the last. */
    for (int i = 0; i < 60; i++)
        events[i] = (ContactEvent){ GENERATORS_FROM_US + i * INT64_C(7200000000), 349 };
    g_assert_false(rita_score(&series).is_scored);
    g_assert_cmpfloat(rita_score(&series).total, ==, 0.0);

    series.to_us = GENERATORS_FROM_US + 5 * INT64_C(86400000000);
    g_assert_true(rita_score(&series).is_scored);
}

static void
test_too_few(void)
{
    /* Five contacts in three different seconds. */
    static const int64_t at_us[] = { 0, 300000, 600000, 50000000, 90000000 };
    ContactEvent events[6];
    ContactSeries series = series_of(events, 5, 86400);

    for (int i = 0; i < 5; i++)
        events[i] = (ContactEvent){ GENERATORS_FROM_US + at_us[i], 100 };
    g_assert_false(rita_score(&series).is_scored);

    /* Four: intervals 50, 40, 10 count, those of 0 s do not.  Quartiles 10, 40, 50:
     * skewness |60 - 80| / 40 = 0.5; distances 0, 10, 30, MAD 10: 0.75 */
    events[5] = (ContactEvent){ GENERATORS_FROM_US + INT64_C(100000000), 100 };
    series.n_events = 6;
    g_assert_true(rita_score(&series).is_scored);
    g_assert_cmpfloat_with_epsilon(rita_score(&series).timing, 0.625, 1e-9);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rita/skewness-and-mad-by-hand", test_statistical);
    g_test_add_func("/rita/bars-by-hand", test_histogram);
    g_test_add_func("/rita/a-clock-all-day-has-1-and-two-hours-of-it-half",
                    test_clock_day);
    g_test_add_func("/rita/only-the-last-day-counts", test_last_day_only);
    g_test_add_func("/rita/needs-four-different-seconds", test_too_few);
    return g_test_run();
}
