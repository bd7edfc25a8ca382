/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/element-table.h"

#include <stdlib.h>

#include "decode/record.h"

#define TO(member)                                                                     \
    .to = offsetof(Record, member), .width = sizeof(((Record *) NULL)->member)
#define FLOW(member, bit_) TO(flow.member), .bit = FLOW_##bit_

#define IN_FLOWS   .use = ELEMENT_IN_FLOWS
#define IN_OPTIONS .use = ELEMENT_IN_OPTIONS
#define IN_BOTH    .use = ELEMENT_IN_FLOWS | ELEMENT_IN_OPTIONS

#define UINT(octets)   .kind = KIND_UINT, .native = (octets)
#define IPV4           .kind = KIND_IPV4, .native = 4
#define IPV6           .kind = KIND_IPV6, .native = 16
#define SEC            .kind = KIND_SEC, .native = 4
#define MS             .kind = KIND_MS, .native = 8
#define NTP_US         .kind = KIND_NTP_US, .native = 8
#define NTP_NS         .kind = KIND_NTP_NS, .native = 8
#define BEFORE_US      .kind = KIND_BEFORE_US, .native = 4
#define TEXT           .kind = KIND_TEXT
#define REPORT(member) TO(report.member), IN_BOTH
#define SAMPLER        TO(sampler), IN_BOTH, .needs = NEEDS_SAMPLER
#define OBSERVED       TO(observed_us), IN_FLOWS, .needs = NEEDS_OBSERVED
#define REVERSE        ELEMENT_REVERSE
#define VENDOR         ELEMENT_V9_VENDOR

