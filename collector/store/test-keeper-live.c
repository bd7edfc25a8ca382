/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keeper.h"

#include <string.h>

#include "clock.h"
#include "db.h"
#include "schema.h"
#include "store/test-store-options.h"

static const KeeperOptions hourly = { .partition_minutes = 60,
                                      .seal_hosts = true,
                                      .retention_days = 30,
                                      .rollup_retention_days = 60 };

/* As the collector does it: with its rights. */
static PGconn *
connect_keeper(const LiveDb *db)
{
    g_autoptr(GError) error = NULL;
    PGconn *conn = db_connect(db->collector_conninfo, "keeper", true, 10, &error);

    g_assert_no_error(error);
    return conn;
}

/* Until there is nothing more to do; returns how often there was. */
static int
tidy(PGconn *conn, const KeeperOptions *options)
{
    g_autoptr(GError) error = NULL;
    bool more = true;
    int n = -1;

    for (; more && n < 100; n++) {
        keeper_tidy(conn, options, &more, &error);
        g_assert_no_error(error);
    }
    return n;
}

/* --- the schema --- */

static void
count_migration(const char *migration, void *user_data)
{
    g_assert_cmpstr(migration, !=, "");
    (*(int *) user_data)++;
}

static void
test_migrate_twice(void)
{
    g_auto(LiveDb) db = { 0 };
    g_autoptr(GError) error = NULL;
    int n = 0;

    if (!live_db_init(&db))
        return;

    schema_migrate(db.admin, FALSE, count_migration, &n, &error);
    g_assert_no_error(error);
    g_assert_cmpint(n, ==, 0);
    g_assert_true(schema_check(db.admin, &error));

    live_db_exec(&db, "DROP SCHEMA flowkeep CASCADE");
    g_assert_false(schema_check(db.admin, &error));
    g_assert_error(error, DB_ERROR, DB_ERROR_REJECTED);
    g_assert_nonnull(strstr(error->message, "flowkeep migrate"));
    g_clear_error(&error);
    schema_migrate(db.admin, TRUE, count_migration, &n, &error);
    g_assert_no_error(error);
    g_assert_cmpint(n, >=, 5);
    live_db_assert(&db, "SELECT to_regnamespace('flowkeep') IS NULL", "t");
}

static void
test_other_schemas_are_refused(void)
{
    static const struct {
        const char *why;
        const char *sql;
        const char *undo;
    } cases[] = {
        { "newer", "INSERT INTO flowkeep.migration VALUES ('9999-future', 'x')",
          "DELETE FROM flowkeep.migration WHERE name = '9999-future'" },
        { "from another text",
          "UPDATE flowkeep.migration SET checksum = 'x' || checksum"
          " WHERE name = '0001-flow'",
          "UPDATE flowkeep.migration SET checksum = substr(checksum, 2)"
          " WHERE name = '0001-flow'" },
    };
    g_auto(LiveDb) db = { 0 };

    if (!live_db_init(&db))
        return;

    const StoreOptions options = live_db_options(&db);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) migrate = NULL;
        g_autoptr(GError) check = NULL;
        g_autoptr(GError) open = NULL;
        StorePosition position;

        g_test_message("%s", cases[i].why);
        live_db_exec(&db, cases[i].sql);
        g_assert_false(schema_migrate(db.admin, FALSE, NULL, NULL, &migrate));
        g_assert_error(migrate, DB_ERROR, DB_ERROR_REJECTED);
        g_assert_false(schema_check(db.admin, &check));
        g_assert_error(check, DB_ERROR, DB_ERROR_REJECTED);
        g_assert_null(store_open(&options, &position, &open));
        g_assert_error(open, DB_ERROR, DB_ERROR_REJECTED);
        live_db_exec(&db, cases[i].undo);
    }
}

/* --- partitions --- */

static void
test_prepare(void)
{
    g_auto(LiveDb) db = { 0 };
    g_autoptr(GError) error = NULL;
    KeeperOptions options = hourly;

    if (!live_db_init(&db))
        return;

    g_autoptr(PGconn) conn = connect_keeper(&db);

    for (int i = 0; i < 2; i++) {
        keeper_prepare(conn, &options, &error);
        g_assert_no_error(error);
        live_db_assert(
            &db,
            "SELECT string_agg(parent || ' ' || n, ', ' ORDER BY parent) FROM"
            " (SELECT parent, count(*) AS n FROM flowkeep.time_partition"
            " GROUP BY parent) AS p",
            "flow 7, talker_5m 3, traffic_1m 3");
    }
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.audit_positions()", "0");

    /* Another width goes on where the partitions of the old one end. */
    options.partition_minutes = 240;
    keeper_prepare(conn, &options, &error);
    g_assert_no_error(error);
    live_db_assert(&db,
                   "SELECT bool_and(from_at = before) FROM (SELECT from_at,"
                   " lag(to_at) OVER (ORDER BY from_at) AS before"
                   " FROM flowkeep.time_partition WHERE parent = 'flow') AS p"
                   " WHERE before IS NOT NULL",
                   "t");
}

