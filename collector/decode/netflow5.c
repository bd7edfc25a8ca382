/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/netflow5.h"

#include "flow/sampling.h"
#include "reader.h"

#define HEADER_BYTES 24
#define RECORD_BYTES 48

/* What every record has.  AS numbers and the next hop are 0 where the router does
 * not do BGP; they are reported all the same. */
#define PRESENT                                                                        \
    (FLOW_SRC | FLOW_DST | FLOW_NEXT_HOP | FLOW_INPUT_IF | FLOW_OUTPUT_IF |            \
     FLOW_PACKETS | FLOW_OCTETS | FLOW_START | FLOW_END | FLOW_SRC_PORT |              \
     FLOW_DST_PORT | FLOW_TCP_FLAGS | FLOW_PROTOCOL | FLOW_TOS | FLOW_SRC_AS |         \
     FLOW_DST_AS)

DecodeStatus
netflow5_read_header(Netflow5 *self, const uint8_t *bytes, size_t left,
                     int64_t received_us)
{
    Reader r = reader_over(bytes, left);

    *self = (Netflow5){ 0 };
    reader_uint(&r, 2); /* version */
    self->n_records = reader_uint(&r, 2);
    const uint32_t uptime_ms = reader_uint(&r, 4);
    self->export_sec = reader_uint(&r, 4);
    const uint32_t export_nsec = reader_uint(&r, 4);
    self->sequence = reader_uint(&r, 4);
    self->engine = reader_uint(&r, 2);
    self->rate = sampling_from_v5(reader_uint(&r, 2));

    if (!reader_ok(&r))
        return DECODE_SHORT_HEADER;
    if (self->n_records == 0 || self->n_records > NETFLOW5_MAX_RECORDS ||
        self->n_records * RECORD_BYTES > r.left)
        return DECODE_RECORD_COUNT;

    self->records = r.at;
    self->n_bytes = HEADER_BYTES + self->n_records * RECORD_BYTES;
    self->uptime =
        uptime_from_header(uptime_ms, self->export_sec, export_nsec, received_us);
    return DECODE_OK;
}

static IpAddress
read_ipv4(Reader *r)
{
    return ip_address_from_v4(reader_bytes(r, 4));
}

/* The fields in wire order: keep it a straight line.  The record is whole. */
void
netflow5_read_record(const Netflow5 *self, uint32_t index, Flow *flow)
{
    Reader r = reader_over(self->records + (size_t) index * RECORD_BYTES, RECORD_BYTES);

    flow->src = read_ipv4(&r);
    flow->dst = read_ipv4(&r);
    flow->next_hop = read_ipv4(&r);
    flow->input_if = reader_uint(&r, 2);
    flow->output_if = reader_uint(&r, 2);
    flow->packets = reader_uint(&r, 4);
    flow->octets = reader_uint(&r, 4);
    flow->start_us = uptime_resolve(&self->uptime, reader_uint(&r, 4));
    flow->end_us = uptime_resolve(&self->uptime, reader_uint(&r, 4));
    flow->src_port = reader_uint(&r, 2);
    flow->dst_port = reader_uint(&r, 2);
    reader_bytes(&r, 1); /* padding */
    flow->tcp_flags = reader_uint(&r, 1);
    flow->protocol = reader_uint(&r, 1);
    flow->tos = reader_uint(&r, 1);
    flow->src_as = reader_uint(&r, 2);
    flow->dst_as = reader_uint(&r, 2);
    flow->present |= PRESENT;
}
