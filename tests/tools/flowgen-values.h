/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenValues: what the made-up flows say, before any protocol.
 *
 * A few thousand conversations between hosts are drawn at the beginning; each flow
 * is then one direction of one of them, a few much more often than most, as on a
 * real network.  Deterministic: the same seed and options give the same flows.
 *
 * Addresses come from ranges that belong to nobody: watched hosts 10.20.0.0/16 and
 * 2001:db8:20::/48, other inside hosts 10.30.0.0/16 and 2001:db8:30::/48, outside
 * hosts 198.18.0.0/15 (RFC 2544) and 2001:db8:ffff::/48. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Why a record was exported: element 136. */
enum { FLOWGEN_ENDED_IDLE = 1, FLOWGEN_ENDED_ACTIVE = 2, FLOWGEN_ENDED = 3 };

typedef struct {
    uint64_t number; /* 1, 2, 3 ... of this run */
    uint64_t octets;
    uint64_t packets;
    uint64_t reverse_octets; /* RFC 5103: the way back */
    uint64_t reverse_packets;
    int64_t start_ms; /* first packet, since 1970-01-01 UTC */
    int64_t end_ms;
    uint32_t input_if;
    uint32_t output_if;
    uint32_t src_as;
    uint32_t dst_as;
    uint16_t src_port; /* for ICMP 0 and type * 256 + code */
    uint16_t dst_port;
    uint8_t protocol;
    uint8_t tcp_flags;
    uint8_t reverse_tcp_flags;
    uint8_t tos;
    uint8_t end_reason;
    uint8_t direction;        /* element 61: 0 where it came in, 1 where it went out */
    uint8_t biflow_direction; /* element 239: 0 not known, 1 src is the initiator */
    bool v6;
    uint8_t src[16]; /* network order; of IPv4 the first four */
    uint8_t dst[16];
} FlowgenFlow;

typedef struct {
    uint64_t seed;
    double watched_share; /* 0..1: flows with one end in a watched network */
    /* A flow can be told from every other: octets = its number, packets = number
     * mod 997 + 1, source port = number mod 65536, protocol TCP or UDP. */
    bool numbered;
} FlowgenValuesOptions;

typedef struct FlowgenValues FlowgenValues;

FlowgenValues *flowgen_values_new(const FlowgenValuesOptions *options);
void flowgen_values_free(FlowgenValues *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FlowgenValues, flowgen_values_free)

/* Makes the flow @number, which ended within the last seconds before @now_ms. */
void flowgen_values_next(FlowgenValues *self, uint64_t number, bool v6, int64_t now_ms,
                         FlowgenFlow *flow);

/* 64 random bits of the same sequence. */
uint64_t flowgen_values_random(FlowgenValues *self);

/* True with probability @share. */
bool flowgen_values_chance(FlowgenValues *self, double share);
