/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/exfil-learn.h"

#include <glib.h>
#include <math.h>

#define MB UINT64_C(1000000)

/* Monday 2026-03-02 00:00 UTC. */
#define TODAY_US (INT64_C(1772409600) * 1000000)

static ExfilHostDay
day_of(int64_t back, uint64_t octets_at_2)
{
    return (ExfilHostDay){ .day_us = TODAY_US - back * EXFIL_DAY_US,
                           .hour_octets = { [2] = octets_at_2 },
                           .sum = { octets_at_2, 10 * MB },
                           .n_sessions = 10,
                           .n_called = 3,
                           .n_networks = (uint32_t) back };
}

static void
test_places_of_the_week(void)
{
    g_assert_cmpuint(exfil_learn_week_hour(0), ==, 3 * 24); /* a Thursday */
    g_assert_cmpuint(exfil_learn_week_hour(TODAY_US), ==, 0);
    g_assert_cmpuint(exfil_learn_week_hour(TODAY_US - 1), ==, 167);
    g_assert_cmpuint(exfil_learn_week_day(TODAY_US + 6 * EXFIL_DAY_US), ==, 6);
    g_assert_cmpuint(exfil_learn_week_hour(-EXFIL_DAY_US), ==, 2 * 24);
}

static void
test_octets_and_x_are_inverse(void)
{
    static const uint64_t values[] = { 0, 1000, 5 * MB, 40000 * MB };

    for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
        g_assert_cmpfloat_with_epsilon((double) exfil_learn_octets(
                                           exfil_learn_x(values[i])),
                                       (double) values[i],
                                       1 + (double) values[i] / 1e9);
    g_assert_cmpuint(exfil_learn_octets(exfil_learn_x(UINT64_MAX)), >, 0);
}

static void
test_a_nightly_backup_is_usual_at_its_hour(void)
{
    g_autofree ExfilLearn *learn = g_new(ExfilLearn, 1);

    exfil_learn_begin(learn, TODAY_US);
    for (int64_t back = 1; back <= 8; back++) {
        const ExfilHostDay day = day_of(back, 10000 * MB);
        exfil_learn_day(learn, &day);
    }
    const ExfilBaseline *usual = exfil_learn_end(learn);

    g_assert_cmpint(usual->from_us, ==, TODAY_US - 8 * EXFIL_DAY_US);
    for (size_t day = 0; day < 7; day++) {
        g_assert_cmpfloat_with_epsilon(usual->hour_median[day * 24 + 2],
                                       exfil_learn_x(10000 * MB), 0.01);
        g_assert_cmpfloat(usual->hour_median[day * 24 + 3], ==, 0);
        g_assert_cmpfloat(usual->hour_spread[day * 24 + 3], >, 0.3);
    }
    g_assert_cmpfloat_with_epsilon(usual->initiated_share, 0.3, 1e-9);
    g_assert_cmpfloat_with_epsilon(usual->networks_a_day, 4.5, 1e-9);
}

static void
test_a_weekly_full_backup_is_usual_on_its_day(void)
{
    g_autofree ExfilLearn *learn = g_new(ExfilLearn, 1);

    exfil_learn_begin(learn, TODAY_US);
    for (int64_t back = 1; back <= 14; back++) {
        /* One day back is a Sunday. */
        const ExfilHostDay day = day_of(back, back % 7 == 1 ? 100000 * MB : 1000 * MB);
        exfil_learn_day(learn, &day);
    }
    const ExfilBaseline *usual = exfil_learn_end(learn);

    g_assert_cmpfloat_with_epsilon(usual->day_median[6], exfil_learn_x(100000 * MB),
                                   0.1);
    g_assert_cmpfloat_with_epsilon(usual->day_median[2], exfil_learn_x(1000 * MB), 0.1);
}

static void
test_what_is_usual_is_no_more_than_was_ever_seen(void)
{
    g_autofree ExfilLearn *learn = g_new(ExfilLearn, 1);

    exfil_learn_begin(learn, TODAY_US);
    for (int64_t back = 1; back <= 28; back++) {
        const ExfilHostDay day = day_of(back, back / 7 % 2 ? 2000 * MB : 3 * MB);
        exfil_learn_day(learn, &day);
    }
    const ExfilBaseline *usual = exfil_learn_end(learn);

    for (size_t day = 0; day < 7; day++) {
        const size_t place = day * 24 + 2;
        const double high =
            usual->hour_median[place] + 1.645 * usual->hour_spread[place];

        g_assert_cmpuint(exfil_learn_octets(high), <=, 2001 * MB);
        g_assert_cmpuint(exfil_learn_octets(high), >=, 1999 * MB);
    }
}

/* Sends @octets on @n_days days, the first of them @first days back. */
static ExfilPair
learn_network(ExfilLearn *learn, size_t first, size_t n_days, uint64_t octets)
{
    ExfilSum days[EXFIL_DAYS] = { 0 };
    ExfilSum served[EXFIL_DAYS] = { 0 };

    for (size_t i = 0; i < n_days && i < first; i++)
        days[first - i] = (ExfilSum){ octets, octets / 100 };
    return exfil_learn_network(learn, days, served);
}

