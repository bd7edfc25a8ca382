/* SPDX-License-Identifier: Apache-2.0 */
#include "service-port.h"

#include <glib.h>

static void
test_which_end(void)
{
    static const struct {
        const char *why;
        uint8_t protocol;
        uint16_t src_port, dst_port, want;
    } cases[] = {
        { "to a known service", 6, 50000, 443, 443 },
        { "from a known service", 17, 53, 50000, 53 },
        { "between two: the lower", 6, 443, 22, 22 },
        { "and back", 6, 22, 443, 22 },
        { "none known", 6, 50001, 50002, 0 },
        { "one not reported", 6, 0, 443, 443 },
        { "ICMP has types, no ports", 1, 0, 443, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].why);
        g_assert_cmpuint(service_port_pick(cases[i].protocol, cases[i].src_port,
                                           cases[i].dst_port),
                         ==, cases[i].want);
    }
    g_assert_true(service_port_is_known(4739));
    g_assert_false(service_port_is_known(0));
    g_assert_false(service_port_is_known(65535));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/service-port/which-end-is-the-service", test_which_end);
    return g_test_run();
}
