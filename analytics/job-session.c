/* SPDX-License-Identifier: Apache-2.0 */
#include "job-session.h"

#include <inttypes.h>

#include "clock.h"
#include "db.h"
#include "session-backfill.h"
#include "session/contact-reader.h"
#include "session/contact-rows.h"
#include "session/flow-reader.h"
#include "session/session-engine.h"
#include "session/session-rows.h"

#define PERIOD_SEC 60

/* Rows that are in memory at a time, about 150 bytes each. */
#define MAX_ROWS 500000

/* Kept between runs. */
typedef struct {
    SessionEngine *engine;
    FlowBatch batch;
    int64_t watermark_us; /* INT64_MIN: nothing was ever processed */
} State;

static void
free_state(void *data)
{
    State *self = data;

    session_engine_free(self->engine);
    flow_reader_clear(&self->batch);
    g_free(self);
}

/* --- where we are --- */

/* One time of one row; INT64_MIN for NULL and for no row. */
static bool
read_time(PGconn *conn, const char *doing, const char *sql, const char *param,
          int64_t *us, GError **error)
{
    const char *const params[] = { param };
    g_autoptr(PGresult) result =
        db_query(conn, doing, sql, param ? 1 : 0, params, error);

    if (!result)
        return false;
    *us = PQntuples(result) == 0 || PQgetisnull(result, 0, 0)
              ? INT64_MIN
              : g_ascii_strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    return true;
}

#define TO_US(time) "(extract(epoch FROM " time ") * 1000000)::bigint"

static bool
read_watermark(PGconn *conn, int64_t *us, GError **error)
{
    return read_time(conn, "reading the watermark",
                     "SELECT " TO_US("h.done_until") " FROM flowkeep.housekeeping AS h"
                                                     " WHERE h.task = 'session'",
                     NULL, us, error);
}

/* What all collectors have stored, but not the future. */
static bool
read_safe(JobRun *run, int64_t *us, GError **error)
{
    g_autofree char *stale =
        g_strdup_printf("%" PRIu32, run->settings->stale_worker_sec);

    if (!read_time(run->conn, "asking how far collectors are",
                   "SELECT " TO_US("flowkeep.ingest_safe_at("
                                   "make_interval(secs => $1::integer))"),
                   stale, us, error))
        return false;
    *us = MIN(*us, run->now_us);
    *us -= *us % SESSION_ENGINE_SLICE_US;
    return true;
}

/* The first row there is, imports left out: those are backfill. */
static bool
read_beginning(PGconn *conn, int64_t *us, GError **error)
{
    return read_time(
        conn, "looking for the first flow",
        "SELECT " TO_US(
            "m.at") " FROM flowkeep.time_partition AS p"
                    " CROSS JOIN LATERAL (SELECT min(f.received_at) AS at FROM "
                    "flowkeep.flow AS f"
                    " WHERE f.received_at >= p.from_at AND f.received_at < p.to_at) AS "
                    "m"
                    " WHERE p.parent = 'flow' AND NOT p.imported AND m.at IS NOT NULL"
                    " ORDER BY p.from_at LIMIT 1",
        NULL, us, error);
}

/* Everything before it has been dropped. */
static bool
read_oldest_partition(PGconn *conn, int64_t *us, GError **error)
{
    return read_time(
        conn, "looking for the first partition",
        "SELECT " TO_US("min(p.from_at)") " FROM flowkeep.time_partition AS p"
                                          " WHERE p.parent = 'flow' AND NOT p.imported",
        NULL, us, error);
}

static State *
load(JobRun *run, GError **error)
{
    const SessionEngineOptions options = {
        .late_us = run->settings->session_late_sec * US_PER_SEC,
        .max_open = run->settings->session_max_open,
    };
    State *self = g_new0(State, 1);

    self->engine = session_engine_new(&options);
    flow_reader_init(&self->batch);
    if (session_rows_read(run->conn, self->engine, error) &&
        read_watermark(run->conn, &self->watermark_us, error))
        return self;

    free_state(self);
    return NULL;
}

/* It is read from the tables again. */
static void
forget_state(JobRun *run)
{
    free_state(*run->state);
    *run->state = NULL;
}

/* What is in memory, if it still is what the database has. */
static State *
current_state(JobRun *run, GError **error)
{
    State *self = *run->state;
    int64_t watermark_us;

    if (self) {
        if (!read_watermark(run->conn, &watermark_us, error))
            return NULL;
        if (watermark_us == self->watermark_us)
            return self;
        forget_state(run);
    }
    *run->state = load(run, error);
    return *run->state;
}

/* --- one transaction --- */

