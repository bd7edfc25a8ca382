/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/incident-rules.h"

#include <math.h>
#include <string.h>

/* The steps of a verdict, those that are told in capitals, then the state. */
static char *
verdict_text(const IncidentVerdict *verdict)
{
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < verdict->n_steps; i++) {
        g_autofree char *loud = g_ascii_strup(verdict->steps[i].what, -1);

        g_string_append_printf(text, "%s ",
                               verdict->steps[i].tell ? loud : verdict->steps[i].what);
    }
    g_string_append_printf(text, "%s %s", incident_rules_state_name(verdict->state),
                           finding_severity_name(verdict->severity));
    return g_string_free(text, FALSE);
}

#define LISTED FINDING_LISTED
#define DIGEST FINDING_DIGEST
#define MAIL   FINDING_MAIL

/* What is stored before. */
#define IS(state, severity, noted)                                                     \
    {                                                                                  \
        true, state, severity, noted                                                   \
    }

static void
test_found(void)
{
    static const struct {
        const char *why;
        IncidentKnown known;
        FindingSeverity severity;
        double magnitude;
        bool is_covered;
        bool is_wider;
        const char *verdict;
    } cases[] = {
        { "new", { false }, MAIL, 1, false, false, "OPENED open mail" },
        { "new, not worth a mail",
          { false },
          DIGEST,
          1,
          false,
          false,
          "opened open digest" },
        { "new and muted", { false }, MAIL, 1, true, false, "opened muted muted mail" },
        { "back again", IS(INCIDENT_RESOLVED, MAIL, 100), MAIL, 1, false, false,
          "REOPENED open mail" },
        { "back again, and less", IS(INCIDENT_RESOLVED, MAIL, 100), LISTED, 1, false,
          false, "reopened open listed" },
        { "back again, muted", IS(INCIDENT_RESOLVED, MAIL, 100), MAIL, 1, true, false,
          "reopened muted muted mail" },

        { "the same", IS(INCIDENT_OPEN, MAIL, 100), MAIL, 100, false, false,
          "open mail" },
        { "less", IS(INCIDENT_OPEN, MAIL, 100), LISTED, 1, false, false, "open mail" },
        { "more, not ten times", IS(INCIDENT_OPEN, MAIL, 100), MAIL, 999, false, false,
          "open mail" },
        { "ten times", IS(INCIDENT_OPEN, MAIL, 100), MAIL, 1000, false, false,
          "GREW open mail" },
        { "ten times, not worth a mail", IS(INCIDENT_OPEN, DIGEST, 100), DIGEST, 1000,
          false, false, "grew open digest" },
        { "from nothing", IS(INCIDENT_OPEN, MAIL, 0), MAIL, 9, false, false,
          "open mail" },
        { "by another rule, and much more", IS(INCIDENT_OPEN, MAIL, NAN), MAIL, 1e12,
          false, false, "open mail" },
        { "graver", IS(INCIDENT_OPEN, DIGEST, 100), MAIL, 100, false, false,
          "SEVERITY open mail" },
        { "graver, not worth a mail", IS(INCIDENT_OPEN, LISTED, 100), DIGEST, 100,
          false, false, "severity open digest" },
        { "graver and ten times: told once", IS(INCIDENT_OPEN, DIGEST, 100), MAIL, 1000,
          false, false, "SEVERITY open mail" },
        { "wider", IS(INCIDENT_OPEN, MAIL, NAN), MAIL, 1000, false, true,
          "widened open mail" },

        { "acknowledged: the same", IS(INCIDENT_ACKNOWLEDGED, MAIL, 100), MAIL, 100,
          false, false, "acknowledged mail" },
        { "acknowledged: ten times", IS(INCIDENT_ACKNOWLEDGED, MAIL, 100), MAIL, 1000,
          false, false, "GREW open mail" },
        { "acknowledged: graver", IS(INCIDENT_ACKNOWLEDGED, DIGEST, 100), MAIL, 100,
          false, false, "SEVERITY open mail" },

        { "muted: the same", IS(INCIDENT_MUTED, MAIL, 100), MAIL, 100, true, false,
          "muted mail" },
        { "muted: ten times", IS(INCIDENT_MUTED, MAIL, 100), MAIL, 1000, true, false,
          "grew muted mail" },
        { "muted: graver", IS(INCIDENT_MUTED, LISTED, 100), MAIL, 100, true, false,
          "severity muted mail" },
        { "its mute has run out", IS(INCIDENT_MUTED, MAIL, 100), MAIL, 100, false,
          false, "UNMUTED open mail" },
        { "run out, and ten times: told once", IS(INCIDENT_MUTED, MAIL, 100), MAIL,
          1000, false, false, "UNMUTED grew open mail" },
        { "it outgrows its mute", IS(INCIDENT_MUTED, MAIL, NAN), MAIL, 100, false, true,
          "widened UNMUTED open mail" },
        { "a mute has come", IS(INCIDENT_ACKNOWLEDGED, MAIL, 100), MAIL, 100, true,
          false, "muted muted mail" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const IncidentVerdict verdict =
            incident_rules_found(&cases[i].known, cases[i].severity, cases[i].magnitude,
                                 cases[i].is_covered, cases[i].is_wider);
        g_autofree char *text = verdict_text(&verdict);

        g_test_message("%s", cases[i].why);
        g_assert_cmpstr(text, ==, cases[i].verdict);
    }
}

/* What is noted is the magnitude of the last event, not of the last run: else slow
 * growth would never be ten times as much. */
static void
test_slow_growth(void)
{
    IncidentKnown known = { true, INCIDENT_OPEN, FINDING_MAIL, 100 };
    unsigned n_told = 0;

    for (double magnitude = 100; magnitude <= 100000; magnitude *= 1.1) {
        const IncidentVerdict verdict =
            incident_rules_found(&known, FINDING_MAIL, magnitude, false, false);

        if (verdict.notes_magnitude)
            known.noted_magnitude = magnitude;
        n_told += verdict.n_steps;
    }
    g_assert_cmpuint(n_told, ==, 2);
}

static IncidentScope
scope(const char *peers, int port, int protocol)
{
    IncidentScope made = { .port = port, .protocol = protocol };

    g_assert_true(network_parse(peers, &made.peers, NULL));
    return made;
}

static void
test_join(void)
{
    static const struct {
        const char *peers_a;
        int port_a, protocol_a;
        const char *peers_b;
        int port_b, protocol_b;
        const char *joined;
    } cases[] = {
        { "203.0.113.51", 443, 6, "203.0.113.51", 443, 6, "203.0.113.51/32 443 6" },
        { "203.0.113.51", 443, 6, "203.0.113.0/24", 443, 6, "203.0.113.0/24 443 6" },
        { "203.0.112.0/20", 443, 6, "203.0.113.51", 443, 6, "203.0.112.0/20 443 6" },
        { "203.0.113.51", 443, 6, "203.0.113.51", 443, 17, "203.0.113.51/32 443 0" },
        { "203.0.113.51", 443, 6, "203.0.113.51", 0, 0, "203.0.113.51/32 0 0" },
        { "203.0.113.51", 0, 0, "203.0.113.0/24", 443, 6, "203.0.113.0/24 0 0" },
        { "203.0.113.51", 0, 1, "203.0.113.51", 0, 0, "203.0.113.51/32 0 0" },
        { "203.0.113.51", 0, 1, "203.0.113.51", 0, 47, "203.0.113.51/32 0 47" },
        { "2001:db8::1", 443, 6, "2001:db8::/48", 443, 6, "2001:db8::/48 443 6" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const IncidentScope a =
            scope(cases[i].peers_a, cases[i].port_a, cases[i].protocol_a);
        const IncidentScope b =
            scope(cases[i].peers_b, cases[i].port_b, cases[i].protocol_b);
        const IncidentScope joined = incident_rules_join(&a, &b);
        g_autofree char *peers = network_format(&joined.peers);
        g_autofree char *text =
            g_strdup_printf("%s %d %d", peers, joined.port, joined.protocol);

        g_assert_cmpstr(text, ==, cases[i].joined);
    }
}

static void
test_names(void)
{
    for (IncidentState i = INCIDENT_OPEN; i <= INCIDENT_RESOLVED; i++)
        g_assert_cmpint(incident_rules_state(incident_rules_state_name(i)), ==, i);
    for (FindingSeverity i = FINDING_LISTED; i <= FINDING_MAIL; i++)
        g_assert_cmpint(incident_rules_severity(finding_severity_name(i)), ==, i);
    g_assert_cmpint(incident_rules_severity("'; DROP TABLE alert"), ==, FINDING_MAIL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/incident-rules/what-is-found-and-what-is-told", test_found);
    g_test_add_func("/incident-rules/slow-growth-is-told-each-tenfold",
                    test_slow_growth);
    g_test_add_func("/incident-rules/the-wider-of-each-holds-both", test_join);
    g_test_add_func("/incident-rules/names-go-both-ways", test_names);
    return g_test_run();
}