static void
test_seal_and_retention(void)
{
    g_auto(LiveDb) db = { 0 };

    if (!live_db_init(&db))
        return;

    g_autoptr(PGconn) conn = connect_keeper(&db);

    live_db_exec(&db,
                 "SELECT flowkeep.partition_ensure('flow', now() - interval '2 hours',"
                 "       now(), '1 hour'),"
                 "       flowkeep.partition_ensure('flow', now() - interval '40 days',"
                 "       now() - interval '959 hours', '1 hour'),"
                 "       flowkeep.partition_ensure('flow', now() - interval '90 days',"
                 "       now() - interval '2159 hours', '1 hour', true),"
                 "       flowkeep.partition_ensure('talker_5m', now() -"
                 "       interval '90 days', now() - interval '89 days', '1 day')");
    live_db_exec(
        &db, "INSERT INTO flowkeep.flow (received_at, exporter_id, watched)"
             " SELECT now() - interval '90 days', 1, 0 FROM generate_series(1, 100)");
    live_db_exec(&db,
                 "INSERT INTO flowkeep.loss VALUES"
                 " (now() - interval '61 days', 'c', 1, 'malformed', '', 'sets', 1),"
                 " (now() - interval '59 days', 'c', 1, 'malformed', '', 'sets', 1)");
    g_assert_cmpint(tidy(conn, &hourly), >, 3);

    /* Closed partitions are sealed, the open one is not. */
    live_db_assert(&db,
                   "SELECT bool_and((sealed_at IS NOT NULL) ="
                   " (to_at <= now() - interval '5 min'))"
                   " FROM flowkeep.time_partition WHERE parent = 'flow'",
                   "t");
    live_db_assert(&db,
                   "SELECT string_agg(DISTINCT am.amname || ' ' || a.attname, ', ')"
                   " FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid"
                   " JOIN pg_am AS am ON am.oid = c.relam"
                   " JOIN pg_attribute AS a ON a.attrelid = c.oid"
                   " WHERE i.indrelid::regclass::text LIKE '%flow\\_2%'",
                   "brin received_at, btree dst, btree src");
    live_db_assert(&db,
                   "SELECT bool_or(c.reloptions IS NOT NULL) FROM"
                   " flowkeep.time_partition AS p JOIN pg_class AS c"
                   " ON c.relname = p.name WHERE p.sealed_at IS NOT NULL",
                   "f");
    /* What is old is gone, what was imported is not. */
    live_db_assert(&db,
                   "SELECT count(*) FROM flowkeep.time_partition"
                   " WHERE to_at < now() - interval '30 days' AND NOT imported",
                   "0");
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.flow", "100");
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.loss", "1");
}

static void
test_clock_gone_wrong_drops_nothing(void)
{
    g_auto(LiveDb) db = { 0 };

    if (!live_db_init(&db))
        return;

    g_autoptr(PGconn) conn = connect_keeper(&db);

    live_db_exec(&db,
                 "SELECT flowkeep.partition_ensure('flow', now() - interval '40 days',"
                 " now() - interval '959 hours', '1 hour');"
                 "INSERT INTO flowkeep.ingest_position (collector, worker, journal_id,"
                 " received_at) VALUES ('test', 0, 'x', now() - interval '35 days')");
    tidy(conn, &hourly);
    live_db_assert(&db, "SELECT count(*) > 0 FROM flowkeep.time_partition", "t");
}

static void
test_seal_waits_for_slow_workers(void)
{
    g_auto(LiveDb) db = { 0 };

    if (!live_db_init(&db))
        return;

    g_autoptr(PGconn) conn = connect_keeper(&db);

    live_db_exec(&db,
                 "SELECT flowkeep.partition_ensure('flow', now() - interval '5 hours',"
                 " now(), '1 hour');"
                 "INSERT INTO flowkeep.ingest_position (collector, worker, journal_id,"
                 " received_at) VALUES ('test', 0, 'x', now() - interval '150 min')");
    tidy(conn, &hourly);
    live_db_assert(
        &db,
        "SELECT bool_and((sealed_at IS NOT NULL) ="
        " (to_at <= now() - interval '155 min')) FROM flowkeep.time_partition",
        "t");
}

/* --- compaction --- */

#define TRAFFIC_ROWS                                                                   \
    "INSERT INTO flowkeep.traffic_1m SELECT date_trunc('hour', now()) - interval "     \
    "'10 hours' + n % 60 * interval '1 min', n % 2, 1, NULL, 6, 443, 0, n, 1, 1"       \
    " FROM generate_series(1, 1200) AS n;"

