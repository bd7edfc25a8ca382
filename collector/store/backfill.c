/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backfill.h"

#include <inttypes.h>

#include "db.h"

static bool
extend(const Backfill *self, PGconn *conn, const char *collector, const char *worker,
       GError **error)
{
    g_autofree char *from = g_strdup_printf("%" PRId64, self->from_us);
    g_autofree char *to = g_strdup_printf("%" PRId64, self->to_us);
    const char *const params[] = { collector, worker, from, to };
    g_autoptr(PGresult) result = db_query(
        conn, "writing backfill",
        "INSERT INTO flowkeep.backfill AS b (collector, worker, from_at, to_at, state)"
        " VALUES ($1, $2::integer,"
        " timestamptz 'epoch' + $3::bigint * interval '1 microsecond',"
        " timestamptz 'epoch' + $4::bigint * interval '1 microsecond', 'open')"
        " ON CONFLICT (collector, worker) WHERE state = 'open' DO UPDATE"
        " SET from_at = least(b.from_at, excluded.from_at),"
        " to_at = greatest(b.to_at, excluded.to_at), updated_at = clock_timestamp()",
        4, params, error);

    return result != NULL;
}

static bool
close_open(PGconn *conn, const char *collector, const char *worker, GError **error)
{
    const char *const params[] = { collector, worker };
    g_autoptr(PGresult) result =
        db_query(conn, "closing backfill",
                 "UPDATE flowkeep.backfill AS b SET state = 'ready',"
                 " updated_at = clock_timestamp() WHERE b.collector = $1"
                 " AND b.worker = $2::integer AND b.state = 'open'",
                 2, params, error);

    return result != NULL;
}

bool
backfill_write(Backfill *self, PGconn *conn, const char *collector, uint32_t worker,
               bool finished, GError **error)
{
    g_autofree char *number = g_strdup_printf("%" PRIu32, worker);

    if (self->from_us <= self->to_us && !extend(self, conn, collector, number, error))
        return false;
    if (finished && self->is_open) {
        if (!close_open(conn, collector, number, error))
            return false;
        self->is_open = false;
    }
    self->from_us = BACKFILL_NO_ROWS_FROM;
    self->to_us = BACKFILL_NO_ROWS_TO;
    return true;
}
