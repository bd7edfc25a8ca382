/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/mute.h"

#include <string.h>

#include "alert/evidence.h"
#include "alert/incident-store.h"
#include "alert/test-place.h"

static const Sketch BEACON = BEACON_SKETCH;
static const Sketch LATER = {
    "203.0.113.51/32", 443, "beacon", FINDING_MAIL, 90, 5000
};

#define HOSTILE                                                                        \
    "\r\nBcc: x@example.org\r\n\r\n\x1b[2J<script>alert(1)</script>"                   \
    "'; DROP TABLE flowkeep.alert; --"

/* --- mutes --- */

static int64_t
add(Place *place, const MuteRequest *request, int64_t now_us, unsigned *n_muted)
{
    g_autoptr(GError) error = NULL;
    int64_t id = 0;

    exec(place->conn, "BEGIN");
    mute_add(place->conn, request, now_us, &id, n_muted, &error);
    g_assert_no_error(error);
    exec(place->conn, "COMMIT");
    return id;
}

static unsigned
lift(Place *place, int64_t id, int64_t now_us)
{
    g_autoptr(GError) error = NULL;
    unsigned n_opened = 0;

    exec(place->conn, "BEGIN");
    mute_lift(place->conn, id, "eve@host", now_us, &n_opened, &error);
    g_assert_no_error(error);
    exec(place->conn, "COMMIT");
    return n_opened;
}

static unsigned
apply(Place *place, int64_t now_us)
{
    g_autoptr(GError) error = NULL;
    unsigned n_changed = 0;

    exec(place->conn, "BEGIN");
    mute_apply(place->conn, now_us, &n_changed, &error);
    g_assert_no_error(error);
    exec(place->conn, "COMMIT");
    return n_changed;
}

static void
start_anew(Place *place)
{
    live_db_exec(&place->db,
                 "TRUNCATE flowkeep.alert, flowkeep.mute RESTART IDENTITY CASCADE");
}

static void
test_covers(void)
{
    static const struct {
        const char *kind, *hosts, *peers;
        int port;
        int64_t until_us;
        const char *state; /* of the incident */
    } cases[] = {
        { NULL, NULL, NULL, 0, 0, "muted" },
        { "beacon", "10.2.0.14", "203.0.113.51", 443, 0, "muted" },
        { "beacon", "10.2.0.0/16", "203.0.0.0/8", 443, NOW_US + 1, "muted" },
        { "beacon", "10.2.0.14", "203.0.113.51", 443, NOW_US, "open" },
        { "exfil", "10.2.0.14", "203.0.113.51", 443, 0, "open" },
        { "beacon", "10.2.0.15", "203.0.113.51", 443, 0, "open" },
        { "beacon", "10.3.0.0/16", "203.0.113.51", 443, 0, "open" },
        { "beacon", "10.2.0.14", "203.0.113.52", 443, 0, "open" },
        { "beacon", "10.2.0.14", "203.0.113.51", 80, 0, "open" },
        { NULL, "2001:db8::/32", NULL, 0, 0, "open" },
    };
    g_auto(Place) place = { 0 };

    if (!place_init(&place))
        return;

    for (size_t i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
        const unsigned c = (unsigned) (i / 2);
        const bool mute_first = i % 2;
        Network hosts, peers;
        const MuteRequest request = {
            .kind = cases[c].kind,
            .host_network = cases[c].hosts ? &hosts : NULL,
            .peer_network = cases[c].peers ? &peers : NULL,
            .port = cases[c].port,
            .until_us = cases[c].until_us,
            .reason = "test",
            .who = "alice@host",
        };
        unsigned n_muted = 99;

        if (cases[c].hosts)
            g_assert_true(network_parse(cases[c].hosts, &hosts, NULL));
        if (cases[c].peers)
            g_assert_true(network_parse(cases[c].peers, &peers, NULL));
        start_anew(&place);
        if (mute_first)
            add(&place, &request, NOW_US, NULL);
        raise_on(place.conn, &BEACON, NOW_US);
        if (!mute_first) {
            add(&place, &request, NOW_US, &n_muted);
            g_assert_cmpuint(n_muted, ==, g_str_equal(cases[c].state, "muted"));
        }
        g_test_message("case %u, mute %s", c, mute_first ? "first" : "second");
        live_db_assert(&place.db, "SELECT state FROM flowkeep.alert", cases[c].state);
        live_db_assert(&place.db, EVENTS,
                       g_str_equal(cases[c].state, "open") ? "1OPENED"
                       : mute_first                        ? "1opened 1muted"
                                                           : "1OPENED 1muted");
    }
}

typedef struct {
    const char *conninfo;
    unsigned n_muted;
} Rival;

