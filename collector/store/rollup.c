/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rollup.h"

#include <string.h>

#include "clock.h"
#include "copy-field.h"
#include "service-port.h"

#define MINUTE_US   (60 * US_PER_SEC)
#define HOUR_US     (3600 * US_PER_SEC)
#define FIRST_SLOTS 1024 /* a power of two */
#define FIELDS      10   /* of traffic_1m */

/* Compared as bytes, so it has no padding. */
typedef struct {
    int64_t minute; /* since 1970 */
    int32_t exporter_id;
    uint32_t input_if;
    uint32_t output_if;
    uint16_t service_port;
    uint8_t protocol;
    uint8_t watched;
    uint64_t present; /* FLOW_INPUT_IF, FLOW_OUTPUT_IF, FLOW_PROTOCOL */
} Key;

G_STATIC_ASSERT(sizeof(Key) == 32);

typedef struct {
    Key key;
    unsigned __int128 octets;
    unsigned __int128 packets;
    uint64_t flows;
} Part;

struct Rollup {
    GArray *parts;   /* Part */
    uint32_t *slots; /* index into parts + 1; 0 = free */
    size_t n_slots;  /* a power of two, at least twice the parts */
    uint64_t seed;   /* keys are the sender's to choose, their chains are not */
};

Rollup *
rollup_new(void)
{
    Rollup *self = g_new0(Rollup, 1);

    self->parts = g_array_new(FALSE, FALSE, sizeof(Part));
    self->n_slots = FIRST_SLOTS;
    self->slots = g_new0(uint32_t, self->n_slots);
    self->seed = (uint64_t) g_random_int() << 32 | g_random_int();
    return self;
}

void
rollup_free(Rollup *self)
{
    if (!self)
        return;

    g_array_unref(self->parts);
    g_free(self->slots);
    g_free(self);
}

static size_t
hash(const Rollup *self, const Key *key)
{
    uint64_t words[4];
    uint64_t mixed = self->seed;

    memcpy(words, key, sizeof(words));
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        const unsigned __int128 product =
            (unsigned __int128) (words[i] ^ mixed) * UINT64_C(0xd6e8feb86659fd93);

        mixed = (uint64_t) product ^ (uint64_t) (product >> 64) ^ mixed << 1;
    }
    return mixed;
}

static uint32_t *
find_slot(const Rollup *self, const Key *key)
{
    for (size_t i = hash(self, key);; i++) {
        uint32_t *slot = &self->slots[i & (self->n_slots - 1)];

        if (*slot == 0 || memcmp(&g_array_index(self->parts, Part, *slot - 1).key, key,
                                 sizeof(*key)) == 0)
            return slot;
    }
}

static void
grow(Rollup *self)
{
    g_free(self->slots);
    self->n_slots *= 2;
    self->slots = g_new0(uint32_t, self->n_slots);
    for (guint i = 0; i < self->parts->len; i++)
        *find_slot(self, &g_array_index(self->parts, Part, i).key) = i + 1;
}

static Part *
find_part(Rollup *self, const Key *key)
{
    uint32_t *slot = find_slot(self, key);

    if (*slot == 0) {
        const Part part = { .key = *key };

        if (2 * (self->parts->len + 1) > self->n_slots) {
            grow(self);
            slot = find_slot(self, key);
        }
        g_array_append_val(self->parts, part);
        *slot = self->parts->len;
    }
    return &g_array_index(self->parts, Part, *slot - 1);
}

