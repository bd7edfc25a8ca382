/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-router.h"

#include <string.h>

#include "clock.h"
#include "flowgen-heap.h"

#define HOLD_US US_PER_SEC

enum { FIRST_TEMPLATE_ID = 256, OPTIONS_TEMPLATE_ID = 300 };

enum { FIRST_AS = 64496, N_AS = 16 };

struct FlowgenRouter {
    FlowgenRouterOptions options;
    FlowgenDomain domain;
    FlowgenLayout layouts[2]; /* [is v6]; v5 has none */
    FlowgenRandom random;
    FlowgenRouterTotals totals;
    FlowgenHeap *open;      /* of FlowgenCacheEntry, by when it is exported */
    FlowgenMessage message; /* n_flows 0: none is begun */
    uint8_t direction;      /* of the record that is due: the next to be written */
    int64_t hold_until_us;
    int64_t announced_us;
    bool announced;
    FlowgenPacket packet; /* its sums so far */
    uint8_t *bytes;
};

FlowgenRouter *
flowgen_router_new(const FlowgenRouterOptions *options)
{
    FlowgenRouter *self = g_new0(FlowgenRouter, 1);
    const bool sampled = options->cache.sampling > 1;

    self->options = *options;
    self->options.cache.max_octets = options->version == 5 ? UINT32_MAX : UINT64_MAX;
    self->domain = (FlowgenDomain){
        .version = options->version,
        .number = options->domain,
        .sampling = sampled ? options->cache.sampling : 0,
        .boot_ms = options->boot_us / US_PER_MS + options->skew_ms,
    };
    const unsigned has = (options->biflow ? FLOWGEN_LAYOUT_BACK : 0) |
                         (sampled ? FLOWGEN_LAYOUT_SAMPLED : 0) |
                         (options->egress_too ? FLOWGEN_LAYOUT_DIRECTION : 0) |
                         (options->with_as ? FLOWGEN_LAYOUT_AS : 0);
    for (int v6 = 0; options->version != 5 && v6 < 2; v6++)
        self->layouts[v6] =
            flowgen_layout_router(options->version, v6, has, FIRST_TEMPLATE_ID + v6);
    self->random = flowgen_random_new(options->seed);
    self->open = flowgen_heap_new();
    self->bytes = g_malloc(options->packet_bytes + FLOWGEN_LAYOUT_SLACK_BYTES);
    return self;
}

void
flowgen_router_free(FlowgenRouter *self)
{
    if (!self)
        return;

    flowgen_heap_free_all(self->open);
    g_free(self->bytes);
    g_free(self);
}

const FlowgenRouterTotals *
flowgen_router_totals(const FlowgenRouter *self)
{
    return &self->totals;
}

/* Private and documentation networks of inside hosts. */
static bool
is_inside(const IpAddress *address)
{
    const uint8_t *b = address->bytes;

    if (!ip_address_is_v4(address))
        return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) ||
               memcmp(b, "\x20\x01\x0d\xb8\x00\x20", 6) == 0 ||
               memcmp(b, "\x20\x01\x0d\xb8\x00\x30", 6) == 0;
    return b[12] == 10 || (b[12] == 172 && (b[13] & 0xf0) == 16) ||
           (b[12] == 192 && b[13] == 168);
}

/* Each host behind an interface of its own, even when both are inside or outside. */
static void
set_interfaces(const FlowgenRouter *self, const FlowgenSession *session,
               FlowgenCacheEntry *entry)
{
    const bool inward =
        !is_inside(&session->initiator) && is_inside(&session->responder);
    const bool from_inside = inward == (entry->way == FLOWGEN_IN);

    entry->flow.input_if =
        from_inside ? self->options.inside_if : self->options.outside_if;
    entry->flow.output_if =
        from_inside ? self->options.outside_if : self->options.inside_if;
}

/* An AS for each 4096 addresses outside, of those for documentation (RFC 5398); our own
 * has none, as a router says it of what it originates. */
static uint32_t
as_of(const IpAddress *address)
{
    const uint8_t *b = address->bytes;

    if (is_inside(address))
        return 0;
    const uint32_t network = ip_address_is_v4(address)
                                 ? (uint32_t) b[12] << 12 | b[13] << 4 | b[14] >> 4
                                 : (uint32_t) b[2] << 16 | b[3] << 8 | b[5];
    return FIRST_AS + network * 2654435761u % N_AS;
}

static void
set_systems(const FlowgenRouter *self, const FlowgenSession *session,
            FlowgenCacheEntry *entry)
{
    if (!self->options.with_as)
        return;

    const uint32_t initiator_as = as_of(&session->initiator);
    const uint32_t responder_as = as_of(&session->responder);
    const bool out = entry->way == FLOWGEN_OUT;
    entry->flow.src_as = out ? initiator_as : responder_as;
    entry->flow.dst_as = out ? responder_as : initiator_as;
}