/* Moves it from where it was; another process that moved it meanwhile is noticed. */
static bool
write_watermark(PGconn *conn, int64_t old_us, int64_t new_us, GError **error)
{
    g_autofree char *new = contact_reader_time_literal(new_us);
    g_autofree char *old = contact_reader_time_literal(old_us);
    g_autofree char *sql =
        old_us == INT64_MIN
            ? g_strdup_printf("INSERT INTO flowkeep.housekeeping (task, done_until)"
                              " VALUES ('session', %s)",
                              new)
            : g_strdup_printf("UPDATE flowkeep.housekeeping AS h SET done_until = %s,"
                              " updated_at = clock_timestamp()"
                              " WHERE h.task = 'session' AND h.done_until = %s",
                              new, old);
    g_autoptr(PGresult) result =
        db_query(conn, "writing the watermark", sql, 0, NULL, error);

    if (!result)
        return false;
    if (g_str_equal(PQcmdTuples(result), "1"))
        return true;
    g_set_error(error, DB_ERROR, DB_ERROR_LOST,
                "writing the watermark: another process has moved it");
    return false;
}

static bool
commit(JobRun *run, State *self, int64_t until_us, GError **error)
{
    ContactSum *sum = session_engine_sum(self->engine);

    session_engine_tell_open(self->engine);
    if (!contact_rows_prepare(run->conn, sum, false, error) ||
        !db_exec(run->conn, SESSION_ROWS_BEGIN, error) ||
        !contact_rows_write(run->conn, sum, error) ||
        !session_rows_write(run->conn, self->engine, until_us, error) ||
        !write_watermark(run->conn, self->watermark_us, until_us, error) ||
        !db_exec(run->conn, "COMMIT", error))
        return false;

    contact_sum_clear(sum);
    self->watermark_us = until_us;
    run->until_us = until_us;
    return true;
}

/* Reads and processes up to @until_us at most. */
static bool
take_chunk(JobRun *run, State *self, int64_t from_us, int64_t until_us, GError **error)
{
    FlowBatch *batch = &self->batch;

    if (!flow_reader_run(run->conn, from_us, until_us, SESSION_ENGINE_SLICE_US,
                         MAX_ROWS, batch, error))
        return false;

    session_engine_take(self->engine, (const FlowRow *) (void *) batch->rows->data,
                        batch->rows->len, batch->from_us, batch->to_us);
    run->n_rows_read += batch->n_read;
    return commit(run, self, batch->to_us, error);
}

/* --- the live stream --- */

/* Where to go on, which is @safe_us when there is nothing. */
static bool
find_beginning(JobRun *run, const State *self, int64_t safe_us, int64_t *from_us,
               GError **error)
{
    int64_t first_us;

    if (self->watermark_us != INT64_MIN) {
        if (!read_oldest_partition(run->conn, &first_us, error))
            return false;
        first_us -= first_us == INT64_MIN ? 0 : first_us % SESSION_ENGINE_SLICE_US;
        *from_us = MAX(self->watermark_us, MIN(first_us, safe_us));
        return true;
    }
    if (!read_beginning(run->conn, &first_us, error))
        return false;
    *from_us = first_us == INT64_MIN ? safe_us : MIN(first_us, safe_us);
    *from_us -= *from_us % SESSION_ENGINE_SLICE_US;
    return true;
}

static bool
run_live(JobRun *run, State *self, GError **error)
{
    int64_t chunk_us = PERIOD_SEC * US_PER_SEC;
    int64_t safe_us, from_us;

    if (!read_safe(run, &safe_us, error) ||
        !find_beginning(run, self, safe_us, &from_us, error))
        return false;
    if (self->watermark_us == INT64_MIN && !commit(run, self, from_us, error))
        return false;

    while (from_us < safe_us && !job_should_stop(run)) {
        if (!take_chunk(run, self, from_us, MIN(from_us + chunk_us, safe_us), error))
            return false;
        chunk_us = flow_reader_next_step(&self->batch, MAX_ROWS);
        from_us = self->batch.to_us;
    }
    return true;
}

static bool
run_session(JobRun *run, GError **error)
{
    State *self = current_state(run, error);
    bool learnt = false;

    if (!self || !run_live(run, self, error))
        return false;
    run->until_us = self->watermark_us;
    if (job_should_stop(run))
        return true;
    if (!session_backfill_run(run, self->engine, self->watermark_us, &learnt, error))
        return false;

    if (learnt)
        forget_state(run);
    return true;
}

const Job job_session = {
    .name = "session",
    .help = "turns flow records into sessions, and these into contacts",
    .period_sec = PERIOD_SEC,
    .run = run_session,
    .free_state = free_state,
};
