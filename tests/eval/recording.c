/* SPDX-License-Identifier: Apache-2.0 */
#include "recording.h"

#include <math.h>
#include <string.h>

#define DAY_US INT64_C(86400000000)

bool
recording_load(Recording *self, const char *folder, const char *name,
               const char *watched, GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    const TrafficSession *sessions;

    *self = (Recording){ .name = name };
    if (!network_parse(watched, &self->watched, error))
        return false;
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return true;
    self->sessions = traffic_load(path, error);
    if (self->sessions == NULL)
        return false;

    sessions = (const TrafficSession *) (const void *) self->sessions->data;
    if (self->sessions->len > 0) {
        self->to_us = sessions[self->sessions->len - 1].start_us + 1;
        self->from_us = MAX(sessions[0].start_us, self->to_us - DAY_US);
    }
    self->all =
        traffic_pairs(self->sessions, &self->watched, self->from_us, self->to_us, 1);
    self->outbound = g_ptr_array_new();
    for (guint i = 0; i < self->all->len; i++) {
        TrafficPair *pair = g_ptr_array_index(self->all, i);

        if (pair->series.n_events >= RECORDING_MIN_EVENTS &&
            traffic_is_outbound(pair, &self->watched))
            g_ptr_array_add(self->outbound, pair);
    }
    return true;
}

void
recording_clear(Recording *self)
{
    g_clear_pointer(&self->outbound, g_ptr_array_unref);
    g_clear_pointer(&self->all, g_ptr_array_unref);
    g_clear_pointer(&self->sessions, g_array_unref);
}

GPtrArray *
recording_outbound(const Recording *self, int64_t from_us, int64_t to_us)
{
    GPtrArray *pairs = traffic_pairs(self->sessions, &self->watched, from_us, to_us,
                                     RECORDING_MIN_EVENTS);

    for (guint i = pairs->len; i-- > 0;)
        if (!traffic_is_outbound(g_ptr_array_index(pairs, i), &self->watched))
            g_ptr_array_remove_index_fast(pairs, i);
    return pairs;
}

/* Adds one that is not there yet; there are few. */
static void
note(GArray *hosts, const IpAddress *host)
{
    for (guint i = 0; i < hosts->len; i++)
        if (ip_address_equal(&g_array_index(hosts, IpAddress, i), host))
            return;
    g_array_append_vals(hosts, host, 1);
}

static bool
is_same_net(const IpAddress *a, const IpAddress *b)
{
    size_t n_bytes = ip_address_is_v4(a) ? 15 : 6; /* /24, /48 */

    return memcmp(a->bytes, b->bytes, n_bytes) == 0;
}

static void
note_first(int64_t *first_us, int64_t at_us)
{
    if (*first_us == 0 || at_us < *first_us)
        *first_us = at_us;
}

Context
recording_context(const Recording *self, const TrafficPair *pair)
{
    g_autoptr(GArray) hosts = g_array_new(FALSE, FALSE, sizeof(IpAddress));
    g_autoptr(GArray) of_peer = g_array_new(FALSE, FALSE, sizeof(IpAddress));
    g_autoptr(GArray) of_net = g_array_new(FALSE, FALSE, sizeof(IpAddress));
    const ContactKey *key = &pair->series.key;
    Context context = { .history_from_us = self->from_us,
                        .host_initiated_share = NAN,
                        .host_new_nets_a_day = NAN };

    for (guint i = 0; i < self->all->len; i++) {
        const TrafficPair *other = g_ptr_array_index(self->all, i);
        const IpAddress *host = &other->series.key.host;
        const IpAddress *peer = &other->series.key.peer;
        int64_t first_us = other->series.events[0].start_us;

        note(hosts, host);
        if (!is_same_net(peer, &key->peer))
            continue;
        note(of_net, host);
        note_first(&context.peer_net_first_us, first_us);
        if (!ip_address_equal(peer, &key->peer))
            continue;
        note(of_peer, host);
        note_first(&context.peer_first_us, first_us);
        if (ip_address_equal(host, &key->host))
            note_first(&context.pair_first_us, first_us);
    }
    context.n_hosts = hosts->len;
    context.n_hosts_of_peer = of_peer->len;
    context.n_hosts_of_peer_net = of_net->len;
    context.peer_is_watched = network_contains(&self->watched, &key->peer);
    return context;
}

const TrafficPair *
recording_hostile(const GPtrArray *outbound)
{
    for (guint i = 0; i < outbound->len; i++) {
        const TrafficPair *pair = g_ptr_array_index(outbound, i);

        if (pair->is_hostile)
            return pair;
    }
    return NULL;
}
