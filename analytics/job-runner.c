/* SPDX-License-Identifier: Apache-2.0 */
#include "job-runner.h"

#include "clock.h"
#include "db.h"
#include "schema.h"

#define KEEP_RUNS "7 days"

/* What a job keeps between its runs. */
typedef struct {
    const Job *job;
    void *state;
} Memory;

struct JobRunner {
    const AnalyticsSettings *settings;
    const int *stopping;
    PGconn *conn;
    GArray *memories; /* of Memory; as many as there are jobs */
};

static void
forget(gpointer data)
{
    Memory *memory = data;

    if (memory->state && memory->job->free_state)
        memory->job->free_state(memory->state);
    memory->state = NULL;
}

JobRunner *
job_runner_new(const AnalyticsSettings *settings, const int *stopping)
{
    JobRunner *self = g_new0(JobRunner, 1);

    self->settings = settings;
    self->stopping = stopping;
    self->memories = g_array_new(FALSE, FALSE, sizeof(Memory));
    g_array_set_clear_func(self->memories, forget);
    return self;
}

void
job_runner_free(JobRunner *self)
{
    if (!self)
        return;
    g_array_unref(self->memories);
    PQfinish(self->conn);
    g_free(self);
}

static Memory *
memory_of(JobRunner *self, const Job *job)
{
    for (guint i = 0; i < self->memories->len; i++) {
        Memory *memory = &g_array_index(self->memories, Memory, i);

        if (memory->job == job)
            return memory;
    }

    const Memory fresh = { job, NULL };
    g_array_append_val(self->memories, fresh);
    return &g_array_index(self->memories, Memory, self->memories->len - 1);
}

static bool
connect_when_needed(JobRunner *self, GError **error)
{
    if (self->conn)
        return true;

    g_autoptr(PGconn) conn =
        db_connect(self->settings->database.conninfo, "flowkeep-analytics", false,
                   self->settings->database.connect_timeout_sec, error);
    if (!conn || !schema_check(conn, error))
        return false;

    /* A server that runs a long statement for a process that is no more keeps the
     * job's lock meanwhile: it shall look.  Not all platforms can. */
    db_exec(conn, "SET client_connection_check_interval = '1s'", NULL);

    self->conn = g_steal_pointer(&conn);
    return true;
}

static bool
lock(JobRunner *self, const Job *job, bool *locked, GError **error)
{
    const char *const names[] = { job->name };
    g_autoptr(PGresult) answer =
        db_query(self->conn, "locking the job",
                 "SELECT pg_try_advisory_lock(hashtext('flowkeep.job'), hashtext($1))",
                 1, names, error);

    if (!answer)
        return false;
    *locked = PQgetvalue(answer, 0, 0)[0] == 't';
    return true;
}

static bool
unlock(JobRunner *self, const Job *job, GError **error)
{
    const char *const names[] = { job->name };
    g_autoptr(PGresult) answer =
        db_query(self->conn, "unlocking the job",
                 "SELECT pg_advisory_unlock(hashtext('flowkeep.job'), hashtext($1))", 1,
                 names, error);

    return answer != NULL;
}

/* The run's number in job_run (transfer full). */
static char *
record_begin(JobRunner *self, const Job *job, GError **error)
{
    const char *const words[] = { job->name };
    g_autoptr(PGresult) answer =
        db_query(self->conn, "recording the run",
                 "INSERT INTO flowkeep.job_run (job, started_at)"
                 " VALUES ($1, clock_timestamp()) RETURNING id",
                 1, words, error);

    return answer ? g_strdup(PQgetvalue(answer, 0, 0)) : NULL;
}

/* Of runs that found nothing to do, the newest is kept only. */
static bool
record_end(PGconn *conn, const char *id, const JobRun *run, const char *why_failed,
           GError **error)
{
    g_autofree char *rows = g_strdup_printf("%" G_GUINT64_FORMAT, run->n_rows_read);
    g_autofree char *findings = g_strdup_printf("%" G_GUINT64_FORMAT, run->n_findings);
    g_autofree char *until =
        run->until_us ? g_strdup_printf("%.6f", (double) run->until_us / US_PER_SEC)
                      : NULL;
    const char *const words[] = { id, rows, findings, until, why_failed };
    g_autoptr(PGresult) ended =
        db_query(conn, "recording the run",
                 "UPDATE flowkeep.job_run SET ended_at = clock_timestamp(),"
                 " rows_read = $2, findings = $3, until_at = to_timestamp($4),"
                 " error = $5 WHERE id = $1",
                 5, words, error);
    g_autoptr(PGresult) tidied =
        ended ? db_query(conn, "tidying job_run",
                         "DELETE FROM flowkeep.job_run AS r USING flowkeep.job_run AS n"
                         " WHERE n.id = $1 AND r.job = n.job AND r.id < n.id"
                         " AND (r.started_at < n.started_at - interval '" KEEP_RUNS "'"
                         "   OR (r.rows_read = 0 AND r.findings = 0"
                         "       AND r.error IS NULL AND r.ended_at IS NOT NULL))",
                         1, words, error)
              : NULL;

    return tidied != NULL;
}

/* On a connection of its own: that of the run may be in a failed transaction. */
static void
record_failure(JobRunner *self, const char *id, const JobRun *run, const char *why)
{
    g_autoptr(PGconn) conn =
        db_connect(self->settings->database.conninfo, "flowkeep-analytics", false,
                   self->settings->database.connect_timeout_sec, NULL);

    if (conn)
        record_end(conn, id, run, why, NULL);
}

static bool
run_locked(JobRunner *self, const Job *job, JobRun *run, GError **error)
{
    g_autofree char *id = record_begin(self, job, error);
    GError *why = NULL;

    if (!id)
        return false;
    if (job->run(run, &why))
        return record_end(self->conn, id, run, NULL, error);

    record_failure(self, id, run, why->message);
    g_propagate_error(error, why);
    return false;
}

/* What went wrong may have left anything behind. */
static JobRunnerResult
give_up(JobRunner *self, const Job *job)
{
    forget(memory_of(self, job));
    g_clear_pointer(&self->conn, PQfinish);
    return JOB_RUNNER_FAILED;
}

JobRunnerResult
job_runner_run(JobRunner *self, const Job *job, int64_t now_us, JobRun *run,
               GError **error)
{
    JobRun own = { 0 };
    bool locked = false;

    if (!run)
        run = &own;
    if (!connect_when_needed(self, error) || !lock(self, job, &locked, error))
        return give_up(self, job);
    if (!locked) {
        forget(memory_of(self, job)); /* the other process moves the job on */
        return JOB_RUNNER_BUSY;
    }

    *run = (JobRun){ .conn = self->conn,
                     .settings = self->settings,
                     .now_us = now_us,
                     .stopping = self->stopping,
                     .state = &memory_of(self, job)->state };
    if (!run_locked(self, job, run, error) || !unlock(self, job, error))
        return give_up(self, job);
    return JOB_RUNNER_DONE;
}
