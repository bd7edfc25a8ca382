/* SPDX-License-Identifier: Apache-2.0 */
#include "ip-fragments.h"

#include <string.h>

#define MAX_UNFINISHED 64
#define MAX_BYTES      65535
#define BLOCK_BYTES    8 /* what offsets count in, in either version of IP */
#define MAX_BLOCKS     (MAX_BYTES / BLOCK_BYTES + 1)

typedef struct {
    IpAddress src;
    IpAddress dst;
    uint32_t id;
    bool used;
    bool has_last;
    uint64_t age;    /* higher is newer */
    size_t n_bytes;  /* to the end of the farthest fragment so far */
    size_t n_blocks; /* that are there */
    bool has_block[MAX_BLOCKS];
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
    best->has_last = false;
    best->n_bytes = best->n_blocks = 0;
    memset(best->has_block, 0, sizeof(best->has_block));
    return best;
}

static size_t
blocks_of(size_t n_bytes)
{
    return (n_bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
}

/* False when it contradicts those before: the datagram ends elsewhere. */
static bool
put(Unfinished *slot, const IpFragment *fragment)
{
    const size_t end = fragment->offset + fragment->n_bytes;

    if (slot->has_last && (fragment->more ? end > slot->n_bytes : end != slot->n_bytes))
        return false;
    if (!fragment->more && end < slot->n_bytes)
        return false;

    memcpy(slot->bytes + fragment->offset, fragment->bytes, fragment->n_bytes);
    for (size_t i = fragment->offset / BLOCK_BYTES; i < blocks_of(end); i++) {
        slot->n_blocks += !slot->has_block[i];
        slot->has_block[i] = true;
    }
    slot->n_bytes = MAX(slot->n_bytes, end);
    slot->has_last |= !fragment->more;
    return true;
}

const uint8_t *
ip_fragments_add(IpFragments *self, const IpFragment *fragment, size_t *n_bytes)
{
    if (fragment->offset + fragment->n_bytes > MAX_BYTES ||
        (fragment->more && fragment->n_bytes % BLOCK_BYTES != 0))
        return NULL;

    Unfinished *slot = find_slot(self, fragment);
    slot->age = ++self->now;
    if (!put(slot, fragment)) {
        slot->used = false;
        return NULL;
    }
    if (!slot->has_last || slot->n_blocks < blocks_of(slot->n_bytes))
        return NULL;

    slot->used = false;
    *n_bytes = slot->n_bytes;
    return slot->bytes;
}
