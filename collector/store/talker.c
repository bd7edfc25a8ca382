/* SPDX-License-Identifier: Apache-2.0 */
#include "store/talker.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "copy-field.h"
#include "service-port.h"
#include "store/sketch.h"

#define WINDOW_US (300 * US_PER_SEC)
#define FLUSH_US  (60 * US_PER_SEC)
#define FIELDS    7 /* of talker_5m */

/* Data that waited for its template comes with an earlier receive time; it counts
 * where the others are, unless it is from another time altogether (an import). */
#define LATE_US (2 * WINDOW_US)

/* Room in a sketch for each key that becomes a row. */
#define KEYS_PER_ROW 3

#define KEY_TEXT_BYTES (2 * IP_ADDRESS_TEXT_BYTES)

typedef enum { KIND_HOST, KIND_PAIR, KIND_PORT, KIND_AS, N_KINDS } Kind;

struct Talker {
    Sketch *sketches[N_KINDS];
    size_t n_heaviest;
    int64_t window_us; /* its start */
    int64_t begun_us;  /* receive time of the first flow since the last flush */
    bool is_empty;
    GByteArray *rows; /* NULL = none made */
};

Talker *
talker_new(size_t n_heaviest)
{
    Talker *self = g_new0(Talker, 1);

    self->n_heaviest = n_heaviest;
    self->is_empty = true;
    for (Kind kind = 0; kind < N_KINDS; kind++)
        self->sketches[kind] = sketch_new(KEYS_PER_ROW * n_heaviest);
    return self;
}

void
talker_free(Talker *self)
{
    if (!self)
        return;

    for (Kind kind = 0; kind < N_KINDS; kind++)
        sketch_free(self->sketches[kind]);
    g_clear_pointer(&self->rows, g_byte_array_unref);
    g_free(self);
}

/* --- keys --- */

static SketchKey
key_of_host(const IpAddress *addr)
{
    SketchKey key = { 0 };

    memcpy(key.bytes, addr->bytes, sizeof(addr->bytes));
    return key;
}

/* Both directions of a conversation have one key: the lower address comes first. */
static SketchKey
key_of_pair(const IpAddress *a, const IpAddress *b)
{
    const bool in_order = memcmp(a->bytes, b->bytes, sizeof(a->bytes)) <= 0;
    SketchKey key;

    memcpy(key.bytes, in_order ? a : b, sizeof(*a));
    memcpy(key.bytes + sizeof(*a), in_order ? b : a, sizeof(*a));
    return key;
}

static SketchKey
key_of_number(uint8_t protocol, uint32_t number)
{
    SketchKey key = { 0 };

    key.bytes[0] = protocol;
    memcpy(key.bytes + 1, &number, sizeof(number));
    return key;
}

/* The known service, else the lower port: clients use high ones. */
static uint16_t
port_of(const Flow *flow)
{
    const uint16_t service =
        service_port_pick(flow->protocol, flow->src_port, flow->dst_port);

    if (service != 0)
        return service;
    if (!flow_has(flow, FLOW_SRC_PORT))
        return flow->dst_port;
    if (!flow_has(flow, FLOW_DST_PORT))
        return flow->src_port;
    return MIN(flow->src_port, flow->dst_port);
}

static void
format_port(const SketchKey *key, char *text)
{
    static const struct {
        uint8_t protocol;
        const char *name;
    } names[] = { { 1, "icmp" },  { 6, "tcp" },        { 17, "udp" },
                  { 33, "dccp" }, { 58, "ipv6-icmp" }, { 132, "sctp" } };
    char number[4];
    const char *name = number;
    uint32_t port;

    memcpy(&port, key->bytes + 1, sizeof(port));
    snprintf(number, sizeof(number), "%u", key->bytes[0]);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i].protocol == key->bytes[0])
            name = names[i].name;
    }
    snprintf(text, KEY_TEXT_BYTES, "%s/%u", name, port);
}

static void
format_key(Kind kind, const SketchKey *key, char text[KEY_TEXT_BYTES])
{
    char first[IP_ADDRESS_TEXT_BYTES];
    char second[IP_ADDRESS_TEXT_BYTES];
    IpAddress addrs[2];
    uint32_t number;

    memcpy(addrs, key->bytes, sizeof(addrs));
    memcpy(&number, key->bytes + 1, sizeof(number));
    switch (kind) {
    case KIND_HOST:
        ip_address_format(&addrs[0], text);
        break;
    case KIND_PAIR:
        snprintf(text, KEY_TEXT_BYTES, "%s %s", ip_address_format(&addrs[0], first),
                 ip_address_format(&addrs[1], second));
        break;
    case KIND_PORT:
        format_port(key, text);
        break;
    default:
        snprintf(text, KEY_TEXT_BYTES, "%u", number);
    }
}

