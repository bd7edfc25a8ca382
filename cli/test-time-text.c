/* SPDX-License-Identifier: Apache-2.0 */
#include "time-text.h"

#include "clock.h"

#define NOW_US INT64_C(1709211909000000) /* 2024-02-29 13:05:09 UTC */

static void
test_accepted(void)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        { "now", NOW_US },
        { "-90s", NOW_US - 90 * US_PER_SEC },
        { "-15m", NOW_US - 900 * US_PER_SEC },
        { "-2h", NOW_US - 7200 * US_PER_SEC },
        { "-3d", NOW_US - 3 * 86400 * US_PER_SEC },
        { "2024-02-29T13:05:09Z", NOW_US },
        { "2024-02-29T13:05:09", NOW_US },
        { "2024-02-29 13:05:09", NOW_US },
        { "2024-02-29T15:05:09+02:00", NOW_US },
        { "2024-02-29T13:05", NOW_US - 9 * US_PER_SEC },
        { "2024-02-29 13:05Z", NOW_US - 9 * US_PER_SEC },
        { "2024-02-29T15:05+02:00", NOW_US - 9 * US_PER_SEC },
        { "2024-02-29", INT64_C(1709164800) * US_PER_SEC },
        { "2024-02-29T13:05:09.5Z", NOW_US + 500 * US_PER_MS },
        { "@1709211909", NOW_US },
        { "@0", 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        int64_t us = -1;

        g_test_message("%s", cases[i].text);
        g_assert_true(time_text_parse(cases[i].text, NOW_US, &us, &error));
        g_assert_cmpint(us, ==, cases[i].us);
    }
}

static void
test_refused(void)
{
    static const char *const cases[] = {
        "",
        "yesterday",
        "-",
        "-h",
        "-5",
        "-5w",
        "-5mm",
        "--5m",
        "@",
        "@-1",
        "@nan",
        "@1e300",
        "2024",
        "2024-02",
        "2024-02-30",
        "2024-02-29T",
        "2024-02-29T25:00",
        "-99999999999999999999d",
        "now ",
        "2024-02-29T13",
        "2024-02-29T13:05:09+",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        int64_t us = 42;

        g_test_message("\"%s\"", cases[i]);
        g_assert_false(time_text_parse(cases[i], NOW_US, &us, &error));
        g_assert_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
        g_assert_cmpint(us, ==, 42);
    }
}

static void
test_spans(void)
{
    static const struct {
        const char *text;
        int64_t us; /* 0 = refused */
    } cases[] = {
        { "90s", 90 * US_PER_SEC },
        { "15m", 900 * US_PER_SEC },
        { "12h", 12 * 3600 * US_PER_SEC },
        { "30d", 30 * 86400 * US_PER_SEC },
        { "0d", 0 },
        { "-30d", 0 },
        { "", 0 },
        { "d", 0 },
        { "30", 0 },
        { " 30d", 0 },
        { "30 d", 0 },
        { "30dd", 0 },
        { "1.5d", 0 },
        { "99999999999999999999d", 0 },
        { "for ever", 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        int64_t us = 42;

        g_test_message("\"%s\"", cases[i].text);
        g_assert_cmpint(time_text_parse_span(cases[i].text, &us, &error), ==,
                        cases[i].us > 0);
        g_assert_cmpint(us, ==, cases[i].us > 0 ? cases[i].us : 42);
        if (cases[i].us == 0)
            g_assert_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/time-text/what-is-accepted", test_accepted);
    g_test_add_func("/time-text/what-is-refused", test_refused);
    g_test_add_func("/time-text/spans", test_spans);
    return g_test_run();
}