static void *
mute_as_rival(void *data)
{
    Rival *rival = data;
    Place place = { .conn = live_db_connect(rival->conninfo) };

    add(&place, &(MuteRequest){ .kind = "beacon", .reason = "r", .who = "w" }, NOW_US,
        &rival->n_muted);
    PQfinish(place.conn);
    return NULL;
}

/* An incident that is being raised while a mute is made does not slip through. */
static void
test_rivals(void)
{
    g_auto(Place) place = { 0 };
    g_autoptr(Finding) finding = finding_of(&BEACON, NOW_US);
    g_autoptr(GError) error = NULL;

    if (!place_init(&place))
        return;

    Rival rival = { .conninfo = place.db.analytics_conninfo };
    exec(place.conn, "BEGIN");
    incident_raise(place.conn, finding, NOW_US, NULL, &error);
    g_assert_no_error(error);
    GThread *thread = g_thread_new("rival", mute_as_rival, &rival);
    wait_for_waiting(&place);
    exec(place.conn, "COMMIT");
    g_thread_join(thread);
    g_assert_cmpuint(rival.n_muted, ==, 1);
    live_db_assert(&place.db, "SELECT state FROM flowkeep.alert", "muted");
}

/* A mute of some of a rotation's peers does not silence the rotation. */
static void
test_outgrown(void)
{
    const Sketch rotation = { "203.0.113.0/24", 443, "beacon", FINDING_MAIL, 95, 9000 };
    g_auto(Place) place = { 0 };
    Network peers;

    if (!place_init(&place))
        return;

    g_assert_true(network_parse("203.0.113.48/28", &peers, NULL));
    add(&place, &(MuteRequest){ .peer_network = &peers, .reason = "r", .who = "w" },
        NOW_US, NULL);
    raise_on(place.conn, &BEACON, NOW_US);
    live_db_assert(&place.db, "SELECT state FROM flowkeep.alert", "muted");
    raise_on(place.conn, &rotation, NOW_US);
    live_db_assert(&place.db, "SELECT state FROM flowkeep.alert", "open");
    live_db_assert(&place.db, EVENTS, "1opened 1muted 1widened 1UNMUTED");
}

