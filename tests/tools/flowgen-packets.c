/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-packets.h"

#include <string.h>

#include "flowgen-layout.h"

enum {
    V5_HEADER_BYTES = 24,
    V5_RECORD_BYTES = 48,
    V5_MAX_RECORDS = 30,
    V9_HEADER_BYTES = 20,
    IPFIX_HEADER_BYTES = 16,
    SET_HEADER_BYTES = 4,
    MAX_TEMPLATES = 4096,
    MAX_SENDERS = 4 * 1024 * 1024,
    FIRST_TEMPLATE_ID = 256,
};

/* One exporter's observation domain. */
typedef struct {
    uint32_t sequence;
    uint32_t n_data;        /* data packets so far */
    uint32_t next_template; /* to be announced; == n_layouts: all are */
    uint32_t data_layout;   /* whose turn it is */
    int64_t announced_ms;
} Sender;

struct FlowgenPackets {
    FlowgenPacketsOptions options;
    FlowgenValues *values;
    FlowgenLayout *layouts; /* n_templates of IPv4, then their IPv6 twins */
    uint32_t n_layouts;
    uint32_t records; /* that a packet of any layout can hold, or as asked for */
    Sender *senders;  /* domain by domain, all exporters of a domain in a row */
    uint64_t n_senders;
    uint64_t turn;
    uint64_t n_data;    /* data packets so far, all senders */
    uint64_t n_flows;   /* made so far */
    FlowgenPacket last; /* for its twin; its bytes are ours */
    bool twin_due;
};

static size_t
header_bytes(const FlowgenPackets *self)
{
    return self->options.version == 9 ? V9_HEADER_BYTES : IPFIX_HEADER_BYTES;
}

static uint32_t
v9_records_that_fit(const FlowgenPackets *self, const FlowgenLayout *layout)
{
    return (self->options.packet_bytes - header_bytes(self) - SET_HEADER_BYTES - 3) /
           layout->max_record_bytes;
}

/* Into a packet of any layout. */
static uint32_t
records_that_fit(const FlowgenPackets *self)
{
    uint32_t fit = UINT32_MAX;

    if (self->options.version == 5)
        return MIN((self->options.packet_bytes - V5_HEADER_BYTES) / V5_RECORD_BYTES,
                   V5_MAX_RECORDS);

    for (uint32_t i = 0; i < self->n_layouts; i++)
        fit = MIN(fit, v9_records_that_fit(self, &self->layouts[i]));
    return fit;
}

static bool
check_options(const FlowgenPacketsOptions *o, GError **error)
{
    const char *wrong = NULL;

    if (o->version != 5 && o->version != 9 && o->version != 10)
        wrong = "--version is 5, 9 or 10";
    else if (o->n_exporters < 1 || o->n_domains < 1 ||
             (uint64_t) o->n_exporters * o->n_domains > MAX_SENDERS)
        wrong = "--exporters and --domains are at least 1, together at most 4194304";
    else if (o->version == 5 && o->n_domains > 65536)
        wrong = "v5 knows 65536 engines at most";
    else if (o->n_templates < 1 || o->n_templates > MAX_TEMPLATES)
        wrong = "--templates is 1 to 4096";
    else if (o->packet_bytes < 512 || o->packet_bytes > FLOWGEN_MAX_PACKET_BYTES)
        wrong = "--packet-bytes is 512 to 65507";
    else if (o->version == 5 && (o->ipv6_share > 0 || o->templates != 0))
        wrong = "v5 has no IPv6 and no templates";
    else if (o->sampling > 0x3fff)
        wrong = "--sampling is at most 16383";

    if (wrong)
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, wrong);
    return !wrong;
}

static bool
choose_records(FlowgenPackets *self, GError **error)
{
    const uint32_t fit = records_that_fit(self);

    self->records = self->options.records ? self->options.records : fit;
    if (self->records <= fit)
        return true;

    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "%u records do not fit into a packet of %zu bytes, %u do",
                self->records, self->options.packet_bytes, fit);
    return false;
}

