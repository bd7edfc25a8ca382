/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session-build.h"

#include <glib.h>

#include "clock.h"
#include "session/session-join.h"

/* Observation points of both directions; what further ones report is the same again. */
#define MAX_PARTS 16

/* A record that is no longer says nothing about the active timeout. */
#define CUT_MS (EXPORTER_CLOCK_MIN_SEC * INT64_C(1000))

/* How exactly one piece begins where another ended. */
#define SEAM_BEFORE_US US_PER_SEC
#define SEAM_AFTER_US  (2 * US_PER_SEC)

static inline uint64_t
mix(uint64_t value)
{
    value ^= value >> 32;
    value *= UINT64_C(0xd6e8feb86659fd93);
    value ^= value >> 32;
    value *= UINT64_C(0xd6e8feb86659fd93);
    return value ^ value >> 32;
}

/* A biflow may be turned round from one record to the next. */
static uint64_t
point_of(const FlowRow *row)
{
    const bool turn = row->is_biflow && row->output_if < row->input_if;
    const uint64_t high = turn ? row->output_if : row->input_if;
    const uint64_t low = turn ? row->input_if : row->output_if;

    return mix(mix((uint64_t) (uint32_t) row->exporter_id << 8 | row->direction) ^
               (high << 32 | low));
}

static bool
has_id(const SessionPool *pool, const Session *session, uint64_t id)
{
    for (uint32_t i = session->next; i != SESSION_NONE;
         i = session_pool_at(pool, i)->next) {
        if (session_pool_at(pool, i)->id == id)
            return true;
    }
    return false;
}

/* The number is the same whenever the session is made again from the same rows. */
void
session_build_begin(SessionPool *pool, uint32_t index, const FlowRow *row)
{
    Session *session = session_pool_at(pool, index);
    const uint64_t times = mix((uint64_t) row->start_us) + (uint64_t) row->received_us;

    session->id = mix(session_key_hash(&session->key) ^ times) >> 1;
    while (has_id(pool, session, session->id))
        session->id++;
    session->start_us = row->start_us;
    session->end_us = row->end_us;
    session->received_us = row->received_us;
}

/* --- parts --- */

/* The part of @point; or that of another point of the same exporter that ended where
 * this record begins, after a record as long as those that a timeout cuts: the route
 * has changed, and the session goes on by other interfaces. */
static SessionPart *
find_part(SessionPool *pool, const Session *session, const FlowRow *row, bool forward,
          uint64_t point, unsigned *n_parts)
{
    SessionPart *moved = NULL;

    *n_parts = 0;
    for (uint32_t i = session->parts; i != SESSION_NONE;
         i = session_pool_part(pool, i)->next) {
        SessionPart *part = session_pool_part(pool, i);

        ++*n_parts;
        if (part->forward != forward || part->exporter_id != row->exporter_id)
            continue;
        if (part->point == point)
            return part;
        if (part->last_ms >= CUT_MS && row->start_us >= part->end_us &&
            (!moved || part->point < moved->point))
            moved = part;
    }
    if (moved)
        moved->point = point;
    return moved;
}

static uint32_t
duration_ms(const FlowRow *row)
{
    return (uint32_t) MIN((row->end_us - row->start_us) / US_PER_MS, UINT32_MAX);
}

/* Active timeouts that people configure; the last packet before one comes up to the
 * inactive timeout earlier. */
static const uint16_t usual_sec[] = { 30, 60, 90, 120, 180, 300, 600, 900, 1800, 3600 };

/* The one usual timeout that lies between @after_ms and @to_ms; 0 = none, or several.
 */
static uint32_t
usual_between_ms(int64_t after_ms, int64_t to_ms)
{
    uint32_t found_ms = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(usual_sec); i++) {
        const int64_t ms = usual_sec[i] * INT64_C(1000);

        if (ms <= after_ms || ms > to_ms)
            continue;
        if (found_ms > 0)
            return 0;
        found_ms = (uint32_t) ms;
    }
    return found_ms;
}

/* A dense flow lasts as long as the timeout.  A sparse one ended before it, and the
 * next began after it. */
static void
learn_timeout(const SessionPart *part, const FlowRow *row, ExporterClock *clock)
{
    const int64_t gap_us = row->start_us - part->end_us;

    if (gap_us < -SEAM_BEFORE_US || gap_us > SESSION_JOIN_USUAL_IDLE_US)
        return;
    if (gap_us <= SEAM_AFTER_US) {
        if (part->last_ms >= CUT_MS)
            exporter_clock_learn(clock, part->last_ms);
        return;
    }

    const uint32_t usual_ms =
        usual_between_ms(part->last_ms, part->last_ms + gap_us / US_PER_MS);
    if (usual_ms > 0)
        exporter_clock_learn(clock, usual_ms);
}

static void
begin_part(SessionPart *part, const FlowRow *row, bool forward, uint64_t point)
{
    part->point = point;
    part->exporter_id = row->exporter_id;
    part->forward = forward;
    part->start_us = row->start_us;
    part->end_us = row->end_us;
    part->has_flags = row->has_flags;
    part->first_flags = row->tcp_flags;
    part->last_flags = row->tcp_flags;
    part->last_reason = row->end_reason;
    part->last_ms = duration_ms(row);
}