void
rollup_add(Rollup *self, const Flow *flow)
{
    uint32_t present = flow->present & (FLOW_INPUT_IF | FLOW_OUTPUT_IF | FLOW_PROTOCOL);

    /* As in flow: these do not fit the columns. */
    if (flow->input_if > INT32_MAX)
        present &= ~(uint32_t) FLOW_INPUT_IF;
    if (flow->output_if > INT32_MAX)
        present &= ~(uint32_t) FLOW_OUTPUT_IF;

    const Key key = {
        .minute = flow->received_us / MINUTE_US,
        .exporter_id = flow->exporter->id,
        .input_if = present & FLOW_INPUT_IF ? flow->input_if : 0,
        .output_if = present & FLOW_OUTPUT_IF ? flow->output_if : 0,
        .service_port =
            service_port_pick(flow->protocol, flow->src_port, flow->dst_port),
        .protocol = present & FLOW_PROTOCOL ? flow->protocol : 0,
        .watched = flow->watched,
        .present = present,
    };
    Part *part = find_part(self, &key);

    part->octets += flow->octets;
    part->packets += flow->packets;
    part->flows++;
}

size_t
rollup_len(const Rollup *self)
{
    return self->parts->len;
}

int64_t
rollup_oldest_us(const Rollup *self)
{
    int64_t oldest = INT64_MAX / MINUTE_US;

    for (guint i = 0; i < self->parts->len; i++)
        oldest = MIN(oldest, g_array_index(self->parts, Part, i).key.minute);
    return self->parts->len ? oldest * MINUTE_US : INT64_MAX;
}

const char *
rollup_statement(void)
{
    return "COPY flowkeep.traffic_1m (minute, exporter_id, input_if, output_if,"
           " protocol, service_port, watched, octets, packets, flows)"
           " FROM STDIN (FORMAT binary)";
}

static uint8_t *
put_int4_if(uint8_t *at, bool present, uint32_t value)
{
    return present ? copy_field_int4(at, (int32_t) value) : copy_field_null(at);
}

static uint8_t *
put_part(uint8_t *at, const Part *part)
{
    const Key *key = &part->key;

    at = copy_field_row(at, FIELDS);
    at = copy_field_timestamptz(at, key->minute * MINUTE_US);
    at = copy_field_int4(at, key->exporter_id);
    at = put_int4_if(at, key->present & FLOW_INPUT_IF, key->input_if);
    at = put_int4_if(at, key->present & FLOW_OUTPUT_IF, key->output_if);
    at = key->present & FLOW_PROTOCOL ? copy_field_int2(at, key->protocol)
                                      : copy_field_null(at);
    at = copy_field_int4(at, key->service_port);
    at = copy_field_int2(at, key->watched);
    at = copy_field_numeric(at, part->octets);
    at = copy_field_numeric(at, part->packets);
    return copy_field_int8(at, (int64_t) part->flows);
}

void
rollup_take(Rollup *self, GByteArray *rows)
{
    uint8_t row[2 + FIELDS * COPY_FIELD_NUMERIC_BYTES];

    for (guint i = 0; i < self->parts->len; i++) {
        const uint8_t *end = put_part(row, &g_array_index(self->parts, Part, i));

        g_byte_array_append(rows, row, (guint) (end - row));
    }

    g_array_set_size(self->parts, 0);
    memset(self->slots, 0, self->n_slots * sizeof(*self->slots));
}

static int
compare_hours(const void *a, const void *b)
{
    const int64_t first = *(const int64_t *) a;
    const int64_t second = *(const int64_t *) b;

    return first < second ? -1 : first > second;
}

GArray *
rollup_hours(const Rollup *self)
{
    GArray *hours = g_array_new(FALSE, FALSE, sizeof(int64_t));

    for (guint i = 0; i < self->parts->len; i++) {
        const int64_t minute_us =
            g_array_index(self->parts, Part, i).key.minute * MINUTE_US;
        const int64_t hour_us = minute_us - minute_us % HOUR_US;
        bool is_known = false;

        for (guint j = 0; j < hours->len && !is_known; j++)
            is_known = g_array_index(hours, int64_t, j) == hour_us;
        if (!is_known)
            g_array_append_val(hours, hour_us);
    }
    g_array_sort(hours, compare_hours);
    return hours;
}
