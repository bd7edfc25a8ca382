/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-cache.h"

#include <math.h>
#include <string.h>

#include "clock.h"

#define AFTER_FIN_US US_PER_SEC

/* With so many packets for each inactive timeout, a gap as long is not to be met,
 * even where samples are taken at random. */
#define DENSE_SAMPLES 20

/* The time from a request to its answer: a few ms in the house, some 10 around the
 * world; always the same between two hosts. */
#define MIN_RTT_US 2000
#define MAX_RTT_US 80000

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10 };

/* What the segments of a TCP session are, by their numbers and sizes. */
typedef enum {
    TCP_UNANSWERED, /* SYN, perhaps again, and no more */
    TCP_REFUSED,    /* SYN, answered by RST */
    TCP_HALF_OPEN,  /* SYN, and its answer again and again */
    TCP_CUT,        /* data, but no end: too few packets for one */
    TCP_WHOLE,
} TcpKind;

static bool
is_bare(const FlowgenSession *session, FlowgenWay way)
{
    const uint64_t header = ip_address_is_v4(&session->initiator) ? 60 : 80;

    return session->octets[way] <= header * session->packets[way];
}

static TcpKind
tcp_kind(const FlowgenSession *session)
{
    const uint64_t out = session->packets[FLOWGEN_OUT];
    const uint64_t in = session->packets[FLOWGEN_IN];
    const bool bare = is_bare(session, FLOWGEN_OUT) && is_bare(session, FLOWGEN_IN);

    if (in == 0)
        return bare && out <= 3 ? TCP_UNANSWERED : out >= 3 ? TCP_WHOLE : TCP_CUT;
    if (out == 0)
        return bare && in <= 2 ? TCP_HALF_OPEN : in >= 3 ? TCP_WHOLE : TCP_CUT;
    if (out == 1 && bare && in > 1)
        return TCP_HALF_OPEN;
    if (out == in && bare && out <= 3)
        return TCP_REFUSED;
    return out >= 3 && in >= 2 ? TCP_WHOLE : TCP_CUT;
}

static void
set_flags(FlowgenCacheWay *way, const FlowgenSession *session, FlowgenWay which)
{
    static const struct {
        uint8_t first, all, last;
    } flags[][FLOWGEN_N_WAYS] = {
        [TCP_UNANSWERED] = { { SYN, SYN, 0 }, { 0, 0, 0 } },
        [TCP_REFUSED] = { { SYN, SYN, 0 }, { RST, RST | ACK, RST } },
        [TCP_HALF_OPEN] = { { SYN, SYN, 0 }, { SYN, SYN | ACK, 0 } },
        [TCP_CUT] = { { SYN, ACK | PSH, 0 }, { SYN, ACK | PSH, 0 } },
        [TCP_WHOLE] = { { SYN, ACK | PSH, FIN }, { SYN, ACK | PSH, FIN } },
    };

    if (session->protocol != FLOWGEN_TCP)
        return;

    const TcpKind kind = tcp_kind(session);
    way->first_flags = flags[kind][which].first;
    way->flags = flags[kind][which].all;
    way->last_flags = flags[kind][which].last;
}

static int64_t
rtt_us(const FlowgenSession *session)
{
    const uint64_t who =
        ip_address_hash(&session->initiator) ^ ip_address_hash(&session->responder);

    return MIN_RTT_US + who % (MAX_RTT_US - MIN_RTT_US);
}

/* When the packets of one way came. */
static void
set_times(FlowgenCacheWay *way, const FlowgenSession *session, FlowgenWay which)
{
    const int64_t end_us = session->start_us + session->duration_us;
    const uint64_t *packets = session->packets;
    const int64_t answer_us =
        session->start_us + MIN(rtt_us(session), session->duration_us / 2);
    const bool both = packets[FLOWGEN_OUT] > 0 && packets[FLOWGEN_IN] > 0;
    /* The end is the answer's, or that of the only way there is. */
    const bool one_each = packets[FLOWGEN_OUT] == 1 && packets[FLOWGEN_IN] == 1;

    way->first_us = which == FLOWGEN_IN && both ? answer_us : session->start_us;
    if (which == FLOWGEN_IN && one_each)
        way->first_us = end_us;
    way->last_us = packets[which] > 1 ? end_us : way->first_us;
}

