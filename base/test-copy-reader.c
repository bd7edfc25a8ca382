/* SPDX-License-Identifier: Apache-2.0 */
#include "copy-reader.h"

#include <string.h>

#define OVER(literal) reader_over((const uint8_t *) (literal), sizeof(literal) - 1)

static void
test_numbers_of_every_width(void)
{
    static const struct {
        const char *bytes;
        size_t n_bytes;
        bool is_value;
        int64_t value;
        const char *why;
    } cases[] = {
        { "\0\0\0\2\xff\xfe", 6, true, -2, "smallint, sign extended" },
        { "\0\0\0\4\0\0\0\7", 8, true, 7, "integer" },
        { "\0\0\0\x8\x80\0\0\0\0\0\0\0", 12, true, INT64_MIN, "bigint" },
        { "\xff\xff\xff\xff", 4, false, 0, "null" },
        { "\0\0\0\0", 4, false, 0, "nothing is no number" },
        { "\0\0\0\4\0\0", 6, false, 0, "cut" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Reader row = reader_over((const uint8_t *) cases[i].bytes, cases[i].n_bytes);
        int64_t value = 0;

        g_test_message("%s", cases[i].why);
        g_assert_cmpint(copy_reader_int(&row, &value), ==, cases[i].is_value);
        g_assert_cmpint(value, ==, cases[i].value);
    }
}

static void
test_null_steps_to_the_next_field(void)
{
    Reader row = OVER("\xff\xff\xff\xff\0\0\0\2\0\5");
    uint64_t value = 9;

    g_assert_false(copy_reader_uint(&row, &value));
    g_assert_cmpuint(value, ==, 9);
    g_assert_true(copy_reader_uint(&row, &value));
    g_assert_cmpuint(value, ==, 5);
    g_assert_true(reader_ok(&row));
}

static void
test_arrays(void)
{
    /* '{3,NULL,-1}'::integer[] */
    static const char array[] = "\0\0\0\x28\0\0\0\1\0\0\0\1\0\0\0\x17\0\0\0\3\0\0\0\1"
                                "\0\0\0\4\0\0\0\3\xff\xff\xff\xff\0\0\0\4\xff\xff\xff"
                                "\xff";
    Reader row = OVER(array);
    int64_t values[3] = { 9, 9, 9 };
    size_t n = 0;

    g_assert_true(copy_reader_ints(&row, values, 3, &n));
    g_assert_cmpuint(n, ==, 3);
    g_assert_cmpint(values[0], ==, 3);
    g_assert_cmpint(values[1], ==, 0);
    g_assert_cmpint(values[2], ==, -1);

    row = OVER(array);
    values[1] = 7;
    g_assert_true(copy_reader_ints(&row, values, 1, &n));
    g_assert_cmpuint(n, ==, 3);
    g_assert_cmpint(values[1], ==, 7);

    row = OVER("\0\0\0\x0c\0\0\0\0\0\0\0\0\0\0\0\x17");
    g_assert_true(copy_reader_ints(&row, values, 3, &n));
    g_assert_cmpuint(n, ==, 0);
}

static void
test_addresses_and_times(void)
{
    Reader row = OVER("\0\0\0\x8\2\x20\0\4\xc0\0\2\1\0\0\0\x8\0\0\0\0\0\x0f\x42\x40");
    IpAddress addr;
    int64_t us;
    char text[IP_ADDRESS_TEXT_BYTES];

    g_assert_true(copy_reader_inet(&row, &addr));
    g_assert_cmpstr(ip_address_format(&addr, text), ==, "192.0.2.1");
    g_assert_true(copy_reader_time(&row, &us));
    g_assert_cmpint(us, ==, INT64_C(946684801000000));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/copy-reader/numbers-of-every-width", test_numbers_of_every_width);
    g_test_add_func("/copy-reader/null-steps-to-the-next-field",
                    test_null_steps_to_the_next_field);
    g_test_add_func("/copy-reader/arrays", test_arrays);
    g_test_add_func("/copy-reader/addresses-and-times", test_addresses_and_times);
    return g_test_run();
}
