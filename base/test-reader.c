/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include <glib.h>

static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

static void
test_big_endian(void)
{
    Reader reader = reader_over(bytes, sizeof(bytes));

    g_assert_cmphex(reader_uint(&reader, 1), ==, 0x01);
    g_assert_cmphex(reader_uint(&reader, 8), ==, 0x0203040506070809);
    g_assert_cmpuint(reader.left, ==, 0);
    g_assert_true(reader_ok(&reader));
}

static void
test_one_read_too_far_spends_it(void)
{
    Reader reader = reader_over(bytes, 3);

    g_assert_cmphex(reader_uint(&reader, 2), ==, 0x0102);
    g_assert_cmphex(reader_uint(&reader, 2), ==, 0);
    g_assert_false(reader_ok(&reader));
    g_assert_cmphex(reader_uint(&reader, 1), ==, 0); /* though there is one */
    g_assert_null(reader_bytes(&reader, 0));
}

static void
test_a_huge_length_does_not_wrap(void)
{
    Reader reader = reader_over(bytes, sizeof(bytes));

    g_assert_null(reader_bytes(&reader, SIZE_MAX));
    g_assert_false(reader_ok(&reader));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reader/big-endian", test_big_endian);
    g_test_add_func("/reader/one-read-too-far-spends-it",
                    test_one_read_too_far_spends_it);
    g_test_add_func("/reader/a-huge-length-does-not-wrap",
                    test_a_huge_length_does_not_wrap);
    return g_test_run();
}
