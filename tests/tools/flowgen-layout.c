/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-layout.h"

#include <string.h>

/* Numbers of IANA's ipfix registry. */
enum {
    OCTETS = 1,
    PACKETS = 2,
    PROTOCOL = 4,
    TOS = 5,
    TCP_FLAGS = 6,
    SRC_PORT = 7,
    SRC_V4 = 8,
    INPUT_IF = 10,
    DST_PORT = 11,
    DST_V4 = 12,
    OUTPUT_IF = 14,
    NEXT_HOP_V4 = 15,
    SRC_AS = 16,
    DST_AS = 17,
    END_UPTIME = 21,
    START_UPTIME = 22,
    SRC_V6 = 27,
    DST_V6 = 28,
    VLAN = 58,
    DIRECTION = 61,
    NEXT_HOP_V6 = 62,
    SAMPLER_ID = 48,
    END_REASON = 136,
    START_SEC = 150,
    END_SEC = 151,
    START_MS = 152,
    END_MS = 153,
    START_NTP = 154,
    END_NTP = 155,
    INTERFACE_NAME = 82,
    BIFLOW_DIRECTION = 239,
    SELECTOR_ID = 302,
    OWN = 1, /* of PEN_EXAMPLE */
};

enum { VARIABLE = 65535 };

/* RFC 5612; RFC 5103 6.1 */
enum { PEN_EXAMPLE = 32473, PEN_REVERSE = 29305 };

/* Seconds from 1900 to 1970. */
#define NTP_EPOCH_SEC INT64_C(2208988800)

/* Of what a kind consists; START_MS and END_MS become uptime stamps in v9, and the
 * kinds marked so differ in IPFIX. */
typedef struct {
    FlowgenField fields[FLOWGEN_LAYOUT_MAX_FIELDS];
    uint16_t ipfix_start; /* 0 = milliseconds */
    uint16_t ipfix_time_bytes;
} Kind;

static const Kind kinds[FLOWGEN_LAYOUT_KINDS] = {
    /* plain */
    { .fields = { { SRC_V4, 4 },
                  { DST_V4, 4 },
                  { SRC_PORT, 2 },
                  { DST_PORT, 2 },
                  { PROTOCOL, 1 },
                  { TCP_FLAGS, 1 },
                  { TOS, 1 },
                  { INPUT_IF, 4 },
                  { OUTPUT_IF, 4 },
                  { OCTETS, 8 },
                  { PACKETS, 8 },
                  { START_MS, 8 },
                  { END_MS, 8 } } },
    /* routing */
    { .fields = { { SRC_V4, 4 },
                  { DST_V4, 4 },
                  { NEXT_HOP_V4, 4 },
                  { INPUT_IF, 2 },
                  { OUTPUT_IF, 2 },
                  { PACKETS, 4 },
                  { OCTETS, 4 },
                  { START_MS, 8 },
                  { END_MS, 8 },
                  { SRC_PORT, 2 },
                  { DST_PORT, 2 },
                  { TCP_FLAGS, 1 },
                  { PROTOCOL, 1 },
                  { TOS, 1 },
                  { SRC_AS, 4 },
                  { DST_AS, 4 } },
      .ipfix_start = START_NTP,
      .ipfix_time_bytes = 8 },
    /* reduced-size counters, RFC 7011 6.2 */
    { .fields = { { START_MS, 8 },
                  { END_MS, 8 },
                  { OCTETS, 5 },
                  { PACKETS, 3 },
                  { SRC_V4, 4 },
                  { DST_V4, 4 },
                  { PROTOCOL, 1 },
                  { SRC_PORT, 2 },
                  { DST_PORT, 2 },
                  { TCP_FLAGS, 1 } },
      .ipfix_start = START_SEC,
      .ipfix_time_bytes = 4 },
    /* an element of an enterprise and a VLAN */
    { .fields = { { VLAN, 2 },
                  { SRC_V4, 4 },
                  { DST_V4, 4 },
                  { SRC_PORT, 2 },
                  { DST_PORT, 2 },
                  { PROTOCOL, 1 },
                  { TCP_FLAGS, 2 },
                  { TOS, 1 },
                  { OWN, 4, PEN_EXAMPLE },
                  { OCTETS, 8 },
                  { PACKETS, 4 },
                  { INPUT_IF, 4 },
                  { OUTPUT_IF, 4 },
                  { START_MS, 8 },
                  { END_MS, 8 },
                  { END_REASON, 1 } } },
    /* a string of variable length */
    { .fields = { { SRC_V4, 4 },
                  { DST_V4, 4 },
                  { PROTOCOL, 1 },
                  { SRC_PORT, 2 },
                  { DST_PORT, 2 },
                  { INTERFACE_NAME, VARIABLE },
                  { OCTETS, 8 },
                  { PACKETS, 8 },
                  { TCP_FLAGS, 1 },
                  { START_MS, 8 },
                  { END_MS, 8 } } },
};

