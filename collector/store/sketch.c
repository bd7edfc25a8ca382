/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sketch.h"

#include <string.h>

typedef struct {
    SketchEntry entry;
    uint64_t rank; /* weight less what was taken from it: who stays */
} Slot;

struct Sketch {
    uint32_t *tags; /* upper half of the hash, never 0; 0 = free */
    Slot *slots;
    uint32_t *spare_tags; /* where make_room() moves those that stay */
    Slot *spare_slots;
    uint64_t *cells; /* by hash: octets of keys that were not let in; n_slots */
    size_t n_slots;  /* a power of two */
    size_t n_used;
    size_t n_max;   /* three quarters of the slots */
    uint64_t taken; /* from every key so far */
    uint64_t seed;  /* keys are the sender's to choose, their chains are not */
    SketchTotal total;
};

Sketch *
sketch_new(size_t n_keys)
{
    Sketch *self = g_new0(Sketch, 1);

    self->n_slots = 64;
    while (self->n_slots / 4 * 3 < n_keys)
        self->n_slots *= 2;
    self->n_max = self->n_slots / 4 * 3;
    self->tags = g_new0(uint32_t, self->n_slots);
    self->slots = g_new(Slot, self->n_slots);
    self->cells = g_new0(uint64_t, self->n_slots);
    self->spare_tags = g_new(uint32_t, self->n_slots);
    self->spare_slots = g_new(Slot, self->n_slots);
    self->seed = (uint64_t) g_random_int() << 32 | g_random_int();
    return self;
}

void
sketch_free(Sketch *self)
{
    if (!self)
        return;

    g_free(self->tags);
    g_free(self->slots);
    g_free(self->cells);
    g_free(self->spare_tags);
    g_free(self->spare_slots);
    g_free(self);
}

static uint64_t
hash(const Sketch *self, const SketchKey *key)
{
    uint64_t words[4];

    memcpy(words, key->bytes, sizeof(words));

    const unsigned __int128 first = (unsigned __int128) (words[0] ^ self->seed) *
                                    (words[1] ^ UINT64_C(0x9e3779b97f4a7c15));
    const unsigned __int128 second =
        (unsigned __int128) (words[2] ^ UINT64_C(0xa0761d6478bd642f)) *
        (words[3] ^ self->seed ^ UINT64_C(0xe7037ed1a0b428db));
    const uint64_t mixed = (uint64_t) first ^ (uint64_t) (first >> 64) ^
                           (uint64_t) second ^ (uint64_t) (second >> 64);
    const unsigned __int128 last =
        (unsigned __int128) (mixed ^ self->seed) * UINT64_C(0xd6e8feb86659fd93);

    return (uint64_t) last ^ (uint64_t) (last >> 64);
}

static uint32_t
tag_of(uint64_t mixed)
{
    return (uint32_t) (mixed >> 32) | 1;
}

