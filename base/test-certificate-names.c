/* SPDX-License-Identifier: Apache-2.0 */
#include "certificate-names.h"

typedef enum { DNS, ADDRESS, CN } Kind;

static bool
have(const CertificateNames *names, Kind kind, const char *name)
{
    IpAddress address;

    if (kind == DNS)
        return certificate_names_have_dns(names, name);
    if (kind == CN)
        return certificate_names_have_cn(names, name);
    g_assert_true(ip_address_parse(name, &address));
    return certificate_names_have_address(names, &address);
}

static const struct {
    const char *why;
    const char *list;
    Kind kind;
    const char *name;
    bool is_in;
} cases[] = {
    { "as it stands there", "a.example.net", DNS, "a.example.net", true },
    { "case does not matter", "a.Example.net", DNS, "A.example.NET", true },
    { "nor does the root's dot", "a.example.net.", DNS, "a.example.net", true },
    { "the last of several", "a.net, b.net;c.net", DNS, "c.net", true },
    { "another", "a.example.net", DNS, "b.example.net", false },
    { "longer", "a.example.net", DNS, "a.example.net.evil.net", false },
    { "below it", "example.net", DNS, "a.example.net", false },
    { "a star takes one label", "*.example.net", DNS, "a.example.net", true },
    { "not two", "*.example.net", DNS, "a.b.example.net", false },
    { "not none", "*.example.net", DNS, "example.net", false },
    { "a star in the certificate", "a.example.net", DNS, "*.example.net", false },
    { "not even for itself", "*.example.net", DNS, "*.example.net", false },
    { "an empty label", "*.example.net", DNS, ".example.net", false },
    { "nothing", "a.example.net", DNS, "", false },
    { "control characters", "*.example.net", DNS, "a\n.example.net", false },
    { "an address", "192.0.2.1", ADDRESS, "192.0.2.1", true },
    { "in another form", "2001:db8::1", ADDRESS, "2001:DB8:0::1", true },
    { "another address", "192.0.2.1", ADDRESS, "192.0.2.2", false },
    { "an address is no DNS name", "192.0.2.1", DNS, "192.0.2.1", false },
    { "a common name, only if said so", "cn:Router 7", CN, "Router 7", true },
    { "which is exact", "cn:Router 7", CN, "router 7", false },
    { "a DNS name is no common name", "a.example.net", CN, "a.example.net", false },
    { "nor the other way round", "cn:a.example.net", DNS, "a.example.net", false },
};

static void
test_who_is_in_a_list(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(CertificateNames) names =
            certificate_names_parse(cases[i].list, &error);

        g_test_message("%s", cases[i].why);
        g_assert_no_error(error);
        g_assert_true(have(names, cases[i].kind, cases[i].name) == cases[i].is_in);
    }
}

static void
test_what_is_no_list(void)
{
    static const char *const lists[] = {
        "",        " , ",    "a..net",       "*",         "*.", "a.*.net", "cn:",
        "a b.net", "x*.net", "http://a.net", "10.0.0.0/8"
    };

    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%s", lists[i]);
        g_assert_null(certificate_names_parse(lists[i], &error));
        g_assert_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/certificate-names/who-is-in-a-list", test_who_is_in_a_list);
    g_test_add_func("/certificate-names/what-is-no-list", test_what_is_no_list);
    return g_test_run();
}
