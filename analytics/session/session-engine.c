/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session-engine.h"

#include "clock.h"
#include "session/flow-place.h"
#include "session/session-build.h"
#include "session/session-join.h"
#include "session/session-ledger.h"
#include "session/session-role.h"

/* Looking for what is over costs a walk over all sessions: not after every slice. */
#define SWEEP_SLICES 10
#define SWEEP_ROWS   50000

/* Records that are longer are pieces of something that may go on for as long again. */
#define PIECE_MS     30000
#define MAX_PIECE_US SESSION_HOUR_US

/* A session that is open for so long is told as it goes on. */
#define LONG_US (300 * US_PER_SEC)

/* Sessions of one key at a time; more come of ports used again and again within
 * minutes, and every row looks at all of them. */
#define MAX_OF_KEY 64

/* Of all sessions, when there are too many. */
#define EARLY_SHARE 8

/* Rows, and sessions that are closed, that are looked ahead. */
#define AHEAD 16

struct SessionEngine {
    SessionEngineOptions options;
    SessionPool *pool;
    ExporterClocks *clocks;
    ServiceMemory *services;
    ContactSum *sum;
    SessionLedger *ledger;
    GArray *order;       /* of FlowPlace: rows of one take */
    GArray *over;        /* of uint32_t: sessions to close; scratch */
    GArray *changed;     /* of uint32_t: may name a session twice, or a free one */
    GArray *gone;        /* of uint64_t */
    int64_t received_us; /* newest row, or end of slice */
    uint64_t n_early;
};

SessionEngine *
session_engine_new(const SessionEngineOptions *options)
{
    SessionEngine *self = g_new0(SessionEngine, 1);

    self->options = *options;
    self->pool = session_pool_new();
    self->clocks = exporter_clock_list_new();
    self->services = service_memory_new();
    self->sum = contact_sum_new();
    self->ledger = session_ledger_new(self->pool, self->services, self->sum);
    self->order = g_array_new(FALSE, FALSE, sizeof(FlowPlace));
    self->over = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    self->changed = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    self->gone = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    self->received_us = INT64_MIN;
    return self;
}

void
session_engine_free(SessionEngine *self)
{
    if (!self)
        return;
    session_ledger_free(self->ledger);
    session_pool_free(self->pool);
    exporter_clock_list_free(self->clocks);
    service_memory_free(self->services);
    contact_sum_free(self->sum);
    g_array_unref(self->order);
    g_array_unref(self->over);
    g_array_unref(self->changed);
    g_array_unref(self->gone);
    g_free(self);
}

static void
mark_changed(SessionEngine *self, uint32_t index)
{
    Session *session = session_pool_at(self->pool, index);

    if (session->is_dirty)
        return;
    session->is_dirty = 1;
    g_array_append_val(self->changed, index);
}

static void
forget(SessionEngine *self, uint32_t index)
{
    const Session *session = session_pool_at(self->pool, index);

    if (session->is_stored)
        g_array_append_val(self->gone, session->id);
    session_pool_remove(self->pool, index);
}

/* --- what is over --- */

static int64_t
wait_us(const SessionEngine *self, const Session *session)
{
    const int64_t piece_us =
        session->longest_ms > PIECE_MS ? session->longest_ms * US_PER_MS : 0;

    return SESSION_JOIN_GAP_US + self->options.late_us + MIN(piece_us, MAX_PIECE_US);
}

/* Whether so much has passed since its end, or since anything came of it. */
static bool
has_passed(const SessionEngine *self, const Session *session, int64_t wait)
{
    int64_t event_us = INT64_MAX;

    if (self->received_us - session->received_us >= wait)
        return true;
    /* No exporter's time is later than what was received. */
    if (self->received_us - session->end_us < wait)
        return false;

    for (uint32_t i = session->parts; i != SESSION_NONE;
         i = session_pool_part(self->pool, i)->next) {
        const ExporterClock *clock =
            exporter_clock_list_find(self->clocks,
                                     session_pool_part(self->pool, i)->exporter_id);

        event_us = MIN(event_us, clock ? clock->event_us : INT64_MIN);
    }
    return event_us != INT64_MIN && event_us - session->end_us >= wait;
}

/* Groups together, by time within a group; the same after a restart. */
static int
compare_over(gconstpointer a, gconstpointer b, gpointer user_data)
{
    const SessionPool *pool = user_data;
    const Session *x = session_pool_at(pool, *(const uint32_t *) a);
    const Session *y = session_pool_at(pool, *(const uint32_t *) b);
    int order = memcmp(&x->key.low, &y->key.low, 2 * sizeof(IpAddress));

    order = order ? order : x->key.protocol - y->key.protocol;
    order = order ? order : x->role.service_port - y->role.service_port;
    order = order ? order : x->role.caller - y->role.caller;
    if (order)
        return order;
    if (x->start_us != y->start_us)
        return x->start_us < y->start_us ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return memcmp(&x->key, &y->key, sizeof(x->key));
}

