/* SPDX-License-Identifier: Apache-2.0 */
#include "job-exfil.h"

#include <glib/gstdio.h>

#include "clock.h"
#include "db.h"
#include "job-baseline.h"
#include "live-db.h"

/* Tuesday 2026-02-10 12:20 UTC. */
#define NOW    "timestamptz '2026-02-10 12:20+00'"
#define NOW_US (INT64_C(1770726000) * US_PER_SEC)
#define DAY_US (INT64_C(86400) * US_PER_SEC)

typedef struct {
    LiveDb db;
    PGconn *conn; /* with the rights of the analytics */
    AnalyticsSettings *settings;
    char *path;
} Place;

static bool
place_init(Place *self)
{
    g_autoptr(GError) error = NULL;

    if (!live_db_init(&self->db))
        return false;
    self->conn = live_db_connect(self->db.analytics_conninfo);
    self->path = g_strdup("/tmp/flowkeep-exfil-XXXXXX");
    g_assert_cmpint(g_mkstemp(self->path), >=, 0);
    g_file_set_contents(self->path,
                        "[service backup]\npeers = 192.0.2.0/24\nport = 22\n", -1,
                        &error);
    g_assert_no_error(error);
    self->settings = analytics_settings_load(self->path, &error);
    g_assert_no_error(error);
    live_db_exec(&self->db,
                 "INSERT INTO flowkeep.watch_group VALUES ('servers', '');"
                 "INSERT INTO flowkeep.watch_network VALUES ('servers', '10.2.0.0/24');"
                 "CREATE FUNCTION add(at_ timestamptz, host inet, peer inet, port int,"
                 " out_ bigint, in_ bigint, initiator int DEFAULT 1) RETURNS void"
                 " LANGUAGE sql AS $$"
                 " INSERT INTO flowkeep.contact_hour (hour, host, peer, service_port,"
                 " protocol, initiator, sessions, out_octets, in_octets, out_packets,"
                 " in_packets, starts, start_octets)"
                 " VALUES (date_trunc('hour', at_), host, peer, port, 6, initiator, 1,"
                 " out_, in_, out_ / 1000, in_ / 1000, '{1000}', ARRAY[out_]) $$");
    return true;
}

