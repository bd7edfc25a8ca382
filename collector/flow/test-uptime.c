/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/uptime.h"

#include <glib.h>

#define SEC      INT64_C(1000000)
#define MS       INT64_C(1000)
#define NOW_SEC  1700000000u
#define NOW      (NOW_SEC * SEC)
#define ONE_WRAP (INT64_C(1) << 32)

static void
test_stamps(void)
{
    static const struct {
        const char *why;
        uint32_t uptime_ms, stamp_ms;
        int64_t age_ms;
    } cases[] = {
        { "a minute ago", 3600000, 3540000, 60000 },
        { "at boot", 3600000, 0, 3600000 },
        { "just now", 0, 0, 0 },
        { "the uptime wrapped since", 1000, UINT32_MAX - 999, 2000 },
        { "forty-nine days ago", 100, 3600200, ONE_WRAP - 3600100 },
        { "a little ahead", 3600000, 3600050, -50 },
        { "a little ahead over a wrap", UINT32_MAX, 49, -50 },
        { "uptime in seconds", 500000, 499990000, 10000 },
        { "uptime in seconds, less than an hour up", 1000, 998000, 2000 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Uptime uptime =
            uptime_from_header(cases[i].uptime_ms, NOW_SEC, 0, NOW + 5 * SEC);

        g_test_message("%s", cases[i].why);
        g_assert_cmpint(uptime_resolve(&uptime, cases[i].stamp_ms), ==,
                        NOW - cases[i].age_ms * MS);
    }
}

static void
test_export_times(void)
{
    static const struct {
        const char *why;
        uint32_t sec, nsec;
        int64_t export_us;
    } cases[] = {
        { "v5 knows nanoseconds", NOW_SEC, 500000999, NOW + 500000 },
        { "which may be rubbish", NOW_SEC, UINT32_MAX, NOW },
        { "an hour off is a time zone", NOW_SEC - 3600, 0, NOW - 3600 * SEC },
        { "a clock never set", 12345, 0, NOW + SEC },
        { "zero", 0, 0, NOW + SEC },
        { "2106", UINT32_MAX, 0, NOW + SEC },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Uptime uptime =
            uptime_from_header(1000, cases[i].sec, cases[i].nsec, NOW + SEC);

        g_test_message("%s", cases[i].why);
        g_assert_cmpint(uptime.export_us, ==, cases[i].export_us);
        g_assert_cmpint(uptime_boot_us(&uptime), ==, cases[i].export_us - SEC);
    }
}

static void
test_boot(void)
{
    const int64_t up_ms = 3 * ONE_WRAP + 5000; /* 149 days */
    const Uptime uptime = uptime_from_boot(NOW / MS - up_ms, NOW);

    g_assert_cmpint(uptime_resolve(&uptime, 5000), ==, NOW);
    g_assert_cmpint(uptime_resolve(&uptime, 3000), ==, NOW - 2 * SEC);
    g_assert_cmpint(uptime_resolve(&uptime, UINT32_MAX), ==, NOW - 5001 * MS);

    const Uptime rubbish = uptime_from_boot(UINT64_MAX, INT64_MIN);
    g_assert_cmpint(uptime_resolve(&rubbish, 0), <, 0);
}

static void
test_wide_stamps(void)
{
    const uint64_t up_ms = 2 * ONE_WRAP + 60000; /* 99 days */
    const Uptime uptime = uptime_from_header((uint32_t) up_ms, NOW_SEC, 0, NOW);
    const uint64_t end_ms = up_ms - 10000;
    const uint64_t start_ms = end_ms - UINT64_C(50) * 86400000;

    g_assert_cmpint(uptime_resolve_wide(&uptime, end_ms, end_ms), ==, NOW - 10 * SEC);
    g_assert_cmpint(uptime_resolve_wide(&uptime, start_ms, end_ms), ==,
                    NOW - 10 * SEC - 50 * 86400 * SEC);
    g_assert_cmpint(uptime_resolve_wide(&uptime, NOW / MS, NOW / MS), ==, NOW);
    g_assert_cmpint(uptime_resolve_wide(&uptime, UINT64_MAX, UINT64_MAX), ==,
                    INT64_MAX);
    g_assert_cmpint(uptime_resolve_wide(&uptime, 0, UINT64_MAX), <, NOW);
}

/* Any stamp within the last 49 days comes out as itself, wherever the wrap lies. */
static void
test_every_age_survives_the_wrap(void)
{
    for (int i = 0; i < 100000; i++) {
        const uint32_t uptime_ms = g_test_rand_int();
        const uint32_t age_ms = (uint32_t) g_test_rand_int() % (UINT32_MAX / 2);
        const Uptime uptime = uptime_from_header(uptime_ms, NOW_SEC, 0, NOW);

        g_assert_cmpint(uptime_resolve(&uptime, uptime_ms - age_ms), ==,
                        NOW - age_ms * MS);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/uptime/stamps", test_stamps);
    g_test_add_func("/uptime/export-times", test_export_times);
    g_test_add_func("/uptime/boot", test_boot);
    g_test_add_func("/uptime/wide-stamps", test_wide_stamps);
    g_test_add_func("/uptime/every-age-survives-the-wrap",
                    test_every_age_survives_the_wrap);
    return g_test_run();
}
