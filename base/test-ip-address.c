/* SPDX-License-Identifier: Apache-2.0 */
#include "ip-address.h"

#include <arpa/inet.h>

static void
test_text(void)
{
    static const struct {
        const char *text;
        const char *canonical; /* NULL = refused */
        bool is_v4;
    } cases[] = {
        { "192.0.2.1", "192.0.2.1", true },
        { "::ffff:192.0.2.1", "192.0.2.1", true },
        { "::FFFF:c000:201", "192.0.2.1", true },
        { "2001:DB8:0:0:0:0:0:1", "2001:db8::1", false },
        { "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", false },
        { "::", "::", false },
        { "0.0.0.0", "0.0.0.0", true },
        { "fe80::1%eth0", NULL, false },
        { "192.0.2", NULL, false },
        { "192.0.2.256", NULL, false },
        { "192.0.2.01", NULL, false },
        { "192.0.2.1/32", NULL, false },
        { " 192.0.2.1", NULL, false },
        { "localhost", NULL, false },
        { "", NULL, false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char text[IP_ADDRESS_TEXT_BYTES];
        IpAddress addr = { .bytes = { 42 } };

        g_test_message("%s", cases[i].text);
        g_assert_true(ip_address_parse(cases[i].text, &addr) == !!cases[i].canonical);
        if (!cases[i].canonical) {
            g_assert_cmpuint(addr.bytes[0], ==, 42);
            continue;
        }
        g_assert_cmpstr(ip_address_format(&addr, text), ==, cases[i].canonical);
        g_assert_true(ip_address_is_v4(&addr) == cases[i].is_v4);
    }
}

static void
test_unspecified(void)
{
    static const struct {
        const char *text;
        bool unspecified;
    } cases[] = { { "::", true },       { "0.0.0.0", true }, { "::1", false },
                  { "0.0.0.1", false }, { "1::", false },    { "128.0.0.0", false } };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        IpAddress addr;

        g_assert_true(ip_address_parse(cases[i].text, &addr));
        g_assert_true(ip_address_is_unspecified(&addr) == cases[i].unspecified);
    }
}

static void
test_sockaddr(void)
{
    const struct sockaddr_in v4 = { .sin_family = AF_INET,
                                    .sin_port = htons(2055),
                                    .sin_addr.s_addr = htonl(0xc0000201) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(4739) };
    const struct sockaddr other = { .sa_family = AF_UNIX };
    IpAddress from_v4, from_v6;
    uint16_t port;

    g_assert_cmpint(inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr), ==, 1);
    g_assert_true(ip_address_from_sockaddr((const void *) &v4, &from_v4, &port));
    g_assert_cmpuint(port, ==, 2055);
    g_assert_true(ip_address_from_sockaddr((const void *) &v6, &from_v6, &port));
    g_assert_cmpuint(port, ==, 4739);
    g_assert_true(ip_address_equal(&from_v4, &from_v6));
    g_assert_cmphex(ip_address_hash(&from_v4), ==, ip_address_hash(&from_v6));
    g_assert_false(ip_address_from_sockaddr(&other, &from_v4, &port));
}

/* Workers are chosen by it, so neighbours must not all go to the same one. */
static void
test_the_hash_spreads_neighbours(void)
{
    unsigned n_in[8] = { 0 };

    for (unsigned i = 0; i < 8000; i++) {
        const uint8_t bytes[4] = { 10, 0, i >> 8, i };
        const IpAddress addr = ip_address_from_v4(bytes);

        n_in[ip_address_hash(&addr) % G_N_ELEMENTS(n_in)]++;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(n_in); i++) {
        g_assert_cmpuint(n_in[i], >, 800);
        g_assert_cmpuint(n_in[i], <, 1200);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ip-address/text", test_text);
    g_test_add_func("/ip-address/unspecified", test_unspecified);
    g_test_add_func("/ip-address/sockaddr", test_sockaddr);
    g_test_add_func("/ip-address/the-hash-spreads-neighbours",
                    test_the_hash_spreads_neighbours);
    return g_test_run();
}
