/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ExportRow: one stored flow on its way to IPFIX, in host byte order.
 *
 * The members stand largest first and without a hole, since libfixbuf reads the
 * struct through a template of its own; export-writer.c has the one table that names
 * the element of each.  A member is exported when its bit is set in @shape, so rows
 * of one shape share a template. */

#include <stdint.h>

/* One for each member, in the order of the struct. */
typedef enum {
    EXPORT_START,
    EXPORT_END,
    EXPORT_RECEIVED,
    EXPORT_OCTETS,
    EXPORT_PACKETS,
    EXPORT_REVERSE_OCTETS,
    EXPORT_REVERSE_PACKETS,
    EXPORT_FLOW_ID,
    EXPORT_SRC_V6,
    EXPORT_DST_V6,
    EXPORT_NEXT_HOP_V6,
    EXPORT_NAT_SRC_V6,
    EXPORT_NAT_DST_V6,
    EXPORT_EXPORTER_V6,
    EXPORT_SRC_V4,
    EXPORT_DST_V4,
    EXPORT_NEXT_HOP_V4,
    EXPORT_NAT_SRC_V4,
    EXPORT_NAT_DST_V4,
    EXPORT_EXPORTER_V4,
    EXPORT_INPUT_IF,
    EXPORT_OUTPUT_IF,
    EXPORT_SRC_AS,
    EXPORT_DST_AS,
    EXPORT_DOMAIN,
    EXPORT_SRC_PORT,
    EXPORT_DST_PORT,
    EXPORT_ICMP_V4,
    EXPORT_ICMP_V6,
    EXPORT_VLAN,
    EXPORT_NAT_SRC_PORT,
    EXPORT_NAT_DST_PORT,
    EXPORT_TCP_FLAGS,
    EXPORT_PROTOCOL,
    EXPORT_TOS,
    EXPORT_END_REASON,
    EXPORT_EVENT,
    EXPORT_DIRECTION,
    EXPORT_N_FIELDS
} ExportField;

#define EXPORT_N_ADDRESSES 6

typedef struct {
    uint64_t start_ms; /* since 1970-01-01 UTC */
    uint64_t end_ms;
    uint64_t received_ms;
    uint64_t octets;
    uint64_t packets;
    uint64_t reverse_octets;
    uint64_t reverse_packets;
    uint64_t flow_id;
    uint8_t v6[EXPORT_N_ADDRESSES]
              [16]; /* src, dst, next hop, NAT src, NAT dst, exporter */
    uint32_t v4[EXPORT_N_ADDRESSES]; /* the same; host order, as libfixbuf wants it */
    uint32_t input_if;
    uint32_t output_if;
    uint32_t src_as;
    uint32_t dst_as;
    uint32_t domain; /* as the exporter had it */
    uint16_t src_port;
    uint16_t dst_port;
    uint16_t icmp_v4; /* type * 256 + code; instead of dst_port */
    uint16_t icmp_v6;
    uint16_t vlan;
    uint16_t nat_src_port;
    uint16_t nat_dst_port;
    uint16_t tcp_flags;
    uint8_t protocol;
    uint8_t tos;
    uint8_t end_reason;
    uint8_t event;
    uint8_t direction;
    uint64_t shape; /* bit 1 << ExportField: reported; not seen by libfixbuf */
} ExportRow;

#define EXPORT_BIT(field) (UINT64_C(1) << (field))
