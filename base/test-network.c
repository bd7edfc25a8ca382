/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

static void
test_text(void)
{
    static const struct {
        const char *text;
        const char *canonical; /* NULL = refused ... */
        const char *complaint; /* ... with this in the message */
    } cases[] = {
        { "192.0.2.0/24", "192.0.2.0/24", NULL },
        { "192.0.2.1", "192.0.2.1/32", NULL },
        { "0.0.0.0/0", "0.0.0.0/0", NULL },
        { "2001:DB8::/32", "2001:db8::/32", NULL },
        { "2001:db8::1", "2001:db8::1/128", NULL },
        { "::/0", "::/0", NULL },
        { "::ffff:10.0.0.0/104", "10.0.0.0/8", NULL },
        { "10.0.0.1/8", NULL, "is 10.0.0.0/8 or 10.0.0.1/32 meant?" },
        { "2001:db8::1/64", NULL, "is 2001:db8::/64 or 2001:db8::1/128 meant?" },
        { "10.0.0.0/33", NULL, "from 0 to 32" },
        { "::/129", NULL, "from 0 to 128" },
        { "10.0.0.0/", NULL, "from 0 to 32" },
        { "10.0.0.0/08", NULL, "from 0 to 32" },
        { "10.0.0.0/+8", NULL, "from 0 to 32" },
        { "10.0.0.0/8/8", NULL, "from 0 to 32" },
        { "10.0.0.0/255.0.0.0", NULL, "from 0 to 32" },
        { "10/8", NULL, "is not a network" },
        { "/8", NULL, "is not a network" },
        { "", NULL, "is not a network" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        Network network = { .bits = 42 };

        g_test_message("%s", cases[i].text);
        if (network_parse(cases[i].text, &network, &error)) {
            g_autofree char *text = network_format(&network);

            g_assert_cmpstr(text, ==, cases[i].canonical);
            continue;
        }
        g_assert_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE);
        g_assert_null(cases[i].canonical);
        g_assert_nonnull(strstr(error->message, cases[i].complaint));
        g_assert_cmpuint(network.bits, ==, 42);
    }
}

static void
test_contains(void)
{
    static const struct {
        const char *network, *addr;
        bool contains;
    } cases[] = {
        { "10.0.0.0/8", "10.255.255.255", true },
        { "10.0.0.0/8", "11.0.0.0", false },
        { "10.0.0.0/9", "10.127.0.1", true },
        { "10.0.0.0/9", "10.128.0.1", false },
        { "0.0.0.0/0", "192.0.2.1", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "::/0", "192.0.2.1", true },
        { "2001:db8::/32", "2001:db8:ffff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "2001:db8::1", "2001:db8::1", true },
        { "2001:db8::1", "2001:db8::2", false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Network network;
        IpAddress addr;

        g_assert_true(network_parse(cases[i].network, &network, NULL));
        g_assert_true(ip_address_parse(cases[i].addr, &addr));
        g_assert_true(network_contains(&network, &addr) == cases[i].contains);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/text", test_text);
    g_test_add_func("/network/contains", test_contains);
    return g_test_run();
}