static void
extend_part(SessionPart *part, const FlowRow *row)
{
    part->has_flags = part->has_flags || row->has_flags;
    if (row->start_us < part->start_us) {
        part->start_us = row->start_us;
        part->first_flags = row->tcp_flags;
    }
    if (row->end_us >= part->end_us) {
        part->end_us = row->end_us;
        part->last_flags = row->tcp_flags;
        part->last_reason = row->end_reason;
        part->last_ms = duration_ms(row);
    }
}

static uint64_t
add_saturating(uint64_t a, uint64_t b)
{
    return a + MIN(b, (uint64_t) INT64_MAX - MIN(a, (uint64_t) INT64_MAX));
}

/* @is_back: the reverse half of a biflow, which is no record of its own. */
static void
add_direction(SessionPool *pool, uint32_t index, const FlowRow *row, bool forward,
              bool is_back, ExporterClock *clock)
{
    const uint64_t point = point_of(row);
    const uint64_t octets = is_back ? row->reverse_octets : row->octets;
    const uint64_t packets = is_back ? row->reverse_packets : row->packets;
    unsigned n_parts;
    SessionPart *part =
        find_part(pool, session_pool_at(pool, index), row, forward, point, &n_parts);

    if (part) {
        if (!is_back)
            learn_timeout(part, row, clock);
        extend_part(part, row);
    } else if (n_parts < MAX_PARTS) {
        part = session_pool_add_part(pool, index);
        begin_part(part, row, forward, point);
    } else {
        return;
    }

    part->octets = add_saturating(part->octets, octets);
    part->packets = add_saturating(part->packets, packets);
    part->n_records += !is_back;
    part->sampling = MAX(part->sampling, row->sampling);
    session_hours_spread(&part->hours, row->start_us, row->end_us, octets, packets,
                         !is_back);
}

void
session_build_add(SessionPool *pool, uint32_t index, const FlowRow *row, bool forward,
                  ExporterClock *clock)
{
    Session *session = session_pool_at(pool, index);
    const uint8_t src = forward ? SESSION_WATCHED_LOW : SESSION_WATCHED_HIGH;
    const uint8_t dst = forward ? SESSION_WATCHED_HIGH : SESSION_WATCHED_LOW;

    session->start_us = MIN(session->start_us, row->start_us);
    session->end_us = MAX(session->end_us, row->end_us);
    session->received_us = MAX(session->received_us, row->received_us);
    session->longest_ms = MAX(session->longest_ms, duration_ms(row));
    session->watched |= row->watched & FLOW_ROW_WATCHED_SRC ? src : 0;
    session->watched |= row->watched & FLOW_ROW_WATCHED_DST ? dst : 0;

    add_direction(pool, index, row, forward, false, clock);
    if (!row->is_biflow)
        return;
    if (session->biflow == SESSION_END_UNKNOWN)
        session->biflow = forward ? SESSION_END_LOW : SESSION_END_HIGH;
    add_direction(pool, index, row, !forward, true, clock);
}

/* --- merging --- */

static SessionPart *
same_part(SessionPool *pool, const Session *session, const SessionPart *like)
{
    for (uint32_t i = session->parts; i != SESSION_NONE;
         i = session_pool_part(pool, i)->next) {
        SessionPart *part = session_pool_part(pool, i);

        if (part->point == like->point && part->forward == like->forward &&
            part->exporter_id == like->exporter_id)
            return part;
    }
    return NULL;
}

static void
add_part(SessionPart *part, const SessionPart *more)
{
    part->octets = add_saturating(part->octets, more->octets);
    part->packets = add_saturating(part->packets, more->packets);
    part->n_records += more->n_records;
    part->sampling = MAX(part->sampling, more->sampling);
    part->has_flags = part->has_flags || more->has_flags;
    if (more->start_us < part->start_us) {
        part->start_us = more->start_us;
        part->first_flags = more->first_flags;
    }
    if (more->end_us > part->end_us) {
        part->end_us = more->end_us;
        part->last_flags = more->last_flags;
        part->last_reason = more->last_reason;
        part->last_ms = more->last_ms;
    }
    for (uint32_t i = 0; i < more->hours.n; i++)
        session_hours_add(&part->hours, session_hours_at(&more->hours, i));
}

static void
move_part(SessionPool *pool, uint32_t into, SessionPart *more)
{
    SessionPart *part = session_pool_add_part(pool, into);
    const uint32_t next = part->next;

    *part = *more; /* the hours go along */
    part->next = next;
    more->hours = (SessionHours){ 0 };
}

void
session_build_merge(SessionPool *pool, uint32_t into, uint32_t from)
{
    Session *session = session_pool_at(pool, into);
    Session *other = session_pool_at(pool, from);

    session->start_us = MIN(session->start_us, other->start_us);
    session->end_us = MAX(session->end_us, other->end_us);
    session->received_us = MAX(session->received_us, other->received_us);
    session->longest_ms = MAX(session->longest_ms, other->longest_ms);
    session->watched |= other->watched;
    if (session->biflow == SESSION_END_UNKNOWN)
        session->biflow = other->biflow;

    while (other->parts != SESSION_NONE) {
        SessionPart *more = session_pool_part(pool, other->parts);
        SessionPart *part = same_part(pool, session, more);

        if (part)
            add_part(part, more);
        else
            move_part(pool, into, more);
        session_pool_remove_part(pool, from, other->parts);
    }
}
