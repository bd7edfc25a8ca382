/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SessionBackfill: contacts of what was received before the live stream was there, or
 * was brought after it had passed.
 *
 * The hours that such a range touches are made anew from all rows of flow, a month at a
 * time at most, in one transaction that also notes the range as done up to there; so it
 * may be killed anywhere.  To know what began earlier and what went on later, an hour
 * and the lateness before and after are read as well.  Sessions that the live stream
 * has open are counted when it closes them.  Hours whose live flows retention has
 * dropped cannot be made anew: what was imported is added to them. */

#include <stdbool.h>

#include "job.h"
#include "session/session-engine.h"

/* Processes what is ready of ranges that end before @watermark_us; what is too near
 * the sessions that are open in @live waits.  @learnt: there was something, and what
 * exporter_timeout says may be news to @live. */
bool session_backfill_run(JobRun *run, SessionEngine *live, int64_t watermark_us,
                          bool *learnt, GError **error);
