/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-message.h"

#include <string.h>

enum {
    V5_HEADER_BYTES = 24,
    V5_RECORD_BYTES = 48,
    V9_HEADER_BYTES = 20,
    IPFIX_HEADER_BYTES = 16,
    SET_HEADER_BYTES = 4,
    MAX_PADDING_BYTES = 3,
};

/* Ids of the sets that hold templates. */
enum { V9_TEMPLATES = 0, V9_OPTIONS = 1, IPFIX_TEMPLATES = 2, IPFIX_OPTIONS = 3 };

/* How the two protocols say how packets are sampled. */
enum {
    SAMPLER_ID = 48,
    SAMPLER_MODE = 49,
    SAMPLER_INTERVAL = 50,
    SELECTOR_ID = 302,
    SELECTOR_ALGORITHM = 304,
    SAMPLING_SIZE = 309,
    SAMPLING_POPULATION = 310,
    SCOPE_SYSTEM = 1, /* v9 */
    MODE_RANDOM = 2,
    ALGORITHM_RANDOM_N_OF_N = 3,
};

static size_t
header_bytes(unsigned version)
{
    return version == 5   ? V5_HEADER_BYTES
           : version == 9 ? V9_HEADER_BYTES
                          : IPFIX_HEADER_BYTES;
}

uint32_t
flowgen_message_fits(unsigned version, const FlowgenLayout *layout, size_t packet_bytes)
{
    const size_t room = packet_bytes - header_bytes(version);

    if (version == 5)
        return MIN(room / V5_RECORD_BYTES, FLOWGEN_MESSAGE_V5_RECORDS);
    return (room - SET_HEADER_BYTES - MAX_PADDING_BYTES) / layout->max_record_bytes;
}

void
flowgen_message_begin(FlowgenMessage *self, unsigned version, uint8_t *bytes,
                      size_t max_bytes)
{
    *self = (FlowgenMessage){ .version = version,
                              .bytes = bytes,
                              .at = bytes + header_bytes(version),
                              .end = bytes + max_bytes };
}

static uint16_t
set_id(const FlowgenMessage *self)
{
    return self->set[0] << 8 | self->set[1];
}

static void
close_set(FlowgenMessage *self)
{
    if (!self->set)
        return;

    while ((self->at - self->set) % 4 != 0)
        *self->at++ = 0;
    flowgen_put(self->set + 2, self->at - self->set, 2);
    self->set = NULL;
}

/* Makes the set @id the open one, if @n_bytes more fit into it. */
static bool
open_set(FlowgenMessage *self, uint16_t id, size_t n_bytes)
{
    const bool is_open = self->set && set_id(self) == id;
    const size_t more = is_open ? 0 : SET_HEADER_BYTES + MAX_PADDING_BYTES;

    if (self->at + more + n_bytes + MAX_PADDING_BYTES > self->end)
        return false;
    if (is_open)
        return true;

    close_set(self);
    self->set = self->at;
    flowgen_put(self->set, id, 2);
    self->at += SET_HEADER_BYTES;
    return true;
}

bool
flowgen_message_add_template(FlowgenMessage *self, const FlowgenLayout *layout)
{
    if (!open_set(self, self->version == 9 ? V9_TEMPLATES : IPFIX_TEMPLATES,
                  FLOWGEN_LAYOUT_MAX_TEMPLATE_BYTES))
        return false;

    self->at += flowgen_layout_write_template(layout, self->at);
    self->n_records++;
    return true;
}

static uint8_t *
write_v5_record(const FlowgenFlow *flow, int64_t boot_ms, uint8_t *at)
{
    memcpy(at, flow->src, 4);
    memcpy(at + 4, flow->dst, 4);
    at = flowgen_put(at + 8, 0, 4); /* next hop */
    at = flowgen_put(at, flow->input_if, 2);
    at = flowgen_put(at, flow->output_if, 2);
    at = flowgen_put(at, flow->packets, 4);
    at = flowgen_put(at, flow->octets, 4);
    at = flowgen_put(at, (uint64_t) (flow->start_ms - boot_ms), 4);
    at = flowgen_put(at, (uint64_t) (flow->end_ms - boot_ms), 4);
    at = flowgen_put(at, flow->src_port, 2);
    at = flowgen_put(at, flow->dst_port, 2);
    at = flowgen_put(at, flow->tcp_flags, 2); /* behind one byte of padding */
    at = flowgen_put(at, flow->protocol, 1);
    at = flowgen_put(at, flow->tos, 1);
    at = flowgen_put(at, flow->src_as, 2);
    at = flowgen_put(at, flow->dst_as, 2);
    return flowgen_put(at, 0, 4); /* masks, padding */
}

