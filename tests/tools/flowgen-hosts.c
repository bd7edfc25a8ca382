/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-hosts.h"

#include <string.h>

#include "network.h"

/* A network larger than 2^24 is its first 2^24 hosts. */
#define MAX_HOST_BITS 24
#define MAX_HOSTS     (1u << 30)

typedef struct {
    IpAddress first;
    uint32_t n;
} Range;

struct FlowgenHosts {
    GArray *ranges; /* of Range */
    uint32_t n;
    bool v4;
};

static void
clear(void *data)
{
    g_array_unref(((FlowgenHosts *) data)->ranges);
}

FlowgenHosts *
flowgen_hosts_ref(FlowgenHosts *self)
{
    return g_rc_box_acquire(self);
}

void
flowgen_hosts_unref(FlowgenHosts *self)
{
    if (self)
        g_rc_box_release_full(self, clear);
}

static bool
refuse(GError **error, const char *text, const char *why)
{
    g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE, "\"%s\": %s",
                text, why);
    return false;
}

static IpAddress
plus(IpAddress address, uint32_t n)
{
    for (int i = 15; i >= 0 && n > 0; i--) {
        n += address.bytes[i];
        address.bytes[i] = n;
        n >>= 8;
    }
    return address;
}

/* "10.20.0.20-29": by the last byte (IPv6: number, in hexadecimal) only. */
static bool
parse_range(const char *text, Range *range, GError **error)
{
    const char *dash = strchr(text, '-');
    g_autofree char *first = g_strndup(text, dash - text);
    guint64 last;

    if (!ip_address_parse(first, &range->first))
        return refuse(error, text, "not an address before the dash");

    const bool v4 = ip_address_is_v4(&range->first);
    const uint8_t *end = range->first.bytes + 14;
    const uint32_t from = v4 ? end[1] : end[0] << 8 | end[1];
    if (!g_ascii_string_to_unsigned(dash + 1, v4 ? 10 : 16, from, v4 ? 255 : 65535,
                                    &last, NULL))
        return refuse(error, text,
                      "behind the dash comes the last number only, not "
                      "less than the first one");
    range->n = last - from + 1;
    return true;
}

static bool
parse_network(const char *text, Range *range, GError **error)
{
    Network network;

    if (!network_parse(text, &network, error))
        return false;

    const unsigned host_bits = MIN(128 - network.bits, MAX_HOST_BITS);
    const bool trim = ip_address_is_v4(&network.address) && host_bits > 1;
    range->first = plus(network.address, trim);
    range->n = (1u << host_bits) - 2 * trim;
    return true;
}

FlowgenHosts *
flowgen_hosts_parse(const char *text, GError **error)
{
    g_autoptr(FlowgenHosts) self = g_rc_box_new0(FlowgenHosts);
    g_auto(GStrv) words = g_strsplit_set(text, ", ", -1);

    self->ranges = g_array_new(FALSE, FALSE, sizeof(Range));
    for (char **word = words; *word; word++) {
        Range range;
        if (!**word)
            continue;
        if (!(strchr(*word, '-') ? parse_range(*word, &range, error)
                                 : parse_network(*word, &range, error)))
            return NULL;
        const bool v4 = ip_address_is_v4(&range.first);
        if (self->n > 0 && v4 != self->v4) {
            refuse(error, *word, "another family than those before it");
            return NULL;
        }
        if (range.n > MAX_HOSTS - self->n) {
            refuse(error, *word, "too many hosts");
            return NULL;
        }
        self->v4 = v4;
        self->n += range.n;
        g_array_append_val(self->ranges, range);
    }
    if (self->n == 0) {
        refuse(error, text, "no addresses");
        return NULL;
    }
    return g_steal_pointer(&self);
}

uint32_t
flowgen_hosts_count(const FlowgenHosts *self)
{
    return self->n;
}

bool
flowgen_hosts_is_v4(const FlowgenHosts *self)
{
    return self->v4;
}

IpAddress
flowgen_hosts_at(const FlowgenHosts *self, uint32_t index)
{
    const Range *range = (const Range *) self->ranges->data;

    g_assert(index < self->n);
    for (; index >= range->n; range++)
        index -= range->n;
    return plus(range->first, index);
}
