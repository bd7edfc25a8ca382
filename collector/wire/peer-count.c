/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/peer-count.h"

struct PeerCount {
    GHashTable *counts; /* IpAddress -> count, never 0 */
};

static guint
hash_address(gconstpointer addr)
{
    return (guint) ip_address_hash(addr);
}

static gboolean
equal_addresses(gconstpointer a, gconstpointer b)
{
    return ip_address_equal(a, b);
}

PeerCount *
peer_count_new(void)
{
    PeerCount *self = g_new0(PeerCount, 1);

    self->counts = g_hash_table_new_full(hash_address, equal_addresses, g_free, NULL);
    return self;
}

void
peer_count_free(PeerCount *self)
{
    if (!self)
        return;

    g_hash_table_unref(self->counts);
    g_free(self);
}

unsigned
peer_count_of(const PeerCount *self, const IpAddress *peer)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(self->counts, peer));
}

static void
set_count(PeerCount *self, const IpAddress *peer, unsigned n)
{
    if (n == 0)
        g_hash_table_remove(self->counts, peer);
    else
        g_hash_table_insert(self->counts, g_memdup2(peer, sizeof(*peer)),
                            GUINT_TO_POINTER(n));
}

void
peer_count_add(PeerCount *self, const IpAddress *peer)
{
    set_count(self, peer, peer_count_of(self, peer) + 1);
}

void
peer_count_take(PeerCount *self, const IpAddress *peer)
{
    set_count(self, peer, peer_count_of(self, peer) - 1);
}