/* @part of @whole's @of parts, without an overflow; sums of differences are exact. */
static uint64_t
share_of(uint64_t whole, uint64_t part, uint64_t of)
{
    return (unsigned __int128) whole * part / of;
}

/* Keeps of the way what a sampler took. */
static void
take_samples(FlowgenCacheWay *way, uint32_t sampling, FlowgenRandom *random)
{
    const uint64_t whole = way->packets;
    const uint64_t taken = flowgen_random_binomial(random, whole, 1.0 / sampling);
    const double share = whole ? (double) taken / whole : 0;
    const bool has_first = flowgen_random_chance(random, share);
    const bool has_last = whole == 1 || flowgen_random_chance(random, share);
    const int64_t spread_us = way->last_us - way->first_us;

    if (whole == 0)
        return;
    way->octets = share_of(way->octets, taken, whole);
    way->packets = taken;
    if (whole > 1 && !has_first)
        way->first_flags = 0;
    if (!has_last)
        way->last_flags = 0;
    /* Those taken are anywhere; the outer two of them stand a gap from the ends. */
    if (taken > 0 && spread_us > 0) {
        const double gap_us = (double) spread_us / (taken + 1);
        const int64_t first_us = way->first_us, last_us = way->last_us;
        if (!has_first)
            way->first_us += flowgen_random_share(random) * gap_us;
        if (taken == 1)
            way->first_us = first_us + flowgen_random_share(random) * spread_us;
        way->last_us =
            taken == 1 ? way->first_us
            : has_last ? last_us
                       : last_us - (int64_t) (flowgen_random_share(random) * gap_us);
    }
}

/* As many packets as @way has come so evenly that no timeout passes between them. */
static bool
is_dense(const FlowgenCacheEntry *self, const FlowgenCacheWay *way)
{
    if (way->packets < 2)
        return false;

    const int64_t gap_us =
        (way->last_us - way->first_us) / (int64_t) (way->packets - 1);
    return self->options->sampling > 1
               ? gap_us <= self->options->inactive_us / DENSE_SAMPLES
               : gap_us <= self->options->inactive_us;
}

/* When the first packet comes that is not in a record yet. */
static void
set_next(FlowgenCacheEntry *self, FlowgenCacheWay *way)
{
    const uint64_t left = way->packets - way->done;
    const int64_t spread_us = way->last_us - way->first_us;

    if (left == 0) {
        way->next_us = INT64_MAX;
    } else if (way->done == 0) {
        way->next_us = way->first_us;
    } else if (left == 1) {
        way->next_us = way->last_us;
    } else if (self->even) {
        way->next_us = way->first_us + share_of(spread_us, way->done, way->packets - 1);
    } else {
        /* The first of left - 1 times that are drawn from what remains. */
        const double share =
            1 - pow(1 - flowgen_random_share(&self->random), 1.0 / (left - 1));
        way->next_us += (way->last_us - way->next_us) * share;
    }
}