static uint64_t
add_saturating(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* The slot of @key, whose hash is @mixed, or the free one where it belongs. */
static size_t
find(const Sketch *self, const SketchKey *key, uint64_t mixed)
{
    const uint32_t tag = tag_of(mixed);

    for (size_t i = mixed;; i++) {
        const size_t slot = i & (self->n_slots - 1);

        if (self->tags[slot] == 0 ||
            (self->tags[slot] == tag &&
             memcmp(&self->slots[slot].entry.key, key, sizeof(*key)) == 0))
            return slot;
    }
}

/* Ranks by their leading bit and the four bits behind it: 1024 classes. */
#define FINE_BITS 4
#define N_CLASSES (64 << FINE_BITS)

static size_t
class_of(uint64_t rank)
{
    if (rank < 1u << FINE_BITS)
        return rank;

    const unsigned shift = 63 - (unsigned) __builtin_clzll(rank) - FINE_BITS;

    return ((size_t) shift << FINE_BITS) + (rank >> shift);
}

static uint64_t
largest_of_class(size_t class)
{
    if (class < 1u << FINE_BITS)
        return class;

    const unsigned shift = (unsigned) (class >> FINE_BITS) - 1;
    const uint64_t leading = (class & ((1u << FINE_BITS) - 1)) | 1u << FINE_BITS;

    return (leading << shift) + ((UINT64_C(1) << shift) - 1);
}

/* A rank that at least half of the keys do not exceed, and at most a sixteenth above
 * the smallest such.  Takes the same time whatever the ranks are. */
static uint64_t
median_rank(const Sketch *self)
{
    uint32_t counts[N_CLASSES] = { 0 };
    size_t class = 0;

    for (size_t i = 0; i < self->n_slots; i++) {
        if (self->tags[i])
            counts[class_of(self->slots[i].rank)]++;
    }
    for (size_t n = counts[0]; 2 * n < self->n_used; n += counts[class])
        class ++;
    return largest_of_class(class);
}

/* Half of the keys or more go: each addition pays for a constant share of this. */
static void
make_room(Sketch *self)
{
    const uint64_t taken = median_rank(self);
    uint32_t *old_tags = self->tags;
    Slot *old_slots = self->slots;

    self->taken = add_saturating(self->taken, taken);
    self->tags = self->spare_tags;
    self->slots = self->spare_slots;
    self->spare_tags = old_tags;
    self->spare_slots = old_slots;
    self->n_used = 0;
    memset(self->tags, 0, self->n_slots * sizeof(*self->tags));
    for (size_t i = 0; i < self->n_slots; i++) {
        if (old_tags[i] == 0 || old_slots[i].rank <= taken)
            continue;

        const uint64_t mixed = hash(self, &old_slots[i].entry.key);
        const size_t slot = find(self, &old_slots[i].entry.key, mixed);

        self->tags[slot] = old_tags[i];
        self->slots[slot] = old_slots[i];
        self->slots[slot].rank -= taken;
        self->n_used++;
    }
}

static size_t
insert(Sketch *self, const SketchKey *key, uint64_t mixed, size_t slot, uint64_t missed)
{
    if (self->n_used == self->n_max) {
        make_room(self);
        slot = find(self, key, mixed);
    }

    self->tags[slot] = tag_of(mixed);
    self->slots[slot] =
        (Slot){ .entry = { .key = *key,
                           .error = add_saturating(self->taken, missed) } };
    self->n_used++;
    return slot;
}

void
sketch_add(Sketch *self, const SketchKey *key, uint64_t octets, uint64_t packets)
{
    const uint64_t mixed = hash(self, key);
    size_t slot = find(self, key, mixed);

    self->total.octets += octets;
    self->total.packets += packets;
    self->total.flows++;
    if (self->tags[slot] == 0) {
        uint64_t *cell = &self->cells[mixed >> 16 & (self->n_slots - 1)];
        const uint64_t with_this = add_saturating(*cell, octets);

        /* It would only be thrown out with the next that are. */
        if (with_this <= self->taken) {
            *cell = with_this;
            return;
        }
        slot = insert(self, key, mixed, slot, *cell);
    }

    Slot *found = &self->slots[slot];

    found->rank = add_saturating(found->rank, octets);
    found->entry.octets = add_saturating(found->entry.octets, octets);
    found->entry.packets = add_saturating(found->entry.packets, packets);
    found->entry.flows++;
}

static int
compare_entries(const void *a, const void *b)
{
    const SketchEntry *first = a;
    const SketchEntry *second = b;

    if (first->octets != second->octets)
        return first->octets > second->octets ? -1 : 1;
    return memcmp(&first->key, &second->key, sizeof(first->key));
}

GArray *
sketch_heaviest(const Sketch *self, size_t n_max)
{
    GArray *entries =
        g_array_sized_new(FALSE, FALSE, sizeof(SketchEntry), self->n_used);

    for (size_t i = 0; i < self->n_slots; i++) {
        if (self->tags[i])
            g_array_append_val(entries, self->slots[i].entry);
    }
    g_array_sort(entries, compare_entries);
    if (entries->len > n_max)
        g_array_set_size(entries, (guint) n_max);
    return entries;
}

SketchTotal
sketch_total(const Sketch *self)
{
    return self->total;
}

uint64_t
sketch_error(const Sketch *self)
{
    /* What was taken from it, and a cell, which never exceeds that. */
    return add_saturating(self->taken, self->taken);
}

void
sketch_reset(Sketch *self)
{
    memset(self->tags, 0, self->n_slots * sizeof(*self->tags));
    memset(self->cells, 0, self->n_slots * sizeof(*self->cells));
    self->n_used = 0;
    self->taken = 0;
    self->total = (SketchTotal){ 0 };
}