static const Session *
over_at(const SessionEngine *self, guint i)
{
    return session_pool_at(self->pool, g_array_index(self->over, uint32_t, i));
}

/* Parts of sessions further on, the first ones and then the second ones. */
static void
expect_over(const SessionEngine *self, guint i)
{
    if (i + AHEAD < self->over->len)
        session_pool_expect_part(self->pool, over_at(self, i + AHEAD)->parts);
    if (i + AHEAD / 2 >= self->over->len)
        return;

    const uint32_t first = over_at(self, i + AHEAD / 2)->parts;
    if (first != SESSION_NONE)
        session_pool_expect_part(self->pool,
                                 session_pool_part(self->pool, first)->next);
}

/* All of self->over. */
static void
close_over(SessionEngine *self, SessionEngineFilter filter, void *user_data)
{
    if (self->over->len == 0)
        return;

    for (guint i = 0; i < self->over->len; i++) {
        Session *session =
            session_pool_at(self->pool, g_array_index(self->over, uint32_t, i));

        expect_over(self, i);
        session->role = session_role_of(self->pool, session, self->services);
    }
    g_array_sort_with_data(self->over, compare_over, self->pool);

    contact_sum_begin_round(self->sum);
    for (guint i = 0; i < self->over->len; i++) {
        const uint32_t index = g_array_index(self->over, uint32_t, i);
        Session *session = session_pool_at(self->pool, index);

        expect_over(self, i);
        session_ledger_close(self->ledger, session,
                             !filter || filter(session, user_data));
        session_role_teach(self->pool, session, self->services);
        mark_changed(self, index);
    }
    g_array_set_size(self->over, 0);
}

static void
sweep(SessionEngine *self)
{
    const uint32_t limit = session_pool_limit(self->pool);

    for (uint32_t i = 0; i < limit; i++) {
        const Session *session = session_pool_at(self->pool, i);
        const int64_t wait = wait_us(self, session);

        if (session->state == SESSION_OPEN && has_passed(self, session, wait))
            g_array_append_val(self->over, i);
        else if (session->state == SESSION_CLOSED &&
                 has_passed(self, session, 2 * wait))
            forget(self, i);
    }
    close_over(self, NULL, NULL);
}

/* --- too many --- */

/* What is closed goes first, then what ended first. */
static int
compare_age(gconstpointer a, gconstpointer b, gpointer user_data)
{
    const SessionPool *pool = user_data;
    const Session *x = session_pool_at(pool, *(const uint32_t *) a);
    const Session *y = session_pool_at(pool, *(const uint32_t *) b);

    if (x->state != y->state)
        return x->state == SESSION_CLOSED ? -1 : 1;
    if (x->end_us != y->end_us)
        return x->end_us < y->end_us ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return memcmp(&x->key, &y->key, sizeof(x->key));
}

static void
make_room(SessionEngine *self)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    const size_t n_gone = self->options.max_open / EARLY_SHARE + 1;

    sweep(self);
    if (session_pool_len(self->pool) + n_gone <= self->options.max_open)
        return;

    for (uint32_t i = 0; i < session_pool_limit(self->pool); i++) {
        if (session_pool_at(self->pool, i)->state != SESSION_FREE)
            g_array_append_val(all, i);
    }
    g_array_sort_with_data(all, compare_age, self->pool);
    g_array_set_size(all, (guint) MIN(n_gone, all->len));

    for (guint i = 0; i < all->len; i++) {
        const uint32_t index = g_array_index(all, uint32_t, i);

        if (session_pool_at(self->pool, index)->state == SESSION_OPEN)
            g_array_append_val(self->over, index);
    }
    self->n_early += self->over->len;
    close_over(self, NULL, NULL);
    for (guint i = 0; i < all->len; i++)
        forget(self, g_array_index(all, uint32_t, i));
}

/* --- rows --- */

/* The session that @row belongs to: the nearest, then the earliest; SESSION_NONE. */
static uint32_t
find_session(const SessionEngine *self, const FlowRow *row, bool forward,
             const ExporterClock *clock, uint32_t head)
{
    int64_t nearest_us = INT64_MAX;
    uint32_t best = SESSION_NONE;

    for (uint32_t i = head; i != SESSION_NONE;
         i = session_pool_at(self->pool, i)->next) {
        const Session *session = session_pool_at(self->pool, i);
        const SessionJoin join =
            session_join_judge(self->pool, session, row, forward, clock);

        if (!join.joins || join.distance_us > nearest_us)
            continue;
        if (best != SESSION_NONE && join.distance_us == nearest_us) {
            const Session *other = session_pool_at(self->pool, best);

            if (other->start_us < session->start_us ||
                (other->start_us == session->start_us && other->id < session->id))
                continue;
        }
        nearest_us = join.distance_us;
        best = i;
    }
    return best;
}

