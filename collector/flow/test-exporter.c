/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/exporter.h"

static IpAddress
address_of(uint32_t number)
{
    const uint8_t bytes[4] = { 10, number >> 16, number >> 8, number };

    return ip_address_from_v4(bytes);
}

static void
test_address_and_domain_are_the_key(void)
{
    g_autoptr(ExporterTable) table = exporter_table_new(10);
    const IpAddress one = address_of(1), two = address_of(2);
    Exporter *exporter = exporter_table_get(table, &one, 0);

    g_assert_cmpint(exporter->id, ==, 0);
    g_assert_cmpint(exporter->first_seen_us, ==, 0);
    g_assert_true(exporter_table_get(table, &one, 0) == exporter);
    g_assert_true(exporter_table_get(table, &one, 1) != exporter);
    g_assert_true(exporter_table_get(table, &two, 0) != exporter);
    g_assert_cmpuint(exporter_table_len(table), ==, 3);
    g_assert_cmpuint(exporter_table_at(table, 1)->domain, ==, 1);
}

static void
test_exporters_never_move(void)
{
    enum { N = 30000 };
    g_autoptr(ExporterTable) table = exporter_table_new(N);
    g_autofree Exporter **met = g_new(Exporter *, N);

    for (uint32_t i = 0; i < N; i++) {
        const IpAddress address = address_of(i / 3);

        met[i] = exporter_table_get(table, &address, i % 3);
        met[i]->id = i + 1;
    }
    for (uint32_t i = 0; i < N; i++) {
        const IpAddress address = address_of(i / 3);

        g_assert_true(exporter_table_get(table, &address, i % 3) == met[i]);
        g_assert_true(exporter_table_at(table, i) == met[i]);
        g_assert_cmpint(met[i]->id, ==, i + 1);
    }
}

static void
test_a_full_table_refuses_only_new_ones(void)
{
    g_autoptr(ExporterTable) table = exporter_table_new(2);
    const IpAddress address = address_of(7);
    Exporter *first = exporter_table_get(table, &address, 0);

    g_assert_nonnull(exporter_table_get(table, &address, 1));
    g_assert_null(exporter_table_get(table, &address, 2));
    g_assert_true(exporter_table_get(table, &address, 0) == first);
    g_assert_cmpuint(exporter_table_len(table), ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exporter/address-and-domain-are-the-key",
                    test_address_and_domain_are_the_key);
    g_test_add_func("/exporter/exporters-never-move", test_exporters_never_move);
    g_test_add_func("/exporter/a-full-table-refuses-only-new-ones",
                    test_a_full_table_refuses_only_new_ones);
    return g_test_run();
}
