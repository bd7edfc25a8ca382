/* SPDX-License-Identifier: Apache-2.0 */

/* That the judges of the fuzz targets can say no. */

#include <glib.h>
#include <string.h>

#include "clock.h"
#include "copy-field.h"
#include "html-checker.h"
#include "json-checker.h"
#include "row-checker.h"

static const struct {
    const char *text;
    bool ok;
} jsons[] = {
    { "{}", true },
    { "{\"a\":[1,-2.5e+3,0.1,true,false,null,\"\\u00e4\\n\"]}", true },
    { "{\"a\":\"\\ud83e\\udd8a\"}", true },
    { " {\t} ", false }, /* ours begin with the brace */
    { "", false },
    { "[]", false },
    { "{", false },
    { "{}}", false },
    { "{\"a\":1,}", false },
    { "{\"a\" 1}", false },
    { "{a:1}", false },
    { "{\"a\":01}", false },
    { "{\"a\":1.}", false },
    { "{\"a\":-}", false },
    { "{\"a\":nul}", false },
    { "{\"a\":\"\n\"}", false },
    { "{\"a\":\"\\x\"}", false },
    { "{\"a\":\"\\u12\"}", false },
    { "{\"a\":\"\\u0000\"}", false },
    { "{\"a\":\"\\ud83e\"}", false },
    { "{\"a\":\"\\ud83e\\u0041\"}", false },
    { "{\"a\":\"\\udd8a\"}", false },
    { "{\"a\":\"\xff\"}", false },
    { "{\"a\":\"", false },
};

static void
test_json(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(jsons); i++) {
        const char *fault = json_checker_fault(jsons[i].text, strlen(jsons[i].text));

        g_autofree char *text = g_strescape(jsons[i].text, NULL);

        g_test_message("%s: %s", text, fault ? fault : "well");
        g_assert_true((fault == NULL) == jsons[i].ok);
    }
}

static const struct {
    const char *html;
    bool ok;
} pages[] = {
    { "<p>a &lt; b</p>\n", true },
    { "<a style=\"x\" href=\"https://a/?b=&amp;c\">t</a>", true },
    { "<p><b>x</b><br></p>", true },
    { "<img src=\"cid:a\" alt=\"\" width=\"600\">", true },
    { "<script>x</script>", false },
    { "<p onclick=\"x\">y</p>", false },
    { "<p style=x>y</p>", false },
    { "<p style=\"x>y</p>", false },
    { "<a href=\"javascript:x\">y</a>", false },
    { "<img src=\"https://a/b\">", false },
    { "<p>", false },
    { "</p>", false },
    { "<p><b></p></b>", false },
    { "a > b", false },
    { "a < b", false },
    { "\x1b[2J", false },
};

static void
test_html(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
        const char *fault = html_checker_fault(pages[i].html);

        g_test_message("%s: %s", pages[i].html, fault ? fault : "well");
        g_assert_true((fault == NULL) == pages[i].ok);
    }
}

/* --- rows: a good one of five fields, and what makes it a bad one --- */

#define STATEMENT                                                                      \
    "COPY flowkeep.flow_20260101_0000 (received_at, exporter_id, src, octets, extra)"  \
    " FROM STDIN (FORMAT binary)"

/* Where things are in the row. */
enum { AT_COUNT = 0, AT_TIME = 2, AT_EXPORTER = 14, AT_INET = 22, AT_EXTRA = 46 };

static size_t
put_good(uint8_t row[128])
{
    static const uint8_t address[] = { 192, 0, 2, 1 };
    uint8_t *at = copy_field_row(row, 5);

    at = copy_field_timestamptz(at, INT64_C(1700000000) * US_PER_SEC);
    at = copy_field_int4(at, 7);
    at = copy_field_inet(at, ip_address_from_v4(address));
    at = copy_field_int8(at, -1);
    at = copy_field_text(at, "\1{\"a\":1}", 8);
    return (size_t) (at - row);
}

