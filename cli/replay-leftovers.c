/* SPDX-License-Identifier: Apache-2.0 */
#include "replay-leftovers.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "db.h"
#include "pg-cell.h"

#define PREFIX      "replay-"
#define NAME_FORMAT PREFIX "%" G_GINT64_FORMAT "-%d-%u" /* seconds, process, run */

#define DEAD_SEC 3600 /* a live one commits every second */

char *
replay_leftovers_name(unsigned nth)
{
    return g_strdup_printf(NAME_FORMAT, g_get_real_time() / G_USEC_PER_SEC,
                           (int) getpid(), nth);
}

void
replay_leftovers_remove_directory(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(path, name, NULL);

        g_unlink(file);
    }
    g_rmdir(path);
}

bool
replay_leftovers_forget(PGconn *conn, const char *collector, GError **error)
{
    g_autoptr(PGresult) imported = db_query(
        conn, "closing the import",
        "UPDATE flowkeep.backfill SET state = 'ready', updated_at = clock_timestamp()"
        " WHERE collector = $1 AND state = 'open'",
        1, &collector, error);
    g_autoptr(PGresult) forgotten =
        imported
            ? db_query(conn, "forgetting the replay",
                       "SELECT flowkeep.collector_forget($1)", 1, &collector, error)
            : NULL;

    return forgotten != NULL;
}

static bool
is_dead(const char *name)
{
    gint64 began_sec;
    int pid;
    unsigned nth;

    if (sscanf(name, NAME_FORMAT, &began_sec, &pid, &nth) != 3 || pid <= 0)
        return false;
    return g_get_real_time() / G_USEC_PER_SEC - began_sec > DEAD_SEC &&
           kill(pid, 0) != 0 && errno == ESRCH;
}

static void
sweep_directories(const char *journal_directory)
{
    g_autoptr(GDir) dir = g_dir_open(journal_directory, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(journal_directory, name, NULL);

        if (g_str_has_prefix(name, PREFIX) && is_dead(name))
            replay_leftovers_remove_directory(path);
    }
}

bool
replay_leftovers_sweep(PGconn *conn, const char *journal_directory, GError **error)
{
    const char *const params[] = { PREFIX "%", G_STRINGIFY(DEAD_SEC) };
    g_autoptr(PGresult) rows =
        db_query(conn, "looking for dead replays",
                 "SELECT collector FROM flowkeep.ingest_position"
                 " WHERE collector LIKE $1"
                 "   AND updated_at < now() - $2::integer * interval '1 second'",
                 2, params, error);

    sweep_directories(journal_directory);
    for (int i = 0; rows && i < PQntuples(rows); i++) {
        if (!replay_leftovers_forget(conn, pg_cell_text(rows, i, 0), error))
            return false;
    }
    return rows != NULL;
}
