/* SPDX-License-Identifier: Apache-2.0 */
#include "store/partition.h"

#include <inttypes.h>

#include "clock.h"
#include "db.h"
#include "store/sql-text.h"

#define MINUTE_US (60 * US_PER_SEC)

typedef enum { LOOK_FOUND, LOOK_MISSING, LOOK_FAILED } Look;

static Look
look_up(PGconn *conn, const char *received_us, Partition *partition, GError **error)
{
    const char *const params[] = { received_us };
    g_autoptr(PGresult) result =
        db_query(conn, "looking for a partition",
                 "SELECT p.name, " SQL_TEXT_US("p.from_at") ", " SQL_TEXT_US(
                     "p.to_at") " FROM flowkeep.partition_of('flow',"
                                " timestamptz 'epoch' + $1::bigint * interval '1 "
                                "microsecond') AS p",
                 1, params, error);

    if (!result)
        return LOOK_FAILED;
    if (PQntuples(result) == 0)
        return LOOK_MISSING;

    g_strlcpy(partition->name, PQgetvalue(result, 0, 0), sizeof(partition->name));
    partition->from_us = g_ascii_strtoll(PQgetvalue(result, 0, 1), NULL, 10);
    partition->to_us = g_ascii_strtoll(PQgetvalue(result, 0, 2), NULL, 10);
    return LOOK_FOUND;
}

/* Makes it, and those of the rollups that the same rows lead to. */
static bool
make(PGconn *conn, const char *received_us, uint32_t minutes, bool imported,
     GError **error)
{
    g_autofree char *width = g_strdup_printf("%" PRIu32 " minutes", minutes);
    const char *const params[] = { received_us, width, imported ? "true" : "false" };
    g_autoptr(PGresult) result = db_query(
        conn, "making a partition",
        "SELECT flowkeep.partition_ensure('flow', w.at, w.at + interval '1 second',"
        " $2::interval, $3::boolean),"
        " flowkeep.partition_ensure('traffic_1m', w.at, w.at + interval '1 second',"
        " '1 day', $3::boolean),"
        " flowkeep.partition_ensure('talker_5m', w.at, w.at + interval '1 second',"
        " '1 day', $3::boolean)"
        " FROM (SELECT timestamptz 'epoch' + $1::bigint * interval '1 microsecond')"
        " AS w (at)",
        3, params, error);

    return result != NULL;
}

bool
partition_find(PGconn *conn, int64_t received_us, uint32_t minutes, bool imported,
               Partition *partition, GError **error)
{
    g_autofree char *text = g_strdup_printf("%" PRId64, received_us);
    Look look = look_up(conn, text, partition, error);

    if (look == LOOK_MISSING && make(conn, text, minutes, imported, NULL))
        look = look_up(conn, text, partition, error);

    if (look == LOOK_MISSING && PQstatus(conn) == CONNECTION_OK) {
        g_strlcpy(partition->name, "flow_default", sizeof(partition->name));
        partition->from_us = received_us - received_us % MINUTE_US;
        partition->to_us = partition->from_us + MINUTE_US;
        return true;
    }
    if (look == LOOK_MISSING)
        return db_error_set(error, conn, NULL, "making a partition");
    return look == LOOK_FOUND;
}
