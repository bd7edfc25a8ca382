/* SPDX-License-Identifier: Apache-2.0 */
#include "live-db.h"

#include <stdlib.h>

#include "db.h"
#include "schema.h"

#define DATABASE "flowkeep_live"

static void
ignore_notice(void *arg, const char *message)
{
    (void) arg;
    (void) message;
}

/* Runs on a connection of its own. */
static void
run_on_server(const char *conninfo, const char *sql)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(PGconn) conn = db_connect(conninfo, "live-db", false, 10, &error);

    g_assert_no_error(error);
    PQsetNoticeProcessor(conn, ignore_notice, NULL);
    db_exec(conn, sql, &error);
    g_assert_no_error(error);
}

void
live_db_reconnect(LiveDb *self)
{
    g_autoptr(GError) error = NULL;

    PQfinish(self->admin);
    self->admin = db_connect(self->admin_conninfo, "live-db", false, 10, &error);
    g_assert_no_error(error);
    PQsetNoticeProcessor(self->admin, ignore_notice, NULL);
}

/* A member of @group and of nothing else; how to connect as it (transfer full). */
static char *
make_role(LiveDb *self, const char *server, const char *group)
{
    g_autofree char *sql = g_strdup_printf("DROP ROLE IF EXISTS %s_live;"
                                           "CREATE ROLE %s_live LOGIN IN ROLE %s",
                                           group, group, group);

    live_db_exec(self, sql);
    return g_strdup_printf("%s dbname=" DATABASE " user=%s_live", server, group);
}

bool
live_db_init(LiveDb *self)
{
    const char *server = g_getenv("TEST_CONNINFO");
    g_autoptr(GError) error = NULL;

    if (!server) {
        g_test_skip("TEST_CONNINFO is not set");
        return false;
    }

    run_on_server(server, "DROP DATABASE IF EXISTS " DATABASE " WITH (FORCE)");
    run_on_server(server, "CREATE DATABASE " DATABASE);
    self->admin_conninfo = g_strdup_printf("%s dbname=" DATABASE, server);
    live_db_reconnect(self);
    schema_migrate(self->admin, FALSE, NULL, NULL, &error);
    g_assert_no_error(error);

    self->collector_conninfo = make_role(self, server, "flowkeep_collector");
    self->analytics_conninfo = make_role(self, server, "flowkeep_analytics");
    return true;
}

void
live_db_clear(LiveDb *self)
{
    PQfinish(self->admin);
    g_free(self->admin_conninfo);
    g_free(self->collector_conninfo);
    g_free(self->analytics_conninfo);
    *self = (LiveDb){ 0 };
}

PGconn *
live_db_connect(const char *conninfo)
{
    g_autoptr(GError) error = NULL;
    PGconn *conn = db_connect(conninfo, "live-db", false, 10, &error);

    g_assert_no_error(error);
    return conn;
}

void
live_db_exec(LiveDb *self, const char *sql)
{
    g_autoptr(GError) error = NULL;

    db_exec(self->admin, sql, &error);
    g_assert_no_error(error);
}

char *
live_db_value(LiveDb *self, const char *sql)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(PGresult) result = db_query(self->admin, sql, sql, 0, NULL, &error);

    g_assert_no_error(error);
    return g_strdup(PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
}

int64_t
live_db_number(LiveDb *self, const char *sql)
{
    g_autofree char *text = live_db_value(self, sql);

    return g_ascii_strtoll(text, NULL, 10);
}

void
live_db_server(const char *verb)
{
    const char *const command[] = { "python3", g_getenv("TEST_CLUSTER_PY"), verb,
                                    g_getenv("TEST_CLUSTER"), NULL };
    g_autoptr(GError) error = NULL;
    int status;

    g_assert_nonnull(command[1]);
    g_spawn_sync(NULL, (char **) command, NULL,
                 G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                 NULL, &status, &error);
    g_assert_no_error(error);
    g_assert_cmpint(status, ==, 0);
}
