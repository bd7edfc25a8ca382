/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/evidence.h"

#include <math.h>
#include <string.h>

#include "clock.h"

#define FROM_US (INT64_C(1700000000) * US_PER_SEC + 123456)
#define HOSTILE "\r\nBcc: x\x1b[2J<script>alert(1)</script>'; DROP TABLE alert; -- \xff"

static Finding *
made_finding(void)
{
    const ContactKey key = { .service_port = 443, .protocol = 6 };
    Finding *finding = finding_new(FINDING_BEACON, "beacon", &key);
    const ContactEvent events[] = { { FROM_US, 349 },
                                    { FROM_US + 27100 * US_PER_MS, 0 },
                                    { FROM_US + 54200 * US_PER_MS, UINT64_MAX } };

    finding->from_us = FROM_US;
    finding->to_us = FROM_US + 86400 * US_PER_SEC;
    finding->numbers = g_strdup("{\"period_sec\": 27.1, \"lv\": null, \"n\": 3188,"
                                " \"window\": \"24 h\", \"lags\": [1, 2]}");
    finding_add_term(finding, "regularity", 45, 45, "more regular than all %d", 1000);
    finding_add_term(finding, "rarity", -12.25, -40, "%s", HOSTILE);
    finding_set_events(finding, events, G_N_ELEMENTS(events));
    finding->hours = g_new0(FindingHour, 2);
    finding->n_hours = 2;
    finding->hours[0] = (FindingHour){ FROM_US, 12345, 6, 10.5, 20.5 };
    finding->hours[1] = (FindingHour){ FROM_US + 3600 * US_PER_SEC, 0, 0, NAN, NAN };
    return finding;
}

static void
test_round_trip(void)
{
    g_autoptr(Finding) finding = made_finding();
    g_autofree char *json = evidence_format(finding);
    g_autoptr(GError) error = NULL;
    g_autoptr(Evidence) evidence = evidence_parse(json, &error);

    g_assert_no_error(error);
    g_assert_true(g_utf8_validate(json, -1, NULL));
    g_assert_cmpint(evidence->from_us, ==, finding->from_us);
    g_assert_cmpint(evidence->to_us, ==, finding->to_us);
    g_assert_cmpstr(evidence->rule, ==, "beacon");

    g_assert_cmpuint(evidence->n_terms, ==, 2);
    g_assert_cmpstr(evidence->terms[0].name, ==, "regularity");
    g_assert_cmpstr(evidence->terms[0].why, ==, "more regular than all 1000");
    g_assert_cmpfloat(evidence->terms[1].points, ==, -12.25);
    g_assert_cmpfloat(evidence->terms[1].max_points, ==, -40);
    g_autofree char *valid = g_utf8_make_valid(HOSTILE, -1);
    g_assert_cmpstr(evidence->terms[1].why, ==, valid);

    g_assert_cmpuint(evidence->n_numbers, ==, 5);
    g_assert_cmpfloat(evidence_number(evidence, "period_sec"), ==, 27.1);
    g_assert_cmpfloat(evidence_number(evidence, "n"), ==, 3188);
    g_assert_true(isnan(evidence_number(evidence, "lv")));
    g_assert_true(isnan(evidence_number(evidence, "window")));
    g_assert_true(isnan(evidence_number(evidence, "no such number")));
    g_assert_null(evidence->numbers[1].text);
    g_assert_cmpstr(evidence->numbers[3].text, ==, "24 h");
    g_assert_cmpstr(evidence->numbers[4].text, ==, "[1,2]");

    g_assert_cmpuint(evidence->n_events, ==, 3);
    for (size_t i = 0; i < 3; i++)
        g_assert_cmpint(evidence->events[i].start_us, ==, finding->events[i].start_us);
    g_assert_cmpuint(evidence->events[0].out_octets, ==, 349);
    g_assert_cmpuint(evidence->events[2].out_octets, ==, INT64_MAX);

    g_assert_cmpuint(evidence->n_hours, ==, 2);
    g_assert_cmpint(evidence->hours[0].hour_us, ==, FROM_US);
    g_assert_cmpuint(evidence->hours[0].out_octets, ==, 12345);
    g_assert_cmpfloat(evidence->hours[0].baseline_high_octets, ==, 20.5);
    g_assert_true(isnan(evidence->hours[1].baseline_low_octets));
}

