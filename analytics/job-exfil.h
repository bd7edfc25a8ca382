/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The job exfil: see job-exfil.c. */

#include "job.h"

extern const Job job_exfil;
