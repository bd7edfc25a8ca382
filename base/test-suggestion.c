/* SPDX-License-Identifier: Apache-2.0 */
#include "suggestion.h"

#include <glib.h>
#include <string.h>

static void
test_words(void)
{
    static const char *const known[] = { "batch_rows", "batch_ms", "extra", "port" };
    static const struct {
        const char *word, *best;
    } cases[] = {
        { "batch_row", "batch_rows" },
        { "batchrows", "batch_rows" },
        { "prot", "port" },
        { "porta", "port" },
        { "batch_m", "batch_ms" },
        { "listen", NULL },
        { "", NULL },
        { "ab", NULL },
        { "extar", "extra" },
        { "Extra", "extra" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *best = NULL;

        for (size_t j = 0; j < G_N_ELEMENTS(known); j++)
            suggestion_consider(cases[i].word, known[j], &best);
        g_assert_cmpstr(best, ==, cases[i].best);
    }
}

static void
test_a_long_word_is_like_nothing(void)
{
    char word[5000];
    const char *best = NULL;

    memset(word, 'a', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    suggestion_consider(word, word, &best);
    g_assert_null(best);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/suggestion/words", test_words);
    g_test_add_func("/suggestion/a-long-word-is-like-nothing",
                    test_a_long_word_is_like_nothing);
    return g_test_run();
}
