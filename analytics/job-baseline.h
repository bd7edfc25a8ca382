/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The job baseline: see job-baseline.c. */

#include "job.h"

extern const Job job_baseline;