static void
set_ends(FlowgenFlow *flow, const FlowgenSession *session, FlowgenWay way)
{
    const bool out = way == FLOWGEN_OUT;
    const IpAddress *src = out ? &session->initiator : &session->responder;
    const IpAddress *dst = out ? &session->responder : &session->initiator;
    const size_t skip = ip_address_is_v4(src) ? 12 : 0;

    flow->v6 = skip == 0;
    memcpy(flow->src, src->bytes + skip, 16 - skip);
    memcpy(flow->dst, dst->bytes + skip, 16 - skip);
    flow->protocol = session->protocol;
    flow->src_port = out ? session->initiator_port : session->responder_port;
    flow->dst_port = out ? session->responder_port : session->initiator_port;
    if (session->protocol != FLOWGEN_ICMP && session->protocol != FLOWGEN_ICMP6)
        return;

    /* Some lists have one number for both; the reply to an echo is known. */
    const unsigned type = session->initiator_port, code = session->responder_port;
    const unsigned reply = type == 8 ? 0 : type == 128 ? 129 : type;
    flow->protocol = flow->v6 ? FLOWGEN_ICMP6 : FLOWGEN_ICMP;
    flow->src_port = 0;
    flow->dst_port = (out ? type : reply) << 8 | (code & 255);
}

static void
set_way(FlowgenCacheEntry *self, FlowgenCacheWay *way, const FlowgenSession *session,
        FlowgenWay which)
{
    way->packets = session->packets[which];
    way->octets = session->octets[which];
    set_flags(way, session, which);
    set_times(way, session, which);
    if (self->options->sampling > 1)
        take_samples(way, self->options->sampling, &self->random);
}

static bool
start(FlowgenCacheEntry *self)
{
    FlowgenCacheWay *there = &self->ways[0], *back = &self->ways[1];

    if (there->packets + back->packets == 0)
        return false;

    self->even = is_dense(self, there) || is_dense(self, back);
    set_next(self, there);
    set_next(self, back);
    return flowgen_cache_next(self);
}

bool
flowgen_cache_open(FlowgenCacheEntry *self, const FlowgenCacheOptions *options,
                   const FlowgenSession *session, FlowgenWay way, FlowgenRandom *random)
{
    *self = (FlowgenCacheEntry){
        .options = options,
        .way = way,
        .random = flowgen_random_new(flowgen_random_next(random)),
    };
    set_ends(&self->flow, session, way);
    set_way(self, &self->ways[0], session, way);
    return start(self);
}

bool
flowgen_cache_open_biflow(FlowgenCacheEntry *self, const FlowgenCacheOptions *options,
                          const FlowgenSession *session, FlowgenRandom *random)
{
    const bool out = session->packets[FLOWGEN_OUT] > 0;

    *self = (FlowgenCacheEntry){
        .options = options,
        .way = out ? FLOWGEN_OUT : FLOWGEN_IN,
        .random = flowgen_random_new(flowgen_random_next(random)),
        .flow = { .biflow_direction = out },
    };
    set_ends(&self->flow, session, self->way);
    set_way(self, &self->ways[0], session, self->way);
    set_way(self, &self->ways[1], session, out ? FLOWGEN_IN : FLOWGEN_OUT);
    return start(self);
}

/* How many packets of @way, the next among them, come before @until_us. */
static uint64_t
count_even(const FlowgenCacheEntry *self, const FlowgenCacheWay *way, int64_t until_us)
{
    const uint64_t left = way->packets - way->done;
    const uint64_t spread_us = way->last_us - way->first_us;

    if (left == 0 || way->next_us >= until_us)
        return 0;

    uint64_t n = left;
    if (way->last_us >= until_us) {
        /* Packet k comes at first + floor(spread * k / (packets - 1)). */
        const unsigned __int128 until = until_us - way->first_us;
        n = (until * (way->packets - 1) + spread_us - 1) / spread_us - way->done;
    }
    const uint64_t octets_each = way->octets / way->packets + 1;
    return CLAMP(n, 1, MAX(self->options->max_octets / octets_each, 1));
}

