/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowFacts: what two decoders can be compared by: the values of one flow record as
 * plain text, so that a difference can be read.  What a record did not report is
 * zero, since other decoders cannot tell. */

#include <glib.h>

#include "flow/flow.h"

typedef struct {
    IpAddress src;
    IpAddress dst;
    uint64_t octets;
    uint64_t packets;
    uint64_t start_ms; /* as compared: see the caller */
    uint64_t end_ms;
    uint32_t input_if;
    uint32_t output_if;
    uint32_t src_as;
    uint32_t dst_as;
    uint32_t vrf_in;
    uint32_t vrf_out;
    uint16_t src_port;
    uint16_t dst_port;
    uint16_t vlan;
    uint16_t tcp_flags;
    uint8_t protocol;
    uint8_t tos;
    uint8_t end_reason;
} FlowFacts;

FlowFacts flow_facts_from_flow(const Flow *flow);

char *flow_facts_text(const FlowFacts *facts); /* (transfer full) */

/* Asserts that both hold the same texts, in any order, and prints the first that
 * only one of them has. */
void flow_facts_assert_same(GPtrArray *ours, GPtrArray *theirs, const char *whose);
