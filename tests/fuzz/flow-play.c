/* SPDX-License-Identifier: Apache-2.0 */
#include "flow-play.h"

#include <glib.h>
#include <string.h>

#include "clock.h"
#include "reader.h"

#define MAX_FLOWS     256
#define NAME_BYTES    256
#define ORDINARY_TIME (1u << 31)

/* Each member is read to its full width, as it comes. */
static void
read_members(Reader *r, Flow *flow)
{
#define TAKE(member)                                                                   \
    flow->member = (__typeof__(flow->member)) reader_uint(r, sizeof(flow->member))

    TAKE(octets);
    TAKE(packets);
    TAKE(reverse_octets);
    TAKE(reverse_packets);
    TAKE(app);
    TAKE(flow_id);
    TAKE(sampling);
    TAKE(input_if);
    TAKE(output_if);
    TAKE(src_as);
    TAKE(dst_as);
    TAKE(vrf_in);
    TAKE(vrf_out);
    TAKE(src_port);
    TAKE(dst_port);
    TAKE(icmp);
    TAKE(nat_src_port);
    TAKE(nat_dst_port);
    TAKE(vlan);
    TAKE(tcp_flags);
    TAKE(event);
    TAKE(protocol);
    TAKE(tos);
    TAKE(end_reason);
    TAKE(direction);
    TAKE(biflow_direction);
    TAKE(marks);
#undef TAKE
}

static void
read_times(Reader *r, Flow *flow, int64_t now_us, int64_t *shift_us)
{
    flow->received_us = (int64_t) reader_uint(r, 8);
    flow->start_us = (int64_t) reader_uint(r, 8);
    flow->end_us = (int64_t) reader_uint(r, 8);
    *shift_us = (int64_t) reader_uint(r, 8);
    if (!(flow->present & ORDINARY_TIME))
        return;

    flow->received_us = now_us + (flow->received_us & 0xffff) * US_PER_SEC;
    flow->start_us = flow->received_us - (flow->start_us & 0xffffff);
    flow->end_us = flow->start_us + (flow->end_us & 0xffffff);
    *shift_us = 0;
}

/* The first octet: 0 a whole IPv6 address, else an IPv4 address. */
static void
read_address(Reader *r, IpAddress *addr)
{
    const bool is_v6 = reader_uint(r, 1) == 0;
    const uint8_t *bytes = reader_bytes(r, is_v6 ? 16 : 4);

    if (bytes)
        *addr = is_v6 ? ip_address_from_v6(bytes) : ip_address_from_v4(bytes);
}

/* As options give them: a C string, of any bytes. */
static const char *
read_name(Reader *r, char name[NAME_BYTES])
{
    const size_t n_bytes = reader_uint(r, 1);
    const uint8_t *bytes = reader_bytes(r, n_bytes);

    if (!bytes || n_bytes == 0)
        return NULL;
    memcpy(name, bytes, n_bytes);
    name[n_bytes] = '\0';
    return name;
}

void
flow_play(const uint8_t *bytes, size_t n_bytes, int64_t now_us, Exporter *exporter,
          FlowPlayFunc func, void *user_data)
{
    Reader r = reader_over(bytes, n_bytes);
    char app[NAME_BYTES], vrf_in[NAME_BYTES], vrf_out[NAME_BYTES];

    for (unsigned i = 0; i < MAX_FLOWS && r.left > 0; i++) {
        Flow flow = { .exporter = exporter, .present = (uint32_t) reader_uint(&r, 4) };
        int64_t shift_us;

        read_times(&r, &flow, now_us, &shift_us);
        read_members(&r, &flow);
        read_address(&r, &flow.src);
        read_address(&r, &flow.dst);
        read_address(&r, &flow.next_hop);
        read_address(&r, &flow.nat_src);
        read_address(&r, &flow.nat_dst);

        const CopyExtraNames names = { .app = read_name(&r, app),
                                       .vrf_in = read_name(&r, vrf_in),
                                       .vrf_out = read_name(&r, vrf_out) };
        flow.marks &= (1u << FLOW_N_MARKS) - 1;
        func(&flow, shift_us, &names, user_data);
    }
}