static void
test_compaction(void)
{
    g_auto(LiveDb) db = { 0 };

    if (!live_db_init(&db))
        return;

    g_autoptr(PGconn) conn = connect_keeper(&db);

    live_db_exec(&db, TRAFFIC_ROWS);
    live_db_exec(&db, "INSERT INTO flowkeep.loss SELECT date_trunc('hour', now()) -"
                      " interval '10 hours', 'c', NULL, 'refused', '', 'datagrams', 2"
                      " FROM generate_series(1, 50)");
    tidy(conn, &hourly);
    live_db_assert(&db,
                   "SELECT concat_ws(' ', count(*), sum(octets), sum(flows))"
                   " FROM flowkeep.traffic_1h",
                   "2 720600 1200");
    live_db_assert(&db,
                   "SELECT concat_ws(' ', count(*), sum(octets), sum(flows))"
                   " FROM flowkeep.traffic_1m",
                   "60 720600 1200");
    live_db_assert(&db,
                   "SELECT concat_ws(' ', count(*), sum(count)) FROM flowkeep.loss",
                   "1 100");

    /* Late rows, told as the collector tells them. */
    live_db_exec(&db, TRAFFIC_ROWS
                 "INSERT INTO flowkeep.traffic_late SELECT date_trunc('hour', now())"
                 " - interval '10 hours' FROM generate_series(1, 3)");
    tidy(conn, &hourly);
    live_db_assert(&db,
                   "SELECT concat_ws(' ', count(*), sum(octets), sum(flows))"
                   " FROM flowkeep.traffic_1h",
                   "2 1441200 2400");
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.traffic_late", "0");

    /* Later still, when the minutes before them were dropped: they add. */
    live_db_exec(&db,
                 "DELETE FROM flowkeep.traffic_1m;"
                 "INSERT INTO flowkeep.housekeeping"
                 " VALUES ('traffic_1m_dropped', now());" TRAFFIC_ROWS
                 "INSERT INTO flowkeep.traffic_late SELECT date_trunc('hour', now())"
                 " - interval '10 hours'");
    tidy(conn, &hourly);
    live_db_assert(&db, "SELECT sum(octets) FROM flowkeep.traffic_1h", "2161800");
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.traffic_1m", "0");
    g_assert_cmpint(tidy(conn, &hourly), ==, 0);
}

/* --- names --- */

static void
test_watch_groups(void)
{
    g_auto(LiveDb) db = { 0 };
    g_autoptr(GError) error = NULL;
    Network networks[2];

    if (!live_db_init(&db))
        return;

    g_autoptr(PGconn) conn = connect_keeper(&db);

    g_assert_true(network_parse("192.0.2.0/24", &networks[0], NULL));
    g_assert_true(network_parse("2001:db8::/32", &networks[1], NULL));

    const KeeperGroup groups[] = { { "head'quarters", "the servers", networks, 2 },
                                   { "routers", NULL, networks, 1 } };
    static const char list[] =
        "SELECT string_agg(concat_ws(' ', g.name, g.description, n.network), ', '"
        " ORDER BY g.name, n.network) FROM flowkeep.watch_group AS g"
        " LEFT JOIN flowkeep.watch_network AS n ON n.group_name = g.name";

    for (int i = 0; i < 2; i++) {
        keeper_sync_watch(conn, groups, 2, &error);
        g_assert_no_error(error);
        live_db_assert(&db, list,
                       "head'quarters the servers 192.0.2.0/24, head'quarters the "
                       "servers 2001:db8::/32, routers  192.0.2.0/24");
    }
    keeper_sync_watch(conn, groups + 1, 1, &error);
    g_assert_no_error(error);
    live_db_assert(&db, list, "routers  192.0.2.0/24");
    keeper_sync_watch(conn, NULL, 0, &error);
    g_assert_no_error(error);
    live_db_assert(&db, list, "");
}

static void
test_exporter_names(void)
{
    g_auto(LiveDb) db = { 0 };
    g_autoptr(GError) error = NULL;
    const uint8_t four[4] = { 192, 0, 2, 1 };
    const IpAddress address = ip_address_from_v4(four);

    if (!live_db_init(&db))
        return;

    g_autoptr(PGconn) conn = connect_keeper(&db);

    live_db_exec(&db, "SELECT flowkeep.exporter_ids('{192.0.2.1}', '{1}')");
    keeper_name_exporter(conn, &address, "first", &error);
    g_assert_no_error(error);
    keeper_name_exporter(conn, &address, "edge", &error);
    g_assert_no_error(error);
    live_db_exec(&db, "SELECT flowkeep.exporter_ids('{192.0.2.1,192.0.2.2}', '{2,2}')");
    live_db_assert(&db,
                   "SELECT string_agg(concat_ws(' ', address, domain, name), ', '"
                   " ORDER BY id) FROM flowkeep.exporter",
                   "192.0.2.1 1 edge, 192.0.2.1 2 edge, 192.0.2.2 2");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/schema/migrate-twice", test_migrate_twice);
    g_test_add_func("/schema/other-schemas-are-refused",
                    test_other_schemas_are_refused);
    g_test_add_func("/keeper/prepare", test_prepare);
    g_test_add_func("/keeper/seal-and-retention", test_seal_and_retention);
    g_test_add_func("/keeper/clock-gone-wrong-drops-nothing",
                    test_clock_gone_wrong_drops_nothing);
    g_test_add_func("/keeper/seal-waits-for-slow-workers",
                    test_seal_waits_for_slow_workers);
    g_test_add_func("/keeper/compaction", test_compaction);
    g_test_add_func("/keeper/watch-groups", test_watch_groups);
    g_test_add_func("/keeper/exporter-names", test_exporter_names);
    return g_test_run();
}
