/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* JobSession: reads new watched rows of flow, and keeps session_open and contact_hour
 * up to date with them.
 *
 * The live stream is read in order of receive time, in slices of a second, up to what
 * all collectors have stored; a transaction holds the contacts, the checkpoint and the
 * watermark (housekeeping, task session) of any number of slices.  Then ranges that
 * were imported or brought late (table backfill) are processed: see session-backfill.h.
 * Between runs the engine stays in memory; it is read again whenever the watermark is
 * not where this process left it. */

#include "job.h"

extern const Job job_session;
