/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/crc32c.h"

#include <glib.h>
#include <string.h>

/* RFC 3720 B.4 and the check value of the CRC catalogue. */
static void
test_known_values(void)
{
    uint8_t zeros[32] = { 0 };
    uint8_t ones[32];
    uint8_t rising[32];

    memset(ones, 0xff, sizeof(ones));
    for (uint8_t i = 0; i < sizeof(rising); i++)
        rising[i] = i;

    const struct {
        const void *bytes;
        size_t n_bytes;
        uint32_t crc;
    } cases[] = {
        { "", 0, 0x00000000 },      { "123456789", 9, 0xe3069283 },
        { zeros, 32, 0x8a9136aa },  { ones, 32, 0x62a8ab43 },
        { rising, 32, 0x46dd794e },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmphex(crc32c(0, cases[i].bytes, cases[i].n_bytes), ==, cases[i].crc);
        g_assert_cmphex(crc32c_by_table(0, cases[i].bytes, cases[i].n_bytes), ==,
                        cases[i].crc);
    }
}

static void
test_both_ways_agree_at_any_length_and_cut(void)
{
    uint8_t bytes[301];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t) g_test_rand_int();
    for (size_t n = 0; n < 300; n++) {
        const uint32_t whole = crc32c(0, bytes + 1, n);
        const size_t cut = n ? (size_t) g_test_rand_int_range(0, (int) n + 1) : 0;

        g_assert_cmphex(whole, ==, crc32c_by_table(0, bytes + 1, n));
        g_assert_cmphex(whole, ==,
                        crc32c(crc32c(0, bytes + 1, cut), bytes + 1 + cut, n - cut));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/crc32c/known-values", test_known_values);
    g_test_add_func("/crc32c/both-ways-agree-at-any-length-and-cut",
                    test_both_ways_agree_at_any_length_and_cut);
    return g_test_run();
}
