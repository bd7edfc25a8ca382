/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/exfil-window.h"

#include <glib.h>
#include <math.h>

#define MB UINT64_C(1000000)

/* Thursday 2026-01-29 20:30 UTC. */
#define NOW_US (INT64_C(1769718600) * 1000000)

static IpAddress
address_of(const char *text)
{
    IpAddress address;

    g_assert_true(ip_address_parse(text, &address));
    return address;
}

static void
test_the_network_of_an_address(void)
{
    static const struct {
        const char *address;
        const char *network;
        unsigned bits;
    } cases[] = {
        { "203.0.113.77", "203.0.112.0", 116 },
        { "203.0.127.255", "203.0.112.0", 116 },
        { "203.0.128.0", "203.0.128.0", 116 },
        { "0.0.0.0", "0.0.0.0", 116 },
        { "2001:db8:1:2::3", "2001:db8:1::", 48 },
        { "2001:db8:1:ffff:ffff::", "2001:db8:1::", 48 },
        { "::1", "::", 48 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const IpAddress address = address_of(cases[i].address);
        const IpAddress wanted = address_of(cases[i].network);
        IpAddress network;

        g_assert_cmpuint(exfil_window_network(&address, &network), ==, cases[i].bits);
        g_assert_true(ip_address_equal(&network, &wanted));
    }
}

static void
test_pcr_and_surplus(void)
{
    static const struct {
        ExfilSum sum;
        double pcr;
        uint64_t surplus;
    } cases[] = {
        { { 0, 0 }, NAN, 0 },       { { 100, 0 }, 1, 100 },
        { { 0, 100 }, -1, 0 },      { { 457, 868 }, -0.31, 0 },
        { { 137, 27 }, 0.67, 110 }, { { UINT64_MAX, UINT64_MAX }, 0, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const double pcr = exfil_window_pcr(&cases[i].sum);

        g_assert_true(isnan(pcr) == isnan(cases[i].pcr));
        if (!isnan(pcr))
            g_assert_cmpfloat_with_epsilon(pcr, cases[i].pcr, 0.005);
        g_assert_cmpuint(exfil_window_surplus(&cases[i].sum), ==, cases[i].surplus);
    }
}

static void
add(ExfilWindow *window, const char *peer, int64_t hours_ago, uint64_t out)
{
    const ExfilRow row = {
        .key = { window->host, address_of(peer), 443, 6, CONTACT_BY_HOST },
        .hour_us = NOW_US - NOW_US % EXFIL_HOUR_US - hours_ago * EXFIL_HOUR_US,
        .n_sessions = 1,
        .out_octets = out,
        .in_octets = 1000,
    };

    exfil_window_add(window, &row);
}

static void
test_hours_and_days_fall_into_place(void)
{
    const IpAddress host = address_of("2001:db8::5");
    ExfilWindow window;

    exfil_window_init(&window, NOW_US, MB, MB);
    exfil_window_begin(&window, &host);
    add(&window, "203.0.113.7", 0, 1 * MB);   /* today, running hour */
    add(&window, "203.0.113.7", 24, 2 * MB);  /* yesterday, first hour of the window */
    add(&window, "203.0.113.7", 25, 4 * MB);  /* yesterday, before it */
    add(&window, "203.0.113.9", 0, 8 * MB);   /* another address of the network */
    add(&window, "203.0.113.9", 24 * 70, MB); /* forgotten */
    add(&window, "2001:db8:9::1", 3, 3 * MB); /* another network */
    exfil_window_end(&window);

    g_assert_cmpuint(window.n_groups, ==, 2);
    const ExfilGroup *group = window.groups[0];
    g_assert_cmpuint(group->n_peers, ==, 2);
    g_assert_cmpuint(group->all.out_octets, ==, 11 * MB);
    g_assert_cmpuint(group->all.ports[0].hours[EXFIL_HOURS - 1].out_octets, ==, 9 * MB);
    g_assert_cmpuint(group->all.ports[0].hours[0].out_octets, ==, 2 * MB);
    g_assert_cmpuint(group->days[0].out_octets, ==, 9 * MB);
    g_assert_cmpuint(group->days[1].out_octets, ==, 6 * MB);
    const IpAddress top = address_of("203.0.113.9");
    g_assert_true(ip_address_equal(&group->top_peer, &top));
    g_assert_cmpuint(group->top.out_octets, ==, 8 * MB);
    g_assert_cmpuint(window.hours[EXFIL_HOURS - 4].out_octets, ==, 3 * MB);
    exfil_window_clear(&window);
}

static void
test_what_is_known_and_not_more_than_usual_is_passed_over(void)
{
    const IpAddress host = address_of("10.0.0.5");
    ExfilRow row = {
        .key = { host, address_of("203.0.113.7"), 443, 6, CONTACT_BY_HOST },
        .hour_us = NOW_US,
        .out_octets = 20 * MB,
        .usual_octets = 30 * MB,
    };
    ExfilWindow window;

    exfil_window_init(&window, NOW_US, MB, MB);
    for (int i = 0; i < 2; i++) {
        exfil_window_begin(&window, &host);
        exfil_window_add(&window, &row);
        exfil_window_end(&window);
        g_assert_cmpuint(window.n_groups, ==, i);
        row.out_octets = 31 * MB;
    }
    exfil_window_clear(&window);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exfil-window/the-network-of-an-address",
                    test_the_network_of_an_address);
    g_test_add_func("/exfil-window/pcr-and-surplus", test_pcr_and_surplus);
    g_test_add_func("/exfil-window/hours-and-days-fall-into-place",
                    test_hours_and_days_fall_into_place);
    g_test_add_func("/exfil-window/what-is-known-and-usual-is-passed-over",
                    test_what_is_known_and_not_more_than_usual_is_passed_over);
    return g_test_run();
}
