/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* JobRunner: runs one job at a time on a connection of its own, under the job's lock,
 * and keeps the record of it in job_run.
 *
 * The lock is an advisory one of the session, so that it ends with the connection
 * however the process ends.  One thread; logs nothing. */

#include "job.h"

typedef enum {
    JOB_RUNNER_DONE,
    JOB_RUNNER_BUSY,   /* another process runs this job now */
    JOB_RUNNER_FAILED, /* see the error; also in job_run when the database was there */
} JobRunnerResult;

typedef struct JobRunner JobRunner;

/* @settings and @stopping (may be NULL) are lent until job_runner_free(). */
JobRunner *job_runner_new(const AnalyticsSettings *settings, const int *stopping);
void job_runner_free(JobRunner *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JobRunner, job_runner_free)

/* Runs @job as if it were @now_us.  @run (may be NULL) gets what it counted.
 * After a failure the connection and what the job kept in memory are given up: the
 * next run begins with what is committed. */
JobRunnerResult job_runner_run(JobRunner *self, const Job *job, int64_t now_us,
                               JobRun *run, GError **error);
