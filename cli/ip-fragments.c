/* SPDX-License-Identifier: Apache-2.0 */
#include "ip-fragments.h"

#include <string.h>

#define MAX_UNFINISHED 64
#define MAX_BYTES      65535

typedef struct {
    IpAddress src;
    IpAddress dst;
    uint32_t id;
    bool used;
    uint64_t age;   /* higher is newer */
    size_t have;    /* octets so far */
    size_t n_bytes; /* of the whole; 0 = last fragment not seen yet */
    uint8_t bytes[MAX_BYTES];
} Unfinished;

struct IpFragments {
    Unfinished *slots[MAX_UNFINISHED]; /* made when first needed */
    uint64_t now;
};

IpFragments *
ip_fragments_new(void)
{
    return g_new0(IpFragments, 1);
}

void
ip_fragments_free(IpFragments *self)
{
    if (!self)
        return;

    for (size_t i = 0; i < MAX_UNFINISHED; i++)
        g_free(self->slots[i]);
    g_free(self);
}

static bool
is_same(const Unfinished *slot, const IpFragment *fragment)
{
    return slot->used && slot->id == fragment->id &&
           ip_address_equal(&slot->src, &fragment->src) &&
           ip_address_equal(&slot->dst, &fragment->dst);
}

/* The slot of @fragment's datagram, a free one, or the oldest. */
static Unfinished *
find_slot(IpFragments *self, const IpFragment *fragment)
{
    Unfinished *best = NULL;

    for (size_t i = 0; i < MAX_UNFINISHED; i++) {
        if (!self->slots[i])
            self->slots[i] = g_new0(Unfinished, 1);

        Unfinished *slot = self->slots[i];
        if (is_same(slot, fragment))
            return slot;
        if (!slot->used) {
            best = slot;
            break;
        }
        if (!best || slot->age < best->age)
            best = slot;
    }

    best->src = fragment->src;
    best->dst = fragment->dst;
    best->id = fragment->id;
    best->used = true;
    best->have = best->n_bytes = 0;
    return best;
}

const uint8_t *
ip_fragments_add(IpFragments *self, const IpFragment *fragment, size_t *n_bytes)
{
    if (fragment->offset + fragment->n_bytes > MAX_BYTES)
        return NULL;

    Unfinished *slot = find_slot(self, fragment);
    memcpy(slot->bytes + fragment->offset, fragment->bytes, fragment->n_bytes);
    slot->have += fragment->n_bytes;
    slot->age = ++self->now;
    if (!fragment->more)
        slot->n_bytes = fragment->offset + fragment->n_bytes;
    if (slot->n_bytes == 0 || slot->have < slot->n_bytes)
        return NULL;

    slot->used = false;
    *n_bytes = slot->n_bytes;
    return slot->bytes;
}
