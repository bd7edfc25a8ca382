/* SPDX-License-Identifier: Apache-2.0 */
#include "beacon-scan.h"

#define US_PER_HOUR INT64_C(3600000000)
#define HOURS       24

static IpAddress
address(const char *text)
{
    IpAddress addr;

    g_assert_true(ip_address_parse(text, &addr));
    return addr;
}

static ContactKey
key_of(const char *peer)
{
    return (ContactKey){ .host = address("10.20.0.17"),
                         .peer = address(peer),
                         .service_port = 443,
                         .protocol = 6,
                         .initiator = CONTACT_BY_HOST };
}

static BeaconScan *
new_scan(size_t max_candidates)
{
    const BeaconScanOptions options = { .from_us = 0,
                                        .to_us = HOURS * US_PER_HOUR,
                                        .max_events = 10000,
                                        .max_candidates = max_candidates,
                                        .policy = BEACON_POLICY_DEFAULT };

    return beacon_scan_new(&options);
}

/* Every @step-th beat of a clock of five minutes from beat @first on. */
static void
add_clock(BeaconScan *scan, const ContactKey *key, unsigned first, unsigned step,
          uint32_t sampling)
{
    ContactEvent events[12];

    for (int64_t i = 0; i < HOURS; i++) {
        ContactHour hour = { .key = *key,
                             .hour_us = i * US_PER_HOUR,
                             .out_packets = sampling * 3,
                             .sampling = sampling,
                             .exporter_id = 7,
                             .events = events };

        for (unsigned beat = 0; beat < 12; beat++) {
            if ((i * 12 + beat) % step == first)
                events[hour.n_events++] =
                    (ContactEvent){ hour.hour_us + beat * (US_PER_HOUR / 12), 349 };
        }
        hour.n_sessions = hour.n_events;
        if (hour.n_events > 0)
            beacon_scan_add(scan, &hour);
    }
}

static void
test_a_clock_is_a_candidate(void)
{
    g_autoptr(BeaconScan) scan = new_scan(10);
    const ContactKey key = key_of("203.0.113.5");

    add_clock(scan, &key, 0, 1, 0);
    const GArray *found = beacon_scan_finish(scan);
    g_assert_cmpuint(found->len, ==, 1);

    const BeaconCandidate *one = &g_array_index(found, BeaconCandidate, 0);
    g_assert_true(contact_reader_same_group(&one->key, &key));
    g_assert_cmpuint(one->group_bits, ==, 128);
    g_assert_cmpuint(beacon_scan_n_contacts(scan), ==, 12 * HOURS);
    g_assert_cmpuint(beacon_scan_n_hosts(scan), ==, 1);
}

static void
test_a_clock_spread_over_a_network_is_one_candidate(void)
{
    g_autoptr(BeaconScan) scan = new_scan(10);

    for (unsigned i = 0; i < 97; i++) {
        g_autofree char *peer = g_strdup_printf("203.0.113.%u", i);
        const ContactKey key = key_of(peer);

        add_clock(scan, &key, i, 97, 0);
    }
    const GArray *found = beacon_scan_finish(scan);
    g_assert_cmpuint(found->len, ==, 1);

    const BeaconCandidate *one = &g_array_index(found, BeaconCandidate, 0);
    g_assert_cmpuint(one->group_bits, ==, 96 + 24);
    char text[IP_ADDRESS_TEXT_BYTES];
    g_assert_cmpstr(ip_address_format(&one->key.peer, text), ==, "203.0.113.0");
}

static void
test_of_too_many_the_highest_stay(void)
{
    g_autoptr(BeaconScan) scan = new_scan(3);

    for (unsigned i = 0; i < 20; i++) {
        g_autofree char *peer = g_strdup_printf("203.0.%u.1", i);
        const ContactKey key = key_of(peer);

        add_clock(scan, &key, 0, 1 + i % 4, 0);
    }
    const GArray *found = beacon_scan_finish(scan);
    g_assert_cmpuint(found->len, ==, 3);
    g_assert_cmpuint(beacon_scan_n_dropped(scan), ==, 17);
    for (guint i = 1; i < found->len; i++)
        g_assert_cmpfloat(g_array_index(found, BeaconCandidate, i - 1).rank, >=,
                          g_array_index(found, BeaconCandidate, i).rank);
}

static void
test_who_samples_too_thinly_is_remembered(void)
{
    g_autoptr(BeaconScan) scan = new_scan(10);
    const ContactKey key = key_of("203.0.113.5");

    add_clock(scan, &key, 0, 1, 1000);
    g_assert_cmpuint(beacon_scan_finish(scan)->len, ==, 0);
    g_assert_cmpuint(beacon_scan_eyes(scan)->len, ==, 1);

    const BeaconEye *eye = &g_array_index(beacon_scan_eyes(scan), BeaconEye, 0);
    g_assert_cmpint(eye->exporter_id, ==, 7);
    g_assert_cmpuint(eye->n_blind, ==, 1);
    g_assert_nonnull(strstr(eye->text, "1:1000"));
}

static void
test_networks_end_where_they_end(void)
{
    const IpAddress v4 = address("192.0.2.77");
    const IpAddress v6 = address("2001:db8:1:2::3");
    const IpAddress v4_net = beacon_scan_net_of(&v4);
    const IpAddress v6_net = beacon_scan_net_of(&v6);
    char text[IP_ADDRESS_TEXT_BYTES];

    g_assert_cmpstr(ip_address_format(&v4_net, text), ==, "192.0.2.0");
    g_assert_cmpstr(ip_address_format(&v6_net, text), ==, "2001:db8:1::");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/beacon-scan/a-clock-is-a-candidate", test_a_clock_is_a_candidate);
    g_test_add_func("/beacon-scan/a-clock-spread-over-a-network-is-one-candidate",
                    test_a_clock_spread_over_a_network_is_one_candidate);
    g_test_add_func("/beacon-scan/of-too-many-the-highest-stay",
                    test_of_too_many_the_highest_stay);
    g_test_add_func("/beacon-scan/who-samples-too-thinly-is-remembered",
                    test_who_samples_too_thinly_is_remembered);
    g_test_add_func("/beacon-scan/networks-end-where-they-end",
                    test_networks_end_where_they_end);
    return g_test_run();
}