/* A record that closes the gap between sessions makes them one.  Closed ones stay. */
static void
merge_around(SessionEngine *self, uint32_t into, const FlowRow *row, bool forward,
             const ExporterClock *clock, uint32_t head)
{
    uint32_t next;

    for (uint32_t i = head; i != SESSION_NONE; i = next) {
        Session *session = session_pool_at(self->pool, i);

        next = session->next;
        if (i == into || session->state != SESSION_OPEN)
            continue;
        if (!session_join_judge(self->pool, session, row, forward, clock).on_own_clock)
            continue;
        session_ledger_take_back(self->ledger, session);
        session_build_merge(self->pool, into, i);
        forget(self, i);
    }
}

/* Ports used again and again: the session that ended first goes. */
static void
bound_key(SessionEngine *self, uint32_t head)
{
    uint32_t oldest = head, n = 0;

    for (uint32_t i = head; i != SESSION_NONE;
         i = session_pool_at(self->pool, i)->next, n++) {
        if (compare_age(&i, &oldest, self->pool) < 0)
            oldest = i;
    }
    if (n < MAX_OF_KEY)
        return;

    if (session_pool_at(self->pool, oldest)->state == SESSION_OPEN) {
        g_array_append_val(self->over, oldest);
        close_over(self, NULL, NULL);
    }
    forget(self, oldest);
}

static uint32_t
begin_session(SessionEngine *self, const SessionKey *key, uint32_t hash,
              const FlowRow *row, uint32_t head)
{
    if (session_pool_len(self->pool) >= self->options.max_open)
        make_room(self);
    else if (head != SESSION_NONE)
        bound_key(self, head);

    const uint32_t index = session_pool_add(self->pool, key, hash);
    session_build_begin(self->pool, index, row);
    return index;
}

/* A row whose session will be asked for soon. */
typedef struct {
    const FlowRow *row;
    SessionKey key;
    uint32_t hash;
    bool forward;
} Next;

static void
take_row(SessionEngine *self, const Next *next)
{
    const FlowRow *row = next->row;
    const bool forward = next->forward;
    const uint32_t head = session_pool_find(self->pool, &next->key, next->hash);
    ExporterClock *clock = exporter_clock_list_get(self->clocks, row->exporter_id);
    uint32_t index = find_session(self, row, forward, clock, head);
    const bool is_known = index != SESSION_NONE;

    if (!is_known)
        index = begin_session(self, &next->key, next->hash, row, head);

    Session *session = session_pool_at(self->pool, index);
    const bool is_open = session->state == SESSION_OPEN;
    if (is_known && is_open && session->next != SESSION_NONE)
        merge_around(self, index, row, forward, clock, head);
    else if (is_known && is_open && head != index)
        merge_around(self, index, row, forward, clock, head);

    if (!is_open)
        session_ledger_reopen(self->ledger, session);
    session_build_add(self->pool, index, row, forward, clock);
    if (!is_open)
        session_ledger_reclose(self->ledger, session);
    mark_changed(self, index);

    const int64_t event_us = MIN(row->end_us, row->received_us);
    if (event_us > clock->event_us) {
        clock->event_us = event_us;
        clock->is_dirty = true;
    }
}

/* --- slices --- */

/* The rows of a slice, from @first on.  Memory is slow and each row is of another
 * session: what is needed is asked for some rows ahead.  Returns how many. */
static guint
take_slice(SessionEngine *self, guint first, int64_t slice)
{
    Next ahead[AHEAD];
    guint n = 0, n_ahead = 0;

    for (;;) {
        const FlowPlace *place =
            &g_array_index(self->order, FlowPlace, first + n_ahead);

        while (n_ahead < n + AHEAD && first + n_ahead < self->order->len &&
               place->slice == slice) {
            Next *next = &ahead[n_ahead++ % AHEAD];

            next->row = place++->row;
            next->forward = session_key_of(next->row, &next->key);
            next->hash = session_pool_hash(&next->key);
            session_pool_expect_slot(self->pool, next->hash);
        }
        if (n == n_ahead)
            return n;
        session_pool_expect_session(self->pool, ahead[(n + AHEAD / 2) % AHEAD].hash);
        take_row(self, &ahead[n++ % AHEAD]);
    }
}

static int64_t
next_sweep(int64_t slice)
{
    return (slice / SWEEP_SLICES + 1) * SWEEP_SLICES;
}

