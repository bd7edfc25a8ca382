/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenMessage: one export packet of NetFlow v5, v9 or IPFIX while it is written.
 *
 * A packet is begun, gets sets (v5: none) with templates and records, and is ended;
 * only then its header is written, and its domain's sequence number goes on as the
 * protocol has it: by flows in v5, by packets in v9, by data records in IPFIX.
 * Knows no sockets and no clock.  Writes into the caller's memory. */

#include "flowgen-layout.h"

enum {
    FLOWGEN_MAX_PACKET_BYTES = 65507,
    FLOWGEN_MESSAGE_V5_RECORDS = 30, /* at most, in one packet */
};

/* Who exports: one observation domain (v9: source id, v5: engine). */
typedef struct {
    unsigned version; /* 5, 9 or 10 */
    uint32_t number;
    uint32_t sequence;
    uint16_t sampling; /* in the header of v5; 0 = none */
    int64_t boot_ms;   /* when its uptime clock was zero */
} FlowgenDomain;

typedef struct {
    unsigned version;
    uint8_t *bytes;
    uint8_t *at;
    uint8_t *set;       /* that is open; NULL = none */
    const uint8_t *end; /* of the room */
    uint32_t n_records; /* templates too */
    uint32_t n_data;    /* what IPFIX and v5 count */
    uint32_t n_flows;
} FlowgenMessage;

/* Records of @layout (NULL in v5) that fit into a packet of @packet_bytes. */
uint32_t flowgen_message_fits(unsigned version, const FlowgenLayout *layout,
                              size_t packet_bytes);

/* @bytes: room for @max_bytes and FLOWGEN_LAYOUT_SLACK_BYTES more. */
void flowgen_message_begin(FlowgenMessage *self, unsigned version, uint8_t *bytes,
                           size_t max_bytes);

/* Each of these opens the set it needs.  Returns false, with nothing written, when
 * there is no room. */
bool flowgen_message_add_template(FlowgenMessage *self, const FlowgenLayout *layout);
bool flowgen_message_add_flow(FlowgenMessage *self, const FlowgenLayout *layout,
                              const FlowgenFlow *flow, int64_t boot_ms);

/* How packets are sampled: an options template, and a record that says "one in
 * @interval, at random", of the sampler FLOWGEN_LAYOUT_SAMPLER.  v9 and IPFIX. */
bool flowgen_message_add_sampling(FlowgenMessage *self, uint16_t template_id,
                                  uint32_t interval);

/* Writes the header; returns the packet's bytes. */
size_t flowgen_message_end(FlowgenMessage *self, FlowgenDomain *domain, int64_t now_ms);
