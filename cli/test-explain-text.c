/* SPDX-License-Identifier: Apache-2.0 */
#include "explain-text.h"

#include <math.h>
#include <string.h>

#include "clock.h"

#define NOW_US  (INT64_C(1708387200) * US_PER_SEC) /* 2024-02-20 00:00 UTC */
#define HOUR_US (3600 * US_PER_SEC)
#define HOSTILE "\r\n\x1b[2J<script>'; DROP TABLE alert; --\xe2\x80\xae\xff"

typedef struct {
    Incident incident;
    Evidence evidence;
    GArray *events;
    GArray *findings;
} Place;

static ContactEvent contacts[48];
static FindingHour hours[24];
static EvidenceTerm terms[2];
static EvidenceNumber numbers[5];

/* Half an hour apart for a day, with a term and a name that attack. */
static void
place_init(Place *self)
{
    const IncidentEvent opened = { .at_us = NOW_US - HOUR_US,
                                   .what = (char *) "opened",
                                   .tell = true,
                                   .severity = (char *) "mail",
                                   .score = 99,
                                   .composed = true };
    const IncidentEvent acknowledged = { .at_us = NOW_US - HOUR_US / 2,
                                         .what = (char *) "acknowledged",
                                         .severity = (char *) "mail",
                                         .score = 99,
                                         .who = (char *) "alice@host",
                                         .note = (char *) HOSTILE };

    for (int i = 0; i < 48; i++)
        contacts[i] = (ContactEvent){ NOW_US + (i - 48) * HOUR_US / 2, 349 };
    for (int i = 0; i < 24; i++)
        hours[i] = (FindingHour){ NOW_US + (i - 24) * HOUR_US, 698, 100, 500, NAN };
    terms[0] = (EvidenceTerm){ (char *) "regularity", 45, 45, (char *) "a clock" };
    terms[1] = (EvidenceTerm){ (char *) "rarity", 20, 20, (char *) HOSTILE };
    numbers[0] = (EvidenceNumber){ (char *) "period_sec", 1800, NULL };
    numbers[1] = (EvidenceNumber){ (char *) "lv", NAN, NULL };
    numbers[2] = (EvidenceNumber){ (char *) "octets", 3e9, NULL };
    numbers[3] = (EvidenceNumber){ (char *) "first_us", NOW_US - 24.0 * HOUR_US, NULL };
    numbers[4] = (EvidenceNumber){ (char *) HOSTILE, NAN, (char *) HOSTILE };

    self->incident = (Incident){ .id = 4711,
                                 .kind = (char *) "beacon",
                                 .rule = (char *) "beacon",
                                 .host = (char *) "10.2.0.14",
                                 .host_group = (char *) "servers",
                                 .peer = (char *) "203.0.113.51",
                                 .peer_network = (char *) "203.0.113.51",
                                 .port = 443,
                                 .state = (char *) "acknowledged",
                                 .severity = (char *) "mail",
                                 .score = 65,
                                 .first_contact_us = NOW_US - 24 * HOUR_US,
                                 .last_contact_us = NOW_US - HOUR_US / 2,
                                 .opened_us = NOW_US - HOUR_US,
                                 .found_us = NOW_US - HOUR_US / 6,
                                 .told_us = NOW_US - HOUR_US,
                                 .title = (char *) "beacon: " HOSTILE " 10.2.0.14",
                                 .explanation = (char *) "every 30 min " HOSTILE };
    self->evidence = (Evidence){ .from_us = NOW_US - 24 * HOUR_US,
                                 .to_us = NOW_US,
                                 .rule = (char *) "beacon",
                                 .terms = terms,
                                 .n_terms = G_N_ELEMENTS(terms),
                                 .numbers = numbers,
                                 .n_numbers = G_N_ELEMENTS(numbers),
                                 .events = contacts,
                                 .n_events = G_N_ELEMENTS(contacts),
                                 .hours = hours,
                                 .n_hours = G_N_ELEMENTS(hours) };
    self->events = g_array_new(FALSE, FALSE, sizeof(IncidentEvent));
    self->findings = g_array_new(FALSE, FALSE, sizeof(IncidentFinding));
    g_array_append_val(self->events, opened);
    g_array_append_val(self->events, acknowledged);
}

