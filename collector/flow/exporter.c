/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/exporter.h"

#include <string.h>

/* Exporters live in blocks that never move; an open-addressing table of their
 * numbers (0 = free slot, else index + 1) finds them.  Nothing is ever removed. */

#define BLOCK_LEN   256
#define FIRST_SLOTS 1024 /* a power of two */

struct ExporterTable {
    GPtrArray *blocks; /* Exporter[BLOCK_LEN] */
    size_t len;
    size_t max;
    uint32_t *slots;
    size_t n_slots; /* a power of two, at least twice len */
    uint64_t seed;
};

ExporterTable *
exporter_table_new(size_t max_exporters)
{
    ExporterTable *self = g_new0(ExporterTable, 1);

    self->blocks = g_ptr_array_new_with_free_func(g_free);
    self->max = MIN(max_exporters, UINT32_MAX / 4);
    self->n_slots = FIRST_SLOTS;
    self->slots = g_new0(uint32_t, self->n_slots);
    /* Address and domain are the sender's to choose: without a secret they could be
     * chosen to fall into one chain. */
    self->seed = (uint64_t) g_random_int() << 32 | g_random_int();
    return self;
}

void
exporter_table_free(ExporterTable *self)
{
    if (!self)
        return;

    for (size_t i = 0; i < self->len; i++)
        exporter_set_undecided(exporter_table_at(self, i), NULL);
    g_ptr_array_unref(self->blocks);
    g_free(self->slots);
    g_free(self);
}

/* Multiplies to 128 bits and folds: one multiplication mixes both inputs. */
static uint64_t
fold(uint64_t a, uint64_t b)
{
    const unsigned __int128 product = (unsigned __int128) a * b;

    return (uint64_t) product ^ (uint64_t) (product >> 64);
}

static size_t
hash(const ExporterTable *self, const IpAddress *address, uint32_t domain)
{
    uint64_t high, low;

    memcpy(&high, address->bytes, sizeof(high));
    memcpy(&low, address->bytes + 8, sizeof(low));

    uint64_t mixed = fold(high ^ self->seed, UINT64_C(0x9e3779b97f4a7c15));
    mixed = fold(low ^ mixed ^ self->seed, UINT64_C(0xd6e8feb86659fd93));
    return fold(domain ^ mixed ^ self->seed, UINT64_C(0xa0761d6478bd642f));
}

/* The slot that holds (@address, @domain), or the free one where it belongs. */
static uint32_t *
find_slot(ExporterTable *self, const IpAddress *address, uint32_t domain)
{
    size_t i = hash(self, address, domain);

    for (;; i++) {
        uint32_t *slot = &self->slots[i & (self->n_slots - 1)];

        if (*slot == 0)
            return slot;

        const Exporter *exporter = exporter_table_at(self, *slot - 1);
        if (exporter->domain == domain && ip_address_equal(&exporter->address, address))
            return slot;
    }
}

static void
grow_slots(ExporterTable *self)
{
    g_free(self->slots);
    self->n_slots *= 2;
    self->slots = g_new0(uint32_t, self->n_slots);

    for (size_t i = 0; i < self->len; i++) {
        const Exporter *exporter = exporter_table_at(self, i);

        *find_slot(self, &exporter->address, exporter->domain) = i + 1;
    }
}

static Exporter *
add(ExporterTable *self, const IpAddress *address, uint32_t domain)
{
    if (self->len == self->max)
        return NULL;
    if (2 * (self->len + 1) > self->n_slots)
        grow_slots(self);
    if (self->len % BLOCK_LEN == 0)
        g_ptr_array_add(self->blocks, g_new0(Exporter, BLOCK_LEN));

    *find_slot(self, address, domain) = ++self->len;

    Exporter *exporter = exporter_table_at(self, self->len - 1);
    exporter->address = *address;
    exporter->domain = domain;
    return exporter;
}

Exporter *
exporter_table_get(ExporterTable *self, const IpAddress *address, uint32_t domain)
{
    const uint32_t *slot = find_slot(self, address, domain);

    return *slot ? exporter_table_at(self, *slot - 1) : add(self, address, domain);
}

void
exporter_set_undecided(Exporter *self, GBytes *undecided)
{
    const bool had = self->undecided != NULL;

    if (had && undecided && g_bytes_equal(self->undecided, undecided)) {
        g_bytes_unref(undecided);
        return;
    }
    self->dirty |= had || undecided;
    g_clear_pointer(&self->undecided, g_bytes_unref);
    self->undecided = undecided;
}

size_t
exporter_table_len(const ExporterTable *self)
{
    return self->len;
}

Exporter *
exporter_table_at(ExporterTable *self, size_t index)
{
    g_assert(index < self->len);

    Exporter *block = g_ptr_array_index(self->blocks, index / BLOCK_LEN);
    return &block[index % BLOCK_LEN];
}
