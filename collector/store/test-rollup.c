/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rollup.h"

#include <string.h>

#include "copy-field.h"
#include "reader.h"

#define MINUTE_US INT64_C(60000000)

static Exporter exporters[3] = { { .id = 1 }, { .id = 2 }, { .id = 3 } };

static Flow
random_flow(GRand *rand)
{
    return (Flow){
        .exporter = &exporters[g_rand_int_range(rand, 0, 3)],
        .received_us = MINUTE_US * g_rand_int_range(rand, 28000000, 28000003) +
                       g_rand_int_range(rand, 0, (gint32) MINUTE_US),
        .octets = g_rand_boolean(rand) ? INT64_MAX : g_rand_int(rand),
        .packets = g_rand_int(rand),
        .input_if = (uint32_t) g_rand_int_range(rand, 0, 3),
        .output_if = g_rand_boolean(rand) ? UINT32_MAX : 4,
        .dst_port = g_rand_boolean(rand) ? 443 : 40000,
        .protocol = 6,
        .present = FLOW_INPUT_IF | FLOW_OUTPUT_IF | FLOW_PROTOCOL | FLOW_DST_PORT,
        .watched = (uint8_t) g_rand_int_range(rand, 0, 4),
    };
}

/* One row read back: its key as bytes, its sums. */
typedef struct {
    uint8_t key[64];
    size_t n_key;
    double octets;
    double packets;
    uint64_t flows;
} Row;

static double
read_numeric(Reader *reader)
{
    double value = 0;

    reader_uint(reader, 4);

    const uint64_t n_digits = reader_uint(reader, 2);

    reader_uint(reader, 6);
    for (uint64_t i = 0; i < n_digits; i++)
        value = value * 10000 + (double) reader_uint(reader, 2);
    return value;
}

static Row
read_row(Reader *reader)
{
    const uint8_t *begin = reader->at;
    Row row = { 0 };

    g_assert_cmpuint(reader_uint(reader, 2), ==, 10);
    for (int i = 0; i < 7; i++) {
        const int32_t n_bytes = (int32_t) reader_uint(reader, 4);

        reader_bytes(reader, n_bytes < 0 ? 0 : (size_t) n_bytes);
    }
    row.n_key = (size_t) (reader->at - begin);
    memcpy(row.key, begin, row.n_key);
    row.octets = read_numeric(reader);
    row.packets = read_numeric(reader);
    reader_uint(reader, 4);
    row.flows = reader_uint(reader, 8);
    g_assert_true(reader_ok(reader));
    return row;
}

/* Adds the rows of @rows to @sums, joining those of one key. */
static void
add_rows(GArray *sums, const GByteArray *rows)
{
    Reader reader = reader_over(rows->data, rows->len);

    while (reader.left > 0) {
        const Row row = read_row(&reader);
        Row *sum = NULL;

        for (guint i = 0; i < sums->len && !sum; i++) {
            Row *known = &g_array_index(sums, Row, i);

            if (memcmp(known->key, row.key, sizeof(row.key)) == 0)
                sum = known;
        }
        if (!sum) {
            g_array_append_val(sums, row);
            continue;
        }
        sum->octets += row.octets;
        sum->packets += row.packets;
        sum->flows += row.flows;
    }
}

static int
compare_rows(const void *a, const void *b)
{
    return memcmp(((const Row *) a)->key, ((const Row *) b)->key, sizeof(Row) - 40);
}

static void
test_parts_sum_to_the_whole(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    g_autoptr(Rollup) whole = rollup_new();
    g_autoptr(Rollup) part = rollup_new();
    g_autoptr(GByteArray) rows = g_byte_array_new();
    g_autoptr(GArray) of_whole = g_array_new(FALSE, FALSE, sizeof(Row));
    g_autoptr(GArray) of_parts = g_array_new(FALSE, FALSE, sizeof(Row));

    for (int i = 0; i < 5000; i++) {
        const Flow flow = random_flow(rand);

        rollup_add(whole, &flow);
        rollup_add(part, &flow);
        if (i % 700 == 0) {
            g_byte_array_set_size(rows, 0);
            rollup_take(part, rows);
            add_rows(of_parts, rows);
        }
    }
    g_byte_array_set_size(rows, 0);
    rollup_take(part, rows);
    add_rows(of_parts, rows);

    g_assert_cmpuint(rollup_len(whole), >, 100);
    g_byte_array_set_size(rows, 0);
    rollup_take(whole, rows);
    add_rows(of_whole, rows);
    g_assert_cmpuint(rollup_len(whole), ==, 0);

    g_assert_cmpuint(of_parts->len, ==, of_whole->len);
    g_array_sort(of_parts, compare_rows);
    g_array_sort(of_whole, compare_rows);
    for (guint i = 0; i < of_whole->len; i++) {
        const Row *a = &g_array_index(of_whole, Row, i);
        const Row *b = &g_array_index(of_parts, Row, i);

        g_assert_cmpmem(a->key, sizeof(a->key), b->key, sizeof(b->key));
        g_assert_cmpuint(a->flows, ==, b->flows);
        g_assert_cmpfloat_with_epsilon(a->octets / b->octets, 1, 1e-9);
        g_assert_cmpfloat(a->packets, ==, b->packets);
    }
}

static void
test_many_keys(void)
{
    g_autoptr(Rollup) rollup = rollup_new();
    g_autoptr(GByteArray) rows = g_byte_array_new();

    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 20000; i++) {
            const Flow flow = { .exporter = &exporters[0],
                                .input_if = i % 10000,
                                .present = FLOW_INPUT_IF };

            rollup_add(rollup, &flow);
        }
        g_assert_cmpuint(rollup_len(rollup), ==, 10000);
        rollup_take(rollup, rows);
        g_assert_cmpuint(rollup_len(rollup), ==, 0);
    }
}

static void
test_hours(void)
{
    static const int minutes[] = { 125, 3, 59, 60, 61, 4 };
    g_autoptr(Rollup) rollup = rollup_new();

    g_assert_cmpint(rollup_oldest_us(rollup), ==, INT64_MAX);
    for (size_t i = 0; i < G_N_ELEMENTS(minutes); i++) {
        const Flow flow = { .exporter = &exporters[0],
                            .received_us = minutes[i] * MINUTE_US + 1 };

        rollup_add(rollup, &flow);
    }

    g_autoptr(GArray) hours = rollup_hours(rollup);

    g_assert_cmpuint(hours->len, ==, 3);
    for (guint i = 0; i < hours->len; i++)
        g_assert_cmpint(g_array_index(hours, int64_t, i), ==, i * 60 * MINUTE_US);
    g_assert_cmpint(rollup_oldest_us(rollup), ==, 3 * MINUTE_US);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rollup/parts-sum-to-the-whole", test_parts_sum_to_the_whole);
    g_test_add_func("/rollup/many-keys", test_many_keys);
    g_test_add_func("/rollup/hours", test_hours);
    return g_test_run();
}
