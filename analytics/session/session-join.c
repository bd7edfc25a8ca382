/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session-join.h"

#include <glib.h>

#include "clock.h"

/* What the exporter of a record has told of a session. */
typedef struct {
    bool any;
    int64_t start_us;
    int64_t end_us;
    const SessionPart *newest; /* of the same direction; may be NULL */
    const SessionPart *oldest;
    uint16_t last_flags; /* of both directions */
    uint16_t first_flags;
    bool has_flags;
} View;

bool
session_join_is_cut(const ExporterClock *clock, uint8_t end_reason, int64_t duration_ms)
{
    const int64_t timeout_ms = clock ? clock->active_timeout_sec * INT64_C(1000) : 0;

    return end_reason == FLOW_ROW_ENDED_BY_ACTIVE_TIMEOUT ||
           (timeout_ms > 0 && ABS(duration_ms - timeout_ms) <= timeout_ms / 20);
}

static void
see_part(View *view, const SessionPart *part, bool same_direction)
{
    view->start_us = view->any ? MIN(view->start_us, part->start_us) : part->start_us;
    view->end_us = view->any ? MAX(view->end_us, part->end_us) : part->end_us;
    view->any = true;
    view->last_flags |= part->last_flags;
    view->first_flags |= part->first_flags;
    view->has_flags = view->has_flags || part->has_flags;
    if (!same_direction)
        return;
    if (!view->newest || part->end_us > view->newest->end_us)
        view->newest = part;
    if (!view->oldest || part->start_us < view->oldest->start_us)
        view->oldest = part;
}

static View
view_of(const SessionPool *pool, const Session *session, int32_t exporter_id,
        bool forward)
{
    View view = { 0 };

    for (uint32_t i = session->parts; i != SESSION_NONE;
         i = session_pool_part(pool, i)->next) {
        const SessionPart *part = session_pool_part(pool, i);

        if (part->exporter_id == exporter_id)
            see_part(&view, part, part->forward == forward);
    }
    return view;
}

/* One record, and what comes @gap_us after it. */
typedef struct {
    int64_t gap_us;
    int64_t age_us; /* from the start of the one to the start of the other */
    bool is_cut;    /* by the active timeout, as far as is known */
    bool is_idle;   /* the exporter says that it was idle */
    bool has_flags;
    uint16_t flags_before;
    uint16_t flags_after;
} Seam;

/* How long the pause between two records may be for them to be one session. */
static int64_t
longest_gap_us(const ExporterClock *clock, const Seam *seam)
{
    const int64_t timeout_us =
        clock ? clock->active_timeout_sec * US_PER_SEC : INT64_C(0);

    if (seam->is_idle)
        return SESSION_JOIN_GAP_US;
    if (seam->is_cut ||
        (timeout_us > 0 && seam->age_us >= timeout_us - timeout_us / 20))
        return MAX(SESSION_JOIN_USUAL_IDLE_US, US_PER_SEC + timeout_us / 50);
    if (seam->age_us >= EXPORTER_CLOCK_MIN_SEC * US_PER_SEC)
        return SESSION_JOIN_IDLE_US;
    return SESSION_JOIN_GAP_US;
}

static bool
goes_on(const ExporterClock *clock, const Seam *seam)
{
    const bool was_ended = seam->flags_before & (FLOW_ROW_FIN | FLOW_ROW_RST);

    if (seam->has_flags && was_ended && (seam->flags_after & FLOW_ROW_SYN))
        return false;
    /* After the end of a connection comes what was under way, no further piece. */
    if (seam->has_flags && was_ended)
        return seam->gap_us <= SESSION_JOIN_GAP_US;
    return seam->gap_us <= longest_gap_us(clock, seam);
}

static bool
follows(const View *view, const FlowRow *row, const ExporterClock *clock,
        int64_t gap_us)
{
    const SessionPart *before = view->newest;

    /* The first of its direction: the answer to what the other end sent. */
    if (!before)
        return gap_us <= SESSION_JOIN_PAIR_US;

    const Seam seam = {
        .gap_us = gap_us,
        .age_us = gap_us + before->last_ms * US_PER_MS,
        .is_cut = session_join_is_cut(clock, before->last_reason, before->last_ms),
        .is_idle = before->last_reason == FLOW_ROW_ENDED_IDLE,
        .has_flags = view->has_flags && row->has_flags,
        .flags_before = view->last_flags,
        .flags_after = row->tcp_flags,
    };
    return goes_on(clock, &seam);
}

/* The same for a record that comes late. */
static bool
precedes(const View *view, const FlowRow *row, const ExporterClock *clock,
         int64_t gap_us)
{
    const int64_t duration_ms = (row->end_us - row->start_us) / US_PER_MS;
    Seam seam = {
        .has_flags = view->has_flags && row->has_flags,
        .flags_before = row->tcp_flags,
        .flags_after = view->first_flags,
    };

    if (!view->oldest)
        return gap_us <= SESSION_JOIN_PAIR_US && goes_on(clock, &seam);

    seam.gap_us = gap_us;
    seam.age_us = gap_us + duration_ms * US_PER_MS;
    seam.is_cut = session_join_is_cut(clock, row->end_reason, duration_ms);
    seam.is_idle = row->end_reason == FLOW_ROW_ENDED_IDLE;
    seam.flags_after = view->oldest->first_flags;
    return goes_on(clock, &seam);
}

/* Between [@start, @end] and the record; 0 where they overlap. */
static int64_t
distance(int64_t start_us, int64_t end_us, const FlowRow *row)
{
    if (row->start_us > end_us)
        return row->start_us - end_us;
    return row->end_us < start_us ? start_us - row->end_us : 0;
}

SessionJoin
session_join_judge(const SessionPool *pool, const Session *session, const FlowRow *row,
                   bool forward, const ExporterClock *clock)
{
    const int64_t span_us =
        MAX(session->end_us, row->end_us) - MIN(session->start_us, row->start_us);
    const View view = view_of(pool, session, row->exporter_id, forward);

    if (span_us > SESSION_JOIN_MAX_SPAN_US)
        return (SessionJoin){ 0 };
    if (!view.any) {
        const int64_t away_us = distance(session->start_us, session->end_us, row);

        return (SessionJoin){ away_us <= SESSION_JOIN_PAIR_US, false, away_us };
    }

    const int64_t away_us = distance(view.start_us, view.end_us, row);
    bool joins = true;
    if (row->start_us > view.end_us)
        joins = follows(&view, row, clock, away_us);
    else if (row->end_us < view.start_us)
        joins = precedes(&view, row, clock, away_us);
    return (SessionJoin){ joins, joins && away_us <= SESSION_JOIN_GAP_US, away_us };
}
