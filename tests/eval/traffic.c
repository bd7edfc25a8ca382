/* SPDX-License-Identifier: Apache-2.0 */
#include "traffic.h"

#include <gio/gio.h>
#include <string.h>

#define MAX_FILE_BYTES (256 << 20)

enum { N_FIELDS = 12, IS_UDP = 17, IS_TCP = 6 };

static bool
number(const char *text, uint64_t most, uint64_t *value)
{
    return g_ascii_string_to_unsigned(text, 10, 0, most, value, NULL);
}

static bool
parse_session(const char *line, TrafficSession *session)
{
    g_auto(GStrv) fields = g_strsplit(line, ",", N_FIELDS);
    uint64_t values[N_FIELDS] = { 0 };

    if (g_strv_length(fields) != N_FIELDS)
        return false;
    for (unsigned i = 0; i < N_FIELDS - 1; i++) {
        bool is_port = i == 3 || i == 5;

        if (i == 2 || i == 4)
            continue;
        if (!number(fields[i], is_port ? 65535 : i == 6 ? 255 : INT64_MAX, &values[i]))
            return false;
    }
    *session = (TrafficSession){
        .start_us = (int64_t) values[0],
        .duration_us = (int64_t) values[1],
        .initiator_port = (uint16_t) values[3],
        .responder_port = (uint16_t) values[5],
        .protocol = (uint8_t) values[6],
        .out_octets = values[7],
        .in_octets = values[8],
        .out_packets = values[9],
        .in_packets = values[10],
        .is_hostile =
            strstr(fields[11], "C2") != NULL || strstr(fields[11], "Malicious") != NULL,
    };
    return ip_address_parse(fields[2], &session->initiator) &&
           ip_address_parse(fields[4], &session->responder);
}

GArray *
traffic_load(const char *path, GError **error)
{
    g_autoptr(GArray) sessions = g_array_new(FALSE, FALSE, sizeof(TrafficSession));
    g_autofree char *text = NULL;
    char *line, *rest;
    gsize n_bytes;

    if (!g_file_get_contents(path, &text, &n_bytes, error))
        return NULL;
    g_assert(n_bytes < MAX_FILE_BYTES);
    rest = strchr(text, '\n'); /* the first line has the names */
    for (unsigned n = 2; rest && *++rest; n++) {
        TrafficSession session;

        line = rest;
        rest = strchr(line, '\n');
        if (rest)
            *rest = '\0';
        if (!parse_session(line, &session)) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "%s:%u: is no session", path, n);
            return NULL;
        }
        g_array_append_val(sessions, session);
    }
    return g_steal_pointer(&sessions);
}

static void
pair_free(gpointer data)
{
    TrafficPair *pair = data;

    g_array_unref(pair->events);
    g_free(pair);
}

static guint
key_hash(gconstpointer data)
{
    const ContactKey *key = data;
    uint64_t hash = ip_address_hash(&key->host) * 31 + ip_address_hash(&key->peer);

    return (guint) (hash ^ hash >> 32) + key->service_port * 7 + key->protocol;
}

static gboolean
key_equal(gconstpointer a, gconstpointer b)
{
    const ContactKey *x = a, *y = b;

    return ip_address_equal(&x->host, &y->host) &&
           ip_address_equal(&x->peer, &y->peer) && x->service_port == y->service_port &&
           x->protocol == y->protocol && x->initiator == y->initiator;
}

static void
add_session(TrafficPair *pair, const TrafficSession *session, bool by_host)
{
    ContactEvent event = { session->start_us,
                           by_host ? session->out_octets : session->in_octets };
    ContactSeries *series = &pair->series;
    ContactEvent *last = pair->events->len ? &g_array_index(pair->events, ContactEvent,
                                                            pair->events->len - 1)
                                           : NULL;

    if (last && event.start_us - last->start_us < CONTACT_BURST_US)
        last->out_octets += event.out_octets;
    else
        g_array_append_val(pair->events, event);
    series->n_sessions++;
    series->out_octets += by_host ? session->out_octets : session->in_octets;
    series->in_octets += by_host ? session->in_octets : session->out_octets;
    series->out_packets += by_host ? session->out_packets : session->in_packets;
    series->in_packets += by_host ? session->in_packets : session->out_packets;
    series->longest_us = MAX(series->longest_us, session->duration_us);
    pair->is_hostile = pair->is_hostile || session->is_hostile;
}

static TrafficPair *
find_pair(GHashTable *by_key, GPtrArray *pairs, const ContactKey *key)
{
    TrafficPair *pair = g_hash_table_lookup(by_key, key);

    if (pair == NULL) {
        pair = g_new0(TrafficPair, 1);
        pair->series.key = *key;
        pair->events = g_array_new(FALSE, FALSE, sizeof(ContactEvent));
        g_hash_table_insert(by_key, &pair->series.key, pair);
        g_ptr_array_add(pairs, pair);
    }
    return pair;
}

GPtrArray *
traffic_pairs(const GArray *sessions, const Network *watched, int64_t from_us,
              int64_t to_us, size_t min_events)
{
    GPtrArray *pairs = g_ptr_array_new_with_free_func(pair_free);
    g_autoptr(GHashTable) by_key = g_hash_table_new(key_hash, key_equal);

    for (size_t i = 0; i < sessions->len; i++) {
        const TrafficSession *session = &g_array_index(sessions, TrafficSession, i);
        bool by_host = network_contains(watched, &session->initiator);
        bool has_port = session->protocol == IS_TCP || session->protocol == IS_UDP;
        ContactKey key = {
            .host = by_host ? session->initiator : session->responder,
            .peer = by_host ? session->responder : session->initiator,
            .service_port = has_port ? session->responder_port : 0,
            .protocol = session->protocol,
            .initiator = by_host ? CONTACT_BY_HOST : CONTACT_BY_PEER,
        };

        if (session->start_us < from_us || session->start_us >= to_us ||
            !network_contains(watched, &key.host))
            continue;
        add_session(find_pair(by_key, pairs, &key), session, by_host);
    }
    for (guint i = pairs->len; i-- > 0;) {
        TrafficPair *pair = g_ptr_array_index(pairs, i);

        pair->series.from_us = from_us;
        pair->series.to_us = to_us;
        pair->series.events = (const ContactEvent *) (const void *) pair->events->data;
        pair->series.n_events = pair->events->len;
        if (pair->events->len < min_events)
            g_ptr_array_remove_index_fast(pairs, i);
    }
    return pairs;
}

bool
traffic_is_outbound(const TrafficPair *pair, const Network *watched)
{
    const IpAddress *peer = &pair->series.key.peer;
    bool is_multicast =
        ip_address_is_v4(peer) ? peer->bytes[12] >= 224 : peer->bytes[0] == 0xff;

    return pair->series.key.initiator == CONTACT_BY_HOST &&
           !network_contains(watched, peer) && !is_multicast;
}