FlowgenPackets *
flowgen_packets_new(const FlowgenPacketsOptions *options, GError **error)
{
    if (!check_options(options, error))
        return NULL;

    g_autoptr(FlowgenPackets) self = g_new0(FlowgenPackets, 1);
    const uint32_t n = options->n_templates;

    self->options = *options;
    self->values = flowgen_values_new(&options->values);
    self->n_layouts = options->version == 5 ? 0 : options->ipv6_share > 0 ? 2 * n : n;
    self->layouts = g_new0(FlowgenLayout, self->n_layouts);
    for (uint32_t i = 0; i < self->n_layouts; i++)
        self->layouts[i] =
            flowgen_layout_make(options->version, i % n, i >= n, FIRST_TEMPLATE_ID + i);
    if (!choose_records(self, error))
        return NULL;

    self->n_senders = (uint64_t) options->n_exporters * options->n_domains;
    self->senders = g_new0(Sender, self->n_senders);
    for (uint64_t i = 0; i < self->n_senders; i++) {
        Sender *sender = &self->senders[i];
        sender->sequence = options->first_sequence;
        if (options->templates == FLOWGEN_TEMPLATES_NONE)
            sender->next_template = self->n_layouts;
    }
    self->last.bytes = g_malloc(options->packet_bytes);
    return g_steal_pointer(&self);
}

void
flowgen_packets_free(FlowgenPackets *self)
{
    if (!self)
        return;

    flowgen_values_free(self->values);
    g_free(self->layouts);
    g_free(self->senders);
    g_free(self->last.bytes);
    g_free(self);
}

uint32_t
flowgen_packets_records(const FlowgenPackets *self)
{
    return self->records;
}

uint32_t
flowgen_packets_templates(const FlowgenPackets *self)
{
    return self->n_layouts;
}

static uint32_t
domain_of(const FlowgenPackets *self, uint64_t sender)
{
    return self->options.first_domain + sender / self->options.n_exporters;
}

/* Both v9 and IPFIX; called when the rest of the message is known. */
static void
write_header(const FlowgenPackets *self, uint64_t sender, int64_t now_ms,
             uint32_t n_records, size_t n_bytes, uint8_t *to)
{
    uint8_t *at = flowgen_put(to, self->options.version, 2);

    if (self->options.version == 9) {
        at = flowgen_put(at, n_records, 2);
        at = flowgen_put(at, (uint64_t) (now_ms - self->options.boot_ms), 4);
    } else {
        at = flowgen_put(at, n_bytes, 2);
    }
    at = flowgen_put(at, now_ms / 1000, 4);
    at = flowgen_put(at, self->senders[sender].sequence, 4);
    flowgen_put(at, domain_of(self, sender), 4);
}

/* As many of the sender's templates as fit, from the first that is not announced. */
static void
write_templates(FlowgenPackets *self, uint64_t turn, int64_t now_ms,
                FlowgenPacket *packet)
{
    Sender *sender = &self->senders[turn];
    uint8_t *set = packet->bytes + header_bytes(self);
    uint8_t *at = set + SET_HEADER_BYTES;
    const uint8_t *end = packet->bytes + self->options.packet_bytes;
    uint32_t n_templates = 0;

    while (sender->next_template < self->n_layouts &&
           end - at >= FLOWGEN_LAYOUT_MAX_TEMPLATE_BYTES) {
        at += flowgen_layout_write_template(&self->layouts[sender->next_template], at);
        sender->next_template++;
        n_templates++;
    }
    flowgen_put(flowgen_put(set, self->options.version == 9 ? 0 : 2, 2), at - set, 2);
    packet->n_bytes = at - packet->bytes;
    write_header(self, turn, now_ms, n_templates, packet->n_bytes, packet->bytes);
    sender->announced_ms = now_ms;
    if (self->options.version == 9) /* counts packets; IPFIX counts data records */
        sender->sequence++;
}