static void
test_empty(void)
{
    const ContactKey key = { 0 };
    g_autoptr(Finding) finding = finding_new(FINDING_EXFIL, "burst", &key);
    g_autofree char *json = evidence_format(finding);
    g_autoptr(Evidence) evidence = evidence_parse(json, NULL);

    g_assert_nonnull(evidence);
    g_assert_cmpint(evidence->from_us, ==, 0);
    g_assert_cmpuint(evidence->n_terms + evidence->n_numbers + evidence->n_events +
                         evidence->n_hours,
                     ==, 0);
}

static void
test_bad_numbers(void)
{
    const ContactKey key = { 0 };
    g_autoptr(Finding) finding = finding_new(FINDING_EXFIL, "burst", &key);

    finding->numbers = g_strdup("{\"pcr\": nan}");
    g_autofree char *json = evidence_format(finding);
    g_autoptr(Evidence) evidence = evidence_parse(json, NULL);
    g_assert_cmpuint(evidence->n_numbers, ==, 1);
    g_assert_cmpstr(evidence->numbers[0].name, ==, "unreadable");
    g_assert_cmpstr(evidence->numbers[0].text, ==, "{\"pcr\": nan}");
}

static void
test_other_shapes(void)
{
    static const char *const refused[] = { "", "[]", "null", "1", "{\"from\":", "x" };
    static const char *const taken[] = {
        "{}",
        "{\"terms\": 7, \"numbers\": [], \"starts_ms\": {}, \"hours\": \"x\"}",
        "{\"terms\": [1, null, {}], \"hours\": [[], {\"hour\": 3, \"out\": \"x\"}]}",
        "{\"from\": \"yesterday\", \"to\": 5, \"rule\": []}",
        "{\"starts_ms\": [null, \"x\", 1e300, -1e300, 9223372036854775807, 2.5]}",
        "{\"starts_ms\": [1, 2], \"octets\": [-5]}",
        "{\"octets\": [1, 2, 3]}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(evidence_parse(refused[i], &error));
        g_assert_error(error, G_MARKUP_ERROR, G_MARKUP_ERROR_PARSE);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(taken); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Evidence) evidence = evidence_parse(taken[i], &error);

        g_assert_no_error(error);
        g_assert_cmpuint(evidence->n_events, <=, 6);
    }
}

static void
test_bounded(void)
{
    g_autoptr(GString) json = g_string_new("{\"starts_ms\": [0");

    for (int i = 1; i < 3 * FINDING_MAX_EVENTS; i++)
        g_string_append_printf(json, ", %d", i);
    g_string_append(json, "], \"numbers\": {\"n0\": 0");
    for (int i = 1; i < 1000; i++)
        g_string_append_printf(json, ", \"n%d\": %d", i, i);
    g_string_append(json, "}}");

    g_autoptr(Evidence) evidence = evidence_parse(json->str, NULL);
    g_assert_cmpuint(evidence->n_events, ==, FINDING_MAX_EVENTS);
    g_assert_cmpuint(evidence->n_numbers, ==, EVIDENCE_MAX_NUMBERS);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/evidence/comes-back-as-it-was", test_round_trip);
    g_test_add_func("/evidence/of-nothing-is-nothing", test_empty);
    g_test_add_func("/evidence/numbers-that-are-no-json-are-kept", test_bad_numbers);
    g_test_add_func("/evidence/other-shapes-are-empty", test_other_shapes);
    g_test_add_func("/evidence/is-bounded", test_bounded);
    return g_test_run();
}
