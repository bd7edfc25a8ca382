/* SPDX-License-Identifier: Apache-2.0 */
#include "session-backfill.h"

#include <inttypes.h>

#include "clock.h"
#include "db.h"
#include "session/contact-reader.h"
#include "session/contact-rows.h"
#include "session/flow-reader.h"
#include "session/session-rows.h"

/* One transaction. */
#define MAX_PIECE_US (31 * 24 * SESSION_HOUR_US)

#define MAX_ROWS      500000 /* in memory at a time */
#define FIRST_STEP_US (600 * US_PER_SEC)

/* No record is longer that an exporter cuts at all. */
#define LONGEST_US SESSION_HOUR_US

/* A range, and the part of it that is done next: whole hours. */
typedef struct {
    int64_t from_us;
    int64_t to_us; /* of received_at, itself included */
    int64_t first_hour_us;
    int64_t end_hour_us;
} Piece;

static int64_t
hour_before(int64_t at_us)
{
    return at_us - (at_us % SESSION_HOUR_US + SESSION_HOUR_US) % SESSION_HOUR_US;
}

/* The oldest range that is ready and begins before @before_us, with those that overlap
 * it; from > to when there is none. */
static bool
find_range(PGconn *conn, int64_t before_us, Piece *piece, GError **error)
{
    g_autofree char *before = contact_reader_time_literal(before_us);
    g_autofree char *sql = g_strdup_printf(
        "SELECT (extract(epoch FROM b.from_at) * 1000000)::bigint,"
        " (extract(epoch FROM b.to_at) * 1000000)::bigint"
        " FROM flowkeep.backfill AS b WHERE b.state = 'ready' AND b.from_at < %s"
        " ORDER BY b.from_at, b.to_at",
        before);
    g_autoptr(PGresult) rows = db_query(conn, "reading backfill", sql, 0, NULL, error);

    if (!rows)
        return false;

    *piece = (Piece){ .from_us = INT64_MAX, .to_us = INT64_MIN };
    for (int i = 0; i < PQntuples(rows); i++) {
        const int64_t from_us = g_ascii_strtoll(PQgetvalue(rows, i, 0), NULL, 10);
        const int64_t to_us = g_ascii_strtoll(PQgetvalue(rows, i, 1), NULL, 10);

        if (i > 0 && from_us > piece->to_us + SESSION_HOUR_US)
            break;
        piece->from_us = MIN(piece->from_us, from_us);
        piece->to_us = MAX(piece->to_us, to_us);
    }
    return true;
}

/* A flow received at the beginning may have begun an hour earlier.  What is behind
 * @before_us waits for its turn as a range of its own. */
static void
choose_hours(Piece *piece, int64_t before_us)
{
    piece->first_hour_us = hour_before(piece->from_us - LONGEST_US);
    piece->end_hour_us = MIN(hour_before(piece->to_us) + SESSION_HOUR_US,
                             piece->first_hour_us + MAX_PIECE_US);
    if (piece->to_us >= before_us)
        piece->end_hour_us = MIN(piece->end_hour_us, hour_before(before_us));
}

/* --- the hours --- */

typedef struct {
    JobRun *run;
    SessionEngine *live;
    SessionEngine *engine;
    FlowBatch batch;
    const Piece *piece;
} Rebuild;

static bool
is_not_open_live(const Session *session, void *user_data)
{
    const Rebuild *self = user_data;

    return !session_engine_has_open(self->live, &session->key, session->start_us,
                                    session->end_us);
}

static bool
flush(Rebuild *self, GError **error)
{
    ContactSum *sum = session_engine_sum(self->engine);

    if (!contact_rows_write(self->run->conn, sum, error))
        return false;
    contact_sum_clear(sum);
    return true;
}

/* Reads [from, to) and a margin around it; all contacts of the hours are added. */
static bool
add_hours(Rebuild *self, int64_t watermark_us, GError **error)
{
    const int64_t margin_us =
        LONGEST_US + self->run->settings->session_late_sec * US_PER_SEC;
    const int64_t to_us = MIN(self->piece->end_hour_us + margin_us, watermark_us);
    int64_t at_us = self->piece->first_hour_us - margin_us;
    int64_t step_us = FIRST_STEP_US;

    while (at_us < to_us && !job_should_stop(self->run)) {
        if (!flow_reader_run(self->run->conn, at_us, MIN(at_us + step_us, to_us),
                             SESSION_ENGINE_SLICE_US, MAX_ROWS, &self->batch, error))
            return false;
        step_us = flow_reader_next_step(&self->batch, MAX_ROWS);
        session_engine_take(self->engine,
                            (const FlowRow *) (void *) self->batch.rows->data,
                            self->batch.rows->len, at_us, self->batch.to_us);
        session_engine_tell_open(self->engine);
        self->run->n_rows_read += self->batch.n_read;
        at_us = self->batch.to_us;
        if (!flush(self, error))
            return false;
    }
    session_engine_close_all(self->engine, is_not_open_live, self);
    return flush(self, error);
}

