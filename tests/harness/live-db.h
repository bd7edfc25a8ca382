/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* LiveDb: a fresh, migrated database on the server that TEST_CONNINFO names, for unit
 * tests that need a real one; tests/harness/cluster.py starts it.
 *
 * What is tested connects as a role that is a member of flowkeep_collector or of
 * flowkeep_analytics and of nothing else, so that what it is not granted fails here.
 * Anything that goes wrong fails the test. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *admin_conninfo;
    char *collector_conninfo;
    char *analytics_conninfo;
    PGconn *admin; /* may be reconnected by live_db_reconnect() */
} LiveDb;

/* False when there is no server: the test was marked as skipped. */
bool live_db_init(LiveDb *self);
void live_db_clear(LiveDb *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LiveDb, live_db_clear)

void live_db_exec(LiveDb *self, const char *sql);

/* First column of the first row; "" for NULL and no row (transfer full). */
char *live_db_value(LiveDb *self, const char *sql);
int64_t live_db_number(LiveDb *self, const char *sql);

#define live_db_assert(db, sql, want)                                                  \
    G_STMT_START                                                                       \
    {                                                                                  \
        g_autofree char *live_db_got = live_db_value(db, sql);                         \
                                                                                       \
        g_assert_cmpstr(live_db_got, ==, want);                                        \
    }                                                                                  \
    G_STMT_END

/* "kill", "start" or "immediate" of the server, by tests/harness/cluster.py. */
void live_db_server(const char *verb);
void live_db_reconnect(LiveDb *self);

/* A connection of a role (transfer full). */
PGconn *live_db_connect(const char *conninfo);
