/* SPDX-License-Identifier: Apache-2.0 */
#include "session/contact-group.h"

static const ContactKey key = { .service_port = 443, .protocol = 6, .initiator = 1 };

static ContactHour
hour_of(int64_t hour_us, const ContactEvent *events, size_t n_events)
{
    return (ContactHour){ .key = key,
                          .hour_us = hour_us,
                          .n_sessions = n_events,
                          .out_octets = 10,
                          .longest_us = hour_us + 1,
                          .exporter_id = 7,
                          .events = events,
                          .n_events = n_events };
}

static void
test_events_of_hours_come_in_order_and_within_the_window(void)
{
    const ContactEvent later[] = { { 50, 1 }, { 40, 2 } };
    const ContactEvent earlier[] = { { 30, 3 }, { 5, 4 } };
    g_autoptr(ContactGroup) group = contact_group_new(10);
    const ContactHour hours[] = { hour_of(36, later, 2), hour_of(0, earlier, 2) };

    contact_group_begin(group, &key);
    contact_group_add(group, &hours[0]);
    contact_group_add(group, &hours[1]);

    const ContactSeries series = contact_group_series(group, 10, 50);
    g_assert_cmpuint(series.n_events, ==, 2);
    g_assert_cmpint(series.events[0].start_us, ==, 30);
    g_assert_cmpint(series.events[1].start_us, ==, 40);
    g_assert_cmpuint(series.events[1].out_octets, ==, 2);
    g_assert_cmpuint(series.out_octets, ==, 20);
    g_assert_cmpint(series.longest_us, ==, 37);
    g_assert_cmpint(contact_group_exporter_id(group), ==, 7);
}

static void
test_of_too_many_the_newest_are_kept(void)
{
    g_autoptr(ContactGroup) group = contact_group_new(4);

    contact_group_begin(group, &key);
    for (int64_t i = 0; i < 100; i++) {
        const ContactEvent event = { i, 0 };
        const ContactHour hour = hour_of(i, &event, 1);

        contact_group_add(group, &hour);
        g_assert_cmpuint(contact_group_n_events(group), <=, 8);
    }

    const ContactSeries series = contact_group_series(group, 0, 1000);
    g_assert_cmpuint(series.n_events, ==, 4);
    g_assert_cmpint(series.events[0].start_us, ==, 96);
    g_assert_cmpuint(series.n_sessions, ==, 4);
}

static void
test_dense_hours_count_what_they_did_not_keep(void)
{
    const ContactEvent event = { 1, 0 };
    ContactHour hour = hour_of(0, &event, 1);
    g_autoptr(ContactGroup) group = contact_group_new(4);

    hour.n_sessions = 9000;
    contact_group_begin(group, &key);
    contact_group_add(group, &hour);

    const ContactSeries series = contact_group_series(group, 0, 10);
    g_assert_cmpuint(series.n_events, ==, 1);
    g_assert_cmpuint(series.n_sessions, ==, 9000);
}

static void
test_beginning_anew_forgets(void)
{
    const ContactEvent event = { 1, 0 };
    const ContactHour hour = hour_of(0, &event, 1);
    g_autoptr(ContactGroup) group = contact_group_new(4);

    contact_group_begin(group, &key);
    contact_group_add(group, &hour);
    contact_group_begin(group, &key);

    const ContactSeries series = contact_group_series(group, 0, 10);
    g_assert_cmpuint(series.n_events, ==, 0);
    g_assert_cmpuint(series.out_octets, ==, 0);
    g_assert_cmpuint(contact_group_busiest(group), ==, 0);
}

static void
test_sums_do_not_wrap(void)
{
    ContactHour hour = hour_of(0, NULL, 0);
    g_autoptr(ContactGroup) group = contact_group_new(4);

    hour.out_octets = UINT64_MAX - 1;
    contact_group_begin(group, &key);
    contact_group_add(group, &hour);
    contact_group_add(group, &hour);
    g_assert_cmpuint(contact_group_series(group, 0, 10).out_octets, ==, UINT64_MAX);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func(
        "/contact-group/events-of-hours-come-in-order-and-within-the-window",
        test_events_of_hours_come_in_order_and_within_the_window);
    g_test_add_func("/contact-group/of-too-many-the-newest-are-kept",
                    test_of_too_many_the_newest_are_kept);
    g_test_add_func("/contact-group/dense-hours-count-what-they-did-not-keep",
                    test_dense_hours_count_what_they_did_not_keep);
    g_test_add_func("/contact-group/beginning-anew-forgets",
                    test_beginning_anew_forgets);
    g_test_add_func("/contact-group/sums-do-not-wrap", test_sums_do_not_wrap);
    return g_test_run();
}
