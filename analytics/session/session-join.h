/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SessionJoin: whether a record belongs to a session of the same 5-tuple.  Pure.
 *
 * Each exporter's records are judged on that exporter's own clock, for clocks differ by
 * seconds.  A record goes on where another ended when it follows within 2 s, or, where
 * an active timeout cut that other, within 1 s + 2 % of the timeout.
 *
 * Conversations with few packets need a second thought: their record ends with the
 * last packet before the cut, and the next begins with the first one after it, many
 * seconds later.  But an exporter that gives up a flow for idle waits for its inactive
 * timeout first, so two records closer than that were parted by something else.  Where
 * the first was old enough to be cut, they are one session.
 *
 * What follows a FIN or RST with a SYN is a new conversation on old ports, and so is
 * what comes after a pause: never joined across inactivity. */

#include "session/exporter-clock.h"
#include "session/session-pool.h"

/* Between a record and the first of the other direction, or the same seen by another
 * exporter, whose clock may differ. */
#define SESSION_JOIN_PAIR_US INT64_C(8000000)

/* A record may follow another within this. */
#define SESSION_JOIN_GAP_US INT64_C(2000000)

/* No exporter takes a flow for idle sooner than that (the shortest inactive timeout in
 * use); most wait for 15 s, which counts where the active timeout is known. */
#define SESSION_JOIN_IDLE_US       INT64_C(10000000)
#define SESSION_JOIN_USUAL_IDLE_US INT64_C(15000000)

/* What goes on for longer is counted as a new session now and then (the hours of a
 * session are kept in memory). */
#define SESSION_JOIN_MAX_SPAN_US (400 * SESSION_HOUR_US)

typedef struct {
    bool joins;
    bool on_own_clock; /* the session has records of the same exporter, and this one
                        * goes on with them */
    int64_t distance_us;
} SessionJoin;

SessionJoin session_join_judge(const SessionPool *pool, const Session *session,
                               const FlowRow *row, bool forward,
                               const ExporterClock *clock);

/* True when @duration_ms ended by the exporter's active timeout, as far as is known. */
bool session_join_is_cut(const ExporterClock *clock, uint8_t end_reason,
                         int64_t duration_ms);
