/* SPDX-License-Identifier: Apache-2.0 */
#include "session/flow-row.h"

#include "copy-reader.h"

static void
take_place(Reader *r, FlowRow *row)
{
    uint64_t value;

    if (copy_reader_uint(r, &value))
        row->exporter_id = (int32_t) value;
    if (copy_reader_uint(r, &value))
        row->input_if = (uint32_t) value;
    if (copy_reader_uint(r, &value))
        row->output_if = (uint32_t) value;
}

static void
take_counts(Reader *r, FlowRow *row)
{
    uint64_t value;

    if (copy_reader_uint(r, &value))
        row->src_port = (uint16_t) value;
    if (copy_reader_uint(r, &value))
        row->dst_port = (uint16_t) value;
    if (copy_reader_uint(r, &value))
        row->protocol = (uint8_t) value;
    if (copy_reader_uint(r, &value)) {
        row->tcp_flags = (uint16_t) value;
        row->has_flags = true;
    }
    if (copy_reader_uint(r, &value))
        row->octets = value;
    if (copy_reader_uint(r, &value))
        row->packets = value;
    if (copy_reader_uint(r, &value))
        row->sampling = (uint32_t) value;
    if (copy_reader_uint(r, &value))
        row->watched = (uint8_t) value;
}

static void
take_extra(Reader *r, FlowRow *row)
{
    uint64_t value;

    if (copy_reader_text_uint(r, UINT8_MAX, &value))
        row->end_reason = (uint8_t) value;
    if (copy_reader_text_uint(r, 1, &value))
        row->direction = (uint8_t) (value + 1);
    if (copy_reader_text_uint(r, INT64_MAX, &value)) {
        row->reverse_octets = value;
        row->is_biflow = true;
    }
    if (copy_reader_text_uint(r, INT64_MAX, &value)) {
        row->reverse_packets = value;
        row->is_biflow = true;
    }
}

bool
flow_row_take(Reader *r, FlowRow *row)
{
    *row = (FlowRow){ 0 };

    bool usable = copy_reader_time(r, &row->received_us);
    const bool has_start = copy_reader_time(r, &row->start_us);
    const bool has_end = copy_reader_time(r, &row->end_us);

    take_place(r, row);
    usable = copy_reader_inet(r, &row->src) && usable;
    usable = copy_reader_inet(r, &row->dst) && usable;
    take_counts(r, row);
    take_extra(r, row);

    if (!has_end)
        row->end_us = has_start ? row->start_us : row->received_us;
    if (!has_start || row->start_us > row->end_us)
        row->start_us = row->end_us;
    return usable;
}

static inline int
compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int
flow_row_compare(const FlowRow *a, const FlowRow *b)
{
    if (a->start_us != b->start_us)
        return a->start_us < b->start_us ? -1 : 1;
    if (a->end_us != b->end_us)
        return a->end_us < b->end_us ? -1 : 1;

    int order = compare((uint32_t) a->exporter_id, (uint32_t) b->exporter_id);
    order = order ? order : memcmp(&a->src, &b->src, sizeof(a->src));
    order = order ? order : memcmp(&a->dst, &b->dst, sizeof(a->dst));
    order = order ? order : compare(a->src_port, b->src_port);
    order = order ? order : compare(a->dst_port, b->dst_port);
    order = order ? order : compare(a->protocol, b->protocol);
    order = order ? order : compare(a->input_if, b->input_if);
    order = order ? order : compare(a->output_if, b->output_if);
    order = order ? order : compare(a->direction, b->direction);
    order = order ? order : compare(a->octets, b->octets);
    order = order ? order : compare(a->packets, b->packets);
    order = order ? order : compare(a->reverse_octets, b->reverse_octets);
    order = order ? order : compare(a->reverse_packets, b->reverse_packets);
    order = order ? order : compare(a->tcp_flags, b->tcp_flags);
    order = order ? order : compare(a->end_reason, b->end_reason);
    order = order ? order : compare(a->sampling, b->sampling);
    order = order ? order : compare(a->watched, b->watched);
    order = order ? order : compare(a->has_flags, b->has_flags);
    order = order ? order : compare(a->is_biflow, b->is_biflow);
    return order ? order
                 : compare((uint64_t) a->received_us, (uint64_t) b->received_us);
}