/* Ascending by enterprise and id (a test checks). */
/* clang-format off */
static const Element rows[] = {
    { 0, 1, FLOW(octets, OCTETS), UINT(8), IN_FLOWS },
    { 0, 2, FLOW(packets, PACKETS), UINT(8), IN_FLOWS },
    { 0, 4, FLOW(protocol, PROTOCOL), UINT(1), IN_FLOWS },
    { 0, 5, FLOW(tos, TOS), UINT(1), IN_FLOWS },
    { 0, 6, FLOW(tcp_flags, TCP_FLAGS), UINT(2), IN_FLOWS },
    { 0, 7, FLOW(src_port, SRC_PORT), UINT(2), IN_FLOWS },
    { 0, 8, FLOW(src, SRC), IPV4, IN_FLOWS },
    { 0, 10, FLOW(input_if, INPUT_IF), UINT(4), IN_BOTH },
    { 0, 11, FLOW(dst_port, DST_PORT), UINT(2), IN_FLOWS },
    { 0, 12, FLOW(dst, DST), IPV4, IN_FLOWS },
    { 0, 14, FLOW(output_if, OUTPUT_IF), UINT(4), IN_BOTH },
    { 0, 15, FLOW(next_hop, NEXT_HOP), IPV4, IN_FLOWS },
    { 0, 16, FLOW(src_as, SRC_AS), UINT(4), IN_FLOWS },
    { 0, 17, FLOW(dst_as, DST_AS), UINT(4), IN_FLOWS },
    { 0, 18, FLOW(next_hop, NEXT_HOP), IPV4, IN_FLOWS, .rank = 1 },
    { 0, 21, TO(end_stamp), UINT(4), IN_FLOWS, .needs = NEEDS_END_STAMP },
    { 0, 22, TO(start_stamp), UINT(4), IN_FLOWS, .needs = NEEDS_START_STAMP },
    /* What left the device; the only count that some egress caches have. */
    { 0, 23, FLOW(octets, OCTETS), UINT(8), IN_FLOWS, .rank = 3 },
    { 0, 24, FLOW(packets, PACKETS), UINT(8), IN_FLOWS, .rank = 3 },
    { 0, 27, FLOW(src, SRC), IPV6, IN_FLOWS },
    { 0, 28, FLOW(dst, DST), IPV6, IN_FLOWS },
    { 0, 32, FLOW(icmp, ICMP), .kind = KIND_ICMP, IN_FLOWS },
    { 0, 34, REPORT(interval), UINT(4), .needs = NEEDS_REPORT },
    { 0, 48, SAMPLER, UINT(1), .rank = 1 },
    { 0, 50, REPORT(interval), UINT(4), .needs = NEEDS_REPORT },
    { 0, 55, FLOW(tos, TOS), UINT(1), IN_FLOWS, .rank = 1 },
    { 0, 58, FLOW(vlan, VLAN), UINT(2), IN_FLOWS },
    { 0, 59, FLOW(vlan, VLAN), UINT(2), IN_FLOWS, .rank = 2 },
    { 0, 61, FLOW(direction, DIRECTION), UINT(1), IN_FLOWS },
    { 0, 62, FLOW(next_hop, NEXT_HOP), IPV6, IN_FLOWS },
    { 0, 63, FLOW(next_hop, NEXT_HOP), IPV6, IN_FLOWS, .rank = 1 },
    { 0, 82, TO(if_name), TEXT, IN_OPTIONS },
    { 0, 83, TO(if_description), TEXT, IN_OPTIONS },
    { 0, 84, TO(sampler_name), TEXT, IN_OPTIONS },
    { 0, 85, FLOW(octets, OCTETS), UINT(8), IN_FLOWS, .rank = 1 },
    { 0, 86, FLOW(packets, PACKETS), UINT(8), IN_FLOWS, .rank = 1 },
    { 0, 94, TO(app_description), TEXT, IN_OPTIONS },
    { 0, 95, FLOW(app, APP), .kind = KIND_APP, IN_BOTH },
    { 0, 96, TO(app_name), TEXT, IN_OPTIONS },
    { 0, 130, TO(exporter_address), IPV4, IN_BOTH, .needs = NEEDS_EXPORTER },
    { 0, 131, TO(exporter_address), IPV6, IN_BOTH, .needs = NEEDS_EXPORTER },
    { 0, 136, FLOW(end_reason, END_REASON), UINT(1), IN_FLOWS },
    { 0, 139, FLOW(icmp, ICMP), .kind = KIND_ICMP, IN_FLOWS },
    { 0, 148, TO(flow.flow_id), UINT(8), IN_FLOWS },
    { 0, 150, FLOW(start_us, START), SEC, IN_FLOWS, .rank = 3 },
    { 0, 151, FLOW(end_us, END), SEC, IN_FLOWS, .rank = 3 },
    { 0, 152, FLOW(start_us, START), MS, IN_FLOWS, .rank = 2 },
    { 0, 153, FLOW(end_us, END), MS, IN_FLOWS, .rank = 2 },
    { 0, 154, FLOW(start_us, START), NTP_US, IN_FLOWS, .rank = 1 },
    { 0, 155, FLOW(end_us, END), NTP_US, IN_FLOWS, .rank = 1 },
    { 0, 156, FLOW(start_us, START), NTP_NS, IN_FLOWS },
    { 0, 157, FLOW(end_us, END), NTP_NS, IN_FLOWS },
    { 0, 158, FLOW(start_us, START), BEFORE_US, IN_FLOWS, .rank = 4 },
    { 0, 159, FLOW(end_us, END), BEFORE_US, IN_FLOWS, .rank = 4 },
    { 0, 160, TO(boot_ms), UINT(8), IN_BOTH, .needs = NEEDS_BOOT },
    { 0, 161, TO(duration_ms), UINT(4), IN_FLOWS, .needs = NEEDS_DURATION },
    { 0, 176, FLOW(icmp, ICMP), .kind = KIND_ICMP_TYPE, IN_FLOWS },
    { 0, 177, FLOW(icmp, ICMP), .kind = KIND_ICMP_CODE, IN_FLOWS },
    { 0, 178, FLOW(icmp, ICMP), .kind = KIND_ICMP_TYPE, IN_FLOWS },
    { 0, 179, FLOW(icmp, ICMP), .kind = KIND_ICMP_CODE, IN_FLOWS },
    { 0, 180, FLOW(src_port, SRC_PORT), UINT(2), IN_FLOWS, .rank = 1 },
    { 0, 181, FLOW(dst_port, DST_PORT), UINT(2), IN_FLOWS, .rank = 1 },
    { 0, 182, FLOW(src_port, SRC_PORT), UINT(2), IN_FLOWS, .rank = 1 },
    { 0, 183, FLOW(dst_port, DST_PORT), UINT(2), IN_FLOWS, .rank = 1 },
    { 0, 225, FLOW(nat_src, NAT_SRC), IPV4, IN_FLOWS },
    { 0, 226, FLOW(nat_dst, NAT_DST), IPV4, IN_FLOWS },
    { 0, 227, FLOW(nat_src_port, NAT_SRC_PORT), UINT(2), IN_FLOWS },
    { 0, 228, FLOW(nat_dst_port, NAT_DST_PORT), UINT(2), IN_FLOWS },
    { 0, 230, FLOW(event, EVENT), UINT(1), IN_FLOWS, .rank = 1 },
    /* Initiator and responder: one record for both ways (NSEL, AVC). */
    { 0, 231, FLOW(octets, OCTETS), UINT(8), IN_FLOWS, .rank = 2,
      .needs = NEEDS_INITIATOR },
    { 0, 232, FLOW(reverse_octets, REVERSE_OCTETS), UINT(8), IN_FLOWS, .rank = 2 },
    { 0, 233, FLOW(event, EVENT), UINT(1), IN_FLOWS },
    { 0, 234, FLOW(vrf_in, VRF_IN), UINT(4), IN_BOTH },
    { 0, 235, FLOW(vrf_out, VRF_OUT), UINT(4), IN_BOTH },
    { 0, 236, TO(vrf_name), TEXT, IN_OPTIONS },
    { 0, 239, FLOW(biflow_direction, BIFLOW_DIRECTION), UINT(1), IN_FLOWS },
    { 0, 243, FLOW(vlan, VLAN), UINT(2), IN_FLOWS, .rank = 1 },
    { 0, 252, FLOW(input_if, INPUT_IF), UINT(4), IN_FLOWS, .rank = 1 },
    { 0, 253, FLOW(output_if, OUTPUT_IF), UINT(4), IN_FLOWS, .rank = 1 },
    { 0, 258, OBSERVED, MS, .rank = 4 },
    { 0, 281, FLOW(nat_src, NAT_SRC), IPV6, IN_FLOWS },
    { 0, 282, FLOW(nat_dst, NAT_DST), IPV6, IN_FLOWS },
    { 0, 298, FLOW(packets, PACKETS), UINT(8), IN_FLOWS, .rank = 2,
      .needs = NEEDS_INITIATOR },
    { 0, 299, FLOW(reverse_packets, REVERSE_PACKETS), UINT(8), IN_FLOWS, .rank = 2 },
    { 0, 302, SAMPLER, UINT(8) },
    { 0, 305, REPORT(packet_interval), UINT(4), .needs = NEEDS_REPORT },
    { 0, 306, REPORT(packet_space), UINT(4), .needs = NEEDS_REPORT | NEEDS_SPACE },
    { 0, 309, REPORT(size), UINT(4), .needs = NEEDS_REPORT },
    { 0, 310, REPORT(population), UINT(4), .needs = NEEDS_REPORT },
    { 0, 311, REPORT(probability), .kind = KIND_FLOAT, .native = 8,
      .needs = NEEDS_REPORT | NEEDS_PROBABILITY },
    { 0, 322, OBSERVED, SEC, .rank = 3 },
    { 0, 323, OBSERVED, MS, .rank = 2 },
    { 0, 324, OBSERVED, NTP_US, .rank = 1 },
    { 0, 325, OBSERVED, NTP_NS },
    { 0, 335, TO(sampler_name), TEXT, IN_OPTIONS, .rank = 1 },
    /* Layer 2: better than no count at all. */
    { 0, 352, FLOW(octets, OCTETS), UINT(8), IN_FLOWS, .rank = 4 },
    { 0, 353, FLOW(octets, OCTETS), UINT(8), IN_FLOWS, .rank = 5 },

    { REVERSE, 1, FLOW(reverse_octets, REVERSE_OCTETS), UINT(8), IN_FLOWS },
    { REVERSE, 2, FLOW(reverse_packets, REVERSE_PACKETS), UINT(8), IN_FLOWS },
    { REVERSE, 85, FLOW(reverse_octets, REVERSE_OCTETS), UINT(8), IN_FLOWS, .rank = 1 },
    { REVERSE, 86, FLOW(reverse_packets, REVERSE_PACKETS), UINT(8), IN_FLOWS,
      .rank = 1 },

    /* Cisco ASA: translated addresses and the event of releases before 8.4(5). */
    { VENDOR, 33002, FLOW(event, EVENT), UINT(2), IN_FLOWS, .rank = 3 },
    { VENDOR, 40001, FLOW(nat_src, NAT_SRC), IPV4, IN_FLOWS, .rank = 1 },
    { VENDOR, 40002, FLOW(nat_dst, NAT_DST), IPV4, IN_FLOWS, .rank = 1 },
    { VENDOR, 40003, FLOW(nat_src_port, NAT_SRC_PORT), UINT(2), IN_FLOWS, .rank = 1 },
    { VENDOR, 40004, FLOW(nat_dst_port, NAT_DST_PORT), UINT(2), IN_FLOWS, .rank = 1 },
    { VENDOR, 40005, FLOW(event, EVENT), UINT(1), IN_FLOWS, .rank = 2 },

    { ELEMENT_V9_SCOPE, 2, FLOW(input_if, INPUT_IF), UINT(4), IN_OPTIONS },
};
/* clang-format on */

