/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/nsel.h"

/* Values of element 233, firewallEvent. */
enum { EVENT_CREATED = 1, EVENT_DELETED = 2, EVENT_UPDATE = 5 };

typedef struct {
    const Exporter *exporter; /* NULL = free */
    uint64_t flow_id;
    uint64_t totals[4]; /* octets, packets, and those of the way back */
    uint32_t next;      /* in the chain of its bucket; 0 = last, else index + 1 */
    uint32_t newer;     /* likewise, by use */
    uint32_t older;
} Connection;

struct Nsel {
    Connection *connections;
    uint32_t *buckets; /* as @next; twice as many as connections */
    uint32_t newest;
    uint32_t oldest;
    uint32_t n_used;
    uint32_t max;
    uint64_t seed;
};

Nsel *
nsel_new(size_t max_connections)
{
    Nsel *self = g_new0(Nsel, 1);

    self->max = max_connections;
    self->connections = g_new0(Connection, self->max);
    self->buckets = g_new0(uint32_t, 2 * (size_t) self->max);
    self->seed = (uint64_t) g_random_int() << 32 | g_random_int();
    return self;
}

void
nsel_free(Nsel *self)
{
    if (!self)
        return;

    g_free(self->connections);
    g_free(self->buckets);
    g_free(self);
}

size_t
nsel_bytes(const Nsel *self)
{
    return self ? self->max * (sizeof(Connection) + 2 * sizeof(uint32_t)) : 0;
}

static uint32_t *
bucket_of(Nsel *self, const Exporter *exporter, uint64_t flow_id)
{
    const unsigned __int128 product =
        (unsigned __int128) (flow_id ^ self->seed) *
        ((uintptr_t) exporter ^ UINT64_C(0x9e3779b97f4a7c15));
    const uint64_t mixed = (uint64_t) product ^ (uint64_t) (product >> 64);

    return &self->buckets[mixed % (2 * (uint64_t) self->max)];
}

static Connection *
at(Nsel *self, uint32_t number)
{
    return &self->connections[number - 1];
}

static void
unlink_by_use(Nsel *self, uint32_t number)
{
    const Connection *c = at(self, number);

    *(c->newer ? &at(self, c->newer)->older : &self->newest) = c->older;
    *(c->older ? &at(self, c->older)->newer : &self->oldest) = c->newer;
}

static void
link_newest(Nsel *self, uint32_t number)
{
    Connection *c = at(self, number);

    c->newer = 0;
    c->older = self->newest;
    *(self->newest ? &at(self, self->newest)->newer : &self->oldest) = number;
    self->newest = number;
}

static uint32_t
find(Nsel *self, const Flow *flow)
{
    uint32_t number = *bucket_of(self, flow->exporter, flow->flow_id);

    while (number && (at(self, number)->flow_id != flow->flow_id ||
                      at(self, number)->exporter != flow->exporter))
        number = at(self, number)->next;
    return number;
}

static void
unlink_from_bucket(Nsel *self, uint32_t number)
{
    const Connection *c = at(self, number);
    uint32_t *link = bucket_of(self, c->exporter, c->flow_id);

    while (*link != number)
        link = &at(self, *link)->next;
    *link = c->next;
}

static uint32_t
add(Nsel *self, const Flow *flow)
{
    uint32_t number;

    if (self->n_used < self->max &&
        !(self->oldest && !at(self, self->oldest)->exporter)) {
        number = ++self->n_used;
    } else {
        number = self->oldest;
        unlink_by_use(self, number);
        if (at(self, number)->exporter)
            unlink_from_bucket(self, number);
    }

    uint32_t *bucket = bucket_of(self, flow->exporter, flow->flow_id);
    *at(self, number) = (Connection){ .exporter = flow->exporter,
                                      .flow_id = flow->flow_id,
                                      .next = *bucket };
    *bucket = number;
    link_newest(self, number);
    return number;
}

static void
increase_only(uint64_t *counter, uint64_t *total)
{
    const uint64_t now = *counter;

    *counter = now > *total ? now - *total : 0;
    *total = MAX(now, *total);
}

void
nsel_apply(Nsel *self, Flow *flow)
{
    if (!flow_has(flow, FLOW_EVENT) || flow->flow_id == 0 ||
        (flow->event != EVENT_CREATED && flow->event != EVENT_DELETED &&
         flow->event != EVENT_UPDATE))
        return;

    uint32_t number = find(self, flow);
    if (!number && flow->event == EVENT_DELETED)
        return; /* its first and last event: the totals are what it carried */
    if (!number)
        number = add(self, flow);

    Connection *c = at(self, number);
    if (flow->event == EVENT_CREATED) /* numbers are used again */
        c->totals[0] = c->totals[1] = c->totals[2] = c->totals[3] = 0;

    increase_only(&flow->octets, &c->totals[0]);
    increase_only(&flow->packets, &c->totals[1]);
    increase_only(&flow->reverse_octets, &c->totals[2]);
    increase_only(&flow->reverse_packets, &c->totals[3]);

    unlink_by_use(self, number);
    if (flow->event != EVENT_DELETED) {
        link_newest(self, number);
        return;
    }

    /* Forgotten; goes to the end of the line, to be used next. */
    unlink_from_bucket(self, number);
    c->exporter = NULL;
    c->older = 0;
    c->newer = self->oldest;
    *(self->oldest ? &at(self, self->oldest)->older : &self->newest) = number;
    self->oldest = number;
}