static void
place_clear(Place *self)
{
    if (self->path)
        g_unlink(self->path);
    g_free(self->path);
    analytics_settings_free(self->settings);
    PQfinish(self->conn);
    live_db_clear(&self->db);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static JobRun
run(Place *place, const Job *job, int64_t now_us)
{
    g_autoptr(GError) error = NULL;
    JobRun job_run = { .conn = place->conn,
                       .settings = place->settings,
                       .now_us = now_us };

    job->run(&job_run, &error);
    g_assert_no_error(error);
    g_assert_cmpint(PQtransactionStatus(place->conn), ==, PQTRANS_IDLE);
    return job_run;
}

#define ALERTS                                                                         \
    "SELECT string_agg(concat_ws(' ', rule, host(host), peer_network, service_port,"   \
    " severity, state), ', ' ORDER BY host, peer) FROM flowkeep.alert"

/* All that the jobs write but when the rows were written. */
#define ALL_ROWS                                                                       \
    "SELECT md5(string_agg(t, '|' ORDER BY t)) FROM ("                                 \
    " SELECT a::text AS t FROM flowkeep.alert AS a UNION ALL"                          \
    " SELECT e::text FROM flowkeep.alert_event AS e UNION ALL"                         \
    " SELECT d::text FROM flowkeep.host_day AS d UNION ALL"                            \
    " SELECT d::text FROM flowkeep.peer_day AS d UNION ALL"                            \
    " SELECT k::text FROM flowkeep.peer_known AS k UNION ALL"                          \
    " SELECT b::text FROM flowkeep.baseline AS b UNION ALL"                            \
    " SELECT h.task || h.done_until FROM flowkeep.housekeeping AS h) AS rows"

/* Ten hosts for twelve days: some 10 MB out and 60 MB in an hour by day, a server
 * whose answers are fetched by many, a configured and an unconfigured backup. */
static void
live_ordinarily(Place *place)
{
    live_db_exec(
        &place->db,
        "SELECT add(t, ('10.2.0.' || h)::inet, ('198.51.' || 16 * (h % 4) || '.7')"
        "::inet, 443, 400000 + 5000 * h, 4000000) FROM generate_series(" NOW
        " - interval '12 days', " NOW ", '1 hour') AS t, generate_series(1, 10) AS h"
        " WHERE extract(hour FROM t) BETWEEN 8 AND 18;"
        "SELECT add(t, '10.2.0.3', '192.0.2.9', 22, 9000000000, 90000000)"
        " FROM generate_series(" NOW " - interval '12 days', " NOW ", '1 day') AS t;"
        "SELECT add(t - interval '10 hours', '10.2.0.4', '203.0.113.9', 22, 9000000000,"
        " 90000000)"
        " FROM generate_series(" NOW " - interval '12 days', " NOW ", '1 day') AS t;"
        "SELECT add(t, '10.2.0.80', ('100.64.' || 16 * n || '.1')::inet, 443,"
        " 3000000 * (1 + n), 100000, 2) FROM generate_series(" NOW
        " - interval '12 days', " NOW
        ", '6 hours') AS t, generate_series(0, 14) AS n;");
}

static void
test_an_empty_database_is_no_error(void)
{
    g_auto(Place) place = { 0 };

    if (!place_init(&place))
        return;
    for (int i = 0; i < 2; i++) {
        g_assert_cmpuint(run(&place, &job_baseline, NOW_US).n_rows_read, ==, 0);
        g_assert_cmpuint(run(&place, &job_exfil, NOW_US).n_findings, ==, 0);
    }
    live_db_assert(&place.db, "SELECT count(*) FROM flowkeep.alert", "0");
    live_db_assert(&place.db,
                   "SELECT done_until = " NOW " FROM flowkeep.housekeeping"
                   " WHERE task = 'exfil'",
                   "t");
}

static void
test_one_row_is_judged_by_the_limits(void)
{
    static const struct {
        const char *why;
        const char *octets;
        const char *alerts;
    } cases[] = {
        { "little", "1000, 1000", "" },
        { "much, both ways", "900000000, 800000000", "" },
        { "much", "6200000000, 61000000",
          "burst 10.2.0.7 203.0.113.77/32 443 mail open" },
        { "more than any counter", "9223372036854775807, 1000000",
          "burst 10.2.0.7 203.0.113.77/32 443 mail open" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Place) place = { 0 };
        g_autofree char *sql = g_strdup_printf("SELECT add(" NOW ", '10.2.0.7',"
                                               " '203.0.113.77', 443, %s)",
                                               cases[i].octets);

        if (!place_init(&place))
            return;
        g_test_message("%s", cases[i].why);
        live_db_exec(&place.db, sql);
        run(&place, &job_baseline, NOW_US);
        run(&place, &job_exfil, NOW_US);
        live_db_assert(&place.db, ALERTS, cases[i].alerts);
        if (cases[i].alerts[0])
            live_db_assert(&place.db,
                           "SELECT bool_and(explanation LIKE '%only the limits that"
                           " are set decide%' AND evidence::text LIKE '%pcr%')"
                           " FROM flowkeep.alert",
                           "t");
    }
}

static void
test_a_life_without_secrets_raises_nothing_after_the_warm_up(void)
{
    g_auto(Place) place = { 0 };

    if (!place_init(&place))
        return;
    live_ordinarily(&place);
    for (int64_t back = 12; back >= 0; back--) {
        run(&place, &job_baseline, NOW_US - back * DAY_US);
        run(&place, &job_exfil, NOW_US - back * DAY_US);
    }
    /* What the unconfigured backup raised while nothing was known is over. */
    live_db_assert(&place.db, ALERTS, "burst 10.2.0.4 203.0.113.9/32 22 mail resolved");
    live_db_assert(&place.db,
                   "SELECT published = ARRAY[6 * 65536 + 443] FROM flowkeep.baseline"
                   " WHERE host = '10.2.0.80'",
                   "t");
    live_db_assert(&place.db,
                   "SELECT count(*) FROM flowkeep.peer_day"
                   " WHERE network = '192.0.0.0/20'",
                   "0");
}

static void
add_secrets(Place *place)
{
    live_db_exec(&place->db,
                 "SELECT add(" NOW " - interval '1 hour', '10.2.0.5', '185.9.33.77',"
                 " 443, 2100000000, 31000000);"
                 "SELECT add(t, '10.2.0.6', '45.77.1.2', 443, 2000000 + 1000000 *"
                 " (extract(hour FROM t)::int % 3), 100000)"
                 " FROM generate_series(" NOW " - interval '4 days', " NOW
                 ", '1 hour') AS t;"
                 "SELECT add(" NOW ", '10.2.0.7', ('91.200.20.' || n)::inet, 443,"
                 " 40000000, 600000) FROM generate_series(1, 20) AS n");
}

#define SECRETS                                                                        \
    "burst 10.2.0.5 185.9.33.77/32 443 mail open,"                                     \
    " drip 10.2.0.6 45.77.1.2/32 443 digest open,"                                     \
    " rotation 10.2.0.7 91.200.16.0/20 443 mail open"

static void
test_secrets_are_found_once(void)
{
    g_auto(Place) place = { 0 };

    if (!place_init(&place))
        return;
    live_ordinarily(&place);
    live_db_exec(&place.db, "DELETE FROM flowkeep.contact_hour"
                            " WHERE host = '10.2.0.4' AND service_port = 22");
    add_secrets(&place);
    run(&place, &job_baseline, NOW_US - DAY_US);
    run(&place, &job_baseline, NOW_US);
    run(&place, &job_exfil, NOW_US);
    live_db_assert(&place.db, ALERTS, SECRETS);
    /* The slow one is drawn from its first hour on. */
    live_db_assert(&place.db,
                   "SELECT jsonb_array_length(evidence -> 'hours')"
                   " FROM flowkeep.alert WHERE rule = 'drip'",
                   "97");

    g_autofree char *rows = live_db_value(&place.db, ALL_ROWS);
    for (int i = 0; i < 2; i++) {
        run(&place, &job_baseline, NOW_US);
        run(&place, &job_exfil, NOW_US);
        live_db_assert(&place.db, ALL_ROWS, rows);
    }
}

/* Whatever statement of a step fails, nothing of it is left, and a later run gives
 * what an undisturbed one gives. */
static void
test_a_run_that_is_cut_off_leaves_nothing(void)
{
    static const char *const tables[] = { "alert",      "alert_event", "housekeeping",
                                          "peer_known", "baseline",    "peer_day" };
    g_auto(Place) place = { 0 };

    if (!place_init(&place))
        return;
    live_ordinarily(&place);
    add_secrets(&place);
    live_db_exec(&place.db,
                 "CREATE FUNCTION cut_off() RETURNS trigger LANGUAGE plpgsql AS"
                 " $$ BEGIN RAISE EXCEPTION 'cut off'; END $$");
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_autofree char *cut =
            g_strdup_printf("CREATE TRIGGER cut AFTER INSERT OR UPDATE ON flowkeep.%s"
                            " EXECUTE FUNCTION cut_off()",
                            tables[i]);
        g_autofree char *mend =
            g_strdup_printf("DROP TRIGGER cut ON flowkeep.%s", tables[i]);
        const Job *const jobs[] = { &job_baseline, &job_exfil };

        live_db_exec(&place.db, cut);
        for (size_t k = 0; k < G_N_ELEMENTS(jobs); k++) {
            g_autoptr(PGconn) conn = live_db_connect(place.db.analytics_conninfo);
            JobRun cut_run = { .conn = conn,
                               .settings = place.settings,
                               .now_us = NOW_US };
            g_autoptr(GError) error = NULL;

            if (!jobs[k]->run(&cut_run, &error))
                g_assert_error(error, DB_ERROR, DB_ERROR_REJECTED);
        }
        live_db_exec(&place.db, mend);
    }
    run(&place, &job_baseline, NOW_US);
    run(&place, &job_exfil, NOW_US);
    g_autofree char *alerts = live_db_value(&place.db, ALERTS);

    live_db_exec(
        &place.db,
        "TRUNCATE flowkeep.alert, flowkeep.alert_event, flowkeep.alert_finding,"
        " flowkeep.outbox, flowkeep.housekeeping, flowkeep.peer_known,"
        " flowkeep.baseline, flowkeep.peer_day, flowkeep.host_day");
    run(&place, &job_baseline, NOW_US);
    run(&place, &job_exfil, NOW_US);
    live_db_assert(&place.db, ALERTS, alerts);
    g_assert_nonnull(strstr(alerts, "185.9.33.77"));
}