/* Lets time pass up to the end of slice @to - 1, of which [@from, @to) had no rows. */
static void
pass(SessionEngine *self, int64_t from, int64_t to)
{
    for (int64_t slice = next_sweep(from - 1); slice < to; slice += SWEEP_SLICES) {
        if (session_pool_len(self->pool) == 0)
            break;
        self->received_us = (slice + 1) * SESSION_ENGINE_SLICE_US;
        sweep(self);
    }
    self->received_us = to * SESSION_ENGINE_SLICE_US;
}

void
session_engine_take(SessionEngine *self, const FlowRow *rows, size_t n_rows,
                    int64_t from_us, int64_t to_us)
{
    int64_t slice = from_us / SESSION_ENGINE_SLICE_US;

    g_assert(from_us % SESSION_ENGINE_SLICE_US == 0 &&
             to_us % SESSION_ENGINE_SLICE_US == 0);
    flow_place_sort(self->order, rows, n_rows, SESSION_ENGINE_SLICE_US);

    for (guint i = 0; i < self->order->len;) {
        const int64_t current = g_array_index(self->order, FlowPlace, i).slice;

        pass(self, slice, current);
        const guint n = take_slice(self, i, current);
        self->received_us = (current + 1) * SESSION_ENGINE_SLICE_US;
        if (current % SWEEP_SLICES == 0 || n >= SWEEP_ROWS)
            sweep(self);
        slice = current + 1;
        i += n;
    }
    pass(self, slice, to_us / SESSION_ENGINE_SLICE_US);
}

/* --- the rest --- */

void
session_engine_tell_open(SessionEngine *self)
{
    for (guint i = 0; i < self->changed->len; i++) {
        Session *session =
            session_pool_at(self->pool, g_array_index(self->changed, uint32_t, i));

        if (session->state == SESSION_OPEN &&
            (session->account || session->end_us - session->start_us >= LONG_US))
            session_ledger_tell(self->ledger, session);
    }
}

void
session_engine_close_all(SessionEngine *self, SessionEngineFilter filter,
                         void *user_data)
{
    for (uint32_t i = 0; i < session_pool_limit(self->pool); i++) {
        if (session_pool_at(self->pool, i)->state == SESSION_OPEN)
            g_array_append_val(self->over, i);
    }
    close_over(self, filter, user_data);
}

bool
session_engine_has_open(const SessionEngine *self, const SessionKey *key,
                        int64_t start_us, int64_t end_us)
{
    for (uint32_t i = session_pool_find(self->pool, key, session_pool_hash(key));
         i != SESSION_NONE; i = session_pool_at(self->pool, i)->next) {
        const Session *session = session_pool_at(self->pool, i);

        if (session->state == SESSION_OPEN && session->start_us <= end_us &&
            session->end_us >= start_us)
            return true;
    }
    return false;
}

ContactSum *
session_engine_sum(SessionEngine *self)
{
    return self->sum;
}

SessionPool *
session_engine_pool(SessionEngine *self)
{
    return self->pool;
}

ExporterClocks *
session_engine_clocks(SessionEngine *self)
{
    return self->clocks;
}

ServiceMemory *
session_engine_services(SessionEngine *self)
{
    return self->services;
}

uint64_t
session_engine_n_early(const SessionEngine *self)
{
    return self->n_early;
}

void
session_engine_set_early(SessionEngine *self, uint64_t n)
{
    self->n_early = n;
}

size_t
session_engine_n_open(const SessionEngine *self)
{
    size_t n = 0;

    for (uint32_t i = 0; i < session_pool_limit(self->pool); i++)
        n += session_pool_at(self->pool, i)->state == SESSION_OPEN;
    return n;
}

size_t
session_engine_bytes(const SessionEngine *self)
{
    return session_pool_bytes(self->pool) + self->order->len * sizeof(FlowPlace) +
           contact_sum_len(self->sum) * sizeof(ContactSumRow);
}

void
session_engine_take_changes(SessionEngine *self, GArray *changed, GArray *gone)
{
    for (guint i = 0; i < self->changed->len; i++) {
        const uint32_t index = g_array_index(self->changed, uint32_t, i);
        Session *session = session_pool_at(self->pool, index);

        if (session->state == SESSION_FREE || !session->is_dirty)
            continue;
        session->is_dirty = 0;
        g_array_append_val(changed, index);
        if (session->is_stored) /* its row is replaced */
            g_array_append_val(self->gone, session->id);
        session->is_stored = 1;
    }
    g_array_append_vals(gone, self->gone->data, self->gone->len);
    g_array_set_size(self->changed, 0);
    g_array_set_size(self->gone, 0);
}
