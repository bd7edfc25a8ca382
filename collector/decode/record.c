/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/record.h"

#include "clock.h"

static bool
is_set(const IpAddress *addr)
{
    return !ip_address_is_unspecified(addr);
}

/* The half of one address that says something; IPv4 when both do or none. */
static void
settle(IpAddress *v4, const IpAddress *v6)
{
    if (!is_set(v4) && is_set(v6))
        *v4 = *v6;
}

/* Source and destination are of one family: a record with both (VMware, NSX) has one
 * of them all zero, and 0.0.0.0 to 255.255.255.255 is still IPv4. */
static void
settle_ends(Record *self, unsigned twins)
{
    Flow *flow = &self->flow;
    const bool has_v4 = (twins & TWIN_SRC && is_set(&flow->src)) ||
                        (twins & TWIN_DST && is_set(&flow->dst));
    const bool has_v6 = (twins & TWIN_SRC && is_set(&self->src_twin)) ||
                        (twins & TWIN_DST && is_set(&self->dst_twin));

    if (has_v4 && has_v6)
        flow->marks |= FLOW_MARK_DUAL_STACK;
    if (has_v4 || !has_v6)
        return;
    if (twins & TWIN_SRC)
        flow->src = self->src_twin;
    if (twins & TWIN_DST)
        flow->dst = self->dst_twin;
}

void
record_settle_twins(Record *self, unsigned twins)
{
    settle_ends(self, twins);
    if (twins & TWIN_NEXT_HOP)
        settle(&self->flow.next_hop, &self->next_hop_twin);
    if (twins & TWIN_NAT_SRC)
        settle(&self->flow.nat_src, &self->nat_src_twin);
    if (twins & TWIN_NAT_DST)
        settle(&self->flow.nat_dst, &self->nat_dst_twin);
    if (twins & TWIN_EXPORTER)
        settle(&self->exporter_address, &self->exporter_twin);
}

static int64_t
resolve(const Uptime *uptime, uint64_t stamp, uint64_t newest)
{
    if (newest > UINT32_MAX)
        return uptime_resolve_wide(uptime, stamp, newest);
    return uptime_resolve(uptime, stamp);
}

/* Stamps of 0 are those of a device that has no times to tell. */
static void
settle_stamps(Record *self, unsigned needs, const Uptime *uptime)
{
    Flow *flow = &self->flow;
    const uint64_t newest =
        self->end_stamp > self->start_stamp ? self->end_stamp : self->start_stamp;

    if (newest == 0)
        return;
    if (needs & NEEDS_START_STAMP && !flow_has(flow, FLOW_START)) {
        flow->start_us = resolve(uptime, self->start_stamp, newest);
        flow->present |= FLOW_START;
    }
    if (needs & NEEDS_END_STAMP && !flow_has(flow, FLOW_END)) {
        flow->end_us = resolve(uptime, self->end_stamp, newest);
        flow->present |= FLOW_END;
    }
}

static void
settle_duration(Record *self)
{
    Flow *flow = &self->flow;
    const int64_t duration_us = (int64_t) (self->duration_ms & UINT32_MAX) * US_PER_MS;

    if (flow_has(flow, FLOW_START) && !flow_has(flow, FLOW_END)) {
        if (!__builtin_add_overflow(flow->start_us, duration_us, &flow->end_us))
            flow->present |= FLOW_END;
    } else if (flow_has(flow, FLOW_END) && !flow_has(flow, FLOW_START)) {
        if (!__builtin_sub_overflow(flow->end_us, duration_us, &flow->start_us))
            flow->present |= FLOW_START;
    }
}

/* An event (NAT, NSEL) has the time it was observed instead of, or after, its
 * beginning. */
static void
settle_observed(Record *self)
{
    Flow *flow = &self->flow;

    if (self->observed_us == 0)
        return;
    if (!flow_has(flow, FLOW_END))
        flow->end_us = self->observed_us;
    if (!flow_has(flow, FLOW_START))
        flow->start_us = flow->end_us;
    flow->present |= FLOW_START | FLOW_END;
}

void
record_settle_times(Record *self, unsigned needs, const Uptime *uptime)
{
    if (needs & NEEDS_STAMPS)
        settle_stamps(self, needs, uptime);
    if (needs & NEEDS_DURATION)
        settle_duration(self);
    if (needs & NEEDS_OBSERVED)
        settle_observed(self);
}

uint32_t
record_rate(const Record *self, unsigned needs)
{
    SamplingReport report = self->report;

    report.has_packet_space = needs & NEEDS_SPACE;
    report.has_probability = needs & NEEDS_PROBABILITY;
    return sampling_rate(&report);
}
