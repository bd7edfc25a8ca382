/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/incident.h"

#include <string.h>

#include "alert/incident-store.h"
#include "alert/test-place.h"

static const Sketch BEACON = BEACON_SKETCH;

/* --- raising --- */

static void
test_opens_once(void)
{
    g_auto(Place) place = { 0 };

    if (!place_init(&place))
        return;

    const IncidentRaised first = raise_on(place.conn, &BEACON, NOW_US);
    g_assert_true(first.opened);
    g_assert_true(first.told);
    live_db_assert(&place.db, "SELECT title FROM flowkeep.alert",
                   "beacon: servers 10.2.0.14 -> 203.0.113.51:443 every 27.1 s");
    live_db_assert(&place.db, "SELECT host_group FROM flowkeep.alert", "servers");

#define ALL_ROWS                                                                       \
    "SELECT md5(string_agg(t, '|' ORDER BY t)) FROM ("                                 \
    " SELECT a::text AS t FROM flowkeep.alert AS a UNION ALL"                          \
    " SELECT e::text FROM flowkeep.alert_event AS e UNION ALL"                         \
    " SELECT f::text FROM flowkeep.alert_finding AS f) AS rows"
    g_autofree char *rows = live_db_value(&place.db, ALL_ROWS);
    for (int i = 0; i < 3; i++) {
        const IncidentRaised again = raise_on(place.conn, &BEACON, NOW_US);

        g_assert_cmpint(again.alert_id, ==, first.alert_id);
        g_assert_false(again.opened);
        g_assert_false(again.told);
    }
    live_db_assert(&place.db, ALL_ROWS, rows);

    raise_on(place.conn, &BEACON, NOW_US + HOUR_US);
    live_db_assert(&place.db, "SELECT count(*) FROM flowkeep.alert_event", "1");
    live_db_assert(&place.db, "SELECT found_at - opened_at FROM flowkeep.alert",
                   "01:00:00");
}

/* About the same again is written once an hour, what is new at once. */
static void
test_refresh(void)
{
    static const struct {
        int minutes;
        double score, magnitude;
        const char *shown; /* the explanation then */
    } cases[] = {
        { 0, 90, 100, "beacon of 100" },   { 10, 90.4, 101, "beacon of 100" },
        { 20, 92, 102, "beacon of 102" },  { 70, 92, 103, "beacon of 102" },
        { 81, 92, 104, "beacon of 104" },  { 91, 92, 2000, "beacon of 2000" },
        { 92, 92, 105, "beacon of 2000" },
    };
    g_auto(Place) place = { 0 };

    if (!place_init(&place))
        return;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const int64_t now_us = NOW_US + cases[i].minutes * 60 * US_PER_SEC;
        Sketch sketch = BEACON;

        sketch.score = cases[i].score;
        sketch.magnitude = cases[i].magnitude;
        raise_on(place.conn, &sketch, now_us);
        live_db_assert(&place.db, "SELECT explanation FROM flowkeep.alert",
                       cases[i].shown);
        g_autofree char *minutes = g_strdup_printf("%d", cases[i].minutes);
        live_db_assert(&place.db,
                       "SELECT round(extract(epoch FROM found_at - opened_at) / 60)"
                       "  FROM flowkeep.alert",
                       minutes);
    }
    live_db_assert(&place.db, "SELECT magnitude FROM flowkeep.alert_finding", "105");
}

typedef struct {
    const char *conninfo;
    IncidentRaised raised;
} Rival;

static void *
raise_as_rival(void *data)
{
    Rival *rival = data;
    g_autoptr(PGconn) conn = live_db_connect(rival->conninfo);

    rival->raised = raise_on(conn, &BEACON, NOW_US);
    return NULL;
}

static void
test_concurrent(void)
{
    g_auto(Place) place = { 0 };
    g_autoptr(Finding) finding = finding_of(&BEACON, NOW_US);
    g_autoptr(GError) error = NULL;
    IncidentRaised mine;

    if (!place_init(&place))
        return;

    Rival rival = { .conninfo = place.db.analytics_conninfo };
    exec(place.conn, "BEGIN");
    incident_raise(place.conn, finding, NOW_US, &mine, &error);
    g_assert_no_error(error);

    GThread *thread = g_thread_new("rival", raise_as_rival, &rival);
    wait_for_waiting(&place);
    exec(place.conn, "COMMIT");
    g_thread_join(thread);

    g_assert_cmpint(rival.raised.alert_id, ==, mine.alert_id);
    g_assert_false(rival.raised.opened);
    live_db_assert(&place.db, "SELECT count(*) FROM flowkeep.alert", "1");
    live_db_assert(&place.db, "SELECT count(*) FROM flowkeep.alert_event", "1");
}

