/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/incident-title.h"

#include "network.h"

static void
test_titles(void)
{
    static const struct {
        FindingKind kind;
        const char *rule;
        const char *host;
        const char *peers;
        uint16_t port;
        uint8_t protocol;
        ContactInitiator initiator;
        double magnitude;
        const char *numbers;
        const char *group;
        const char *title;
    } cases[] = {
        { FINDING_BEACON, "beacon", "10.2.0.14", "203.0.113.51", 443, 6,
          CONTACT_BY_HOST, 3188, "{\"period_sec\": 27.1}", "servers",
          "beacon: servers 10.2.0.14 -> 203.0.113.51:443 every 27.1 s" },
        { FINDING_BEACON, "beacon", "10.2.0.14", "203.0.113.51", 22, 6, CONTACT_BY_PEER,
          9, "{\"period_sec\": 300}", NULL,
          "beacon: 10.2.0.14:22 <- 203.0.113.51 every 5 min" },
        { FINDING_BEACON, "beacon", "2001:db8::1", "2001:db8:1::/48", 53, 17,
          CONTACT_BY_HOST, 9, "{}", "",
          "beacon: 2001:db8::1 -> [2001:db8:1::/48]:53/udp" },
        { FINDING_EXFIL, "rotation", "10.2.0.14", "203.0.112.0/20", 0, 0,
          CONTACT_UNKNOWN, 1.234e9, NULL, "servers",
          "exfil: servers 10.2.0.14 -> 203.0.112.0/20 1.23 GB (rotation)" },
        { FINDING_EXFIL, "channel", "10.2.0.14", "203.0.113.51", 0, 1, CONTACT_BY_HOST,
          999, "no json", "servers",
          "exfil: servers 10.2.0.14 -> 203.0.113.51/icmp 999 B (channel)" },
        { FINDING_EXFIL, "burst", "10.2.0.14", "203.0.113.51", 0, 99, CONTACT_BY_HOST,
          1e6, "{\"period_sec\": 1}", "a\r\nBcc: x@y\x1b[2J\xe2\x80\xae b\xff",
          "exfil: aBcc: x@y[2J b\xef\xbf\xbd 10.2.0.14 -> 203.0.113.51/protocol 99"
          " 1 MB (burst)" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        ContactKey key = { .service_port = cases[i].port,
                           .protocol = cases[i].protocol,
                           .initiator = (uint8_t) cases[i].initiator };
        Network peers;

        g_assert_true(ip_address_parse(cases[i].host, &key.host));
        g_assert_true(network_parse(cases[i].peers, &peers, NULL));
        key.peer = peers.address;
        g_autoptr(Finding) finding = finding_new(cases[i].kind, cases[i].rule, &key);
        finding->peer_group_bits = peers.bits;
        finding->magnitude = cases[i].magnitude;
        finding->numbers = g_strdup(cases[i].numbers);

        g_autofree char *title = incident_title(finding, cases[i].group);
        g_assert_cmpstr(title, ==, cases[i].title);
    }
}

static void
test_units(void)
{
    static const struct {
        double number;
        const char *period;
        const char *octets;
    } cases[] = {
        { 0.5, "0.5 s", "0.5 B" },          { 27.13, "27.1 s", "27.1 B" },
        { 119.6, "120 s", "120 B" },        { 120, "2 min", "120 B" },
        { 3600, "60 min", "3.6 kB" },       { 14400, "4 h", "14.4 kB" },
        { 172800, "2 d", "173 kB" },        { 999600, "11.6 d", "1 MB" },
        { 4.57e8, "5.29e+03 d", "457 MB" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *period = incident_title_period(cases[i].number);
        g_autofree char *octets = incident_title_octets(cases[i].number);

        g_assert_cmpstr(period, ==, cases[i].period);
        g_assert_cmpstr(octets, ==, cases[i].octets);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/incident-title/is-one-line", test_titles);
    g_test_add_func("/incident-title/has-three-figures", test_units);
    return g_test_run();
}
