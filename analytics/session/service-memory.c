/* SPDX-License-Identifier: Apache-2.0 */
#include "session/service-memory.h"

#include "clock.h"

#define WAYS      4
#define SETS      4096
#define DAY_SEC   86400
#define SIGHT_SEC 60 /* how exactly the time of a peer is known */

/* Compared as bytes. */
typedef struct {
    IpAddress address;
    uint16_t port;
    uint8_t protocol;
    uint8_t n_peers; /* 0 = empty */
} End;

typedef struct {
    End end;
    uint32_t peers[SERVICE_MEMORY_PEERS]; /* hashes */
    uint32_t seen_sec[SERVICE_MEMORY_PEERS];
} Entry;

struct ServiceMemory {
    Entry entries[SETS][WAYS];
    bool is_changed;
};

ServiceMemory *
service_memory_new(void)
{
    return g_new0(ServiceMemory, 1);
}

void
service_memory_free(ServiceMemory *self)
{
    g_free(self);
}

static Entry *
set_of(const ServiceMemory *self, const IpAddress *address, uint16_t port,
       uint8_t protocol)
{
    const uint64_t hash = (ip_address_hash(address) ^ (uint64_t) port << 8 ^ protocol) *
                          UINT64_C(0x9e3779b97f4a7c15);

    return (Entry *) self->entries[hash >> 52];
}

static bool
is_it(const Entry *entry, const IpAddress *address, uint16_t port, uint8_t protocol)
{
    return entry->end.n_peers > 0 && entry->end.port == port &&
           entry->end.protocol == protocol &&
           ip_address_equal(&entry->end.address, address);
}

static uint32_t
newest_sec(const Entry *entry)
{
    uint32_t newest = 0;

    for (unsigned i = 0; i < entry->end.n_peers; i++)
        newest = MAX(newest, entry->seen_sec[i]);
    return newest;
}

/* That of the end, or the one of its set that is worth least, emptied for it. */
static Entry *
entry_for(ServiceMemory *self, const IpAddress *address, uint16_t port,
          uint8_t protocol)
{
    Entry *set = set_of(self, address, port, protocol);
    Entry *least = &set[0];

    for (unsigned i = 0; i < WAYS; i++) {
        if (is_it(&set[i], address, port, protocol))
            return &set[i];
        if (set[i].end.n_peers < least->end.n_peers ||
            (set[i].end.n_peers == least->end.n_peers &&
             newest_sec(&set[i]) < newest_sec(least)))
            least = &set[i];
    }
    *least = (Entry){ .end = { *address, port, protocol, 0 } };
    return least;
}

/* Where to note a peer: where it is, where there is room, in place of the oldest. */
static unsigned
place_of(const Entry *entry, uint32_t peer)
{
    unsigned oldest = 0;

    for (unsigned i = 0; i < entry->end.n_peers; i++) {
        if (entry->peers[i] == peer)
            return i;
        if (entry->seen_sec[i] < entry->seen_sec[oldest])
            oldest = i;
    }
    return entry->end.n_peers < SERVICE_MEMORY_PEERS ? entry->end.n_peers : oldest;
}

void
service_memory_see(ServiceMemory *self, const IpAddress *address, uint16_t port,
                   uint8_t protocol, const IpAddress *peer, int64_t at_us)
{
    const uint32_t at_sec =
        (uint32_t) CLAMP(at_us / US_PER_SEC / SIGHT_SEC * SIGHT_SEC, 1, UINT32_MAX);
    const uint32_t hash = (uint32_t) (ip_address_hash(peer) >> 32);
    Entry *entry = entry_for(self, address, port, protocol);
    const unsigned place = place_of(entry, hash);
    const bool is_new = place == entry->end.n_peers;

    if (!is_new && entry->seen_sec[place] >= at_sec)
        return;
    entry->peers[place] = hash;
    entry->seen_sec[place] = at_sec;
    entry->end.n_peers += is_new;
    self->is_changed = true;
}

bool
service_memory_knows(const ServiceMemory *self, const IpAddress *address, uint16_t port,
                     uint8_t protocol, int64_t at_us)
{
    const Entry *set = set_of(self, address, port, protocol);
    const int64_t since_sec = at_us / US_PER_SEC - DAY_SEC;

    for (unsigned i = 0; i < WAYS; i++) {
        unsigned n = 0;

        if (!is_it(&set[i], address, port, protocol))
            continue;
        for (unsigned peer = 0; peer < set[i].end.n_peers; peer++)
            n += set[i].seen_sec[peer] >= since_sec;
        return n == SERVICE_MEMORY_PEERS;
    }
    return false;
}

bool
service_memory_take_changed(ServiceMemory *self)
{
    const bool was = self->is_changed;

    self->is_changed = false;
    return was;
}

/* --- the checkpoint: place, then the entry --- */

static void
put(GByteArray *bytes, uint64_t value, unsigned n_bytes)
{
    for (unsigned i = n_bytes; i-- > 0;) {
        const uint8_t byte = (uint8_t) (value >> 8 * i);

        g_byte_array_append(bytes, &byte, 1);
    }
}

void
service_memory_encode(const ServiceMemory *self, GByteArray *bytes)
{
    const Entry *all = &self->entries[0][0];

    for (unsigned i = 0; i < SETS * WAYS; i++) {
        if (all[i].end.n_peers == 0)
            continue;
        put(bytes, i, 2);
        g_byte_array_append(bytes, all[i].end.address.bytes, 16);
        put(bytes, all[i].end.port, 2);
        put(bytes, all[i].end.protocol, 1);
        put(bytes, all[i].end.n_peers, 1);
        for (unsigned peer = 0; peer < all[i].end.n_peers; peer++) {
            put(bytes, all[i].peers[peer], 4);
            put(bytes, all[i].seen_sec[peer], 4);
        }
    }
}

bool
service_memory_decode(ServiceMemory *self, Reader *r)
{
    while (r->left > 0) {
        const uint64_t place = reader_uint(r, 2);
        const uint8_t *address = reader_bytes(r, 16);
        const uint64_t port = reader_uint(r, 2);
        const uint64_t protocol = reader_uint(r, 1);
        const uint64_t n_peers = reader_uint(r, 1);

        if (!reader_ok(r) || place >= SETS * WAYS || n_peers > SERVICE_MEMORY_PEERS)
            return false;

        Entry *entry = &self->entries[0][0] + place;
        *entry = (Entry){ .end = { ip_address_from_v6(address), (uint16_t) port,
                                   (uint8_t) protocol, (uint8_t) n_peers } };
        for (unsigned peer = 0; peer < n_peers; peer++) {
            entry->peers[peer] = (uint32_t) reader_uint(r, 4);
            entry->seen_sec[peer] = (uint32_t) reader_uint(r, 4);
        }
    }
    return reader_ok(r);
}
