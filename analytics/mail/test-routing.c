/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/routing.h"

#include <glib.h>

#include "clock.h"
#include "mail/outbox.h"

#define MIN_US  (60 * US_PER_SEC)
#define HOUR_US (60 * MIN_US)

static void
test_who_is_told(void)
{
    static const struct {
        const char *groups;
        bool alerts;
        const char *group, *severity;
        bool concerns, is_told;
        const char *why;
    } cases[] = {
        { "", true, "servers", "mail", true, true, "no groups: all" },
        { " ; ", true, "servers", "mail", true, true, "no names: all" },
        { "", true, "", "mail", true, true, "in no group any more" },
        { "servers", true, "", "mail", false, false, "in no group any more" },
        { "servers", true, "servers", "mail", true, true, "" },
        { "routers; servers ;x", true, "servers", "mail", true, true, "blanks" },
        { "routers", true, "servers", "mail", false, false, "another group" },
        { "serv", true, "servers", "mail", false, false, "a part of a name" },
        { "servers", true, "servers", "digest", true, false, "not grave enough" },
        { "servers", true, "servers", "listed", true, false, "not grave enough" },
        { "servers", false, "servers", "mail", true, false, "wants the digest only" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Recipient recipient = { .groups = cases[i].groups,
                                      .alerts = cases[i].alerts };

        g_test_message("%s", cases[i].why);
        g_assert_cmpint(routing_concerns(&recipient, cases[i].group), ==,
                        cases[i].concerns);
        g_assert_cmpint(routing_is_told(&recipient, cases[i].group, cases[i].severity),
                        ==, cases[i].is_told);
    }
}

static void
test_digest_is_due_at_its_hour(void)
{
    static const struct {
        unsigned hour;
        int64_t now_hours, due_hours; /* since midnight of some day */
    } cases[] = {
        { 6, 5, 6 - 24 }, { 6, 6, 6 }, { 6, 23, 6 }, { 0, 0, 0 }, { 23, 22, -1 },
    };
    const int64_t midnight_us = INT64_C(20000) * 24 * HOUR_US;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const MailPolicy policy = { .digest_hour = cases[i].hour };

        g_assert_cmpint(
            routing_digest_us(&policy, midnight_us + cases[i].now_hours * HOUR_US + 1),
            ==, midnight_us + cases[i].due_hours * HOUR_US);
    }
}

static void
test_waits_double_up_to_an_hour(void)
{
    static const int minutes[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
    const int64_t now_us = 1000 * HOUR_US;

    for (int i = 0; i < (int) G_N_ELEMENTS(minutes); i++)
        g_assert_cmpint(outbox_next_attempt_us(i + 1, now_us, now_us, 120), ==,
                        now_us + minutes[i] * MIN_US);
    g_assert_cmpint(outbox_next_attempt_us(INT_MAX, now_us, now_us, 120), ==,
                    now_us + HOUR_US);
    g_assert_cmpint(outbox_next_attempt_us(9, now_us - 120 * HOUR_US + 1, now_us, 120),
                    >, now_us);
    g_assert_cmpint(outbox_next_attempt_us(9, now_us - 120 * HOUR_US, now_us, 120), ==,
                    0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/routing/people-are-told-what-concerns-them", test_who_is_told);
    g_test_add_func("/routing/a-digest-is-due-at-its-hour",
                    test_digest_is_due_at_its_hour);
    g_test_add_func("/outbox/waits-double-up-to-an-hour",
                    test_waits_double_up_to_an_hour);
    return g_test_run();
}