/* What is done of the ranges becomes ranges of its own, which are done. */
static bool
mark_done(PGconn *conn, const Piece *piece, GError **error)
{
    g_autofree char *end = contact_reader_time_literal(piece->end_hour_us);
    g_autofree char *from = contact_reader_time_literal(piece->from_us);
    g_autofree char *to = contact_reader_time_literal(piece->to_us);
    g_autofree char *sql = g_strdup_printf(
        "INSERT INTO flowkeep.backfill (collector, worker, from_at, to_at, state)"
        " SELECT b.collector, b.worker, %s, b.to_at, 'ready'"
        " FROM flowkeep.backfill AS b WHERE b.state = 'ready'"
        " AND b.from_at >= %s AND b.to_at <= %s AND b.from_at < %s AND b.to_at >= %s;"
        "UPDATE flowkeep.backfill AS b SET state = 'done',"
        " to_at = least(b.to_at, %s::timestamptz - interval '1 microsecond'),"
        " updated_at = clock_timestamp() WHERE b.state = 'ready'"
        " AND b.from_at >= %s AND b.to_at <= %s AND b.from_at < %s",
        end, from, to, end, end, end, from, to, end);

    return db_exec(conn, sql, error);
}

static bool
make_partitions(PGconn *conn, const Piece *piece, GError **error)
{
    g_autofree char *from = contact_reader_time_literal(piece->first_hour_us);
    g_autofree char *to = contact_reader_time_literal(piece->end_hour_us);
    g_autofree char *sql =
        g_strdup_printf("SELECT flowkeep.partition_ensure('contact_hour', %s, %s,"
                        " interval '1 day', true)",
                        from, to);

    return db_exec(conn, sql, error);
}

/* What is known of exporters, but not how far their time has come: this is another. */
static bool
read_learnt(PGconn *conn, SessionEngine *engine, GError **error)
{
    ExporterClocks *clocks = session_engine_clocks(engine);

    if (!session_rows_read_learnt(conn, engine, error))
        return false;
    for (size_t i = 0; i < exporter_clock_list_len(clocks); i++)
        exporter_clock_list_at(clocks, i)->event_us = INT64_MIN;
    return true;
}

static bool
rebuild(JobRun *run, SessionEngine *live, const Piece *piece, int64_t watermark_us,
        GError **error)
{
    const SessionEngineOptions options = {
        .late_us = run->settings->session_late_sec * US_PER_SEC,
        .max_open = run->settings->session_max_open,
    };
    g_autoptr(SessionEngine) engine = session_engine_new(&options);
    Rebuild self = { .run = run, .live = live, .engine = engine, .piece = piece };

    contact_sum_limit(session_engine_sum(engine),
                      (uint32_t) (piece->first_hour_us / SESSION_HOUR_US),
                      (uint32_t) (piece->end_hour_us / SESSION_HOUR_US));
    flow_reader_init(&self.batch);

    bool ok = read_learnt(run->conn, engine, error) &&
              make_partitions(run->conn, piece, error) &&
              db_exec(run->conn, SESSION_ROWS_BEGIN, error) &&
              contact_rows_delete(run->conn, piece->first_hour_us, piece->end_hour_us,
                                  error) &&
              add_hours(&self, watermark_us, error);

    if (ok && job_should_stop(run))
        ok = db_exec(run->conn, "ROLLBACK", error);
    else if (ok)
        ok = session_rows_write_learnt(run->conn, engine, error) &&
             mark_done(run->conn, piece, error) && db_exec(run->conn, "COMMIT", error);

    flow_reader_clear(&self.batch);
    return ok;
}

bool
session_backfill_run(JobRun *run, SessionEngine *live, int64_t watermark_us,
                     bool *learnt, GError **error)
{
    const int64_t settle_us =
        LONGEST_US + 4 * run->settings->session_late_sec * US_PER_SEC;
    const int64_t before_us =
        session_engine_n_open(live) > 0 ? watermark_us - settle_us : watermark_us;

    *learnt = false;
    while (!job_should_stop(run)) {
        Piece piece;

        if (!find_range(run->conn, before_us, &piece, error))
            return false;
        if (piece.from_us > piece.to_us)
            return true;
        choose_hours(&piece, before_us);
        if (piece.end_hour_us <= piece.from_us)
            return true;
        if (!rebuild(run, live, &piece, watermark_us, error))
            return false;
        *learnt = true;
    }
    return true;
}