/* Sums are the same whether a day is settled or read from contact_hour. */
static void
test_days_are_seen_once_settled_or_not(void)
{
    g_auto(Place) place = { 0 };
    g_autofree char *explanation = NULL;

    if (!place_init(&place))
        return;
    live_db_exec(&place.db,
                 "SELECT add(t, '10.2.0.6', '45.77.1.2', 443, 6000000, 100000)"
                 " FROM generate_series(" NOW " - interval '5 days', " NOW
                 ", '1 hour') AS t;");
    run(&place, &job_exfil, NOW_US);
#define SUMS "SELECT evidence #>> '{numbers,day_surplus_octets}' FROM flowkeep.alert"
    explanation = live_db_value(&place.db, SUMS);
    g_assert_nonnull(strstr(explanation, "141600000"));

    live_db_exec(&place.db, "TRUNCATE flowkeep.alert CASCADE");
    run(&place, &job_baseline, NOW_US);
    run(&place, &job_exfil, NOW_US);
    live_db_assert(&place.db, SUMS, explanation);
}

static void
test_hours_that_passed_meanwhile_are_seen(void)
{
    g_auto(Place) place = { 0 };

    if (!place_init(&place))
        return;
    run(&place, &job_exfil, NOW_US - 4 * DAY_US);
    live_db_exec(&place.db, "SELECT add(" NOW " - interval '60 hours', '10.2.0.7',"
                            " '203.0.113.77', 443, 6200000000, 61000000)");
    run(&place, &job_exfil, NOW_US);
    live_db_assert(&place.db, ALERTS, "burst 10.2.0.7 203.0.113.77/32 443 mail open");
    live_db_assert(&place.db,
                   "SELECT opened_at <= " NOW " - interval '2 days'"
                   " FROM flowkeep.alert",
                   "t");

    /* A clock that was set back is no reason to go back. */
    run(&place, &job_exfil, NOW_US - DAY_US);
    live_db_assert(&place.db,
                   "SELECT done_until = " NOW " FROM flowkeep.housekeeping"
                   " WHERE task = 'exfil'",
                   "t");
}

