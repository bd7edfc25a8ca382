/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

#include <glib/gstdio.h>
#include <unistd.h>

#include "table.h"

static char *
replaced(const char *old, const char *name, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    char *result = NULL;
    int fd = g_file_open_tmp("document-XXXXXX.md", &path, &error);

    g_assert_no_error(error);
    close(fd);
    if (old)
        g_file_set_contents(path, old, -1, &error);
    else
        g_unlink(path);
    g_assert_true(document_replace(path, name, text, &error));
    g_assert_no_error(error);
    g_file_get_contents(path, &result, NULL, &error);
    g_assert_no_error(error);
    g_unlink(path);
    return result;
}

#define BEGIN(name) "<!-- begin: " name ", written by run-eval -->\n"
#define END(name)   "<!-- end: " name " -->\n"

static void
test_replace(void)
{
    static const struct {
        const char *why, *old, *name, *text, *expected;
    } cases[] = {
        { "the rest stays", "a\n" BEGIN("x") "old\n" END("x") "b\n", "x", "new\n",
          "a\n" BEGIN("x") "new\n" END("x") "b\n" },
        { "other parts stay", BEGIN("x") "1\n" END("x") BEGIN("y") "2\n" END("y"), "y",
          "3\n", BEGIN("x") "1\n" END("x") BEGIN("y") "3\n" END("y") },
        { "a new part comes last", "a\n", "x", "1\n",
          "a\n\n" BEGIN("x") "1\n" END("x") },
        { "a new file", NULL, "x", "1\n", BEGIN("x") "1\n" END("x") },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *result = replaced(cases[i].old, cases[i].name, cases[i].text);

        g_test_message("%s", cases[i].why);
        g_assert_cmpstr(result, ==, cases[i].expected);
    }
}

static void
test_table(void)
{
    g_autoptr(Table) table = table_new("case|>recall");
    g_autoptr(GString) out = g_string_new(NULL);
    char text[TABLE_RECALL_BYTES];

    table_row(table, "T = %d s|%s", 300, table_recall(recall_of(990, 1000), text));
    table_row(table, "±70 %%|-");
    table_write(table, out);
    g_assert_cmpstr(out->str, ==,
                    "| case      |           recall |\n"
                    "| --------- | ---------------: |\n"
                    "| T = 300 s | 99.0 (98.2-99.5) |\n"
                    "| ±70 %     |                - |\n");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/document/only-the-named-part-is-replaced", test_replace);
    g_test_add_func("/table/is-aligned-markdown", test_table);
    return g_test_run();
}