static void
test_only_habits_excuse(void)
{
    static const struct {
        const char *why;
        size_t first, n_days, n_networks;
        bool is_habit;
    } cases[] = {
        { "one theft", 10, 1, 1, false },
        { "two", 10, 1, 2, false },
        { "on three days", 10, 1, 3, true },
        { "many networks on one day", 10, 1, 0, false },
        { "a backup that was there from the beginning", 30, 30, 3, false },
        { "something passing in the first days", 28, 2, 3, true },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree ExfilLearn *learn = g_new(ExfilLearn, 1);

        g_test_message("%s", cases[i].why);
        exfil_learn_begin(learn, TODAY_US);
        for (int64_t back = 1; back <= 30; back++) {
            const ExfilHostDay day = day_of(back, MB);
            exfil_learn_day(learn, &day);
        }
        for (size_t k = 0; k < cases[i].n_networks; k++)
            learn_network(learn, cases[i].first - k, cases[i].n_days, 300 * MB);
        for (size_t k = 0; cases[i].n_networks == 0 && k < 20; k++)
            learn_network(learn, cases[i].first, cases[i].n_days, 300 * MB);
        if (cases[i].is_habit)
            g_assert_cmpuint(exfil_learn_end(learn)->new_peer_octets, >, 250 * MB);
        else
            g_assert_cmpuint(exfil_learn_end(learn)->new_peer_octets, ==, 0);
    }
}

static void
test_which_networks_need_a_look(void)
{
    static const struct {
        const char *why;
        size_t first, n_days;
        uint64_t octets;
        bool may_drip;
        uint64_t usual_octets;
    } cases[] = {
        { "small", 20, 20, 1000, false, 2970 },
        { "a steady rise that began a week ago", 7, 7, 24 * MB, true, 0 },
        { "the nightly backup", 30, 30, 10000 * MB, false, 29700 * MB },
        { "one burst", 3, 1, 500 * MB, false, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree ExfilLearn *learn = g_new(ExfilLearn, 1);

        g_test_message("%s", cases[i].why);
        exfil_learn_begin(learn, TODAY_US);
        for (int64_t back = 1; back <= 30; back++) {
            const ExfilHostDay day = day_of(back, MB);
            exfil_learn_day(learn, &day);
        }
        const ExfilPair pair =
            learn_network(learn, cases[i].first, cases[i].n_days, cases[i].octets);
        g_assert_true(pair.may_drip == cases[i].may_drip);
        g_assert_cmpuint(pair.usual_octets, ==, cases[i].usual_octets);
    }
}

static void
test_absurd_numbers_give_an_answer(void)
{
    g_autofree ExfilLearn *learn = g_new(ExfilLearn, 1);

    exfil_learn_begin(learn, TODAY_US);
    for (int64_t back = -2; back < 70; back++) {
        ExfilHostDay day = day_of(back, UINT64_MAX);

        day.sum = (ExfilSum){ UINT64_MAX, UINT64_MAX };
        day.n_sessions = UINT64_MAX;
        exfil_learn_day(learn, &day);
    }
    learn_network(learn, 59, 59, UINT64_MAX);
    const ExfilBaseline *usual = exfil_learn_end(learn);
    for (size_t i = 0; i < EXFIL_WEEK_HOURS; i++)
        g_assert_true(isfinite(usual->hour_median[i]) &&
                      isfinite(usual->hour_spread[i]));

    exfil_learn_begin(learn, TODAY_US);
    usual = exfil_learn_end(learn);
    g_assert_cmpint(usual->from_us, ==, 0);
    g_assert_true(isnan(usual->hour_median[0]) && isnan(usual->pcr));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exfil-learn/places-of-the-week", test_places_of_the_week);
    g_test_add_func("/exfil-learn/octets-and-x-are-inverse",
                    test_octets_and_x_are_inverse);
    g_test_add_func("/exfil-learn/a-nightly-backup-is-usual-at-its-hour",
                    test_a_nightly_backup_is_usual_at_its_hour);
    g_test_add_func("/exfil-learn/a-weekly-full-backup-is-usual-on-its-day",
                    test_a_weekly_full_backup_is_usual_on_its_day);
    g_test_add_func("/exfil-learn/what-is-usual-is-no-more-than-was-ever-seen",
                    test_what_is_usual_is_no_more_than_was_ever_seen);
    g_test_add_func("/exfil-learn/only-habits-excuse", test_only_habits_excuse);
    g_test_add_func("/exfil-learn/which-networks-need-a-look",
                    test_which_networks_need_a_look);
    g_test_add_func("/exfil-learn/absurd-numbers-give-an-answer",
                    test_absurd_numbers_give_an_answer);
    return g_test_run();
}