static void
to_v6(FlowgenField *field)
{
    static const uint16_t pairs[][2] = { { SRC_V4, SRC_V6 },
                                         { DST_V4, DST_V6 },
                                         { NEXT_HOP_V4, NEXT_HOP_V6 } };

    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        if (field->element == pairs[i][0] && !field->pen)
            *field = (FlowgenField){ pairs[i][1], 16, 0 };
    }
}

/* v9 has no enterprises, no variable length and, on most routers, uptime stamps. */
static bool
to_version(unsigned version, const Kind *kind, FlowgenField *field)
{
    if (version == 9) {
        if (field->pen || field->n_bytes == VARIABLE || field->element == END_REASON)
            return false;
        if (field->element == START_MS || field->element == END_MS) {
            field->element = field->element == START_MS ? START_UPTIME : END_UPTIME;
            field->n_bytes = 4;
        }
    } else if (kind->ipfix_start && !field->pen &&
               (field->element == START_MS || field->element == END_MS)) {
        field->element = kind->ipfix_start + (field->element - START_MS);
        field->n_bytes = kind->ipfix_time_bytes;
    }
    return true;
}

static void
add_field(FlowgenLayout *self, FlowgenField field)
{
    if (self->v6)
        to_v6(&field);
    self->fields[self->n_fields++] = field;
    self->min_record_bytes += field.n_bytes == VARIABLE ? 1 : field.n_bytes;
    self->max_record_bytes += field.n_bytes == VARIABLE ? 16 : field.n_bytes;
}

FlowgenLayout
flowgen_layout_make(unsigned version, unsigned kind, bool v6, uint16_t id)
{
    const Kind *of = &kinds[kind % FLOWGEN_LAYOUT_KINDS];
    FlowgenLayout self = { .id = id, .v6 = v6 };

    for (size_t i = 0; i < FLOWGEN_LAYOUT_MAX_FIELDS && of->fields[i].n_bytes; i++) {
        FlowgenField field = of->fields[i];
        if (to_version(version, of, &field))
            add_field(&self, field);
    }
    return self;
}

FlowgenLayout
flowgen_layout_router(unsigned version, bool v6, unsigned has, uint16_t id)
{
    static const FlowgenField both[] = {
        { SRC_V4, 4 },   { DST_V4, 4 },    { INPUT_IF, 4 }, { OUTPUT_IF, 4 },
        { PACKETS, 8 },  { OCTETS, 8 },    { SRC_PORT, 2 }, { DST_PORT, 2 },
        { PROTOCOL, 1 }, { TCP_FLAGS, 1 }, { TOS, 1 },      { END_REASON, 1 },
    };
    static const FlowgenField times[][2] = {
        { { START_UPTIME, 4 }, { END_UPTIME, 4 } },
        { { START_MS, 8 }, { END_MS, 8 } },
    };
    static const FlowgenField back[] = { { PACKETS, 8, PEN_REVERSE },
                                         { OCTETS, 8, PEN_REVERSE },
                                         { TCP_FLAGS, 1, PEN_REVERSE },
                                         { BIFLOW_DIRECTION, 1 } };
    FlowgenLayout self = { .id = id, .v6 = v6 };

    for (size_t i = 0; i < G_N_ELEMENTS(both); i++)
        add_field(&self, both[i]);
    for (size_t i = 0; i < 2; i++)
        add_field(&self, times[version == 10][i]);
    for (size_t i = 0; (has & FLOWGEN_LAYOUT_BACK) && i < G_N_ELEMENTS(back); i++)
        add_field(&self, back[i]);
    if (has & FLOWGEN_LAYOUT_DIRECTION)
        add_field(&self, (FlowgenField){ DIRECTION, 1 });
    if (has & FLOWGEN_LAYOUT_AS) {
        add_field(&self, (FlowgenField){ SRC_AS, 4 });
        add_field(&self, (FlowgenField){ DST_AS, 4 });
    }
    if (has & FLOWGEN_LAYOUT_SAMPLED)
        add_field(&self, version == 9 ? (FlowgenField){ SAMPLER_ID, 2 }
                                      : (FlowgenField){ SELECTOR_ID, 4 });
    return self;
}