static void
test_overlap(void)
{
    static const struct {
        const char *why;
        Sketch sketches[4];
        const char *events;
        const char *scope; /* of the first, then how many are not resolved */
    } cases[] = {
        { "other peers, other ports: others",
          { { "203.0.113.51/32", 443, "beacon", FINDING_MAIL, 90, 100 },
            { "203.0.113.52/32", 443, "beacon", FINDING_MAIL, 90, 100 },
            { "203.0.113.51/32", 80, "beacon", FINDING_MAIL, 90, 100 } },
          "1OPENED 2OPENED 3OPENED",
          "203.0.113.51/32 443 3" },
        { "a rotation takes in one of its peers",
          { { "203.0.113.51/32", 443, "beacon", FINDING_MAIL, 90, 100 },
            { "203.0.113.0/24", 443, "beacon", FINDING_MAIL, 80, 2000 } },
          "1OPENED 1widened",
          "203.0.113.0/24 443 1" },
        { "and its other peers belong to it",
          { { "203.0.113.0/24", 443, "beacon", FINDING_MAIL, 80, 2000 },
            { "203.0.113.51/32", 443, "beacon", FINDING_MAIL, 90, 100 },
            { "203.0.113.52/32", 443, "beacon", FINDING_MAIL, 90, 100 } },
          "1OPENED",
          "203.0.113.0/24 443 1" },
        { "two that a third joins become one",
          { { "203.0.113.51/32", 443, "beacon", FINDING_MAIL, 90, 100 },
            { "203.0.113.52/32", 443, "beacon", FINDING_MAIL, 90, 100 },
            { "203.0.113.0/24", 443, "beacon", FINDING_MAIL, 80, 2000 } },
          "1OPENED 2OPENED 2resolved 1widened",
          "203.0.113.0/24 443 1" },
        { "any port takes in one port",
          { { "203.0.113.51/32", 443, "burst", FINDING_MAIL, 90, 1e9 },
            { "203.0.113.51/32", 0, "drip", FINDING_MAIL, 80, 2e10 },
            { "203.0.113.51/32", 80, "burst", FINDING_MAIL, 90, 1e9 } },
          "1OPENED 1widened",
          "203.0.113.51/32 0 1" },
        { "kinds are apart",
          { { "203.0.113.51/32", 443, "burst", FINDING_MAIL, 90, 1e9 },
            { "203.0.113.51/32", 443, "beacon", FINDING_MAIL, 90, 100 } },
          "1OPENED 2OPENED",
          "203.0.113.51/32 443 2" },
    };
    g_auto(Place) place = { 0 };

    if (!place_init(&place))
        return;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].why);
        live_db_exec(&place.db, "TRUNCATE flowkeep.alert RESTART IDENTITY CASCADE");
        for (size_t j = 0; j < 4 && cases[i].sketches[j].peer; j++)
            raise_on(place.conn, &cases[i].sketches[j], NOW_US);
        live_db_assert(&place.db, EVENTS, cases[i].events);
        live_db_assert(
            &place.db,
            "SELECT peer_network || ' ' || service_port || ' ' ||"
            " (SELECT count(*) FROM flowkeep.alert WHERE state <> 'resolved')"
            "  FROM flowkeep.alert WHERE id = 1",
            cases[i].scope);

        /* The same run again says nothing. */
        for (size_t j = 0; j < 4 && cases[i].sketches[j].peer; j++)
            raise_on(place.conn, &cases[i].sketches[j], NOW_US + HOUR_US);
        live_db_assert(&place.db, EVENTS, cases[i].events);
    }
}

