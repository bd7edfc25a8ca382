/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenRouter: one exporter that sees sessions, and the packets it exports.
 *
 * It is shown sessions in the order of their starts, and asked for packets in the
 * order of time.  Its flow cache makes records of the sessions (FlowgenCache); a
 * packet is sent when it is full, or a second after its first record.  Templates,
 * and how it samples, go in a packet before the first data and periodically.
 *
 * Its clock may be wrong: its own stamps are, the times at which it acts are not.
 * Knows no sockets.  Memory: what is in its flow cache, FLOWGEN_ROUTER_MAX_FLOWS at
 * most. */

#include "flowgen-cache.h"
#include "flowgen-packets.h"

enum { FLOWGEN_ROUTER_MAX_FLOWS = 1024 * 1024 };

typedef struct {
    unsigned version; /* 5, 9 or 10 */
    bool biflow;      /* version 10 */
    bool egress_too;  /* each record twice: where it came in, where it went out */
    bool with_as;     /* autonomous systems; v5 has room for them anyway */
    FlowgenCacheOptions cache; /* max_octets is set by the version */
    int64_t skew_ms;           /* its clock less the right time */
    int64_t boot_us;           /* right time at which it was started */
    uint32_t domain;
    uint32_t inside_if; /* towards private addresses */
    uint32_t outside_if;
    int64_t template_period_us; /* 0 = once */
    size_t packet_bytes;        /* at most */
    uint64_t seed;              /* of what it samples */
} FlowgenRouterOptions;

/* What went into records, counters as exported: not multiplied by sampling. */
typedef struct {
    uint64_t records;
    uint64_t octets;
    uint64_t packets;
} FlowgenRouterSums;

typedef struct {
    FlowgenRouterSums ways[FLOWGEN_N_WAYS]; /* a biflow is a record of its src's way */
    uint64_t unseen;  /* sessions of which nothing was to be seen, or sampled */
    uint64_t no_room; /* sessions of IPv6, which v5 cannot express */
} FlowgenRouterTotals;

typedef struct FlowgenRouter FlowgenRouter;

FlowgenRouter *flowgen_router_new(const FlowgenRouterOptions *options);
void flowgen_router_free(FlowgenRouter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FlowgenRouter, flowgen_router_free)

/* Returns false, and does not see @session, when its flow cache is full. */
bool flowgen_router_see(FlowgenRouter *self, const FlowgenSession *session);

/* When it has something to do next; INT64_MAX: never.  A session that starts no
 * later must be shown first. */
int64_t flowgen_router_due_us(const FlowgenRouter *self);

/* Does it.  Returns true when @packet is to be sent at that time. */
bool flowgen_router_act(FlowgenRouter *self, FlowgenPacket *packet);

const FlowgenRouterTotals *flowgen_router_totals(const FlowgenRouter *self);
