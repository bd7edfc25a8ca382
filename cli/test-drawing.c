/* SPDX-License-Identifier: Apache-2.0 */
#include "drawing.h"

#include <math.h>
#include <string.h>

#include "clock.h"

#define FROM_US (INT64_C(1708300800) * US_PER_SEC) /* 2024-02-19 00:00 UTC */
#define HOUR_US (3600 * US_PER_SEC)

static const DrawingStyle UTF8 = { 60, true };
static const DrawingStyle ASCII = { 60, false };

/* Every ten minutes, a second time right behind at each third; nothing in the second
 * of three hours. */
static size_t
make_events(ContactEvent *events)
{
    size_t n = 0;

    for (int i = 0; i < 18; i++) {
        const int64_t at_us = FROM_US + i * 600 * US_PER_SEC;

        if (i / 6 == 1)
            continue;
        events[n++].start_us = at_us;
        if (i % 3 == 0)
            events[n++].start_us = at_us + 2 * US_PER_SEC;
    }
    return n;
}

static void
test_contacts(void)
{
    ContactEvent events[40] = { 0 };
    const size_t n = make_events(events);
    g_autofree char *utf8 =
        drawing_contacts(events, n, FROM_US, FROM_US + 3 * HOUR_US, &UTF8);
    g_autofree char *ascii =
        drawing_contacts(events, n, FROM_US, FROM_US + 3 * HOUR_US, &ASCII);

    g_assert_cmpstr(utf8, ==,
                    "02-19 00:00 │█                                      │      2\n"
                    "02-19 00:10 │▁                                      │      1\n"
                    "02-19 00:20 │▁                                      │      1\n"
                    "02-19 00:30 │█                                      │      2\n"
                    "02-19 00:40 │▁                                      │      1\n"
                    "02-19 00:50 │▁                                      │      1\n"
                    "02-19 01:00 │                                       │      0\n"
                    "02-19 01:10 │                                       │      0\n"
                    "02-19 01:20 │                                       │      0\n"
                    "02-19 01:30 │                                       │      0\n"
                    "02-19 01:40 │                                       │      0\n"
                    "02-19 01:50 │                                       │      0\n"
                    "02-19 02:00 │█                                      │      2\n"
                    "02-19 02:10 │▁                                      │      1\n"
                    "02-19 02:20 │▁                                      │      1\n"
                    "02-19 02:30 │█                                      │      2\n"
                    "02-19 02:40 │▁                                      │      1\n"
                    "02-19 02:50 │▁                                      │      1\n");
    g_assert_cmpstr(ascii, ==,
                    "02-19 00:00 |#                                      |      2\n"
                    "02-19 00:10 |.                                      |      1\n"
                    "02-19 00:20 |.                                      |      1\n"
                    "02-19 00:30 |#                                      |      2\n"
                    "02-19 00:40 |.                                      |      1\n"
                    "02-19 00:50 |.                                      |      1\n"
                    "02-19 01:00 |                                       |      0\n"
                    "02-19 01:10 |                                       |      0\n"
                    "02-19 01:20 |                                       |      0\n"
                    "02-19 01:30 |                                       |      0\n"
                    "02-19 01:40 |                                       |      0\n"
                    "02-19 01:50 |                                       |      0\n"
                    "02-19 02:00 |#                                      |      2\n"
                    "02-19 02:10 |.                                      |      1\n"
                    "02-19 02:20 |.                                      |      1\n"
                    "02-19 02:30 |#                                      |      2\n"
                    "02-19 02:40 |.                                      |      1\n"
                    "02-19 02:50 |.                                      |      1\n");
}

/* A day by the hour, a week by a quarter of a day, a month by the day. */
static void
test_rows(void)
{
    static const struct {
        int hours;
        const char *first;
        unsigned n_rows;
    } cases[] = { { 1, "02-19 00:05 ", 13 },
                  { 24, "02-19 00:00 ", 25 },
                  { 7 * 24, "02-19 00:00 ", 29 },
                  { 30 * 24, "2024-02-19  ", 31 } };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const ContactEvent event = { .start_us = FROM_US + 600 * US_PER_SEC };
        const int64_t to_us = FROM_US + 330 * US_PER_SEC + cases[i].hours * HOUR_US;
        g_autofree char *text =
            drawing_contacts(&event, 1, FROM_US + 330 * US_PER_SEC, to_us, &ASCII);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        g_assert_true(g_str_has_prefix(text, cases[i].first));
        g_assert_cmpuint(g_strv_length(lines) - 1, ==, cases[i].n_rows);
    }
}

static void
test_intervals(void)
{
    ContactEvent events[40] = { 0 };
    const size_t n = make_events(events);
    g_autofree char *utf8 = drawing_intervals(events, n, &UTF8);
    g_autofree char *ascii = drawing_intervals(events, n, &ASCII);

    g_assert_cmpstr(utf8, ==,
                    "          2 s .. 3.78 s           4 █████████▏\n"
                    "       3.78 s .. 7.16 s           0\n"
                    "       7.16 s .. 13.5 s           0\n"
                    "       13.5 s .. 25.6 s           0\n"
                    "       25.6 s .. 48.4 s           0\n"
                    "       48.4 s .. 91.7 s           0\n"
                    "       91.7 s .. 2 min 53 s       0\n"
                    "   2 min 53 s .. 5 min 27 s       0\n"
                    "   5 min 27 s .. 10 min 20 s     10 ███████████████████████\n"
                    "  10 min 20 s .. 19 min 33 s      0\n"
                    "  19 min 33 s .. 37 min 0 s       0\n"
                    "   37 min 0 s .. 1 h 10 min       1 ██▎\n");
    g_assert_cmpstr(ascii, ==,
                    "          2 s .. 3.78 s           4 #########\n"
                    "       3.78 s .. 7.16 s           0\n"
                    "       7.16 s .. 13.5 s           0\n"
                    "       13.5 s .. 25.6 s           0\n"
                    "       25.6 s .. 48.4 s           0\n"
                    "       48.4 s .. 91.7 s           0\n"
                    "       91.7 s .. 2 min 53 s       0\n"
                    "   2 min 53 s .. 5 min 27 s       0\n"
                    "   5 min 27 s .. 10 min 20 s     10 #######################\n"
                    "  10 min 20 s .. 19 min 33 s      0\n"
                    "  19 min 33 s .. 37 min 0 s       0\n"
                    "   37 min 0 s .. 1 h 10 min       1 ##\n");
}