static void
test_highest_is_shown(void)
{
    const Sketch burst = { "203.0.113.51/32", 443, "burst", FINDING_MAIL, 90, 1e9 };
    const Sketch drip = { "203.0.113.0/24", 443, "drip", FINDING_DIGEST, 60, 5e9 };
    g_auto(Place) place = { 0 };
    g_autoptr(GError) error = NULL;

    if (!place_init(&place))
        return;

    const char *const shown =
        "SELECT rule || ' ' || score || ' ' || (evidence->>'rule')"
        " FROM flowkeep.alert";
    raise_on(place.conn, &drip, NOW_US);
    live_db_assert(&place.db, shown, "drip 60 drip");
    raise_on(place.conn, &burst, NOW_US);
    live_db_assert(&place.db, shown, "burst 90 burst");
    raise_on(place.conn, &drip, NOW_US + HOUR_US);
    live_db_assert(&place.db, shown, "burst 90 burst");
    live_db_assert(&place.db, EVENTS, "1opened 1SEVERITY");

    g_autoptr(GArray) findings = incident_store_findings(place.conn, 1, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(findings->len, ==, 2);
    g_assert_cmpstr(g_array_index(findings, IncidentFinding, 0).rule, ==, "burst");
    g_assert_cmpstr(g_array_index(findings, IncidentFinding, 1).rule, ==, "drip");
    g_assert_cmpstr(g_array_index(findings, IncidentFinding, 1).peer_network, ==,
                    "203.0.113.0/24");

    /* The burst is over: after a day what still goes on is shown. */
    raise_on(place.conn, &drip, NOW_US + 2 * DAY_US);
    live_db_assert(&place.db, shown, "drip 60 drip");
    live_db_assert(&place.db, EVENTS, "1opened 1SEVERITY");
}

/* The longer prefix, then the name; and none at all. */
static void
test_group(void)
{
    static const struct {
        const char *networks;
        const char *group;
    } cases[] = {
        { "('all', '10.0.0.0/8'), ('servers', '10.2.0.0/24')", "servers" },
        { "('all', '10.2.0.14/32'), ('servers', '10.2.0.0/24')", "all" },
        { "('servers', '10.2.0.0/24'), ('all', '10.2.0.0/24')", "all" },
        { "('servers', '10.3.0.0/24'), ('all', '2001:db8::/32')", "" },
    };
    g_auto(Place) place = { 0 };

    if (!place_init(&place))
        return;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *sql =
            g_strdup_printf("TRUNCATE flowkeep.alert, flowkeep.watch_network CASCADE;"
                            "INSERT INTO flowkeep.watch_network VALUES %s",
                            cases[i].networks);

        live_db_exec(&place.db, sql);
        raise_on(place.conn, &BEACON, NOW_US);
        live_db_assert(&place.db, "SELECT coalesce(host_group, '') FROM flowkeep.alert",
                       cases[i].group);
    }
}

static void
test_many_members_are_bounded(void)
{
    g_auto(Place) place = { 0 };

    if (!place_init(&place))
        return;

    Sketch sketch = { "203.0.113.0/24", 443, "beacon", FINDING_MAIL, 99, 20000 };
    raise_on(place.conn, &sketch, NOW_US);
    for (int i = 0; i < 100; i++) {
        g_autofree char *peer = g_strdup_printf("203.0.113.%d/32", i);
        const Sketch member = { peer, 443, "beacon", FINDING_MAIL, 80, 100 };

        raise_on(place.conn, &member, NOW_US);
    }
    g_assert_cmpint(live_db_number(&place.db,
                                   "SELECT count(*) FROM flowkeep.alert_finding"),
                    <=, 65);
    live_db_assert(&place.db, EVENTS, "1OPENED");
    live_db_assert(&place.db, "SELECT score FROM flowkeep.alert", "99");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/incident/the-same-again-changes-nothing", test_opens_once);
    g_test_add_func("/incident/about-the-same-is-written-once-an-hour", test_refresh);
    g_test_add_func("/incident/two-at-once-open-one", test_concurrent);
    g_test_add_func("/incident/what-overlaps-is-one", test_overlap);
    g_test_add_func("/incident/the-highest-score-is-shown", test_highest_is_shown);
    g_test_add_func("/incident/a-host-in-two-groups-is-in-the-closer", test_group);
    g_test_add_func("/incident/a-thousand-members-are-bounded",
                    test_many_members_are_bounded);
    return g_test_run();
}