/* The next flow; its values go into the packet's sums. */
static void
make_flow(FlowgenPackets *self, bool v6, int64_t now_ms, FlowgenPacket *packet,
          FlowgenFlow *flow)
{
    flowgen_values_next(self->values, self->options.first_number + self->n_flows, v6,
                        now_ms, flow);
    self->n_flows++;
    packet->n_flows++;
    packet->octets += flow->octets;
    packet->packets += flow->packets;
}

/* How many flows the next packet has, when @fit could be in it. */
static uint32_t
flows_due(const FlowgenPackets *self, uint32_t fit)
{
    const uint64_t total = self->options.total_flows;
    const uint32_t records = self->options.records ? self->options.records : fit;

    return total ? MIN(records, total - self->n_flows) : records;
}

static void
write_data(FlowgenPackets *self, uint64_t turn, int64_t now_ms, FlowgenPacket *packet)
{
    Sender *sender = &self->senders[turn];
    const uint32_t n_templates = self->options.n_templates;
    const bool v6 = self->options.ipv6_share > 0 &&
                    flowgen_values_chance(self->values, self->options.ipv6_share);
    const FlowgenLayout *layout =
        &self->layouts[sender->data_layout + (v6 ? n_templates : 0)];
    const uint32_t n_flows = flows_due(self, v9_records_that_fit(self, layout));
    uint8_t *set = packet->bytes + header_bytes(self);
    uint8_t *at = set + SET_HEADER_BYTES;
    FlowgenFlow flow;

    for (uint32_t i = 0; i < n_flows; i++) {
        make_flow(self, v6, now_ms, packet, &flow);
        at += flowgen_layout_write_record(layout, &flow, self->options.boot_ms, at);
    }
    while ((at - set) % 4 != 0)
        *at++ = 0;
    flowgen_put(flowgen_put(set, layout->id, 2), at - set, 2);
    packet->n_bytes = at - packet->bytes;
    write_header(self, turn, now_ms, n_flows, packet->n_bytes, packet->bytes);
    sender->sequence += self->options.version == 9 ? 1 : n_flows;
    sender->data_layout = (sender->data_layout + 1) % n_templates;
}

static uint8_t *
write_v5_record(const FlowgenPackets *self, const FlowgenFlow *flow, uint8_t *at)
{
    memcpy(at, flow->src, 4);
    memcpy(at + 4, flow->dst, 4);
    at = flowgen_put(at + 8, 0, 4); /* next hop */
    at = flowgen_put(at, flow->input_if, 2);
    at = flowgen_put(at, flow->output_if, 2);
    at = flowgen_put(at, flow->packets, 4);
    at = flowgen_put(at, flow->octets, 4);
    at = flowgen_put(at, (uint64_t) (flow->start_ms - self->options.boot_ms), 4);
    at = flowgen_put(at, (uint64_t) (flow->end_ms - self->options.boot_ms), 4);
    at = flowgen_put(at, flow->src_port, 2);
    at = flowgen_put(at, flow->dst_port, 2);
    at = flowgen_put(at, flow->tcp_flags, 2); /* behind one byte of padding */
    at = flowgen_put(at, flow->protocol, 1);
    at = flowgen_put(at, flow->tos, 1);
    at = flowgen_put(at, flow->src_as, 2);
    at = flowgen_put(at, flow->dst_as, 2);
    return flowgen_put(at, 0, 4); /* masks, padding */
}