static void
test_volume(void)
{
    FindingHour hours[12];

    for (int i = 0; i < 12; i++)
        hours[i] = (FindingHour){ FROM_US + i * HOUR_US, 100 * (uint64_t) i * (i != 5),
                                  0, i < 8 ? 300 : NAN, i < 8 ? 600 : NAN };
    g_autofree char *utf8 = drawing_volume(hours, 12, &UTF8);
    g_autofree char *ascii = drawing_volume(hours, 12, &ASCII);

    g_assert_cmpstr(utf8, ==,
                    "  1.10 k │                              ▂▂▂███\n"
                    "         │                           ▄▄▄██████\n"
                    "         │                     ▁▁▁▇▇▇█████████\n"
                    "         │░░░░░░░░░░░░░░░░░░▃▃▃▓▓▓████████████\n"
                    "         │░░░░░░░░░░░░░░░░░░▓▓▓▓▓▓████████████\n"
                    "         │░░░░░░░░░▁▁▁▇▇▇░░░▓▓▓▓▓▓████████████\n"
                    "         │      ▄▄▄██████   ██████████████████\n"
                    "       0 │   ▆▆▆█████████   ██████████████████\n"
                    "          02-19 00:00              02-19 12:00\n");
    g_assert_cmpstr(ascii, ==,
                    "  1.10 k |                              ...###\n"
                    "         |                           #########\n"
                    "         |                     ...############\n"
                    "         |::::::::::::::::::...%%%############\n"
                    "         |::::::::::::::::::%%%%%%############\n"
                    "         |:::::::::...###:::%%%%%%############\n"
                    "         |      ...######   ##################\n"
                    "       0 |   ############   ##################\n"
                    "          02-19 00:00              02-19 12:00\n");
}

/* Columns a terminal needs for the longest line; all of it is of width one. */
static size_t
widest(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    size_t most = 0;

    for (size_t i = 0; lines[i]; i++)
        most = MAX(most, (size_t) g_utf8_strlen(lines[i], -1));
    return most;
}

/* Whatever comes: no line too long, no more lines than fit a screen. */
static void
test_any_input(void)
{
    static const int64_t spans_us[] = { 1,
                                        US_PER_SEC,
                                        HOUR_US,
                                        24 * HOUR_US,
                                        31 * 24 * HOUR_US,
                                        100 * 365 * 24 * HOUR_US };
    static const unsigned widths[] = { 0, 40, 80, 200, 10000 };
    g_autofree ContactEvent *events = g_new0(ContactEvent, FINDING_MAX_EVENTS);
    g_autofree FindingHour *hours = g_new0(FindingHour, FINDING_MAX_HOURS);

    for (size_t i = 0; i < FINDING_MAX_HOURS; i++)
        hours[i] =
            (FindingHour){ FROM_US + (int64_t) i * HOUR_US, i % 7 ? UINT64_MAX : 0, 0,
                           i % 5 ? NAN : 1e300, INFINITY };
    for (size_t i = 0; i < G_N_ELEMENTS(spans_us) * G_N_ELEMENTS(widths) * 2; i++) {
        const int64_t span_us = spans_us[i % G_N_ELEMENTS(spans_us)];
        const DrawingStyle style = {
            widths[i / G_N_ELEMENTS(spans_us) % G_N_ELEMENTS(widths)], i % 2
        };
        const unsigned width = CLAMP(style.columns, 40, 200);
        const size_t n = i % 3 ? FINDING_MAX_EVENTS : i % 5;

        for (size_t j = 0; j < n; j++)
            events[j].start_us =
                FROM_US + (int64_t) ((double) span_us / (double) n * (double) j);

        g_autofree char *contacts =
            drawing_contacts(events, n, FROM_US, FROM_US + span_us, &style);
        g_autofree char *unknown = drawing_contacts(events, n, 0, 0, &style);
        g_autofree char *intervals = drawing_intervals(events, n, &style);
        g_autofree char *volume =
            drawing_volume(hours, i % 3 ? FINDING_MAX_HOURS : i % 5, &style);

        g_assert_cmpuint(widest(contacts), <=, width);
        g_assert_cmpuint(widest(unknown), <=, width);
        g_assert_cmpuint(widest(intervals), <=, width);
        g_assert_cmpuint(widest(volume), <=, width);
        g_auto(GStrv) lines = g_strsplit(contacts, "\n", -1);
        g_assert_cmpuint(g_strv_length(lines), <=, 34);
        if (!style.is_utf8)
            g_assert_true(g_str_is_ascii(contacts) && g_str_is_ascii(intervals) &&
                          g_str_is_ascii(volume));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/drawing/contacts", test_contacts);
    g_test_add_func("/drawing/as-many-rows-as-fit", test_rows);
    g_test_add_func("/drawing/intervals", test_intervals);
    g_test_add_func("/drawing/volume", test_volume);
    g_test_add_func("/drawing/fits-whatever-comes", test_any_input);
    return g_test_run();
}
