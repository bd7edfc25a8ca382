/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SessionEngine: flow rows in, contacts out.
 *
 * Rows are taken in slices of one second of receive time, in order; within a slice
 * they are sorted, so their order there does not matter, and neither does how many
 * slices come at a time.  What it knows is wholly in its open sessions, the clocks of
 * exporters, the services it saw and one counter, which go through a checkpoint
 * (session-state.h) unchanged: stopped anywhere and restored it goes on as if nothing
 * had been.  Knows no SQL and no clock of this machine.
 *
 * A session is closed when the time of its exporters, or the receive time, has passed
 * its end, or its newest record, by 2 s + late + the duration of its longest record
 * (when that is over 30 s: the next piece of what an active timeout cuts comes so much
 * later).  It is remembered as long again, for what comes later still.  Beyond
 * max_open sessions the oldest are closed early, and counted. */

#include <glib.h>

#include "session/contact-sum.h"
#include "session/exporter-clock.h"
#include "session/service-memory.h"
#include "session/session-pool.h"

#define SESSION_ENGINE_SLICE_US INT64_C(1000000)

typedef struct {
    int64_t late_us;
    size_t max_open; /* open and remembered */
} SessionEngineOptions;

typedef struct SessionEngine SessionEngine;

SessionEngine *session_engine_new(const SessionEngineOptions *options);
void session_engine_free(SessionEngine *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SessionEngine, session_engine_free)

/* All rows that were received in [from, to), in any order; both are whole slices.
 * Sessions that are told meanwhile are in session_engine_sum(). */
void session_engine_take(SessionEngine *self, const FlowRow *rows, size_t n_rows,
                         int64_t from_us, int64_t to_us);

/* Tells what is new of long sessions that are open. */
void session_engine_tell_open(SessionEngine *self);

/* Returns whether the start of a session should be told. */
typedef bool (*SessionEngineFilter)(const Session *session, void *user_data);

/* Closes all that is open. */
void session_engine_close_all(SessionEngine *self, SessionEngineFilter filter,
                              void *user_data);

/* Whether a session of @key is open at some time of [start, end]. */
bool session_engine_has_open(const SessionEngine *self, const SessionKey *key,
                             int64_t start_us, int64_t end_us);

/* What was told; the caller clears it. */
ContactSum *session_engine_sum(SessionEngine *self);

SessionPool *session_engine_pool(SessionEngine *self);
ExporterClocks *session_engine_clocks(SessionEngine *self);
ServiceMemory *session_engine_services(SessionEngine *self);

/* Sessions that were closed early, since ever. */
uint64_t session_engine_n_early(const SessionEngine *self);
void session_engine_set_early(SessionEngine *self, uint64_t n);

size_t session_engine_n_open(const SessionEngine *self); /* counts them */

/* Bytes of memory that it holds, about. */
size_t session_engine_bytes(const SessionEngine *self);

/* For a checkpoint: sessions that changed since the last one (indices of the pool),
 * and the ids of stored ones that are gone (uint64_t).  Empties both. */
void session_engine_take_changes(SessionEngine *self, GArray *changed, GArray *gone);