static const struct {
    const char *why;
    size_t at;
    uint8_t value;
} damages[] = {
    { "another number of fields", AT_COUNT + 1, 4 },
    { "a time that is too long", AT_TIME + 3, 9 },
    { "a time before the first", AT_TIME + 4, 0x80 },
    { "no such family", AT_INET + 4, 10 },
    { "a prefix longer than the address", AT_INET + 5, 33 },
    { "a network, not a host", AT_INET + 6, 1 },
    { "an address of another length", AT_INET + 7, 16 },
    { "another version of jsonb", AT_EXTRA + 4, 2 },
    { "no JSON", AT_EXTRA + 5, 'x' },
    { "a field beyond the row", AT_EXTRA + 3, 9 },
};

static void
test_rows(void)
{
    uint8_t row[128];
    const size_t n_bytes = put_good(row);
    RowChecker checker;
    size_t n_used;

    row_checker_init(&checker, STATEMENT);
    g_assert_cmpstr(row_checker_fault(&checker, row, n_bytes, &n_used), ==, NULL);
    g_assert_cmpuint(n_used, ==, n_bytes);
    for (size_t cut = 0; cut < n_bytes; cut++)
        g_assert_nonnull(row_checker_fault(&checker, row, cut, &n_used));
    for (size_t i = 0; i < G_N_ELEMENTS(damages); i++) {
        put_good(row);
        row[damages[i].at] = damages[i].value;
        const char *fault = row_checker_fault(&checker, row, n_bytes, &n_used);

        g_test_message("%s: %s", damages[i].why, fault ? fault : "well");
        g_assert_nonnull(fault);
    }
}

static void
test_times(void)
{
    static const struct {
        uint64_t value; /* microseconds since 2000 */
        bool ok;
    } times[] = {
        { 0, true },
        { UINT64_C(9223371331199999999), true },
        { UINT64_C(9223371331200000000), false },
        { (uint64_t) -INT64_C(211813488000000000), true },
        { (uint64_t) -INT64_C(211813488000000001), false },
        { INT64_MAX, false }, /* infinity, which is no time of a flow */
    };
    RowChecker checker;
    uint8_t row[16];
    size_t n_used;

    row_checker_init(&checker, "COPY flowkeep.flow (received_at) FROM STDIN");
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
        copy_field_put64(copy_field_put32(copy_field_row(row, 1), 8), times[i].value);
        g_assert_true((row_checker_fault(&checker, row, 14, &n_used) == NULL) ==
                      times[i].ok);
    }
}

static void
test_null_only_where_it_may_be(void)
{
    uint8_t row[128];
    RowChecker checker;
    size_t n_used;

    row_checker_init(
        &checker, "COPY flowkeep.flow (exporter_id, src) FROM STDIN (FORMAT binary)");
    uint8_t *at = copy_field_null(copy_field_int4(copy_field_row(row, 2), 7));
    g_assert_null(row_checker_fault(&checker, row, (size_t) (at - row), &n_used));
    at = copy_field_null(copy_field_null(copy_field_row(row, 2)));
    g_assert_nonnull(row_checker_fault(&checker, row, (size_t) (at - row), &n_used));
}

static void
test_text_and_numeric(void)
{
    uint8_t row[128];
    RowChecker checker;
    size_t n_used;

    row_checker_init(&checker, "COPY flowkeep.talker_5m (kind, octets) FROM STDIN");
    for (unsigned i = 0; i < 3; i++) {
        const char *text = i == 0 ? "host" : i == 1 ? "ho\0t" : "ho\xfft";
        uint8_t *at = copy_field_text(copy_field_row(row, 2), text, 4);
        uint8_t *end = copy_field_numeric(at, 123456789);
        const size_t n_bytes = (size_t) (end - row);

        g_assert_true((row_checker_fault(&checker, row, n_bytes, &n_used) == NULL) ==
                      (i == 0));
        memset(end - 2, 0x27, 2); /* a digit of 10023 */
        g_assert_nonnull(row_checker_fault(&checker, row, n_bytes, &n_used));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/checkers/json-that-jsonb-refuses", test_json);
    g_test_add_func("/checkers/html-that-is-not-ours", test_html);
    g_test_add_func("/checkers/rows-that-copy-refuses", test_rows);
    g_test_add_func("/checkers/times-beyond-timestamptz", test_times);
    g_test_add_func("/checkers/null-only-where-it-may-be",
                    test_null_only_where_it_may_be);
    g_test_add_func("/checkers/text-and-numeric", test_text_and_numeric);
    return g_test_run();
}
