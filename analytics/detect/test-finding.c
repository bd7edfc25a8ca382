/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/finding.h"

static void
test_score_is_the_sum_of_its_terms(void)
{
    const ContactKey key = { .service_port = 443, .protocol = 6 };
    g_autoptr(Finding) finding = finding_new(FINDING_BEACON, "beacon", &key);

    finding_add_term(finding, "regularity", 45, 45, "more than %d", 1000);
    finding_add_term(finding, "automation", -40, -40, "learned");
    g_assert_cmpfloat(finding->score, ==, 5);
    g_assert_cmpstr(finding->terms[0].why, ==, "more than 1000");
}

static void
test_score_stays_within_its_scale(void)
{
    const ContactKey key = { 0 };
    g_autoptr(Finding) finding = finding_new(FINDING_EXFIL, "burst", &key);

    finding_add_term(finding, "automation", -40, -40, "learned");
    g_assert_cmpfloat(finding->score, ==, 0);
    finding_add_term(finding, "volume", 200, 200, "much");
    g_assert_cmpfloat(finding->score, ==, 100);
}

static void
test_the_newest_events_are_kept(void)
{
    const ContactKey key = { 0 };
    g_autofree ContactEvent *events = g_new0(ContactEvent, FINDING_MAX_EVENTS + 2);
    g_autoptr(Finding) finding = finding_new(FINDING_BEACON, "beacon", &key);

    for (size_t i = 0; i < FINDING_MAX_EVENTS + 2; i++)
        events[i].start_us = (int64_t) i;
    finding_set_events(finding, events, FINDING_MAX_EVENTS + 2);
    g_assert_cmpuint(finding->n_events, ==, FINDING_MAX_EVENTS);
    g_assert_cmpint(finding->events[0].start_us, ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/finding/score-is-the-sum-of-its-terms",
                    test_score_is_the_sum_of_its_terms);
    g_test_add_func("/finding/score-stays-within-its-scale",
                    test_score_stays_within_its_scale);
    g_test_add_func("/finding/the-newest-events-are-kept",
                    test_the_newest_events_are_kept);
    return g_test_run();
}