/* --- rows --- */

static void
append_row(Talker *self, Kind kind, const char *key, unsigned __int128 octets,
           unsigned __int128 packets, uint64_t flows, uint64_t error)
{
    static const char *const kinds[N_KINDS] = {
        [KIND_HOST] = "host",
        [KIND_PAIR] = "pair",
        [KIND_PORT] = "port",
        [KIND_AS] = "as",
    };
    uint8_t row[2 + FIELDS * COPY_FIELD_NUMERIC_BYTES + KEY_TEXT_BYTES];
    uint8_t *at = copy_field_row(row, FIELDS);

    at = copy_field_timestamptz(at, self->window_us);
    at = copy_field_text(at, kinds[kind], strlen(kinds[kind]));
    at = copy_field_text(at, key, strlen(key));
    at = copy_field_numeric(at, octets);
    at = copy_field_numeric(at, packets);
    at = copy_field_int8(at, (int64_t) flows);
    at = copy_field_numeric(at, error);
    g_byte_array_append(self->rows, row, (guint) (at - row));
}

static void
flush_kind(Talker *self, Kind kind)
{
    Sketch *sketch = self->sketches[kind];
    g_autoptr(GArray) heaviest = sketch_heaviest(sketch, self->n_heaviest);
    SketchTotal rest = sketch_total(sketch);

    for (guint i = 0; i < heaviest->len; i++) {
        const SketchEntry *entry = &g_array_index(heaviest, SketchEntry, i);
        char key[KEY_TEXT_BYTES];

        format_key(kind, &entry->key, key);
        append_row(self, kind, key, entry->octets, entry->packets, entry->flows,
                   entry->error);
        rest.octets -= entry->octets;
        rest.packets -= entry->packets;
        rest.flows -= entry->flows;
    }
    if (rest.flows > 0)
        append_row(self, kind, "other", rest.octets, rest.packets, rest.flows, 0);
    sketch_reset(sketch);
}

void
talker_flush(Talker *self)
{
    if (self->is_empty)
        return;

    if (!self->rows)
        self->rows = g_byte_array_new();
    for (Kind kind = 0; kind < N_KINDS; kind++)
        flush_kind(self, kind);
    self->is_empty = true;
}

void
talker_tick(Talker *self, int64_t received_us)
{
    if (!self->is_empty && received_us - self->begun_us >= FLUSH_US)
        talker_flush(self);
}

/* Makes the window that of @received_us, if it is not near enough. */
static void
move_window(Talker *self, int64_t received_us)
{
    const int64_t since_us = received_us - self->window_us;

    if (self->is_empty || since_us >= WINDOW_US || since_us < -LATE_US ||
        received_us - self->begun_us >= FLUSH_US) {
        talker_flush(self);
        self->window_us = received_us - received_us % WINDOW_US;
        self->begun_us = received_us;
        self->is_empty = false;
    }
}

void
talker_add(Talker *self, const Flow *flow)
{
    const uint64_t octets = flow->octets;
    const uint64_t packets = flow->packets;
    SketchKey key;

    move_window(self, flow->received_us);

    if (flow_has(flow, FLOW_SRC)) {
        key = key_of_host(&flow->src);
        sketch_add(self->sketches[KIND_HOST], &key, octets, packets);
    }
    if (flow_has(flow, FLOW_DST)) {
        key = key_of_host(&flow->dst);
        sketch_add(self->sketches[KIND_HOST], &key, octets, packets);
    }
    if (flow_has(flow, FLOW_SRC) && flow_has(flow, FLOW_DST)) {
        key = key_of_pair(&flow->src, &flow->dst);
        sketch_add(self->sketches[KIND_PAIR], &key, octets, packets);
    }
    if (flow_has(flow, FLOW_PROTOCOL)) {
        key = key_of_number(flow->protocol, port_of(flow));
        sketch_add(self->sketches[KIND_PORT], &key, octets, packets);
    }
    if (flow->src_as != 0) {
        key = key_of_number(0, flow->src_as);
        sketch_add(self->sketches[KIND_AS], &key, octets, packets);
    }
    if (flow->dst_as != 0) {
        key = key_of_number(0, flow->dst_as);
        sketch_add(self->sketches[KIND_AS], &key, octets, packets);
    }
}

const char *
talker_statement(void)
{
    return "COPY flowkeep.talker_5m (start_at, kind, key, octets, packets, flows,"
           " error_octets) FROM STDIN (FORMAT binary)";
}

GByteArray *
talker_steal(Talker *self)
{
    return g_steal_pointer(&self->rows);
}
