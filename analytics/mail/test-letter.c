/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "clock.h"
#include "mail/alert-letter.h"
#include "mail/axis.h"
#include "mail/digest-letter.h"

#define AT_US (INT64_C(1795200000) * US_PER_SEC) /* Fri 20 Nov 2026 18:40 UTC */

static const Incident beacon = {
    .id = 4711,
    .kind = (char *) "beacon",
    .rule = (char *) "beacon",
    .host = (char *) "10.2.0.14",
    .host_group = (char *) "servers",
    .peer = (char *) "203.0.113.51",
    .peer_network = (char *) "203.0.113.51",
    .port = 443,
    .protocol = 6,
    .initiator = CONTACT_BY_HOST,
    .state = (char *) "open",
    .severity = (char *) "mail",
    .score = 99.4,
    .magnitude = 3188,
    .opened_us = AT_US - 86400 * US_PER_SEC,
    .found_us = AT_US - 3600 * US_PER_SEC,
    .title = (char *) "beacon: servers 10.2.0.14 -> 203.0.113.51:443 every 27.1 s",
};

static const IncidentEvent opened = {
    .id = 1,
    .at_us = AT_US,
    .what = (char *) "opened",
    .score = 99.4,
    .magnitude = 3188,
    .explanation = (char *) "every 27.1 s (jitter about 20 %), 3188 contacts in 24.0 h "
                            "since Thu 18:38 UTC.  Uploads 349 B +-1 %.",
};

static char *
make_evidence(void)
{
    GString *json =
        g_string_new("{\"from\": \"2026-11-19T18:40:00Z\","
                     "\"to\": \"2026-11-20T18:40:00Z\", \"rule\": \"beacon\","
                     "\"terms\": ["
                     "{\"name\": \"regularity\", \"points\": 45, \"max\": 45,"
                     " \"why\": \"more regular than <all> 1000\"},"
                     "{\"name\": \"size\", \"points\": 9.4, \"max\": 10,"
                     " \"why\": \"constant\"},"
                     "{\"name\": \"persistence\", \"points\": 0.2,"
                     " \"max\": 10, \"why\": \"\"}],"
                     "\"numbers\": {\"period_sec\": 27.1},"
                     "\"starts_ms\": [0");

    for (int i = 1; i < 3188; i++)
        g_string_append_printf(json, ", %d", i * 27100);
    g_string_append(json, "], \"hours\": [{\"hour\": \"2026-11-19T18:00:00Z\","
                          " \"out\": 46000, \"in\": 9000}]}");
    return g_string_free(json, FALSE);
}

static void
write_letter(const Incident *incident, const IncidentEvent *event,
             const IncidentEvent *previous, MessageBody *body)
{
    g_autofree char *json = make_evidence();
    g_autoptr(GError) error = NULL;
    g_autoptr(Evidence) evidence = evidence_parse(json, &error);
    g_auto(IncidentView) view = { 0 };

    g_assert_no_error(error);
    incident_view_init(&view, incident, evidence);
    const AlertLetter letter = { .view = &view,
                                 .event = event,
                                 .previous = previous,
                                 .instance = "hq",
                                 .link = "https://g.example.net/?alert={alert}",
                                 .message_id = "alert-1.x.hq@example.net",
                                 .n_held = previous ? 3 : 0,
                                 .cap_per_hour = 20 };
    alert_letter_write(&letter, body);
}

static void
test_says_what_why_and_what_now(void)
{
    static const char *const in_text[] = {
        "servers 10.2.0.14 -> 203.0.113.51:443 every 27.1 s (jitter about 20 %)",
        "Points: regularity 45, size 9 = 99.",
        "See the contacts: https://g.example.net/?alert=4711",
        "flowkeep mute 4711 --for 30d --reason \"...\"",
        "flowkeep explain 4711",
    };
    static const char *const in_html[] = {
        "servers 10.2.0.14 -&gt; 203.0.113.51:443",
        "more regular than &lt;all&gt; 1000",
        "cid:contacts.alert-1.x.hq@example.net",
        "cid:intervals.alert-1.x.hq@example.net",
        "href=\"https://g.example.net/?alert=4711\"",
        "flowkeep mute 4711 --for 30d --reason &quot;...&quot;",
    };
    g_auto(MessageBody) body = { 0 };

    write_letter(&beacon, &opened, NULL, &body);
    g_assert_cmpstr(body.subject, ==,
                    "[Flowkeep] beacon: servers 10.2.0.14 -> 203.0.113.51:443 every "
                    "27.1 s (score 99)");
    for (size_t i = 0; i < G_N_ELEMENTS(in_text); i++) {
        g_test_message("%s", in_text[i]);
        g_assert_nonnull(strstr(body.text, in_text[i]));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(in_html); i++) {
        g_test_message("%s", in_html[i]);
        g_assert_nonnull(strstr(body.html, in_html[i]));
    }
    g_assert_cmpuint(body.n_pictures, ==, 3);

    const char *path = g_getenv("FLOWKEEP_SHOW");
    if (path) {
        g_autofree char *name = g_strconcat(path, "/letter.eml", NULL);
        const MessageEnvelope envelope = { .from_name = "Flowkeep at hq",
                                           .from = "flowkeep@example.net",
                                           .to = "ops@example.net",
                                           .message_id = "alert-1.x.hq@example.net",
                                           .date_us = AT_US };
        g_autoptr(GBytes) bytes = message_format(&envelope, &body);

        g_file_set_contents(name, g_bytes_get_data(bytes, NULL),
                            (gssize) g_bytes_get_size(bytes), NULL);
    }
}

