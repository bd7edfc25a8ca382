/* SPDX-License-Identifier: Apache-2.0 */
#include "template-fields.h"

static void
check(const uint8_t *body, size_t n_body, int version, bool is_options,
      const char *expected)
{
    g_autoptr(ElementNames) names = element_names_new();

    for (size_t cut = 0; cut <= n_body; cut++) { /* no cut reads beyond it */
        g_autofree uint8_t *copy = g_memdup2(body, cut);
        g_autoptr(GArray) fields =
            template_fields_parse(names, copy, cut, version, is_options);
        g_autofree char *text = template_fields_text(names, fields);

        if (cut == n_body)
            g_assert_cmpstr(text, ==, expected);
    }
}

static void
test_ipfix(void)
{
    static const uint8_t data[] = {
        1,    0,    0,    6,                      /* 256, six fields */
        0,    8,    0,    4,    0, 1, 0,    4,    /* an address, octets in four */
        0x80, 1,    0,    8,    0, 0, 0x72, 0x79, /* reverse octets */
        0,    82,   0xff, 0xff,                   /* a name of any length */
        0x80, 5,    0,    2,    0, 0, 0x27, 0x0f, /* nobody knows */
        0x7f, 0xff, 0,    1,
    };
    static const uint8_t options[] = {
        1, 1, 0, 2, 0, 1, 0, 143, 0, 4, 0, 34, 0, 4,
    };

    check(data, sizeof(data), 10, false,
          "sourceIPv4Address, octetDeltaCount(4), reverseOctetDeltaCount, "
          "interfaceName, 9999/5(2), element 32767(1)");
    check(options, sizeof(options), 10, true, "{meteringProcessId}, samplingInterval");
}

static void
test_v9(void)
{
    static const uint8_t data[] = {
        1, 4, 0, 3, 0, 27, 0, 16, 0, 21, 0, 4, 0x81, 0x04, 0, 2,
    };
    static const uint8_t options[] = {
        1, 5, 0, 4, 0, 8, 0, 1, 0, 4, 0, 34, 0, 4, 0, 35, 0, 1,
    };

    check(data, sizeof(data), 9, false,
          "sourceIPv6Address, flowEndSysUpTime, vendor type 33028(2)");
    check(options, sizeof(options), 9, true,
          "{System}(4), samplingInterval, samplingAlgorithm");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/template-fields/ipfix", test_ipfix);
    g_test_add_func("/template-fields/v9", test_v9);
    return g_test_run();
}