bool
flowgen_message_add_flow(FlowgenMessage *self, const FlowgenLayout *layout,
                         const FlowgenFlow *flow, int64_t boot_ms)
{
    if (self->version == 5) {
        if (self->n_flows == FLOWGEN_MESSAGE_V5_RECORDS ||
            self->at + V5_RECORD_BYTES > self->end)
            return false;
        self->at = write_v5_record(flow, boot_ms, self->at);
    } else {
        if (!open_set(self, layout->id, layout->max_record_bytes))
            return false;
        self->at += flowgen_layout_write_record(layout, flow, boot_ms, self->at);
    }
    self->n_records++;
    self->n_data++;
    self->n_flows++;
    return true;
}

static uint8_t *
put_specifier(uint8_t *at, uint16_t element, uint16_t n_bytes)
{
    return flowgen_put(flowgen_put(at, element, 2), n_bytes, 2);
}

/* RFC 3954 6.1: for the whole system, as Cisco IOS does it. */
static void
write_v9_sampling(FlowgenMessage *self, uint16_t template_id, uint32_t interval)
{
    open_set(self, V9_OPTIONS, 0);
    uint8_t *at = flowgen_put(self->at, template_id, 2);
    at = flowgen_put(at, 4, 2);  /* bytes of the scope's specifiers */
    at = flowgen_put(at, 12, 2); /* and of the options' */
    at = put_specifier(at, SCOPE_SYSTEM, 4);
    at = put_specifier(at, SAMPLER_ID, 2);
    at = put_specifier(at, SAMPLER_MODE, 1);
    self->at = put_specifier(at, SAMPLER_INTERVAL, 4);

    open_set(self, template_id, 0);
    at = flowgen_put(self->at, 0, 4);
    at = flowgen_put(at, FLOWGEN_LAYOUT_SAMPLER, 2);
    at = flowgen_put(at, MODE_RANDOM, 1);
    self->at = flowgen_put(at, interval, 4);
}

/* RFC 5476 6.5.2.3: the selector's report. */
static void
write_ipfix_sampling(FlowgenMessage *self, uint16_t template_id, uint32_t interval)
{
    open_set(self, IPFIX_OPTIONS, 0);
    uint8_t *at = flowgen_put(self->at, template_id, 2);
    at = flowgen_put(at, 4, 2); /* fields */
    at = flowgen_put(at, 1, 2); /* of which so many are the scope */
    at = put_specifier(at, SELECTOR_ID, 4);
    at = put_specifier(at, SELECTOR_ALGORITHM, 2);
    at = put_specifier(at, SAMPLING_SIZE, 4);
    self->at = put_specifier(at, SAMPLING_POPULATION, 4);

    open_set(self, template_id, 0);
    at = flowgen_put(self->at, FLOWGEN_LAYOUT_SAMPLER, 4);
    at = flowgen_put(at, ALGORITHM_RANDOM_N_OF_N, 2);
    at = flowgen_put(at, 1, 4);
    self->at = flowgen_put(at, interval, 4);
}

bool
flowgen_message_add_sampling(FlowgenMessage *self, uint16_t template_id,
                             uint32_t interval)
{
    enum { BOTH_BYTES = 64 }; /* two sets, and more than they need */

    if (self->end - self->at < BOTH_BYTES)
        return false;

    if (self->version == 9)
        write_v9_sampling(self, template_id, interval);
    else
        write_ipfix_sampling(self, template_id, interval);
    self->n_records += 2;
    self->n_data++;
    return true;
}

static void
write_v5_header(const FlowgenMessage *self, const FlowgenDomain *domain, int64_t now_ms)
{
    const unsigned sampling = domain->sampling ? 0x4000 | domain->sampling : 0;
    uint8_t *at = flowgen_put(self->bytes, 5, 2);

    at = flowgen_put(at, self->n_flows, 2);
    at = flowgen_put(at, (uint64_t) (now_ms - domain->boot_ms), 4);
    at = flowgen_put(at, now_ms / 1000, 4);
    at = flowgen_put(at, now_ms % 1000 * 1000000, 4);
    at = flowgen_put(at, domain->sequence, 4);
    at = flowgen_put(at, domain->number, 2); /* engine type and id */
    flowgen_put(at, sampling, 2);
}

static void
write_header(const FlowgenMessage *self, const FlowgenDomain *domain, int64_t now_ms)
{
    uint8_t *at = flowgen_put(self->bytes, domain->version, 2);

    if (domain->version == 9) {
        at = flowgen_put(at, self->n_records, 2);
        at = flowgen_put(at, (uint64_t) (now_ms - domain->boot_ms), 4);
    } else {
        at = flowgen_put(at, self->at - self->bytes, 2);
    }
    at = flowgen_put(at, now_ms / 1000, 4);
    at = flowgen_put(at, domain->sequence, 4);
    flowgen_put(at, domain->number, 4);
}

size_t
flowgen_message_end(FlowgenMessage *self, FlowgenDomain *domain, int64_t now_ms)
{
    close_set(self);
    if (domain->version == 5)
        write_v5_header(self, domain, now_ms);
    else
        write_header(self, domain, now_ms);
    domain->sequence += domain->version == 9 ? 1 : self->n_data;
    return self->at - self->bytes;
}
