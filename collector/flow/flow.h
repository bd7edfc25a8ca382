/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Flow: one exported flow record, as the rest of the program knows it.
 *
 * The vocabulary of the collector: decoders make flows, normalise() cleans them,
 * the store writes them, and none knows of the others.  Plain data, copied by
 * assignment, owns nothing.  What a record did not report has its bit in
 * @present clear and its member zero. */

#include <stdbool.h>
#include <stdint.h>

#include "flow/exporter.h"
#include "ip-address.h"

/* Bits of Flow.present. */
enum {
    FLOW_SRC = 1 << 0,
    FLOW_DST = 1 << 1,
    FLOW_SRC_PORT = 1 << 2,
    FLOW_DST_PORT = 1 << 3,
    FLOW_PROTOCOL = 1 << 4,
    FLOW_TCP_FLAGS = 1 << 5,
    FLOW_INPUT_IF = 1 << 6,
    FLOW_OUTPUT_IF = 1 << 7,
    FLOW_OCTETS = 1 << 8,
    FLOW_PACKETS = 1 << 9,
    FLOW_START = 1 << 10,
    FLOW_END = 1 << 11,
    FLOW_TOS = 1 << 12,
    FLOW_SRC_AS = 1 << 13,
    FLOW_DST_AS = 1 << 14,
    FLOW_NEXT_HOP = 1 << 15,
    FLOW_VLAN = 1 << 16,
    FLOW_NAT_SRC = 1 << 17,
    FLOW_NAT_DST = 1 << 18,
    FLOW_NAT_SRC_PORT = 1 << 19,
    FLOW_NAT_DST_PORT = 1 << 20,
    FLOW_EVENT = 1 << 21,
    FLOW_END_REASON = 1 << 22,
    FLOW_REVERSE_OCTETS = 1 << 23,
    FLOW_REVERSE_PACKETS = 1 << 24,
    FLOW_APP = 1 << 25,
    FLOW_VRF_IN = 1 << 26,
    FLOW_VRF_OUT = 1 << 27,
    FLOW_DIRECTION = 1 << 28,
    FLOW_BIFLOW_DIRECTION = 1 << 29,
    FLOW_ICMP = 1 << 30, /* ICMP's own elements: Flow.icmp */
};

/* Bits of Flow.marks: what was done to a record that was not as it should be. */
enum {
    FLOW_MARK_TIME_CLAMPED = 1 << 0,     /* an absurd time became received_us */
    FLOW_MARK_TIME_SWAPPED = 1 << 1,     /* it ended before it started */
    FLOW_MARK_TIME_MISSING = 1 << 2,     /* no time reported: received_us stands in */
    FLOW_MARK_COUNTER_CLAMPED = 1 << 3,  /* a counter above 2^63-1 */
    FLOW_MARK_SAMPLING_ASSUMED = 1 << 4, /* the rate comes from the configuration */
    FLOW_MARK_SAMPLING_SUSPECT = 1
                                 << 5, /* the exporter's rate is absurd: not applied */
    FLOW_MARK_DUAL_STACK = 1 << 6,     /* both families filled: IPv4 was kept */
    FLOW_N_MARKS = 7
};

typedef enum {
    FLOW_WATCHED_NEITHER = 0,
    FLOW_WATCHED_SRC = 1,
    FLOW_WATCHED_DST = 2,
    FLOW_WATCHED_BOTH = 3,
} FlowWatched;

typedef struct {
    Exporter *exporter; /* never NULL; owned by the exporter table */

    int64_t received_us; /* by the collector; microseconds since 1970-01-01 UTC */
    int64_t start_us;    /* first packet, same clock */
    int64_t end_us;      /* last packet, same clock; after normalise() >= start_us */

    /* Layer 3, as reported; after normalise() sampling is multiplied out and
     * each is at most 2^63-1. */
    uint64_t octets;
    uint64_t packets;
    uint64_t reverse_octets; /* RFC 5103 and NSEL: the way back */
    uint64_t reverse_packets;

    IpAddress src;
    IpAddress dst;
    IpAddress next_hop;
    IpAddress nat_src; /* after translation */
    IpAddress nat_dst;

    uint64_t app;      /* applicationId as RFC 6759: engine in the top byte */
    uint64_t flow_id;  /* element 148, 0 = none: identity of an NSEL connection */
    uint32_t sampling; /* 1 in this many; 0 = none applied or not known */
    uint32_t input_if; /* SNMP ifIndex */
    uint32_t output_if;
    uint32_t src_as;
    uint32_t dst_as;
    uint32_t vrf_in; /* elements 234, 235 */
    uint32_t vrf_out;
    uint32_t present; /* FLOW_SRC and so on */

    uint16_t src_port; /* host order */
    uint16_t dst_port; /* for ICMP type * 256 + code */
    uint16_t icmp;     /* the same from ICMP's own elements; normalise() moves it */
    uint16_t nat_src_port;
    uint16_t nat_dst_port;
    uint16_t vlan;
    uint16_t tcp_flags; /* OR over all packets */
    uint16_t event;     /* 233 or 230 or v9 33002; see RFC 8158 and NSEL */
    uint8_t protocol;   /* IANA number */
    uint8_t tos;
    uint8_t end_reason;       /* element 136 */
    uint8_t direction;        /* element 61: 0 ingress, 1 egress */
    uint8_t biflow_direction; /* element 239 */
    uint8_t marks;            /* FLOW_MARK_... */
    uint8_t watched;          /* FlowWatched; set by normalise() */
} Flow;

static inline bool
flow_has(const Flow *flow, uint32_t bit)
{
    return (flow->present & bit) != 0;
}
