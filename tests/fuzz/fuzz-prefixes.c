/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: lists of networks as people write them (watch groups, allow lists, peers
 * of services), and the table that is made of them.
 *
 * Each line of the input is a network or an address.  What is taken is printed to what
 * is taken to the same; the table finds what a search through the list finds, for every
 * address named, and for the ends of every network. */

#include <string.h>

#include "budget.h"
#include "prefix-table.h"
#include "settings-value.h"

#define MAX_BYTES    16384
#define MAX_NETWORKS 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    Network *networks;
    size_t n_networks;
} Lists;

static const SettingsKey key = {
    .section = "watch",
    .name = "networks",
    .type = SETTINGS_NETWORKS,
    .offset = offsetof(Lists, networks),
    .companion = offsetof(Lists, n_networks),
    .fallback = "",
};

/* As the table promises: the longest, and of equal ones the last. */
static uint32_t
search(const GArray *networks, const IpAddress *addr)
{
    uint32_t found = PREFIX_TABLE_NONE;
    unsigned bits = 0;

    for (guint i = 0; i < networks->len; i++) {
        const Network *network = &g_array_index(networks, Network, i);

        if (network_contains(network, addr) &&
            (found == PREFIX_TABLE_NONE || network->bits >= bits)) {
            found = i;
            bits = network->bits;
        }
    }
    return found;
}

static void
check_found(const PrefixTable *table, const GArray *networks, const IpAddress *addr)
{
    g_assert_cmpuint(prefix_table_find(table, addr), ==, search(networks, addr));
}

/* The last address of a network, and the first beyond it. */
static void
check_ends(const PrefixTable *table, const GArray *networks, const Network *network)
{
    IpAddress addr = network->address;

    check_found(table, networks, &addr);
    for (unsigned bit = network->bits; bit < 128; bit++)
        addr.bytes[bit / 8] |= (uint8_t) (0x80 >> bit % 8);
    g_assert_true(network_contains(network, &addr));
    check_found(table, networks, &addr);
    if (network->bits == 0)
        return;
    addr.bytes[(network->bits - 1) / 8] ^= (uint8_t) (0x80 >> (network->bits - 1) % 8);
    g_assert_false(network_contains(network, &addr));
    check_found(table, networks, &addr);
}

static void
check_format(const Network *network)
{
    g_autofree char *text = network_format(network);
    Network again;

    g_assert_true(network_parse(text, &again, NULL));
    g_assert_cmpuint(again.bits, ==, network->bits);
    g_assert_true(ip_address_equal(&again.address, &network->address));
}

static void
take_line(const char *line, GArray *networks, GArray *addresses)
{
    g_autoptr(GError) error = NULL;
    Network network;
    IpAddress addr;

    if (ip_address_parse(line, &addr))
        g_array_append_val(addresses, addr);
    if (!network_parse(line, &network, &error)) {
        g_assert_nonnull(error);
        return;
    }
    g_assert_no_error(error);
    check_format(&network);
    if (networks->len < MAX_NETWORKS)
        g_array_append_val(networks, network);
}

/* All lines as the value of one key. */
static void
check_as_value(const char *text)
{
    Lists lists = { 0 }, again = { 0 };
    g_autoptr(GError) error = NULL;

    if (!settings_value_parse(&key, text, &lists, &error)) {
        g_assert_nonnull(error);
        g_assert_null(lists.networks);
        return;
    }
    g_autofree char *printed = settings_value_format(&key, &lists);
    g_assert_true(settings_value_parse(&key, printed, &again, &error));
    g_assert_no_error(error);
    g_assert_cmpmem(lists.networks, lists.n_networks * sizeof(Network), again.networks,
                    again.n_networks * sizeof(Network));
    settings_value_clear(&key, &lists);
    settings_value_clear(&key, &again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *) data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GArray) networks = g_array_new(FALSE, FALSE, sizeof(Network));
    g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(IpAddress));
    g_autoptr(PrefixTable) table = prefix_table_new();
    const Budget budget = budget_begin();

    if (size > MAX_BYTES)
        return -1;
    for (char **line = lines; *line; line++)
        take_line(*line, networks, addresses);
    for (guint i = 0; i < networks->len; i++)
        prefix_table_add(table, &g_array_index(networks, Network, i), i);
    for (guint i = 0; i < networks->len; i++)
        check_ends(table, networks, &g_array_index(networks, Network, i));
    for (guint i = 0; i < addresses->len; i++)
        check_found(table, networks, &g_array_index(addresses, IpAddress, i));
    check_as_value(g_strdelimit(text, "\n", ';'));
    budget_check(&budget, size);
    return 0;
}