static void
test_ends(void)
{
    const MuteRequest month = { .until_us = NOW_US + 30 * DAY_US,
                                .reason = HOSTILE,
                                .who = "alice\r\n@host" };
    g_auto(Place) place = { 0 };
    g_autoptr(GError) error = NULL;

    if (!place_init(&place))
        return;

    /* By time: it goes on, so that is told, once. */
    raise_on(place.conn, &BEACON, NOW_US);
    add(&place, &month, NOW_US, NULL);
    raise_on(place.conn, &LATER, NOW_US + 29 * DAY_US);
    g_assert_cmpuint(apply(&place, NOW_US + 29 * DAY_US), ==, 0);
    g_assert_cmpuint(apply(&place, NOW_US + 30 * DAY_US), ==, 1);
    g_assert_cmpuint(apply(&place, NOW_US + 30 * DAY_US), ==, 0);
    live_db_assert(&place.db, EVENTS, "1OPENED 1muted 1grew 1UNMUTED");

    /* By hand, of what was told before: whoever lifts it knows. */
    start_anew(&place);
    raise_on(place.conn, &BEACON, NOW_US);
    int64_t id = add(&place, &month, NOW_US, NULL);
    g_assert_cmpuint(lift(&place, id, NOW_US), ==, 1);
    live_db_assert(&place.db, EVENTS, "1OPENED 1muted 1unmuted");
    live_db_assert(&place.db, "SELECT who FROM flowkeep.alert_event WHERE id = 3",
                   "eve@host");

    /* By hand, of what nobody was told. */
    start_anew(&place);
    id = add(&place, &month, NOW_US, NULL);
    raise_on(place.conn, &BEACON, NOW_US);
    lift(&place, id, NOW_US);
    live_db_assert(&place.db, EVENTS, "1opened 1muted 1UNMUTED");

    /* Two mutes: lifting one leaves the other. */
    start_anew(&place);
    raise_on(place.conn, &BEACON, NOW_US);
    id = add(&place, &month, NOW_US, NULL);
    add(&place, &(MuteRequest){ .kind = "beacon", .reason = "r", .who = "w" }, NOW_US,
        NULL);
    lift(&place, id, NOW_US);
    live_db_assert(&place.db, "SELECT state || mute_id FROM flowkeep.alert", "muted2");
    live_db_assert(&place.db, EVENTS, "1OPENED 1muted");

    g_autoptr(GArray) mutes = mute_list(place.conn, false, NOW_US, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(mutes->len, ==, 1);
    g_assert_cmpint(g_array_index(mutes, Mute, 0).n_silenced, ==, 1);
    g_autoptr(GArray) all = mute_list(place.conn, true, NOW_US, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(all->len, ==, 2);
    g_assert_cmpstr(g_array_index(all, Mute, 1).reason, ==, HOSTILE);
    g_assert_cmpint(g_array_index(all, Mute, 1).ended_us, ==, NOW_US);
    g_assert_cmpint(g_array_index(all, Mute, 1).until_us, ==, month.until_us);

    g_assert_false(mute_lift(place.conn, id, "eve", NOW_US, NULL, &error));
    g_assert_error(error, DB_ERROR, DB_ERROR_REJECTED);
}

/* --- acknowledging, resolving, coming back --- */

static void
acknowledge(Place *place, const char *note)
{
    g_autoptr(GError) error = NULL;

    exec(place->conn, "BEGIN");
    incident_acknowledge(place->conn, 1, "alice@host", note, NOW_US, &error);
    g_assert_no_error(error);
    exec(place->conn, "COMMIT");
}

static unsigned
resolve(Place *place, int64_t before_us, int64_t now_us)
{
    g_autoptr(GError) error = NULL;
    unsigned n = 0;

    exec(place->conn, "BEGIN");
    incident_resolve_stale(place->conn, FINDING_BEACON, before_us, now_us, &n, &error);
    g_assert_no_error(error);
    exec(place->conn, "COMMIT");
    return n;
}

static void
test_acknowledged(void)
{
    g_auto(Place) place = { 0 };
    g_autoptr(GError) error = NULL;

    if (!place_init(&place))
        return;

    raise_on(place.conn, &BEACON, NOW_US);
    acknowledge(&place, HOSTILE);
    raise_on(place.conn, &BEACON, NOW_US);
    live_db_assert(&place.db, "SELECT state FROM flowkeep.alert", "acknowledged");
    raise_on(place.conn, &LATER, NOW_US);
    live_db_assert(&place.db, "SELECT state FROM flowkeep.alert", "open");
    live_db_assert(&place.db, EVENTS, "1OPENED 1acknowledged 1GREW");

    g_autoptr(GArray) events = incident_store_events(place.conn, 1, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(events->len, ==, 3);
    g_assert_cmpstr(g_array_index(events, IncidentEvent, 1).note, ==, HOSTILE);
    g_assert_cmpstr(g_array_index(events, IncidentEvent, 1).who, ==, "alice@host");

    g_assert_false(incident_acknowledge(place.conn, 77, "a", NULL, NOW_US, &error));
    g_assert_error(error, DB_ERROR, DB_ERROR_REJECTED);
}

static void
test_resolved(void)
{
    const Sketch digest = { "203.0.113.99/32", 443, "beacon", FINDING_DIGEST, 60, 9 };
    const Sketch burst = { "203.0.113.51/32", 443, "burst", FINDING_MAIL, 90, 1e9 };
    g_auto(Place) place = { 0 };

    if (!place_init(&place))
        return;

    raise_on(place.conn, &BEACON, NOW_US);
    raise_on(place.conn, &digest, NOW_US);
    raise_on(place.conn, &burst, NOW_US);
    g_assert_cmpuint(resolve(&place, NOW_US, NOW_US + HOUR_US), ==, 0);
    g_assert_cmpuint(resolve(&place, NOW_US + 1, NOW_US + DAY_US), ==, 2);
    g_assert_cmpuint(resolve(&place, NOW_US + 1, NOW_US + DAY_US), ==, 0);
    live_db_assert(&place.db, EVENTS, "1OPENED 2opened 3OPENED 1RESOLVED 2resolved");

    /* Back within a week: the same incident, told; later: another. */
    raise_on(place.conn, &BEACON, NOW_US + 3 * DAY_US);
    live_db_assert(&place.db,
                   "SELECT state || (resolved_at IS NULL) ||"
                   " extract(day FROM opened_at - to_timestamp(1700000000))"
                   "  FROM flowkeep.alert WHERE id = 1",
                   "opentrue3");
    g_assert_cmpuint(resolve(&place, NOW_US + 4 * DAY_US, NOW_US + 4 * DAY_US), ==, 1);
    raise_on(place.conn, &BEACON, NOW_US + 12 * DAY_US);
    live_db_assert(&place.db, EVENTS,
                   "1OPENED 2opened 3OPENED 1RESOLVED 2resolved 1REOPENED 1RESOLVED"
                   " 4OPENED");
}

static void
test_muted_ends_silently(void)
{
    g_auto(Place) place = { 0 };

    if (!place_init(&place))
        return;

    raise_on(place.conn, &BEACON, NOW_US);
    add(&place, &(MuteRequest){ .reason = "r", .who = "w" }, NOW_US, NULL);
    resolve(&place, NOW_US + 1, NOW_US + DAY_US);
    live_db_assert(&place.db, EVENTS, "1OPENED 1muted 1resolved");
    g_assert_cmpuint(apply(&place, NOW_US + 2 * DAY_US), ==, 0);
}

/* --- reading --- */

static void
test_reading(void)
{
    const Sketch digest = { "203.0.113.99/32", 443, "beacon", FINDING_DIGEST, 60, 9 };
    const Sketch burst = { "203.0.113.51/32", 443, "burst", FINDING_MAIL, 80, 1e9 };
    static const struct {
        IncidentFilter filter;
        const char *ids;
    } cases[] = {
        { { INCIDENT_STORE_UNRESOLVED }, "2 4 1" },
        { { INCIDENT_STORE_OPEN }, "2 4" },
        { { INCIDENT_STORE_ALL }, "2 4 1 3" },
        { { INCIDENT_STORE_ALL, .limit = 2 }, "2 4" },
        { { INCIDENT_STORE_ALL, .kind = "exfil" }, "4" },
        { { INCIDENT_STORE_ALL, .severity = "digest" }, "1" },
        { { INCIDENT_STORE_ALL, .since_us = NOW_US + 1 }, "2 1" },
        { { INCIDENT_STORE_ALL, .until_us = NOW_US + 1 }, "4 1 3" },
        { { INCIDENT_STORE_ALL, .kind = "'; DROP TABLE alert" }, "" },
    };
    g_auto(Place) place = { 0 };
    g_autoptr(GError) error = NULL;

    if (!place_init(&place))
        return;

    raise_on(place.conn, &digest, NOW_US);
    raise_on(place.conn, &BEACON, NOW_US + HOUR_US);
    raise_on(place.conn, &(Sketch){ "203.0.113.7/32", 1, "beacon", 2, 99, 1 }, NOW_US);
    raise_on(place.conn, &burst, NOW_US);
    acknowledge(&place, NULL);
    live_db_exec(&place.db, "UPDATE flowkeep.alert SET state = 'resolved',"
                            " resolved_at = found_at WHERE id = 3;"
                            "UPDATE flowkeep.alert SET found_at = found_at"
                            " + interval '1 hour' WHERE id = 1");

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GArray) list =
            incident_store_list(place.conn, &cases[i].filter, &error);
        g_autoptr(GString) ids = g_string_new(NULL);

        g_assert_no_error(error);
        for (unsigned j = 0; j < list->len; j++)
            g_string_append_printf(ids, "%s%d", j ? " " : "",
                                   (int) g_array_index(list, Incident, j).id);
        g_assert_cmpstr(ids->str, ==, cases[i].ids);
    }

    g_autoptr(Incident) one = incident_store_get(place.conn, 2, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(one->host, ==, "10.2.0.14");
    g_assert_cmpstr(one->peer_network, ==, "203.0.113.51");
    g_assert_cmpstr(one->host_group, ==, "servers");
    g_assert_cmpint(one->opened_us, ==, NOW_US + HOUR_US);
    g_assert_cmpint(one->told_us, ==, NOW_US + HOUR_US);
    g_assert_cmpint(one->resolved_us, ==, 0);
    g_autoptr(Evidence) evidence = evidence_parse(one->evidence, &error);
    g_assert_no_error(error);
    g_assert_cmpfloat(evidence_number(evidence, "period_sec"), ==, 27.1);
    g_assert_null(incident_store_get(place.conn, 99, &error));
    g_assert_no_error(error);

    g_autoptr(GArray) to_tell = incident_store_to_tell(place.conn, 2, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(to_tell->len, ==, 2);
    g_assert_cmpint(g_array_index(to_tell, IncidentEvent, 0).alert_id, ==, 2);
    live_db_exec(&place.db, "UPDATE flowkeep.alert_event SET composed = true");
    g_autoptr(GArray) none = incident_store_to_tell(place.conn, 2, &error);
    g_assert_cmpuint(none->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mute/covers-before-and-after", test_covers);
    g_test_add_func("/mute/catches-what-is-being-raised", test_rivals);
    g_test_add_func("/mute/of-a-part-does-not-cover-the-whole", test_outgrown);
    g_test_add_func("/mute/ends-by-time-and-by-hand", test_ends);
    g_test_add_func("/incident/acknowledged-is-told-when-it-grows", test_acknowledged);
    g_test_add_func("/incident/is-resolved-and-comes-back", test_resolved);
    g_test_add_func("/incident/muted-ends-silently", test_muted_ends_silently);
    g_test_add_func("/incident-store/reads-what-was-written", test_reading);
    return g_test_run();
}
