/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-packets.h"

#include <string.h>

#include "flowgen-message.h"

enum {
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

/* Into a packet of any layout. */
static uint32_t
records_that_fit(const FlowgenPackets *self)
{
    uint32_t fit = UINT32_MAX;

    if (self->options.version == 5)
        return flowgen_message_fits(5, NULL, self->options.packet_bytes);

    for (uint32_t i = 0; i < self->n_layouts; i++)
        fit = MIN(fit, flowgen_message_fits(self->options.version, &self->layouts[i],
                                            self->options.packet_bytes));
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

static FlowgenDomain
domain_of(const FlowgenPackets *self, uint64_t sender)
{
    return (FlowgenDomain){
        .version = self->options.version,
        .number = self->options.first_domain + sender / self->options.n_exporters,
        .sequence = self->senders[sender].sequence,
        .sampling = self->options.sampling,
        .boot_ms = self->options.boot_ms,
    };
}

static void
begin(const FlowgenPackets *self, FlowgenPacket *packet, FlowgenMessage *message)
{
    flowgen_message_begin(message, self->options.version, packet->bytes,
                          self->options.packet_bytes);
}

static void
end(FlowgenPackets *self, uint64_t turn, int64_t now_ms, FlowgenMessage *message,
    FlowgenPacket *packet)
{
    FlowgenDomain domain = domain_of(self, turn);

    packet->n_bytes = flowgen_message_end(message, &domain, now_ms);
    self->senders[turn].sequence = domain.sequence;
}

/* As many of the sender's templates as fit, from the first that is not announced. */
static void
write_templates(FlowgenPackets *self, uint64_t turn, int64_t now_ms,
                FlowgenPacket *packet)
{
    Sender *sender = &self->senders[turn];
    FlowgenMessage message;

    begin(self, packet, &message);
    while (
        sender->next_template < self->n_layouts &&
        flowgen_message_add_template(&message, &self->layouts[sender->next_template]))
        sender->next_template++;
    end(self, turn, now_ms, &message, packet);
    sender->announced_ms = now_ms;
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

/* The layout whose turn it is; NULL in v5. */
static const FlowgenLayout *
choose_layout(FlowgenPackets *self, Sender *sender)
{
    const uint32_t n_templates = self->options.n_templates;

    if (self->options.version == 5)
        return NULL;

    const bool v6 = self->options.ipv6_share > 0 &&
                    flowgen_values_chance(self->values, self->options.ipv6_share);
    const FlowgenLayout *layout =
        &self->layouts[sender->data_layout + (v6 ? n_templates : 0)];
    sender->data_layout = (sender->data_layout + 1) % n_templates;
    return layout;
}

static void
write_data(FlowgenPackets *self, uint64_t turn, int64_t now_ms, FlowgenPacket *packet)
{
    const FlowgenLayout *layout = choose_layout(self, &self->senders[turn]);
    const uint32_t n_flows =
        flows_due(self, flowgen_message_fits(self->options.version, layout,
                                             self->options.packet_bytes));
    FlowgenMessage message;
    FlowgenFlow flow;

    begin(self, packet, &message);
    for (uint32_t i = 0; i < n_flows; i++) {
        make_flow(self, layout && layout->v6, now_ms, packet, &flow);
        flowgen_message_add_flow(&message, layout, &flow, self->options.boot_ms);
    }
    end(self, turn, now_ms, &message, packet);
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
