/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule.h"

#include "clock.h"
#include "db.h"
#include "job-runner.h"
#include "job-table.h"
#include "log.h"
#include "suggestion.h"

/* A job that goes on failing is reported at the first time and every so many. */
#define LOG_EVERY 60

/* While a job is not due, a lane looks again after at most so long. */
#define NAP_US (60 * US_PER_SEC)

/* One row of the table as this lane runs it. */
typedef struct {
    const JobTableRow *row;
    int64_t due_us; /* monotonic */
    unsigned n_failures;
} Turn;

typedef struct {
    JobLane lane;
    const AnalyticsSettings *settings;
    GThread *thread;
    GAsyncQueue *wake; /* anything in it: stop */
    int stopping;
} Lane;

struct Schedule {
    AnalyticsSettings *settings;
    Lane lanes[JOB_N_LANES];
};

static void
tell(Turn *turn, JobRunnerResult result, const JobRun *run, const GError *error)
{
    const char *name = turn->row->job->name;

    switch (result) {
    case JOB_RUNNER_FAILED:
        if (turn->n_failures++ % LOG_EVERY == 0)
            log_warning("job %s: %s; trying again", name, error->message);
        return;
    case JOB_RUNNER_BUSY:
        log_debug("job %s: another process runs it", name);
        return;
    case JOB_RUNNER_DONE:
        if (turn->n_failures > 0)
            log_notice("job %s: works again", name);
        turn->n_failures = 0;
        if (run->n_findings > 0)
            log_debug("job %s: %" G_GUINT64_FORMAT " rows, %" G_GUINT64_FORMAT
                      " findings",
                      name, run->n_rows_read, run->n_findings);
    }
}

static void
take_turn(Lane *lane, Turn *turn, JobRunner *runner)
{
    const uint32_t period_sec = job_table_period_sec(turn->row, lane->settings);
    g_autoptr(GError) error = NULL;
    JobRun run = { 0 };

    turn->due_us = clock_mono_us() + period_sec * US_PER_SEC;
    const JobRunnerResult result =
        job_runner_run(runner, turn->row->job, clock_wall_us(), &run, &error);
    if (!g_atomic_int_get(&lane->stopping))
        tell(turn, result, &run, error);
}

/* Runs what is due, in the order of the table; returns how long nothing will be. */
static int64_t
run_due(Lane *lane, JobRunner *runner, Turn *turns, size_t n_turns)
{
    int64_t nap_us = NAP_US;

    for (size_t i = 0; i < n_turns && !g_atomic_int_get(&lane->stopping); i++) {
        if (turns[i].due_us <= clock_mono_us())
            take_turn(lane, &turns[i], runner);
    }
    for (size_t i = 0; i < n_turns; i++)
        nap_us = MIN(nap_us, turns[i].due_us - clock_mono_us());
    return MAX(nap_us, 0);
}

static gpointer
run_lane(gpointer user_data)
{
    Lane *lane = user_data;
    g_autoptr(JobRunner) runner = job_runner_new(lane->settings, &lane->stopping);
    g_autofree Turn *turns = g_new0(Turn, job_table_len);
    size_t n_turns = 0;

    for (size_t i = 0; i < job_table_len; i++) {
        if (job_table[i].lane == lane->lane &&
            job_table_period_sec(&job_table[i], lane->settings) > 0)
            turns[n_turns++].row = &job_table[i];
    }

    while (!g_atomic_int_get(&lane->stopping)) {
        const int64_t nap_us = run_due(lane, runner, turns, n_turns);

        g_async_queue_timeout_pop(lane->wake, (guint64) nap_us + 1);
    }
    return NULL;
}

Schedule *
schedule_start(AnalyticsSettings *settings)
{
    static const char *const names[JOB_N_LANES] = { "watch", "learn", "mail" };
    Schedule *self = g_new0(Schedule, 1);

    self->settings = settings;
    for (size_t i = 0; i < JOB_N_LANES; i++) {
        Lane *lane = &self->lanes[i];

        lane->lane = (JobLane) i;
        lane->settings = settings;
        lane->wake = g_async_queue_new();
        lane->thread = g_thread_new(names[i], run_lane, lane);
    }
    return self;
}

void
schedule_stop(Schedule *self)
{
    for (size_t i = 0; i < JOB_N_LANES; i++) {
        g_atomic_int_set(&self->lanes[i].stopping, 1);
        g_async_queue_push(self->lanes[i].wake, self);
    }
    for (size_t i = 0; i < JOB_N_LANES; i++) {
        g_thread_join(self->lanes[i].thread);
        g_async_queue_unref(self->lanes[i].wake);
    }
    analytics_settings_free(self->settings);
    g_free(self);
}

static bool
refuse_name(const char *name, GError **error)
{
    const char *nearest = NULL;

    for (size_t i = 0; i < job_table_len; i++)
        suggestion_consider(name, job_table[i].job->name, &nearest);
    if (nearest)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "there is no job \"%s\"; did you mean \"%s\"?", name, nearest);
    else
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "there is no job \"%s\"; --jobs lists them", name);
    return false;
}

bool
schedule_once(const AnalyticsSettings *settings, const char *job, int64_t now_us,
              GError **error)
{
    const JobTableRow *row = job_table_find(job);

    if (!row)
        return refuse_name(job, error);

    g_autoptr(JobRunner) runner = job_runner_new(settings, NULL);
    JobRun run = { 0 };
    switch (job_runner_run(runner, row->job, now_us ? now_us : clock_wall_us(), &run,
                           error)) {
    case JOB_RUNNER_FAILED:
        return false;
    case JOB_RUNNER_BUSY:
        g_set_error(error, DB_ERROR, DB_ERROR_LOST,
                    "job %s: another process runs it now; try again later", job);
        return false;
    case JOB_RUNNER_DONE:
        break;
    }
    log_notice("job %s: %" G_GUINT64_FORMAT " rows read, %" G_GUINT64_FORMAT
               " findings",
               job, run.n_rows_read, run.n_findings);
    return true;
}
