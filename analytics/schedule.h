/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Schedule: runs the jobs of the table when they are due, a thread a lane.
 *
 * The lanes share nothing but the settings, which nobody writes.  Logs what jobs did
 * and why they failed; a job that fails is tried again at its next turn. */

#include "analytics-settings.h"

typedef struct Schedule Schedule;

/* Takes @settings (transfer full). */
Schedule *schedule_start(AnalyticsSettings *settings);

/* Ends all lanes after the transactions they are in, and frees. */
void schedule_stop(Schedule *self);

/* Runs one job now, as if it were @now_us (0 = now), in this thread.  Returns false
 * with DB_ERROR, or with G_OPTION_ERROR_BAD_VALUE when there is no such job. */
bool schedule_once(const AnalyticsSettings *settings, const char *job, int64_t now_us,
                   GError **error);