/* What the session job took back for a moment, and what no counter should hold. */
static void
test_rows_that_cannot_be_are_no_error(void)
{
    g_auto(Place) place = { 0 };

    if (!place_init(&place))
        return;
    live_db_exec(
        &place.db,
        "SELECT add(" NOW " - interval '3 days', '10.2.0.7', '203.0.113.77', 443, -5,"
        " -5);"
        "SELECT add(" NOW " - interval '3 days', '10.2.0.8', '203.0.113.77', 443,"
        " 9223372036854775807, 9223372036854775807);"
        "SELECT add(" NOW " - interval '3 days', '10.2.0.8', '203.0.113.78', 443,"
        " 9223372036854775807, 9223372036854775807);"
        "SELECT add(" NOW " + interval '3 days', '2001:db8::1', '::ffff:1.2.3.4', 443,"
        " 100, 100);"
        "SELECT add('1970-01-01 00:00+00', '10.2.0.8', '203.0.113.79', 443, 1, 1);"
        "SELECT add(" NOW ", '::ffff:10.2.0.9', '2001:db8::2', 443, 1, 1);"
        "SELECT add(" NOW " - interval '2 days', '::ffff:10.2.0.9', '2001:db8::2', 443,"
        " 1, 1);"
        "UPDATE flowkeep.contact_hour SET starts = '{}' WHERE host = '10.2.0.7'");
    for (int i = 0; i < 2; i++) {
        run(&place, &job_baseline, NOW_US);
        run(&place, &job_exfil, NOW_US);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/job-exfil/an-empty-database-is-no-error",
                    test_an_empty_database_is_no_error);
    g_test_add_func("/job-exfil/one-row-is-judged-by-the-limits",
                    test_one_row_is_judged_by_the_limits);
    g_test_add_func("/job-exfil/a-life-without-secrets-raises-nothing-after-the-"
                    "warm-up",
                    test_a_life_without_secrets_raises_nothing_after_the_warm_up);
    g_test_add_func("/job-exfil/secrets-are-found-once", test_secrets_are_found_once);
    g_test_add_func("/job-exfil/a-run-that-is-cut-off-leaves-nothing",
                    test_a_run_that_is_cut_off_leaves_nothing);
    g_test_add_func("/job-exfil/days-are-seen-once-settled-or-not",
                    test_days_are_seen_once_settled_or_not);
    g_test_add_func("/job-exfil/hours-that-passed-meanwhile-are-seen",
                    test_hours_that_passed_meanwhile_are_seen);
    g_test_add_func("/job-exfil/rows-that-cannot-be-are-no-error",
                    test_rows_that_cannot_be_are_no_error);
    return g_test_run();
}
