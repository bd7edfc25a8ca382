/* SPDX-License-Identifier: Apache-2.0 */
#include "prefix-table.h"

#define N_NETWORKS 400
#define N_LOOK_UPS 4000

/* Few different values a byte, so that prefixes nest and addresses hit. */
static uint8_t
random_byte(void)
{
    static const uint8_t bytes[] = { 0, 1, 127, 128, 255 };

    return bytes[g_test_rand_int_range(0, G_N_ELEMENTS(bytes))];
}

static IpAddress
random_address(void)
{
    IpAddress addr = { .bytes = { [10] = 0xff, [11] = 0xff } };

    for (size_t i = g_test_rand_bit() ? 12 : 0; i < sizeof(addr.bytes); i++)
        addr.bytes[i] = random_byte();
    return addr;
}

static Network
random_network(void)
{
    Network network = { .address = random_address(),
                        .bits = g_test_rand_int_range(0, 129) };

    for (unsigned bit = network.bits; bit < 128; bit++)
        network.address.bytes[bit / 8] &= ~(0x80 >> bit % 8);
    return network;
}

/* The last one added wins among equals. */
static uint32_t
search(const Network *networks, size_t n, const IpAddress *addr)
{
    uint32_t found = PREFIX_TABLE_NONE;

    for (size_t i = 0; i < n; i++) {
        if (network_contains(&networks[i], addr) &&
            (found == PREFIX_TABLE_NONE || networks[i].bits >= networks[found].bits))
            found = i;
    }
    return found;
}

static void
test_agrees_with_a_linear_search(void)
{
    for (unsigned round = 0; round < 10; round++) {
        g_autoptr(PrefixTable) table = prefix_table_new();
        Network networks[N_NETWORKS];

        for (size_t i = 0; i < N_NETWORKS; i++) {
            networks[i] = random_network();
            prefix_table_add(table, &networks[i], i);
        }
        for (size_t i = 0; i < N_LOOK_UPS; i++) {
            const IpAddress addr = random_address();

            g_assert_cmpuint(prefix_table_find(table, &addr), ==,
                             search(networks, N_NETWORKS, &addr));
        }
    }
}

static void
test_an_empty_table_finds_nothing(void)
{
    g_autoptr(PrefixTable) table = prefix_table_new();
    const IpAddress v6 = { 0 };
    const IpAddress v4 = ip_address_from_v4(v6.bytes);

    g_assert_cmpuint(prefix_table_find(table, &v4), ==, PREFIX_TABLE_NONE);
    g_assert_cmpuint(prefix_table_find(table, &v6), ==, PREFIX_TABLE_NONE);
}

static void
test_everything_covers_both_families(void)
{
    g_autoptr(PrefixTable) table = prefix_table_new();
    const IpAddress v6 = { .bytes = { 0x20, 0x01 } };
    const IpAddress v4 = ip_address_from_v4(v6.bytes);
    Network network;

    g_assert_true(network_parse("::/0", &network, NULL));
    prefix_table_add(table, &network, 1);
    g_assert_cmpuint(prefix_table_find(table, &v4), ==, 1);
    g_assert_cmpuint(prefix_table_find(table, &v6), ==, 1);

    g_assert_true(network_parse("0.0.0.0/0", &network, NULL));
    prefix_table_add(table, &network, 2);
    g_assert_cmpuint(prefix_table_find(table, &v4), ==, 2);
    g_assert_cmpuint(prefix_table_find(table, &v6), ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/prefix-table/agrees-with-a-linear-search",
                    test_agrees_with_a_linear_search);
    g_test_add_func("/prefix-table/an-empty-table-finds-nothing",
                    test_an_empty_table_finds_nothing);
    g_test_add_func("/prefix-table/everything-covers-both-families",
                    test_everything_covers_both_families);
    return g_test_run();
}
