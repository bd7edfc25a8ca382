/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowRow: one row of table flow, as far as sessions need it.
 *
 * A plain value.  Times are microseconds since 1970-01-01 UTC, octets are layer 3 with
 * sampling multiplied out.  What is NULL in the table is 0 here; a row without both
 * addresses is of no use and not made. */

#include <stdbool.h>
#include <stdint.h>

#include "ip-address.h"
#include "reader.h"

/* FlowRow.watched */
enum { FLOW_ROW_WATCHED_SRC = 1, FLOW_ROW_WATCHED_DST = 2 };

/* FlowRow.tcp_flags */
enum {
    FLOW_ROW_FIN = 0x01,
    FLOW_ROW_SYN = 0x02,
    FLOW_ROW_RST = 0x04,
    FLOW_ROW_ACK = 0x10
};

/* FlowRow.end_reason (IPFIX element 136) */
enum { FLOW_ROW_ENDED_IDLE = 1, FLOW_ROW_ENDED_BY_ACTIVE_TIMEOUT = 2 };

typedef struct {
    int64_t received_us;
    int64_t start_us; /* first packet */
    int64_t end_us;   /* last packet; not before start */
    uint64_t octets;
    uint64_t packets;
    uint64_t reverse_octets; /* the way back, of a biflow */
    uint64_t reverse_packets;
    IpAddress src;
    IpAddress dst;
    int32_t exporter_id;
    uint32_t input_if; /* 0 = not reported */
    uint32_t output_if;
    uint32_t sampling; /* 1 in this many; 0 = none */
    uint16_t src_port;
    uint16_t dst_port; /* for ICMP type * 256 + code */
    uint16_t tcp_flags;
    uint8_t protocol;
    uint8_t watched;    /* FLOW_ROW_WATCHED_... */
    uint8_t end_reason; /* 0 = not reported */
    uint8_t direction;  /* 1 ingress, 2 egress, 0 = not reported */
    bool has_flags;
    bool is_biflow;
} FlowRow;

/* What to select of "flowkeep.flow AS f", in the order of flow_row_take(). */
#define FLOW_ROW_COLUMNS                                                               \
    "f.received_at, f.start_at, f.end_at, f.exporter_id, f.input_if, f.output_if,"     \
    " f.src, f.dst, f.src_port, f.dst_port, f.protocol, f.tcp_flags, f.octets,"        \
    " f.packets, f.sampling, f.watched, f.extra->>'end_reason',"                       \
    " f.extra->>'direction', f.extra->>'reverse_octets',"                              \
    " f.extra->>'reverse_packets'"
#define FLOW_ROW_N_COLUMNS 20

/* Reads one row of a COPY.  False when it is of no use; whether it was a whole row,
 * reader_ok() says. */
bool flow_row_take(Reader *r, FlowRow *row);

/* A total order of rows, by start first: 0 only where they are the same in all that
 * matters. */
int flow_row_compare(const FlowRow *a, const FlowRow *b);