/* Puts @n packets of @way into the record; returns when the last of them came. */
static int64_t
take(FlowgenCacheEntry *self, FlowgenCacheWay *way, uint64_t n, uint64_t *octets,
     uint64_t *packets, uint8_t *flags)
{
    if (n == 0)
        return 0;

    *octets += share_of(way->octets, way->done + n, way->packets) -
               share_of(way->octets, way->done, way->packets);
    *packets += n;
    *flags |= way->flags;
    if (way->done == 0)
        *flags |= way->first_flags;
    way->done += n;
    if (way->done == way->packets)
        *flags |= way->last_flags;

    int64_t last_us = way->next_us;
    if (n > 1)
        last_us =
            way->done == way->packets
                ? way->last_us
                : way->first_us + (int64_t) share_of(way->last_us - way->first_us,
                                                     way->done - 1, way->packets - 1);
    set_next(self, way);
    return last_us;
}

static int64_t
take_there(FlowgenCacheEntry *self, uint64_t n)
{
    FlowgenFlow *flow = &self->flow;

    return take(self, &self->ways[0], n, &flow->octets, &flow->packets,
                &flow->tcp_flags);
}

static int64_t
take_back(FlowgenCacheEntry *self, uint64_t n)
{
    FlowgenFlow *flow = &self->flow;

    return take(self, &self->ways[1], n, &flow->reverse_octets, &flow->reverse_packets,
                &flow->reverse_tcp_flags);
}

/* All packets up to the active timeout; no idle time is to be met among them. */
static void
fill_even(FlowgenCacheEntry *self, int64_t until_us)
{
    const uint64_t there = count_even(self, &self->ways[0], until_us);
    const uint64_t back = count_even(self, &self->ways[1], until_us);
    const int64_t there_us = take_there(self, there);
    const int64_t back_us = take_back(self, back);

    self->end_us = MAX(self->start_us, MAX(there_us, back_us));
}

/* Packet by packet, up to the active timeout or an idle time. */
static void
fill_sparse(FlowgenCacheEntry *self, int64_t until_us)
{
    for (;;) {
        const int64_t there_us = self->ways[0].next_us;
        const int64_t back_us = self->ways[1].next_us;
        const int64_t next_us = MIN(there_us, back_us);

        if (next_us >= until_us || next_us > self->end_us + self->options->inactive_us)
            return;
        self->end_us = next_us;
        if (there_us <= back_us)
            take_there(self, 1);
        else
            take_back(self, 1);
    }
}

bool
flowgen_cache_next(FlowgenCacheEntry *self)
{
    const int64_t first_us = MIN(self->ways[0].next_us, self->ways[1].next_us);
    FlowgenFlow *flow = &self->flow;

    if (first_us == INT64_MAX)
        return false;

    const int64_t active_until_us = first_us + self->options->active_us;
    flow->octets = flow->packets = flow->reverse_octets = flow->reverse_packets = 0;
    flow->tcp_flags = flow->reverse_tcp_flags = 0;
    self->start_us = self->end_us = first_us;
    if (self->even)
        fill_even(self, active_until_us);
    else
        fill_sparse(self, active_until_us);

    const int64_t next_us = MIN(self->ways[0].next_us, self->ways[1].next_us);
    const int64_t idle_until_us = self->end_us + self->options->inactive_us;
    const uint8_t flags = flow->tcp_flags | flow->reverse_tcp_flags;
    if (next_us < active_until_us && next_us <= idle_until_us) { /* it was full */
        self->export_us = next_us;
        flow->end_reason = FLOWGEN_ENDED_ACTIVE;
    } else if (next_us == INT64_MAX && (flags & (FIN | RST))) {
        self->export_us = self->end_us + AFTER_FIN_US;
        flow->end_reason = FLOWGEN_ENDED;
    } else if (active_until_us <= idle_until_us) {
        self->export_us = active_until_us;
        flow->end_reason = FLOWGEN_ENDED_ACTIVE;
    } else {
        self->export_us = idle_until_us;
        flow->end_reason = FLOWGEN_ENDED_IDLE;
    }
    flow->start_ms = self->start_us / US_PER_MS;
    flow->end_ms = self->end_us / US_PER_MS;
    return true;
}