static void
test_says_what_changed(void)
{
    static const struct {
        const char *what, *subject, *text;
    } cases[] = {
        { "grew", "[Flowkeep] grew: beacon",
          "It grew: 40 k contacts now, 3\u202f188 contacts when you were last told." },
        { "severity", "[Flowkeep] more severe: beacon",
          "It got more severe: score 99 now, 60 when you were last told." },
        { "resolved", "[Flowkeep] resolved: beacon",
          "It is over: last found Fri 20 Nov 17:40 UTC, and it was open for 1 d." },
        { "reopened", "[Flowkeep] again: beacon", "It was resolved, and is found" },
        { "unmuted", "[Flowkeep] beacon", "Its mute is over" },
        { "what is this", "[Flowkeep] beacon", "servers 10.2.0.14 ->" },
    };
    IncidentEvent before = opened;

    before.score = 60;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(MessageBody) body = { 0 };
        IncidentEvent event = opened;

        event.what = (char *) cases[i].what;
        event.magnitude = 40000;
        write_letter(&beacon, &event, &before, &body);
        g_assert_true(g_str_has_prefix(body.subject, cases[i].subject));
        g_test_message("%s", body.text);
        g_assert_true(g_str_has_prefix(body.text, cases[i].text));
        g_assert_nonnull(strstr(body.text, "3 more mails were held back"));
    }
}

