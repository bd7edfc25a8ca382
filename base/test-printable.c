/* SPDX-License-Identifier: Apache-2.0 */
#include "printable.h"

static void
test_text_is_harmless(void)
{
    static const struct {
        const char *text;
        const char *shown;
        const char *why;
    } cases[] = {
        { NULL, "", "nothing" },
        { "", "", "empty" },
        { "edge-1.example", "edge-1.example", "plain" },
        { "G\xc3\xbcnther \xe6\x97\xa5\xe6\x9c\xac",
          "G\xc3\xbcnther \xe6\x97\xa5\xe6\x9c\xac", "letters of any script" },
        { "a\nb\tc\r", "a\\x0ab\\x09c\\x0d", "lines" },
        { "\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07", "escape sequences" },
        { "\x7f", "\\x7f", "DEL" },
        { "\xc2\x9b"
          "31m",
          "\\u{9b}31m", "CSI in one character" },
        { "\x9b"
          "31m",
          "\\x9b31m", "CSI as a bare byte" },
        { "user\xe2\x80\xae"
          "cod.exe",
          "user\\u{202e}cod.exe", "right to left" },
        { "\xc0\xaf", "\\xc0\\xaf", "overlong" },
        { "cut \xe6\x97", "cut \\xe6\\x97", "cut character" },
        { "\xed\xa0\x80", "\\xed\\xa0\\x80", "surrogate" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = printable(cases[i].text);

        g_test_message("%s", cases[i].why);
        g_assert_cmpstr(shown, ==, cases[i].shown);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/printable/text-from-the-wire-is-harmless", test_text_is_harmless);
    return g_test_run();
}