size_t
flowgen_layout_write_template(const FlowgenLayout *self, uint8_t *to)
{
    uint8_t *at = flowgen_put(to, self->id, 2);

    at = flowgen_put(at, self->n_fields, 2);
    for (size_t i = 0; i < self->n_fields; i++) {
        const FlowgenField *field = &self->fields[i];
        at = flowgen_put(at, field->element | (field->pen ? 0x8000 : 0), 2);
        at = flowgen_put(at, field->n_bytes, 2);
        if (field->pen)
            at = flowgen_put(at, field->pen, 4);
    }
    return at - to;
}

/* RFC 7011 6.1.9: seconds and a binary fraction. */
static uint64_t
ntp_of(int64_t ms)
{
    const uint64_t sec = ms / 1000 + NTP_EPOCH_SEC;

    /* "Microseconds" keep the upper 21 bits of the fraction. */
    return sec << 32 |
           ((((uint64_t) (ms % 1000) << 32) / 1000 + 0x7ff) & ~UINT64_C(0x7ff));
}

/* The value of a numeric element; addresses and strings are written by the caller. */
static uint64_t
value_of(uint16_t element, const FlowgenFlow *flow, int64_t boot_ms)
{
    switch (element) {
    case OCTETS:
        return flow->octets;
    case PACKETS:
        return flow->packets;
    case PROTOCOL:
        return flow->protocol;
    case TOS:
        return flow->tos;
    case TCP_FLAGS:
        return flow->tcp_flags;
    case SRC_PORT:
        return flow->src_port;
    case DST_PORT:
        return flow->dst_port;
    case INPUT_IF:
        return flow->input_if;
    case OUTPUT_IF:
        return flow->output_if;
    case SRC_AS:
        return flow->src_as;
    case DST_AS:
        return flow->dst_as;
    case VLAN:
        return 100 + (flow->input_if & 15);
    case END_REASON:
        return flow->end_reason;
    case SAMPLER_ID:
    case SELECTOR_ID:
        return FLOWGEN_LAYOUT_SAMPLER;
    case DIRECTION:
        return flow->direction;
    case BIFLOW_DIRECTION:
        return flow->biflow_direction;
    case START_UPTIME:
        return (uint64_t) (flow->start_ms - boot_ms);
    case END_UPTIME:
        return (uint64_t) (flow->end_ms - boot_ms);
    case START_SEC:
        return flow->start_ms / 1000;
    case END_SEC:
        return flow->end_ms / 1000;
    case START_MS:
        return flow->start_ms;
    case END_MS:
        return flow->end_ms;
    case START_NTP:
        return ntp_of(flow->start_ms);
    case END_NTP:
        return ntp_of(flow->end_ms);
    default:
        return 0;
    }
}

static uint64_t
enterprise_value_of(const FlowgenField *field, const FlowgenFlow *flow)
{
    if (field->pen != PEN_REVERSE)
        return flow->number;

    return field->element == OCTETS    ? flow->reverse_octets
           : field->element == PACKETS ? flow->reverse_packets
                                       : flow->reverse_tcp_flags;
}

static uint8_t *
put_name(uint8_t *at, const FlowgenFlow *flow)
{
    static const char name[] = "GigabitEther0/0";
    const size_t n_bytes = 4 + (flow->number + flow->input_if) % 12;

    *at++ = n_bytes;
    memcpy(at, name, n_bytes);
    return at + n_bytes;
}

/* As flowgen_put(), but always stores eight bytes: what comes next overwrites the
 * rest.  A store whose size is known is several times as fast. */
static inline uint8_t *
put_fast(uint8_t *to, uint64_t value, size_t n_bytes)
{
    const uint64_t swapped = GUINT64_TO_BE(value << (64 - 8 * n_bytes));

    memcpy(to, &swapped, sizeof(swapped));
    return to + n_bytes;
}

size_t
flowgen_layout_write_record(const FlowgenLayout *self, const FlowgenFlow *flow,
                            int64_t boot_ms, uint8_t *to)
{
    uint8_t *at = to;

    for (size_t i = 0; i < self->n_fields; i++) {
        const FlowgenField *field = &self->fields[i];
        if (field->pen) {
            at = put_fast(at, enterprise_value_of(field, flow), field->n_bytes);
        } else if (field->n_bytes == VARIABLE) {
            at = put_name(at, flow);
        } else if (field->element == SRC_V4 || field->element == SRC_V6) {
            memcpy(at, flow->src, 16);
            at += field->n_bytes;
        } else if (field->element == DST_V4 || field->element == DST_V6) {
            memcpy(at, flow->dst, 16);
            at += field->n_bytes;
        } else if (field->element == NEXT_HOP_V6) {
            memset(at, 0, 16); /* none */
            at += 16;
        } else {
            at = put_fast(at, value_of(field->element, flow, boot_ms), field->n_bytes);
        }
    }
    return at - to;
}
