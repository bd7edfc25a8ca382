/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keeper.h"

#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "store/sql-text.h"

/* Partitions of flow are made so long ahead, and at least so many. */
#define AHEAD_MINUTES    (6 * 60)
#define AHEAD_PARTITIONS 3

bool
keeper_prepare(PGconn *conn, const KeeperOptions *options, GError **error)
{
    const uint64_t ahead =
        MAX(AHEAD_MINUTES, (uint64_t) AHEAD_PARTITIONS * options->partition_minutes);
    g_autofree char *now = g_strdup_printf("%" PRId64, clock_wall_us());
    g_autofree char *width =
        g_strdup_printf("%" PRIu32 " min", options->partition_minutes);
    g_autofree char *until = g_strdup_printf("%" PRIu64 " min", ahead);
    const char *const params[] = { now, width, until };
    /* Our clock, since received_at is ours too. */
    g_autoptr(PGresult) result = db_query(
        conn, "making partitions",
        "SELECT flowkeep.partition_ensure('flow', w.at, w.at + $3::interval,"
        " $2::interval),"
        " flowkeep.partition_ensure('traffic_1m', w.at, w.at + interval '2 days',"
        " '1 day'),"
        " flowkeep.partition_ensure('talker_5m', w.at, w.at + interval '2 days',"
        " '1 day')"
        " FROM (SELECT timestamptz 'epoch' + $1::bigint * interval '1 microsecond')"
        " AS w (at)",
        3, params, error);

    return result != NULL;
}

/* Runs one task.  @done: it had something to do, and did it. */
static bool
run_task(PGconn *conn, const char *doing, const char *sql, int n_params,
         const char *const *params, bool *done, GError **error)
{
    g_autoptr(PGresult) result = db_query(conn, doing, sql, n_params, params, error);

    *done = result && PQgetvalue(result, 0, 0)[0] == 't';
    return result != NULL;
}

static char *
format_days(uint32_t days)
{
    return days ? g_strdup_printf("%" PRIu32 " days", days) : NULL;
}

bool
keeper_tidy(PGconn *conn, const KeeperOptions *options, bool *more, GError **error)
{
    g_autofree char *keep_flow = format_days(options->retention_days);
    g_autofree char *keep_rollup = format_days(options->rollup_retention_days);
    const char *const seal[] = { options->seal_hosts ? "true" : "false" };
    const char *const keep[] = { keep_flow, keep_rollup };
    const struct {
        const char *doing;
        const char *sql;
        int n_params;
        const char *const *params;
    } tasks[] = {
        { "sealing", "SELECT flowkeep.partition_seal_next($1::boolean) IS NOT NULL", 1,
          seal },
        { "retention",
          "SELECT flowkeep.partition_drop_next($1::interval, $2::interval) IS NOT NULL",
          2, keep },
        { "compacting", "SELECT flowkeep.compact_next() IS NOT NULL", 0, NULL },
        { "retention of rows",
          "SELECT flowkeep.retention_rows($1::interval, $2::interval) > 0", 2, keep },
    };
    g_autoptr(GError) first = NULL;

    *more = false;
    for (size_t i = 0; i < G_N_ELEMENTS(tasks); i++) {
        bool done;

        /* A lock that was not to be had is no reason to leave the rest undone. */
        run_task(conn, tasks[i].doing, tasks[i].sql, tasks[i].n_params, tasks[i].params,
                 &done, first ? NULL : &first);
        *more = *more || done;
    }
    if (!first)
        return true;

    g_propagate_error(error, g_steal_pointer(&first));
    return false;
}

/* --- watch groups --- */

static void
append_groups(GString *sql, PGconn *conn, const KeeperGroup *groups, size_t n)
{
    g_string_append(
        sql, "INSERT INTO flowkeep.watch_group AS g (name, description) VALUES ");
    for (size_t i = 0; i < n; i++) {
        g_string_append(sql, i ? ", (" : "(");
        sql_text_string(sql, conn, groups[i].name);
        g_string_append(sql, ", ");
        sql_text_string(sql, conn, groups[i].description ?: "");
        g_string_append_c(sql, ')');
    }
    g_string_append(sql, " ON CONFLICT (name) DO UPDATE"
                         " SET description = excluded.description,"
                         " updated_at = clock_timestamp()"
                         " WHERE g.description <> excluded.description;");
}

static void
append_network(GString *sql, PGconn *conn, const KeeperGroup *group,
               const Network *network)
{
    g_autofree char *text = network_format(network);

    g_string_append(
        sql, "INSERT INTO flowkeep.watch_network (group_name, network) VALUES (");
    sql_text_string(sql, conn, group->name);
    g_string_append_printf(sql, ", '%s') ON CONFLICT DO NOTHING;", text);
}

bool
keeper_sync_watch(PGconn *conn, const KeeperGroup *groups, size_t n, GError **error)
{
    g_autoptr(GString) sql = g_string_new("BEGIN; DELETE FROM flowkeep.watch_network;");

    if (n > 0)
        append_groups(sql, conn, groups, n);
    g_string_append(sql, "DELETE FROM flowkeep.watch_group WHERE name NOT IN (''");
    for (size_t i = 0; i < n; i++) {
        g_string_append(sql, ", ");
        sql_text_string(sql, conn, groups[i].name);
    }
    g_string_append(sql, ");");
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < groups[i].n_networks; j++)
            append_network(sql, conn, &groups[i], &groups[i].networks[j]);
    }
    g_string_append(sql, "COMMIT");

    if (db_exec(conn, sql->str, error))
        return true;

    g_prefix_error(error, "writing watch groups: ");
    db_exec(conn, "ROLLBACK", NULL);
    return false;
}

bool
keeper_name_exporter(PGconn *conn, const IpAddress *address, const char *name,
                     GError **error)
{
    char text[IP_ADDRESS_TEXT_BYTES];
    const char *const params[] = { ip_address_format(address, text), name };
    g_autoptr(PGresult) result = db_query(
        conn, "naming an exporter",
        "WITH named AS (INSERT INTO flowkeep.exporter_name AS n (address, name)"
        " VALUES ($1::inet, $2) ON CONFLICT (address) DO UPDATE SET name = "
        "excluded.name"
        " WHERE n.name <> excluded.name)"
        " UPDATE flowkeep.exporter AS e SET name = $2 WHERE e.address = $1::inet"
        " AND e.name IS DISTINCT FROM $2",
        2, params, error);

    return result != NULL;
}
