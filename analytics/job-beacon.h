/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The job beacon: contact_hour -> candidates -> verdicts -> incidents.
 *
 * Every run looks at the last 24 hours of all groups; every six hours also at the last
 * 30 days of the sparse ones.  It keeps nothing between its runs: the result is that of
 * the database and the time. */

#include "job.h"

extern const Job job_beacon;
