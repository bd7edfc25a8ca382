/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Job: one row of the table of scheduled jobs, and what a run of it is given.
 *
 * A job reads the database and writes its results and its watermark in one
 * transaction (or in several, each of which moves the watermark): it may be killed
 * anywhere and run again.  It takes the time from the run, never from a clock, so
 * that tests and imports can run it at any moment.  The schedule holds the job's
 * advisory lock on the run's connection: no two runs of a job overlap, in whatever
 * process. */

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "analytics-settings.h"

typedef struct {
    PGconn *conn; /* not in a transaction; the job begins its own */
    const AnalyticsSettings *settings;
    int64_t now_us;      /* what time it is, for all that the run decides */
    const int *stopping; /* see job_should_stop(); may be NULL */
    void **state;        /* of the job, kept between its runs in one process; begins as
                          * NULL */

    /* For job_run; added to by the job. */
    uint64_t n_rows_read;
    uint64_t n_findings;
    int64_t until_us; /* up to where a stream was read; 0 = none */
} JobRun;

/* True when the run should end after its current transaction, its work half done: the
 * next run goes on. */
static inline bool
job_should_stop(const JobRun *run)
{
    return run->stopping && g_atomic_int_get(run->stopping);
}

typedef struct {
    const char *name;
    const char *help;    /* one sentence */
    uint32_t period_sec; /* by default; 0 = runs with --once only */
    bool (*run)(JobRun *run, GError **error);
    void (*free_state)(void *state); /* may be NULL */
} Job;