const Element *
element_table_rows(size_t *n)
{
    *n = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

static int
compare(const void *a, const void *b)
{
    const Element *left = a, *right = b;

    if (left->pen != right->pen)
        return left->pen < right->pen ? -1 : 1;
    return (int) left->id - (int) right->id;
}

const Element *
element_table_find(uint32_t pen, uint16_t id)
{
    const Element key = { .pen = pen, .id = id };

    return bsearch(&key, rows, sizeof(rows) / sizeof(rows[0]), sizeof(rows[0]),
                   compare);
}

ElementLength
element_table_length(const Element *self, size_t n_octets)
{
    switch ((ElementKind) self->kind) {
    case KIND_UINT:
    case KIND_BEFORE_US:
    case KIND_ICMP:
    case KIND_ICMP_TYPE:
    case KIND_ICMP_CODE:
        /* Up to 8 although the type is shorter: NX-OS has uptimes of 8 octets,
         * IOS-XR sampler ids of 2. */
        return n_octets <= 8 ? LENGTH_LEGAL : LENGTH_REFUSED;
    case KIND_IPV4:
    case KIND_IPV6:
        return n_octets == self->native ? LENGTH_LEGAL : LENGTH_ODD;
    case KIND_SEC:
    case KIND_MS:
    case KIND_NTP_US:
    case KIND_NTP_NS:
        if (n_octets < self->native)
            return LENGTH_REFUSED;
        return n_octets == self->native ? LENGTH_LEGAL : LENGTH_ODD;
    case KIND_FLOAT:
        if (n_octets == 4 || n_octets == 8)
            return LENGTH_LEGAL;
        return n_octets < 8 ? LENGTH_REFUSED : LENGTH_ODD;
    case KIND_TEXT:
        return LENGTH_LEGAL;
    case KIND_APP:
        return n_octets <= 9 ? LENGTH_LEGAL : LENGTH_ODD; /* 9: Fortinet */
    }
    return LENGTH_ODD;
}
