/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* JobTable: the one list of jobs. */

#include "job.h"

/* Jobs of a lane run one after the other, in the order of the table, which is that of
 * the data; lanes run side by side. */
typedef enum {
    JOB_LANE_WATCH, /* from flows to alerts */
    JOB_LANE_LEARN, /* takes long at times, and nobody waits for it */
    JOB_LANE_MAIL,  /* must not wait for the others */
} JobLane;
#define JOB_N_LANES 3

typedef struct {
    const Job *job;
    JobLane lane;
    size_t period; /* offset in the settings of a uint32_t: seconds, 0 = the job's; or
                    * JOB_TABLE_NO_PERIOD */
} JobTableRow;

#define JOB_TABLE_NO_PERIOD SIZE_MAX /* runs with --once only */

extern const Job job_mail;
extern const Job job_send;

extern const JobTableRow job_table[];
extern const size_t job_table_len;

/* NULL when there is none of that name. */
const JobTableRow *job_table_find(const char *name);

uint32_t job_table_period_sec(const JobTableRow *row,
                              const AnalyticsSettings *settings);

/* All jobs, a line each: name, period, what it does (transfer full). */
char *job_table_overview(const AnalyticsSettings *settings);
