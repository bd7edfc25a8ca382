/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenCache: the flow cache of a router: makes of a session the records that the
 * router would export, one after the other, each with the time of its export.
 *
 * An entry follows one session, one way (or both: a biflow), from its first packet
 * to its last.  Packets and octets are spread over the session's time, and the sums
 * over its records are exactly those of the session.  A record begins with a packet
 * and is exported
 *
 *     when it has lived for the active timeout,       reason 2, active timeout
 *     when no packet came for the inactive timeout,   reason 1, idle timeout
 *     a second after a FIN or RST,                    reason 3, end of flow
 *
 * Packets come evenly, unless they are so few that the inactive timeout may pass
 * between two of them: then their times are drawn at random, for this must not make
 * a beacon out of a session whose packets' times nobody knows.
 *
 * Sampling 1:N: of each way as many packets as a sampler would have taken are seen,
 * their counters are not multiplied; a way of which none was taken is not seen.
 *
 * Pure: knows no clock, no protocol, no exporter's clock skew. */

#include "flowgen-random.h"
#include "flowgen-session.h"
#include "flowgen-values.h"

typedef struct {
    int64_t active_us;
    int64_t inactive_us;
    uint32_t sampling;   /* one packet in this many; 1 = all */
    uint64_t max_octets; /* that fit into a record; a fuller one is exported */
} FlowgenCacheOptions;

/* One way of what is seen of a session; private. */
typedef struct {
    uint64_t packets;
    uint64_t octets;
    uint64_t done; /* packets that are in records already */
    int64_t first_us;
    int64_t last_us;
    int64_t next_us;     /* of packet number `done` */
    uint8_t first_flags; /* of TCP: what the first record has more */
    uint8_t flags;
    uint8_t last_flags;
} FlowgenCacheWay;

typedef struct {
    /* The record that is due; its input_if and output_if are not set. */
    FlowgenFlow flow;
    int64_t start_us;
    int64_t end_us;
    int64_t export_us;
    FlowgenWay way; /* of flow.src */

    /* Private. */
    const FlowgenCacheOptions *options;
    FlowgenCacheWay ways[FLOWGEN_N_WAYS]; /* of the flow, and back */
    bool even;
    FlowgenRandom random;
} FlowgenCacheEntry;

/* What of @session there is to see, one way only.  @options is kept, lent.
 * Returns false when nothing is; else the first record is due. */
bool flowgen_cache_open(FlowgenCacheEntry *self, const FlowgenCacheOptions *options,
                        const FlowgenSession *session, FlowgenWay way,
                        FlowgenRandom *random);

/* The same as a biflow, whose flow is that of the initiator where it is seen. */
bool flowgen_cache_open_biflow(FlowgenCacheEntry *self,
                               const FlowgenCacheOptions *options,
                               const FlowgenSession *session, FlowgenRandom *random);

/* Makes the next record due; false when there is none. */
bool flowgen_cache_next(FlowgenCacheEntry *self);
