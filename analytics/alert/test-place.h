/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A database with two watched groups, and findings to raise in it, for the tests of
 * this folder that need a server. */

#include "alert/incident.h"
#include "clock.h"
#include "db.h"
#include "live-db.h"
#include "network.h"

#define NOW_US  (INT64_C(1700000000) * US_PER_SEC)
#define HOUR_US (3600 * US_PER_SEC)
#define DAY_US  (24 * HOUR_US)

typedef struct {
    LiveDb db;
    PGconn *conn; /* with the rights of the analytics */
} Place;

static inline bool
place_init(Place *self)
{
    if (!live_db_init(&self->db))
        return false;
    self->conn = live_db_connect(self->db.analytics_conninfo);
    live_db_exec(&self->db, "INSERT INTO flowkeep.watch_group VALUES"
                            " ('servers', ''), ('all', '');"
                            "INSERT INTO flowkeep.watch_network VALUES"
                            " ('servers', '10.2.0.0/24'), ('all', '10.0.0.0/8')");
    return true;
}

static inline void
place_clear(Place *self)
{
    PQfinish(self->conn);
    live_db_clear(&self->db);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static inline void
exec(PGconn *conn, const char *sql)
{
    g_autoptr(GError) error = NULL;

    db_exec(conn, sql, &error);
    g_assert_no_error(error);
}

/* What the tests below vary of a finding. */
typedef struct {
    const char *peer; /* address, or network */
    int port;
    const char *rule;
    FindingSeverity severity;
    double score;
    double magnitude;
} Sketch;

#define BEACON_SKETCH                                                                  \
    {                                                                                  \
        "203.0.113.51/32", 443, "beacon", FINDING_MAIL, 90, 100                        \
    }

static inline Finding *
finding_of(const Sketch *sketch, int64_t now_us)
{
    ContactKey key = { .service_port = (uint16_t) sketch->port,
                       .protocol = sketch->port ? 6 : 0,
                       .initiator = CONTACT_BY_HOST };
    Network peers;
    const bool is_beacon = g_str_equal(sketch->rule, "beacon");

    g_assert_true(ip_address_parse("10.2.0.14", &key.host));
    g_assert_true(network_parse(sketch->peer, &peers, NULL));
    key.peer = peers.address;
    Finding *finding =
        finding_new(is_beacon ? FINDING_BEACON : FINDING_EXFIL, sketch->rule, &key);

    finding->peer_group_bits = peers.bits;
    finding->severity = sketch->severity;
    finding->score = sketch->score;
    finding->magnitude = sketch->magnitude;
    finding->from_us = now_us - DAY_US;
    finding->to_us = now_us;
    finding->first_us = now_us - DAY_US;
    finding->last_us = now_us - HOUR_US;
    finding->explanation = g_strdup_printf("%s of %g", sketch->rule, sketch->magnitude);
    finding->numbers = g_strdup("{\"period_sec\": 27.1}");
    return finding;
}

static inline IncidentRaised
raise_on(PGconn *conn, const Sketch *sketch, int64_t now_us)
{
    g_autoptr(Finding) finding = finding_of(sketch, now_us);
    g_autoptr(GError) error = NULL;
    IncidentRaised raised = { 0 };

    exec(conn, "BEGIN");
    incident_raise(conn, finding, now_us, &raised, &error);
    g_assert_no_error(error);
    exec(conn, "COMMIT");
    return raised;
}

/* All events so far, those that are told in capitals. */
#define EVENTS                                                                         \
    "SELECT coalesce(string_agg(alert_id || CASE WHEN tell THEN upper(what)"           \
    " ELSE what END, ' ' ORDER BY id), '') FROM flowkeep.alert_event"

/* Until somebody waits for a lock. */
static inline void
wait_for_waiting(Place *self)
{
    for (int i = 0; i < 1000; i++) {
        if (live_db_number(&self->db, "SELECT count(*) FROM pg_locks"
                                      " WHERE NOT granted") > 0)
            return;
        g_usleep(10000);
    }
    g_assert_not_reached();
}
