/* SPDX-License-Identifier: Apache-2.0 */
#include "volumes.h"

#include <math.h>
#include <string.h>

#include "detect/exfil.h"

#define STEP_HOURS 6

/* A session of one watched host. */
typedef struct {
    ContactKey key;
    ContactEvent event;
    uint64_t in_octets;
    uint64_t out_packets;
} End;

static int
compare_ends(const void *a, const void *b)
{
    const End *one = a;
    const End *two = b;
    const int order = memcmp(one->key.host.bytes, two->key.host.bytes, 16);

    return order ? order : memcmp(one->key.peer.bytes, two->key.peer.bytes, 16);
}

static GArray *
ends_of(const GArray *sessions, const Network *watched)
{
    GArray *ends = g_array_new(FALSE, TRUE, sizeof(End));

    for (guint i = 0; i < sessions->len; i++) {
        const TrafficSession *session = &g_array_index(sessions, TrafficSession, i);
        const bool calls = network_contains(watched, &session->initiator);
        End end = { .key = { .service_port = session->responder_port,
                             .protocol = session->protocol,
                             .initiator = calls ? CONTACT_BY_HOST : CONTACT_BY_PEER } };

        if (calls == network_contains(watched, &session->responder))
            continue;
        end.key.host = calls ? session->initiator : session->responder;
        end.key.peer = calls ? session->responder : session->initiator;
        end.event.start_us = session->start_us;
        end.event.out_octets = calls ? session->out_octets : session->in_octets;
        end.in_octets = calls ? session->in_octets : session->out_octets;
        end.out_packets = calls ? session->out_packets : session->in_packets;
        g_array_append_val(ends, end);
    }
    g_array_sort(ends, compare_ends);
    return ends;
}

/* The gravest said of each network of a host so far, by the network's bytes. */
static void
judge_host(ExfilWindow *window, GHashTable *said, Volumes *volumes)
{
    const Context context = { .n_hosts = 1,
                              .n_hosts_of_peer_net = 1,
                              .host_initiated_share = NAN,
                              .host_new_nets_a_day = NAN };
    ExfilBaseline nothing;

    exfil_learn_nothing(&nothing);
    exfil_window_end(window);
    for (size_t i = 0; i < window->n_groups; i++) {
        const ExfilGroup *group = window->groups[i];
        g_autoptr(Finding) finding =
            exfil_judge(window, group, &nothing, &context, &EXFIL_POLICY_DEFAULT);
        GBytes *key = g_bytes_new(&(IpAddress[]){ window->host, group->network },
                                  2 * sizeof(IpAddress));
        const unsigned before = GPOINTER_TO_UINT(g_hash_table_lookup(said, key));

        volumes->largest_octets = MAX(volumes->largest_octets, group->all.out_octets);
        g_hash_table_insert(said, key,
                            GUINT_TO_POINTER(
                                MAX(before, finding ? finding->severity : 0)));
    }
}

static void
judge_at(const GArray *ends, int64_t now_us, GHashTable *said, Volumes *volumes)
{
    const IpAddress *host = NULL;
    unsigned n_hosts = 0;
    ExfilWindow window;

    exfil_window_for(&window, now_us, &EXFIL_POLICY_DEFAULT);
    for (guint i = 0; i < ends->len; i++) {
        const End *end = &g_array_index(ends, End, i);
        const ExfilRow row = {
            .key = end->key,
            .hour_us = end->event.start_us - end->event.start_us % EXFIL_HOUR_US,
            .n_sessions = 1,
            .out_octets = end->event.out_octets,
            .in_octets = end->in_octets,
            .out_packets = end->out_packets,
            .events = &end->event,
            .n_events = 1,
        };

        if (!host || !ip_address_equal(host, &end->key.host)) {
            if (host)
                judge_host(&window, said, volumes);
            exfil_window_begin(&window, &end->key.host);
            n_hosts++;
        }
        host = &end->key.host;
        exfil_window_add(&window, &row);
    }
    if (host)
        judge_host(&window, said, volumes);
    exfil_window_clear(&window);
    volumes->n_hosts = n_hosts;
}

Volumes
volumes_judge(const GArray *sessions, const Network *watched)
{
    g_autoptr(GHashTable) said =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
                              (GDestroyNotify) g_bytes_unref, NULL);
    g_autoptr(GArray) ends = ends_of(sessions, watched);
    Volumes volumes = { 0 };
    GHashTableIter iter;
    gpointer severity;

    if (sessions->len == 0)
        return volumes;

    const int64_t from_us = g_array_index(sessions, TrafficSession, 0).start_us;
    const int64_t to_us =
        g_array_index(sessions, TrafficSession, sessions->len - 1).start_us;
    for (int64_t now_us = from_us; now_us < to_us + STEP_HOURS * EXFIL_HOUR_US;
         now_us += STEP_HOURS * EXFIL_HOUR_US)
        judge_at(ends, MIN(now_us, to_us), said, &volumes);

    g_hash_table_iter_init(&iter, said);
    while (g_hash_table_iter_next(&iter, NULL, &severity)) {
        volumes.n_digests += GPOINTER_TO_UINT(severity) == FINDING_DIGEST;
        volumes.n_mails += GPOINTER_TO_UINT(severity) == FINDING_MAIL;
    }
    return volumes;
}
