/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/normalise.h"

/* What a receive time can be: 1970 to 9999, well inside PostgreSQL's range with
 * room for every tolerance on both sides. */
#define LAST_RECEIVED_US INT64_C(253402300799000000)

/* No tolerance reaches beyond this, whatever was configured: a hundred years. */
#define MAX_TOLERANCE_US (INT64_C(36525) * 86400 * 1000000)

#define TCP_FLAGS_MASK 0x0fff /* element 6: the upper four bits are not flags */

enum { ICMP = 1, TCP = 6, UDP = 17, DCCP = 33, ICMP6 = 58, SCTP = 132, UDP_LITE = 136 };

static int64_t
add_saturating(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

static void
fill_missing_times(Flow *flow)
{
    const bool has_start = flow_has(flow, FLOW_START);
    const bool has_end = flow_has(flow, FLOW_END);

    if (has_start && has_end)
        return;

    if (!has_end)
        flow->end_us =
            has_start ? MAX(flow->start_us, flow->received_us) : flow->received_us;
    if (!has_start)
        flow->start_us = flow->end_us;
    flow->marks |= FLOW_MARK_TIME_MISSING;
}

static void
clamp_times(const Normaliser *self, Flow *flow)
{
    const int64_t past_us = CLAMP(self->max_past_us, 0, MAX_TOLERANCE_US);
    const int64_t future_us = CLAMP(self->max_future_us, 0, MAX_TOLERANCE_US);
    const int64_t first_us = flow->received_us - past_us;
    const int64_t last_us = flow->received_us + future_us;
    const bool is_start_absurd = flow->start_us < first_us || flow->start_us > last_us;
    const bool is_end_absurd = flow->end_us < first_us || flow->end_us > last_us;

    if (!is_start_absurd && !is_end_absurd)
        return;

    /* The other one, where it can be believed, bounds the one that stands in. */
    if (is_end_absurd)
        flow->end_us = is_start_absurd ? flow->received_us
                                       : MAX(flow->received_us, flow->start_us);
    if (is_start_absurd)
        flow->start_us = MIN(flow->received_us, flow->end_us);
    flow->marks |= FLOW_MARK_TIME_CLAMPED;
}

static void
clean_times(const Normaliser *self, Flow *flow, int64_t shift_us)
{
    flow->received_us = CLAMP(flow->received_us, 0, LAST_RECEIVED_US);
    flow->start_us = add_saturating(flow->start_us, shift_us);
    flow->end_us = add_saturating(flow->end_us, shift_us);

    fill_missing_times(flow);

    if (flow->end_us < flow->start_us) {
        const int64_t start_us = flow->end_us;

        flow->end_us = flow->start_us;
        flow->start_us = start_us;
        flow->marks |= FLOW_MARK_TIME_SWAPPED;
    }
    clamp_times(self, flow);
}

static void
scale(Flow *flow, uint64_t *counter, uint32_t rate)
{
    uint64_t scaled;

    if (__builtin_mul_overflow(*counter, rate, &scaled) || scaled > INT64_MAX) {
        scaled = INT64_MAX;
        flow->marks |= FLOW_MARK_COUNTER_CLAMPED;
    }
    *counter = scaled;
}

static void
apply_sampling(const Normaliser *self, Flow *flow)
{
    /* The rate itself is stored in 31 bits. */
    if (flow->sampling > MIN(self->max_sampling, (uint32_t) INT32_MAX)) {
        flow->marks |= FLOW_MARK_SAMPLING_SUSPECT;
        flow->sampling = 0;
    }

    const uint32_t rate = MAX(flow->sampling, 1);

    scale(flow, &flow->octets, rate);
    scale(flow, &flow->packets, rate);
    scale(flow, &flow->reverse_octets, rate);
    scale(flow, &flow->reverse_packets, rate);
}

static void
drop_port(Flow *flow, uint32_t bit, uint16_t *port)
{
    flow->present &= ~bit;
    *port = 0;
}

static void
clean_ports(Flow *flow)
{
    if (!flow_has(flow, FLOW_PROTOCOL))
        return;

    switch (flow->protocol) {
    case TCP:
    case UDP:
    case DCCP:
    case SCTP:
    case UDP_LITE:
        return;
    case ICMP:
    case ICMP6:
        drop_port(flow, FLOW_SRC_PORT, &flow->src_port);
        if (!flow_has(flow, FLOW_ICMP))
            return;
        /* Devices that send the element always, and always as 0, have the type
         * in the destination port. */
        if (flow->icmp != 0)
            flow->dst_port = flow->icmp;
        flow->present |= FLOW_DST_PORT;
        return;
    default:
        drop_port(flow, FLOW_SRC_PORT, &flow->src_port);
        drop_port(flow, FLOW_DST_PORT, &flow->dst_port);
    }
}

static void
drop_impossible_values(Flow *flow)
{
    flow->tcp_flags &= TCP_FLAGS_MASK;

    /* Juniper sends 255 for "I do not know". */
    if (flow->direction > 1) {
        flow->present &= ~FLOW_DIRECTION;
        flow->direction = 0;
    }
}

static bool
is_watched(const Normaliser *self, const Flow *flow, uint32_t bit,
           const IpAddress *addr)
{
    return self->watched && flow_has(flow, bit) &&
           prefix_table_find(self->watched, addr) != PREFIX_TABLE_NONE;
}

void
normalise(const Normaliser *self, Flow *flow, int64_t shift_us)
{
    clean_times(self, flow, shift_us);
    apply_sampling(self, flow);
    clean_ports(flow);
    drop_impossible_values(flow);

    flow->watched = FLOW_WATCHED_NEITHER;
    if (is_watched(self, flow, FLOW_SRC, &flow->src))
        flow->watched |= FLOW_WATCHED_SRC;
    if (is_watched(self, flow, FLOW_DST, &flow->dst))
        flow->watched |= FLOW_WATCHED_DST;
}