static void
place_clear(Place *self)
{
    g_array_unref(self->events);
    g_array_unref(self->findings);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static char *
text_of(const Place *place, bool has_evidence)
{
    return explain_text(&(ExplainFacts){
        .incident = &place->incident,
        .evidence = has_evidence ? &place->evidence : NULL,
        .events = place->events,
        .findings = place->findings,
        .now_us = NOW_US,
        .n_contacts = 3,
        .style = { .columns = 72 },
    });
}

static void
test_all_is_said(void)
{
    static const char *const parts[] = {
        "  Alert 4711: acknowledged, severity mail, score 65 of 100\n",
        "  Host 10.2.0.14 (servers), peer 203.0.113.51:443\n",
        "  Opened 2024-02-19 23:00:00, last found 10 min 0 s ago; told 2024-02-19",
        "      45  45  regularity  a clock\n",
        "  together 65\n",
        "02-19 01:00 |#                        #                         |      2\n",
        "  2024-02-19 23:00:00  1800.0 s          349\n",
        "  2024-02-19 23:00:00   698       100         500\n",
        "  octets      3000000000\n",
        "  first_us   ",
        "  2024-02-19 00:00:00 ",
        "  period_sec  1800\n",
        "2024-02-19 23:30:00  acknowledged     99  mail               alice@host",
        "flowkeep export --since @1708300740 --where-host 203.0.113.51",
        "flowkeep mute 4711 --for 30d --reason \"...\"",
    };
    g_auto(Place) place = { 0 };

    place_init(&place);
    g_autofree char *text = text_of(&place, true);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (!strstr(text, parts[i]))
            g_test_message("not there: %s\nin: %s", parts[i], text);
        g_assert_nonnull(strstr(text, parts[i]));
    }
    /* Who acknowledged it need not be told how. */
    g_assert_null(strstr(text, "flowkeep ack"));
    g_assert_null(strstr(text, "Found by"));
}

/* What lives for an hour of a day is drawn by the minute. */
static void
test_small_part(void)
{
    g_auto(Place) place = { 0 };

    place_init(&place);
    for (int i = 0; i < 48; i++)
        contacts[i].start_us = NOW_US - 3 * HOUR_US + i * 60 * US_PER_SEC;
    g_autofree char *text = text_of(&place, true);
    g_assert_nonnull(strstr(text, "\n02-19 21:05 |"));
    g_assert_null(strstr(text, "\n02-19 12:00 |"));
}

static void
test_harmless(void)
{
    g_auto(Place) place = { 0 };

    place_init(&place);
    place.incident.mute_id = 3;
    place.incident.mute_reason = (char *) HOSTILE;
    place.incident.state = (char *) "muted";
    for (int i = 0; i < 2; i++) {
        const IncidentFinding finding = { .rule = (char *) HOSTILE,
                                          .peer_network = (char *) "203.0.113.0/24",
                                          .severity = (char *) "mail",
                                          .explanation = (char *) HOSTILE };

        g_array_append_val(place.findings, finding);
    }

    for (int i = 0; i < 2; i++) {
        g_autofree char *text = text_of(&place, i == 0);

        g_assert_true(g_utf8_validate(text, -1, NULL));
        for (const char *at = text; *at; at = g_utf8_next_char(at)) {
            const gunichar c = g_utf8_get_char(at);

            g_assert_true(c == '\n' || g_unichar_isprint(c));
            g_assert_cmpint(g_unichar_type(c), !=, G_UNICODE_FORMAT);
        }
        g_assert_nonnull(strstr(text, "\\x0d\\x0a\\x1b[2J<script>"));
        g_assert_nonnull(strstr(text, "Found by"));
        g_assert_nonnull(strstr(text, "flowkeep unmute m3"));
        g_assert_null(strstr(text, "flowkeep mute 4711"));
        g_assert_cmpint(!!strstr(text, "cannot be read"), ==, i);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/explain-text/says-all-there-is", test_all_is_said);
    g_test_add_func("/explain-text/a-short-life-is-drawn-large", test_small_part);
    g_test_add_func("/explain-text/is-harmless", test_harmless);
    return g_test_run();
}
