/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SessionBuild: adds records to sessions, each to the part of the observation point
 * that made it. */

#include "session/exporter-clock.h"
#include "session/session-pool.h"

/* Gives a new session its number and times. */
void session_build_begin(SessionPool *pool, uint32_t index, const FlowRow *row);

/* Also teaches @clock the exporter's active timeout. */
void session_build_add(SessionPool *pool, uint32_t index, const FlowRow *row,
                       bool forward, ExporterClock *clock);

/* Moves all that is in @from to @into, and leaves it without parts. */
void session_build_merge(SessionPool *pool, uint32_t into, uint32_t from);
