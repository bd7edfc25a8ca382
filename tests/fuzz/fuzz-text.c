/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: names off the wire (of interfaces, applications, VRFs, exporters) on the
 * way to a terminal, to HTML and to the database.
 *
 * Whatever the bytes, a terminal gets no control character and no change of direction,
 * HTML gets no tag, and the decoder hands on UTF-8 that fits, or nothing. */

#include <stdbool.h>
#include <string.h>

#include "budget.h"
#include "decode/text.h"
#include "flow/learnt.h"
#include "html-checker.h"
#include "json-checker.h"
#include "json-writer.h"
#include "mail/html.h"
#include "printable.h"
#include "text-table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_copy(const uint8_t *data, size_t size)
{
    char text[LEARNT_TEXT_BYTES];
    const bool ok = text_copy(text, sizeof(text), data, size);
    const size_t n = strnlen(text, sizeof(text));

    g_assert_cmpuint(n, <, sizeof(text));
    g_assert_true(g_utf8_validate(text, (gssize) n, NULL));
    g_assert_true(ok || n == 0);
    g_assert_true(n == 0 || text[n - 1] != ' ');
}

static void
check_printable(const char *text)
{
    g_autofree char *shown = printable(text);

    g_assert_true(g_utf8_validate(shown, -1, NULL));
    for (const char *at = shown; *at; at = g_utf8_next_char(at)) {
        const GUnicodeType type = g_unichar_type(g_utf8_get_char(at));

        g_assert_true(type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT &&
                      type != G_UNICODE_LINE_SEPARATOR);
    }
    g_autofree char *again = printable(shown);
    g_assert_cmpstr(again, ==, shown);
}

static void
check_html(const char *text)
{
    g_autoptr(Html) html = html_new();

    html_begin(html, "p", NULL);
    html_text(html, text);
    html_link(html, text, text);
    html_image(html, "cid:picture", text, 600);
    html_end(html);
    g_autofree char *all = html_steal(html);
    g_assert_cmpstr(html_checker_fault(all), ==, NULL);
}

/* A terminal is safe with this too. */
static void
check_json(const char *text)
{
    g_autoptr(JsonWriter) json = json_writer_new();

    json_writer_begin_object(json, NULL);
    json_writer_string(json, "name", text);
    json_writer_end_object(json);
    const char *all = json_writer_text(json);
    g_assert_cmpstr(json_checker_fault(all, strlen(all)), ==, NULL);
    for (const char *at = all; *at; at = g_utf8_next_char(at)) {
        const gunichar c = g_utf8_get_char(at);

        g_assert_true(c >= 0x20 || c == '\n');
        g_assert_false((c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e));
    }
}

static void
check_table(const char *text)
{
    static const TextColumn columns[] = { { "NAME", TEXT_COLUMN_LEFT },
                                          { "FLOWS", TEXT_COLUMN_RIGHT } };
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    text_table_add(table, text);
    text_table_add(table, "1");
    g_autofree char *all = text_table_format(table, 2);
    unsigned n_lines = 0;

    g_assert_true(g_utf8_validate(all, -1, NULL));
    for (const char *at = all; *at; at++)
        n_lines += *at == '\n';
    g_assert_cmpuint(n_lines, ==, 2); /* the titles and the row */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *) data, size);
    const Budget budget = budget_begin();

    check_copy(data, size);
    check_printable(text);
    check_html(text);
    check_json(text);
    check_table(text);
    budget_check(&budget, size);
    return 0;
}
