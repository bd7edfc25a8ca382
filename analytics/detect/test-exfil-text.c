/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/exfil-text.h"

#include <math.h>

static void
test_octets(void)
{
    static const struct {
        double octets;
        const char *text;
    } cases[] = {
        { 0, "0 B" },          { 999, "999 B" },       { 999.6, "1.0 kB" },
        { 6.2e9, "6.2 GB" },   { 457e6, "457 MB" },    { 9.96e6, "10 MB" },
        { 9.22e18, "9.2 EB" }, { 1.8e22, "18000 EB" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = exfil_text_octets(cases[i].octets);
        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

static void
test_times_that_no_calendar_has(void)
{
    static const int64_t times[] = { 0, -1, INT64_MIN, INT64_MAX };
    g_autofree char *known = exfil_text_time(INT64_C(1769718600) * 1000000);

    g_assert_cmpstr(known, ==, "Thu 2026-01-29 20:30 UTC");
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
        g_autofree char *text = exfil_text_time(times[i]);
        g_assert_nonnull(text);
    }
}

static void
test_json_has_no_nan(void)
{
    g_autoptr(GString) json = g_string_new(NULL);

    exfil_text_number(json, "a", NAN);
    exfil_text_number(json, "b", -INFINITY);
    exfil_text_number(json, "c", 0.25);
    exfil_text_count(json, "d", UINT64_MAX);
    exfil_text_word(json, "e", "burst");
    g_assert_cmpstr(json->str, ==,
                    "\"a\": null, \"b\": null, \"c\": 0.25, "
                    "\"d\": 18446744073709551615, \"e\": \"burst\"");
}

static void
test_spans(void)
{
    g_autofree char *minutes = exfil_text_span(INT64_C(40) * 60 * 1000000);
    g_autofree char *hours = exfil_text_span(INT64_C(192) * 60 * 1000000);
    g_autofree char *days = exfil_text_span(INT64_C(6) * 86400 * 1000000);

    g_assert_cmpstr(minutes, ==, "40 minutes");
    g_assert_cmpstr(hours, ==, "3.2 hours");
    g_assert_cmpstr(days, ==, "6.0 days");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exfil-text/octets", test_octets);
    g_test_add_func("/exfil-text/times-that-no-calendar-has",
                    test_times_that_no_calendar_has);
    g_test_add_func("/exfil-text/json-has-no-nan", test_json_has_no_nan);
    g_test_add_func("/exfil-text/spans", test_spans);
    return g_test_run();
}