static bool
open_entry(FlowgenRouter *self, const FlowgenSession *session, FlowgenWay way)
{
    g_autofree FlowgenCacheEntry *entry = g_new(FlowgenCacheEntry, 1);
    const FlowgenCacheOptions *options = &self->options.cache;
    const bool seen =
        self->options.biflow
            ? flowgen_cache_open_biflow(entry, options, session, &self->random)
            : flowgen_cache_open(entry, options, session, way, &self->random);

    if (!seen)
        return false;
    set_interfaces(self, session, entry);
    set_systems(self, session, entry);
    flowgen_heap_push(self->open, entry->export_us, entry);
    entry = NULL;
    return true;
}

bool
flowgen_router_see(FlowgenRouter *self, const FlowgenSession *session)
{
    if (self->options.version == 5 && !ip_address_is_v4(&session->initiator)) {
        self->totals.no_room++;
        return true;
    }
    if (flowgen_heap_length(self->open) + 2 > FLOWGEN_ROUTER_MAX_FLOWS)
        return false;

    bool seen = open_entry(self, session, FLOWGEN_OUT);
    if (!self->options.biflow)
        seen |= open_entry(self, session, FLOWGEN_IN);
    self->totals.unseen += !seen;
    return true;
}

int64_t
flowgen_router_due_us(const FlowgenRouter *self)
{
    const int64_t record_us = flowgen_heap_due_us(self->open);

    return self->message.n_flows > 0 ? MIN(record_us, self->hold_until_us) : record_us;
}

static void
begin(FlowgenRouter *self, int64_t now_us)
{
    flowgen_message_begin(&self->message, self->options.version, self->bytes,
                          self->options.packet_bytes);
    self->packet = (FlowgenPacket){ 0 };
    self->hold_until_us = now_us + HOLD_US;
}

static bool
send_message(FlowgenRouter *self, int64_t now_us, FlowgenPacket *packet)
{
    uint8_t *bytes = packet->bytes;

    *packet = self->packet;
    packet->bytes = bytes;
    packet->n_flows = self->message.n_flows;
    packet->n_bytes = flowgen_message_end(&self->message, &self->domain,
                                          now_us / US_PER_MS + self->options.skew_ms);
    memcpy(bytes, self->bytes, packet->n_bytes);
    self->message.n_flows = 0;
    return true;
}

static bool
announcement_due(const FlowgenRouter *self, int64_t now_us)
{
    if (self->options.version == 5)
        return false;
    return !self->announced ||
           (self->options.template_period_us > 0 &&
            now_us - self->announced_us >= self->options.template_period_us);
}

static bool
announce(FlowgenRouter *self, int64_t now_us, FlowgenPacket *packet)
{
    begin(self, now_us);
    for (int v6 = 0; v6 < 2; v6++)
        flowgen_message_add_template(&self->message, &self->layouts[v6]);
    if (self->options.cache.sampling > 1)
        flowgen_message_add_sampling(&self->message, OPTIONS_TEMPLATE_ID,
                                     self->options.cache.sampling);
    self->announced = true;
    self->announced_us = now_us;
    return send_message(self, now_us, packet);
}

static void
count(FlowgenRouter *self, const FlowgenCacheEntry *entry)
{
    const FlowgenFlow *flow = &entry->flow;
    FlowgenRouterSums *there = &self->totals.ways[entry->way];
    FlowgenRouterSums *back = &self->totals.ways[!entry->way];

    there->records++;
    there->octets += flow->octets;
    there->packets += flow->packets;
    back->octets += flow->reverse_octets;
    back->packets += flow->reverse_packets;
    self->packet.octets += flow->octets + flow->reverse_octets;
    self->packet.packets += flow->packets + flow->reverse_packets;
}

/* Puts the record that is due into the message; false when that is full, and the rest
 * comes into the next one. */
static bool
export_first(FlowgenRouter *self)
{
    FlowgenCacheEntry *entry = flowgen_heap_first(self->open);
    FlowgenFlow flow = entry->flow;

    flow.start_ms += self->options.skew_ms;
    flow.end_ms += self->options.skew_ms;
    for (; self->direction <= self->options.egress_too; self->direction++) {
        flow.direction = self->direction;
        if (!flowgen_message_add_flow(&self->message, &self->layouts[flow.v6], &flow,
                                      self->domain.boot_ms))
            return false;
        count(self, entry);
    }
    self->direction = 0;
    if (flowgen_cache_next(entry))
        flowgen_heap_defer(self->open, entry->export_us);
    else
        g_free(flowgen_heap_pop(self->open));
    return true;
}

bool
flowgen_router_act(FlowgenRouter *self, FlowgenPacket *packet)
{
    const int64_t now_us = flowgen_router_due_us(self);

    g_assert(now_us != INT64_MAX);
    if (self->message.n_flows > 0 && self->hold_until_us <= now_us)
        return send_message(self, now_us, packet);
    if (self->message.n_flows == 0) {
        if (announcement_due(self, now_us))
            return announce(self, now_us, packet);
        begin(self, now_us);
    }
    return !export_first(self) && send_message(self, now_us, packet);
}