static void
test_pairs(void)
{
    static const struct {
        const char *host, *peers;
        int port, protocol, initiator;
        const char *pair;
    } cases[] = {
        { "10.2.0.14", "203.0.113.51", 443, 6, CONTACT_BY_HOST,
          "servers 10.2.0.14 -> 203.0.113.51:443" },
        { "10.2.0.14", "203.0.113.51", 22, 6, CONTACT_BY_PEER,
          "servers 10.2.0.14:22 <- 203.0.113.51" },
        { "10.2.0.14", "203.0.113.0/24", 0, 0, CONTACT_UNKNOWN,
          "servers 10.2.0.14 -> 203.0.113.0/24" },
        { "2001:db8::1", "2001:db8:1::/48", 53, 17, CONTACT_BY_HOST,
          "servers 2001:db8::1 -> 2001:db8:1::/48 port 53/udp" },
        { "10.2.0.14", "203.0.113.51", 0, 1, CONTACT_BY_HOST,
          "servers 10.2.0.14 -> 203.0.113.51/protocol 1" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Incident incident = beacon;

        incident.host = (char *) cases[i].host;
        incident.peer_network = (char *) cases[i].peers;
        incident.port = cases[i].port;
        incident.protocol = cases[i].protocol;
        incident.initiator = cases[i].initiator;
        g_autofree char *pair = incident_view_pair(&incident);
        g_assert_cmpstr(pair, ==, cases[i].pair);
    }
}

/* Evidence is data: whatever it says, there is a letter. */
static void
test_absurd_evidence(void)
{
    static const char *const cases[] = {
        "{}",
        "{\"from\": \"2026-11-20T18:40:00Z\", \"to\": \"2026-11-19T18:40:00Z\","
        " \"starts_ms\": [3, 2, 1, 0, -5, 1e300, 7]}",
        "{\"from\": \"2026-11-19T18:40:00Z\", \"to\": \"2026-11-20T18:40:00Z\","
        " \"starts_ms\": [0, 0, 0, 0, 1, 3153600000000, 3153600000001],"
        " \"numbers\": {\"period_sec\": 1e308}}",
        "{\"from\": \"1970-01-01T00:00:00Z\", \"to\": \"9999-12-31T00:00:00Z\","
        " \"starts_ms\": [0, 1000, 2000, 3000, 4000, 5000, 6000],"
        " \"numbers\": {\"period_sec\": -3}}",
        "{\"from\": \"2026-11-19T18:40:00Z\", \"to\": \"2026-11-20T18:40:00Z\","
        " \"hours\": [{\"hour\": \"2026-11-19T18:00:00Z\", \"out\": 1, \"low\": 9e99,"
        " \"high\": 1e300}, {\"hour\": \"1970-01-01T00:00:00Z\", \"out\": 1e300}]}",
        "{\"hours\": [{\"hour\": \"x\", \"out\": -4}], \"terms\": [{}, 4, null]}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Evidence) evidence = evidence_parse(cases[i], NULL);
        g_auto(IncidentView) view = { 0 };
        g_auto(MessageBody) body = { 0 };

        g_assert_nonnull(evidence);
        incident_view_init(&view, &beacon, evidence);
        const AlertLetter letter = { .view = &view,
                                     .event = &opened,
                                     .instance = "hq",
                                     .link = "",
                                     .message_id = "x@example.net" };
        alert_letter_write(&letter, &body);
        g_assert_nonnull(strstr(body.text, "every 27.1 s"));
    }
}

static void
test_digest(void)
{
    DigestSection sections[2];
    g_auto(MessageBody) body = { 0 };

    digest_letter_begin(&sections[0], "New", "new", true);
    digest_letter_begin(&sections[1], "Going on", "going on", false);
    digest_letter_add(&sections[1], 9, g_strdup("old <b>"), g_strdup("score 9"));
    g_assert_false(digest_letter_is_worth(sections, 2));
    for (int i = 0; i < DIGEST_LETTER_MAX_LINES + 7; i++)
        digest_letter_add(&sections[0], i, g_strdup_printf("incident %d", i), NULL);
    g_assert_true(digest_letter_is_worth(sections, 2));

    digest_letter_write(sections, 2, "2026-11-24", "hq", "https://g/{alert}", &body);
    g_assert_cmpstr(body.subject, ==,
                    "[Flowkeep] daily digest 2026-11-24: 57 new, 1 going on");
    g_assert_nonnull(strstr(body.text, "* incident 49\n* and 7 more\n"));
    g_assert_null(strstr(body.text, "incident 50"));
    g_assert_nonnull(strstr(body.html, "href=\"https://g/9\">old &lt;b&gt;</a>"));
    digest_letter_end(&sections[0]);
    digest_letter_end(&sections[1]);
}

static void
test_numbers_read_well(void)
{
    static const struct {
        double value;
        const char *octets, *span, *count;
    } cases[] = {
        { 0, "0 B", "0 s", "0" },
        { 0.5, "1 B", "0.5 s", "0.5" },
        { 27.1, "27 B", "27.1 s", "27.1" },
        { 60, "60 B", "1 min", "60" },
        { 90, "90 B", "90 s", "90" },
        { 300, "300 B", "5 min", "300" },
        { 999.6, "1 kB", "16.7 min", "1\u202f000" },
        { 3188, "3.19 kB", "53.1 min", "3\u202f188" },
        { 14400, "14.4 kB", "4 h", "14.4 k" },
        { 2100000000, "2.1 GB", "24306 d", "2.1 G" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *octets = axis_octets(cases[i].value);
        g_autofree char *span = axis_span(cases[i].value);
        g_autofree char *count = axis_count(cases[i].value);

        g_assert_cmpstr(octets, ==, cases[i].octets);
        g_assert_cmpstr(span, ==, cases[i].span);
        g_assert_cmpstr(count, ==, cases[i].count);
    }
    g_assert_cmpfloat(axis_step(0, 4), >, 0);
    g_assert_cmpfloat(axis_step(3188, 4), ==, 1000);
    g_assert_cmpint(axis_time_step_us(86400 * US_PER_SEC, 9), ==,
                    3 * 3600 * US_PER_SEC);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/letter/says-what-why-and-what-now",
                    test_says_what_why_and_what_now);
    g_test_add_func("/letter/says-what-changed", test_says_what_changed);
    g_test_add_func("/letter/names-both-ends", test_pairs);
    g_test_add_func("/letter/stands-absurd-evidence", test_absurd_evidence);
    g_test_add_func("/letter/a-digest-has-an-end", test_digest);
    g_test_add_func("/letter/numbers-read-well", test_numbers_read_well);
    return g_test_run();
}
