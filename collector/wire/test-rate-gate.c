/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/rate-gate.h"

#include "clock.h"

static IpAddress
address(unsigned n)
{
    const uint8_t bytes[4] = { 10, (uint8_t) (n >> 16), (uint8_t) (n >> 8),
                               (uint8_t) n };

    return ip_address_from_v4(bytes);
}

static unsigned
knock(RateGate *gate, unsigned from, unsigned n, int64_t mono_us)
{
    const IpAddress peer = address(from);
    unsigned passed = 0;

    for (unsigned i = 0; i < n; i++)
        passed += rate_gate_pass(gate, &peer, mono_us);
    return passed;
}

static void
test_one_address(void)
{
    RateGate *gate = rate_gate_new(100, 10);

    g_assert_cmpuint(knock(gate, 1, 50, 0), ==, 10);
    g_assert_cmpuint(knock(gate, 1, 50, US_PER_SEC / 2), ==, 5);
    g_assert_cmpuint(knock(gate, 1, 50, US_PER_SEC * 100), ==, 10); /* not saved up */
    rate_gate_free(gate);
}

static void
test_all_together(void)
{
    RateGate *gate = rate_gate_new(100, 10);
    unsigned passed = 0;

    for (unsigned i = 0; i < 1000; i++)
        passed += knock(gate, i, 10, 0);
    g_assert_cmpuint(passed, ==, 100);
    rate_gate_free(gate);
}

/* Who knocks a thousand times a second takes nothing from another. */
static void
test_a_flood_is_its_own_harm(void)
{
    RateGate *gate = rate_gate_new(100, 10);
    unsigned passed = 0;
    unsigned honest = 0;

    for (int64_t ms = 0; ms < 10000; ms++) {
        passed += knock(gate, 1, 1, ms * US_PER_MS);
        if (ms % 1000 == 0)
            honest += knock(gate, 2, 1, ms * US_PER_MS);
    }
    g_assert_cmpuint(passed, >=, 100);
    g_assert_cmpuint(passed, <=, 110);
    /* One of 1024 seeds puts both into one bucket. */
    g_assert_cmpuint(honest, >=, 1);
    rate_gate_free(gate);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rate-gate/one-address", test_one_address);
    g_test_add_func("/rate-gate/all-together", test_all_together);
    g_test_add_func("/rate-gate/a-flood-is-its-own-harm", test_a_flood_is_its_own_harm);
    return g_test_run();
}
