/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/text.h"

#include <glib.h>
#include <string.h>

static void
test_table(void)
{
    static const struct {
        const char *bytes;
        size_t n_bytes;
        const char *text; /* NULL: not UTF-8 */
    } cases[] = {
        { "", 0, "" },
        { "eth0", 4, "eth0" },
        { "eth0\0\0\0\0", 8, "eth0" },
        { "eth0\0\xff\xff\xff", 8, "eth0" }, /* rubbish behind the NUL */
        { "\0\0\0", 3, "" },
        { "Gi0/1   ", 8, "Gi0/1" },
        { "a b\tc\nd\\.", 9, "a b\tc\nd\\." },
        { "abcdefghi", 9, "abcdefghi" },
        { "abcdefghij", 10, "abcdefghi" },      /* room for 9 */
        { "abcdefgh\xc3\xa4", 10, "abcdefgh" }, /* not half a character */
        { "abcdefg\xc3\xa4", 9, "abcdefg\xc3\xa4" },
        { "\xff\xff", 2, NULL },
        { "\xc0\xaf", 2, NULL },
        { "\xed\xa0\x80", 3, NULL },
        { "ab\xe2\x82", 4, NULL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree uint8_t *exact = g_memdup2(cases[i].bytes, cases[i].n_bytes);
        char text[10];
        const bool ok = text_copy(text, sizeof(text), exact, cases[i].n_bytes);

        g_assert_cmpint(ok, ==, cases[i].text != NULL);
        g_assert_cmpstr(text, ==, ok ? cases[i].text : "");
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text/checked-and-cut", test_table);
    return g_test_run();
}
