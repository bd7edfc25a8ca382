/* SPDX-License-Identifier: Apache-2.0 */
#include "human.h"

#include "clock.h"

static void
check(char *text, const char *expected)
{
    g_assert_cmpstr(text, ==, expected);
    g_free(text);
}

static void
test_three_figures(void)
{
    check(human_count(0), "0");
    check(human_count(950), "950");
    check(human_count(0.25), "0.25");
    check(human_count(1234), "1.23 k");
    check(human_count(45600000), "45.6 M");
    check(human_count(1e18), "1000 P");
    check(human_bytes(0), "0 B");
    check(human_bytes(1023), "1023 B");
    check(human_bytes(1024), "1.00 KiB");
    check(human_bytes(UINT64_MAX), "16384 PiB");
}

static void
test_spans(void)
{
    check(human_duration(0), "0 s");
    check(human_duration(400 * US_PER_MS), "0.4 s");
    check(human_duration(12 * US_PER_SEC), "12 s");
    check(human_duration(-200 * US_PER_SEC), "-3 min 20 s");
    check(human_duration(5 * 3600 * US_PER_SEC + 720 * US_PER_SEC), "5 h 12 min");
    check(human_duration(INT64_MIN), "-106751991 d 4 h");
    check(human_ago(0, 17), "never");
    check(human_ago(10 * US_PER_SEC, 22 * US_PER_SEC), "12 s ago");
    check(human_ago(22 * US_PER_SEC, 10 * US_PER_SEC), "0 s ago");
}

static void
test_times(void)
{
    const int64_t leap_us = INT64_C(1709211909000123);

    check(human_time(leap_us), "2024-02-29 13:05:09");
    check(human_time_iso(leap_us), "2024-02-29T13:05:09.000123Z");
    check(human_time(0), "-");
    check(human_time(INT64_MAX), "-");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/human/three-figures-and-a-unit", test_three_figures);
    g_test_add_func("/human/spans-of-time", test_spans);
    g_test_add_func("/human/times-are-utc", test_times);
    return g_test_run();
}
