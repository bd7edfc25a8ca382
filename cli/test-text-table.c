/* SPDX-License-Identifier: Apache-2.0 */
#include "text-table.h"

static const TextColumn columns[] = {
    { "EXPORTER", TEXT_COLUMN_LEFT },
    { "NOTE", TEXT_COLUMN_LEFT },
    { "FLOWS", TEXT_COLUMN_RIGHT },
};

static void
check_rows(const char *const *cells, const char *expected)
{
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    for (const char *const *at = cells; *at; at++)
        text_table_add(table, *at);

    g_autofree char *text = text_table_format(table, 2);
    g_assert_cmpstr(text, ==, expected);
}

static void
test_alignment(void)
{
    check_rows((const char *const[]){ "192.0.2.1", "a", "12", "edge", "b", "1.23 k",
                                      NULL },
               "  EXPORTER   NOTE   FLOWS\n"
               "  192.0.2.1  a         12\n"
               "  edge       b     1.23 k\n");
}

static void
test_empty_column(void)
{
    check_rows((const char *const[]){ "192.0.2.1", "", "12", NULL },
               "  EXPORTER   FLOWS\n"
               "  192.0.2.1     12\n");
}

static void
test_wire_text(void)
{
    check_rows((const char *const[]){ "\x1b[31mred", "\xe6\x97\xa5", "1", "x", "y", "2",
                                      NULL },
               "  EXPORTER     NOTE  FLOWS\n"
               "  \\x1b[31mred  \xe6\x97\xa5        1\n"
               "  x            y         2\n");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text-table/columns-line-up", test_alignment);
    g_test_add_func("/text-table/an-empty-column-is-left-out", test_empty_column);
    g_test_add_func("/text-table/wire-text-keeps-its-cell", test_wire_text);
    return g_test_run();
}
