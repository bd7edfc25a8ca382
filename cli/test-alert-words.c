/* SPDX-License-Identifier: Apache-2.0 */
#include "alert-words.h"

#include <string.h>

static void
test_numbers(void)
{
    static const struct {
        const char *text;
        AlertWordsKind kind;
        int64_t id; /* 0 = refused */
    } cases[] = {
        { "4711", ALERT_WORDS_EITHER, 4711 },
        { "#4711", ALERT_WORDS_EITHER, 4711 },
        { "a4711", ALERT_WORDS_ALERT, 4711 },
        { "m3", ALERT_WORDS_MUTE, 3 },
        { "9223372036854775807", ALERT_WORDS_EITHER, INT64_MAX },
        { "9223372036854775808", ALERT_WORDS_EITHER, 0 },
        { "0", ALERT_WORDS_EITHER, 0 },
        { "-1", ALERT_WORDS_EITHER, 0 },
        { "", ALERT_WORDS_EITHER, 0 },
        { "#", ALERT_WORDS_EITHER, 0 },
        { "m", ALERT_WORDS_EITHER, 0 },
        { "4711 OR 1=1", ALERT_WORDS_EITHER, 0 },
        { "x4711", ALERT_WORDS_EITHER, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        AlertWordsKind kind;
        int64_t id = 0;

        g_test_message("\"%s\"", cases[i].text);
        g_assert_cmpint(alert_words_parse(cases[i].text, &kind, &id, &error), ==,
                        cases[i].id > 0);
        g_assert_cmpint(id, ==, cases[i].id);
        if (cases[i].id > 0)
            g_assert_cmpint(kind, ==, cases[i].kind);
        else
            g_assert_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
    }
}

static void
test_ends(void)
{
    static const struct {
        const char *address;
        int port;
        const char *text;
    } cases[] = {
        { "203.0.113.51", 443, "203.0.113.51:443" },
        { "203.0.113.0/24", 0, "203.0.113.0/24" },
        { "2001:db8::1", 53, "[2001:db8::1]:53" },
        { "2001:db8::1", 0, "2001:db8::1" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = alert_words_end(cases[i].address, cases[i].port);

        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

static void
test_who(void)
{
    g_autofree char *who = alert_words_who();

    g_assert_nonnull(strchr(who, '@'));
    g_assert_cmpuint(strlen(who), >, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/alert-words/numbers", test_numbers);
    g_test_add_func("/alert-words/ends-of-a-connection", test_ends);
    g_test_add_func("/alert-words/who-is-somebody-somewhere", test_who);
    return g_test_run();
}