static void
write_v5(FlowgenPackets *self, uint64_t turn, int64_t now_ms, FlowgenPacket *packet)
{
    Sender *sender = &self->senders[turn];
    const uint32_t n_flows = flows_due(self, self->records);
    const uint32_t sampling = self->options.sampling;
    FlowgenFlow flow;
    uint8_t *at = flowgen_put(packet->bytes, 5, 2);

    at = flowgen_put(at, n_flows, 2);
    at = flowgen_put(at, (uint64_t) (now_ms - self->options.boot_ms), 4);
    at = flowgen_put(at, now_ms / 1000, 4);
    at = flowgen_put(at, now_ms % 1000 * 1000000, 4);
    at = flowgen_put(at, sender->sequence, 4);
    at = flowgen_put(at, domain_of(self, turn), 2); /* engine type and id */
    at = flowgen_put(at, sampling ? 0x4000 | sampling : 0, 2);
    for (uint32_t i = 0; i < n_flows; i++) {
        make_flow(self, false, now_ms, packet, &flow);
        at = write_v5_record(self, &flow, at);
    }
    packet->n_bytes = at - packet->bytes;
    sender->sequence += n_flows;
}

static bool
templates_due(const FlowgenPackets *self, const Sender *sender, int64_t now_ms)
{
    const FlowgenPacketsOptions *o = &self->options;

    if (o->templates != FLOWGEN_TEMPLATES_REPEATED)
        return false;
    if (o->template_every && sender->n_data && sender->n_data % o->template_every == 0)
        return true;
    return o->template_period_ms &&
           now_ms - sender->announced_ms >= o->template_period_ms;
}

static uint64_t
choose_turn(FlowgenPackets *self)
{
    if (self->options.shuffle && self->options.templates != FLOWGEN_TEMPLATES_ONLY)
        return flowgen_values_random(self->values) % self->n_senders;
    return self->turn % self->n_senders;
}

/* Data of this turn; the twin, the gap and what they cost. */
static void
next_data(FlowgenPackets *self, uint64_t turn, int64_t now_ms, FlowgenPacket *packet)
{
    const FlowgenPacketsOptions *o = &self->options;
    Sender *sender = &self->senders[turn];

    if (o->version == 5)
        write_v5(self, turn, now_ms, packet);
    else
        write_data(self, turn, now_ms, packet);
    self->n_data++;
    sender->n_data++;
    self->turn++;
    if (templates_due(self, sender, now_ms))
        sender->next_template = 0;

    packet->withheld = o->gap_every && self->n_data % o->gap_every == 0;
    self->twin_due =
        !packet->withheld && o->twin_every && self->n_data % o->twin_every == 0;
    if (!self->twin_due)
        return;

    uint8_t *bytes = self->last.bytes;
    self->last = *packet;
    self->last.bytes = bytes;
    memcpy(bytes, packet->bytes, packet->n_bytes);
}

static void
repeat_last(FlowgenPackets *self, FlowgenPacket *packet)
{
    uint8_t *bytes = packet->bytes;

    *packet = self->last;
    packet->bytes = bytes;
    packet->twin = true;
    memcpy(bytes, self->last.bytes, self->last.n_bytes);
    self->twin_due = false;
}

bool
flowgen_packets_next(FlowgenPackets *self, int64_t now_ms, FlowgenPacket *packet)
{
    const FlowgenPacketsOptions *o = &self->options;

    if (self->twin_due) {
        repeat_last(self, packet);
        return true;
    }
    if (o->total_flows && self->n_flows >= o->total_flows)
        return false;
    if (o->templates == FLOWGEN_TEMPLATES_ONLY && self->turn >= self->n_senders)
        return false;

    const uint64_t turn = choose_turn(self);
    *packet =
        (FlowgenPacket){ .bytes = packet->bytes, .exporter = turn % o->n_exporters };

    if (self->senders[turn].next_template < self->n_layouts) {
        write_templates(self, turn, now_ms, packet);
        if (o->templates == FLOWGEN_TEMPLATES_ONLY &&
            self->senders[turn].next_template == self->n_layouts)
            self->turn++;
    } else {
        next_data(self, turn, now_ms, packet);
    }
    return true;
}
