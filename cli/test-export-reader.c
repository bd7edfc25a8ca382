/* SPDX-License-Identifier: Apache-2.0 */
#include "export-reader.h"

#include <string.h>

#define N_COLUMNS 32

/* A tuple of the COPY with nothing but nulls, and then some fields in it. */
typedef struct {
    const char *bytes; /* NULL = SQL null */
    size_t n_bytes;
} Field;

#define FIELD(literal) ((Field){ literal, sizeof(literal) - 1 })

static GByteArray *
encode(const Field *fields)
{
    GByteArray *tuple = g_byte_array_new();
    const uint8_t count[2] = { 0, N_COLUMNS };

    g_byte_array_append(tuple, count, sizeof(count));
    for (size_t i = 0; i < N_COLUMNS; i++) {
        const uint32_t length =
            g_htonl(fields[i].bytes ? (uint32_t) fields[i].n_bytes : UINT32_MAX);

        g_byte_array_append(tuple, (const uint8_t *) &length, sizeof(length));
        g_byte_array_append(tuple, (const uint8_t *) fields[i].bytes,
                            fields[i].bytes ? (unsigned) fields[i].n_bytes : 0);
    }
    return tuple;
}

static void
test_nulls(void)
{
    const Field fields[N_COLUMNS] = { 0 };
    g_autoptr(GByteArray) tuple = encode(fields);
    ExportRow row;

    g_assert_true(export_reader_decode(tuple->data, tuple->len, &row));
    g_assert_cmphex(row.shape, ==, 0);
}

static void
test_values(void)
{
    const Field fields[N_COLUMNS] = {
        [0] = FIELD("\0\0\0\0\0\x0f\x42\x40"), /* 2000-01-01 00:00:01 */
        [3] = FIELD("\2\x20\0\4\xc0\0\2\1"),
        [4] = FIELD("\0\0\0\0\0\0\0\7"),
        [5] = FIELD("\3\x80\0\x10\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"),
        [8] = FIELD("\0\0\0\3"),
        [10] = FIELD("\0\0\x08\0"),
        [11] = FIELD("\0\1"),
        [13] = FIELD("\x7f\xff\xff\xff\xff\xff\xff\xff"),
        [15] = FIELD("4294967295"),
        [18] = FIELD("not a number"),
        [21] = FIELD("256"), /* does not fit its element */
        [26] = FIELD("18446744073709551615"),
        [27] = FIELD("192.0.2.9"),
    };
    g_autoptr(GByteArray) tuple = encode(fields);
    ExportRow row;

    g_assert_true(export_reader_decode(tuple->data, tuple->len, &row));
    g_assert_cmphex(row.shape, ==,
                    EXPORT_BIT(EXPORT_RECEIVED) | EXPORT_BIT(EXPORT_EXPORTER_V4) |
                        EXPORT_BIT(EXPORT_DOMAIN) | EXPORT_BIT(EXPORT_SRC_V6) |
                        EXPORT_BIT(EXPORT_INPUT_IF) | EXPORT_BIT(EXPORT_OUTPUT_IF) |
                        EXPORT_BIT(EXPORT_ICMP_V4) | EXPORT_BIT(EXPORT_PROTOCOL) |
                        EXPORT_BIT(EXPORT_OCTETS) | EXPORT_BIT(EXPORT_FLOW_ID) |
                        EXPORT_BIT(EXPORT_NEXT_HOP_V4));
    g_assert_cmpuint(row.received_ms, ==, UINT64_C(946684801000));
    g_assert_cmphex(row.v4[5], ==, 0xc0000201);
    g_assert_cmphex(row.v6[0][15], ==, 1);
    g_assert_cmpuint(row.domain, ==, 7);
    g_assert_cmpuint(row.input_if, ==, UINT32_MAX);
    g_assert_cmpuint(row.icmp_v4, ==, 0x0800);
    g_assert_cmpuint(row.octets, ==, INT64_MAX);
    g_assert_cmpuint(row.flow_id, ==, UINT64_MAX);
    g_assert_cmphex(row.v4[2], ==, 0xc0000209);

    for (unsigned cut = 0; cut < tuple->len; cut++) {
        g_autofree uint8_t *copy = g_memdup2(tuple->data, cut);

        g_assert_false(export_reader_decode(copy, cut, &row));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/export-reader/null-is-not-exported", test_nulls);
    g_test_add_func("/export-reader/values-and-every-cut", test_values);
    return g_test_run();
}
