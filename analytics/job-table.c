/* SPDX-License-Identifier: Apache-2.0 */
#include "job-table.h"

#include "job-baseline.h"
#include "job-beacon.h"
#include "job-exfil.h"
#include "job-session.h"

#define PERIOD(member) offsetof(AnalyticsSettings, member)

const JobTableRow job_table[] = {
    { &job_session, JOB_LANE_WATCH, PERIOD(session_period_sec) },
    { &job_baseline, JOB_LANE_LEARN, PERIOD(baseline_period_sec) },
    { &job_beacon, JOB_LANE_WATCH, PERIOD(beacon_period_sec) },
    { &job_exfil, JOB_LANE_WATCH, PERIOD(exfil_period_sec) },
    { &job_mail, JOB_LANE_MAIL, PERIOD(mail_period_sec) },
    { &job_send, JOB_LANE_MAIL, JOB_TABLE_NO_PERIOD },
};
const size_t job_table_len = G_N_ELEMENTS(job_table);

const JobTableRow *
job_table_find(const char *name)
{
    for (size_t i = 0; i < job_table_len; i++) {
        if (g_str_equal(job_table[i].job->name, name))
            return &job_table[i];
    }
    return NULL;
}

uint32_t
job_table_period_sec(const JobTableRow *row, const AnalyticsSettings *settings)
{
    if (row->period == JOB_TABLE_NO_PERIOD)
        return 0;

    const uint32_t *period =
        (const uint32_t *) (const void *) ((const char *) settings + row->period);

    return *period > 0 ? *period : row->job->period_sec;
}

char *
job_table_overview(const AnalyticsSettings *settings)
{
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < job_table_len; i++) {
        const uint32_t period_sec = job_table_period_sec(&job_table[i], settings);
        g_autofree char *period =
            period_sec > 0 ? g_strdup_printf("%u s", period_sec) : g_strdup("--once");

        g_string_append_printf(text, "%-9s %8s  %s\n", job_table[i].job->name, period,
                               job_table[i].job->help);
    }
    return g_string_free(text, FALSE);
}
