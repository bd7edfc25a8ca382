/* SPDX-License-Identifier: Apache-2.0 */
#include "beacon-scan.h"

#include <string.h>

/* Ports of one peer network that are watched for rotation at a time; a host that calls
 * one network on more ports than that is scanning it. */
#define MAX_NET_GROUPS 32

/* A rotation has at least so many peers, ... */
#define MIN_NET_PEERS 3
/* ... none of which has more than this share of the contacts: else the peer's own
 * group says it all. */
#define MAX_PEER_SHARE 0.5

/* All contacts of a host with one network on one port. */
typedef struct {
    ContactKey key;
    ContactGroup *group;
    IpAddress newest_peer;
    size_t n_peers;
    uint64_t n_of_peer; /* contacts of the newest peer, and most of any */
    uint64_t n_most;
    uint64_t n_contacts;
} NetGroup;

struct BeaconScan {
    BeaconScanOptions options;

    bool has_group;
    ContactKey key;
    ContactGroup *group;

    IpAddress net;
    NetGroup nets[MAX_NET_GROUPS];
    size_t n_nets;

    GArray *candidates;    /* of BeaconCandidate */
    double lowest_rank;    /* once the limit was reached: what a new one must exceed */
    GArray *eyes;          /* of BeaconEye */
    GHashTable *eye_index; /* exporter -> its place in eyes, from 1 */
    uint64_t n_groups;
    uint64_t n_contacts;
    uint64_t n_dropped;
    uint32_t n_hosts;
};

unsigned
beacon_scan_net_bits(const IpAddress *peer)
{
    return ip_address_is_v4(peer) ? 96 + 24 : 48;
}

IpAddress
beacon_scan_net_of(const IpAddress *peer)
{
    IpAddress net = *peer;

    const size_t n_bytes = beacon_scan_net_bits(peer) / 8;
    memset(net.bytes + n_bytes, 0, sizeof(net.bytes) - n_bytes);
    return net;
}

BeaconScan *
beacon_scan_new(const BeaconScanOptions *options)
{
    BeaconScan *self = g_new0(BeaconScan, 1);

    self->options = *options;
    self->group = contact_group_new(options->max_events);
    self->candidates = g_array_new(FALSE, FALSE, sizeof(BeaconCandidate));
    self->eyes = g_array_new(FALSE, FALSE, sizeof(BeaconEye));
    self->eye_index = g_hash_table_new(NULL, NULL);
    return self;
}

void
beacon_scan_free(BeaconScan *self)
{
    if (!self)
        return;
    for (size_t i = 0; i < MAX_NET_GROUPS; i++)
        contact_group_free(self->nets[i].group);
    contact_group_free(self->group);
    g_array_unref(self->candidates);
    g_array_unref(self->eyes);
    g_hash_table_unref(self->eye_index);
    g_free(self);
}

static int
compare_ranks(gconstpointer a, gconstpointer b)
{
    const BeaconCandidate *x = a, *y = b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? 1 : -1;
    return memcmp(&x->key, &y->key, sizeof(x->key)); /* the same order every time */
}

/* Sorting when there are twice as many as wanted keeps adding cheap. */
static void
keep_highest(BeaconScan *self)
{
    const size_t max = self->options.max_candidates;

    g_array_sort(self->candidates, compare_ranks);
    if (self->candidates->len <= max)
        return;
    self->n_dropped += self->candidates->len - max;
    g_array_set_size(self->candidates, (guint) max);
    self->lowest_rank = g_array_index(self->candidates, BeaconCandidate, max - 1).rank;
}

static void
add_candidate(BeaconScan *self, const ContactKey *key, unsigned group_bits, double rank)
{
    const BeaconCandidate candidate = { *key, group_bits, rank, self->options.from_us };

    if (rank < self->lowest_rank) {
        self->n_dropped++;
        return;
    }
    g_array_append_val(self->candidates, candidate);
    if (self->candidates->len >= 2 * self->options.max_candidates)
        keep_highest(self);
}

static BeaconEye *
eye_of(BeaconScan *self, int32_t exporter_id)
{
    gpointer id = GINT_TO_POINTER(exporter_id);
    guint place = GPOINTER_TO_UINT(g_hash_table_lookup(self->eye_index, id));

    if (place == 0) {
        const BeaconEye fresh = { .exporter_id = exporter_id };

        g_array_append_val(self->eyes, fresh);
        place = self->eyes->len;
        g_hash_table_insert(self->eye_index, id, GUINT_TO_POINTER(place));
    }
    return &g_array_index(self->eyes, BeaconEye, place - 1);
}

/* Whether beats can be seen at all; counted by exporter. */
static bool
is_covered(BeaconScan *self, const ContactSeries *series, int32_t exporter_id)
{
    if (series->sampling <= 1)
        return true;

    const BeaconCoverage coverage =
        beacon_coverage(series, NULL, &self->options.policy);
    BeaconEye *eye = eye_of(self, exporter_id);
    eye->n_groups++;
    if (coverage.is_enough)
        return true;

    eye->n_blind++;
    g_strlcpy(eye->text, coverage.text, sizeof(eye->text));
    return false;
}

/* Stage 1, and stage 2 where that says it may pay. */
static void
consider(BeaconScan *self, const ContactKey *key, ContactGroup *group,
         unsigned group_bits)
{
    if (contact_group_n_events(group) < BEACON_MEASURE_MIN_EVENTS)
        return;
    if (self->options.max_hour_sessions > 0 &&
        contact_group_busiest(group) > self->options.max_hour_sessions)
        return;

    const ContactSeries series =
        contact_group_series(group, self->options.from_us, self->options.to_us);
    BeaconSketch sketch;

    beacon_sketch_init(&sketch);
    for (size_t i = 0; i < series.n_events; i++)
        beacon_sketch_add(&sketch, series.events[i].start_us,
                          series.events[i].out_octets);
    if (series.n_events < BEACON_MEASURE_MIN_EVENTS ||
        !is_covered(self, &series, contact_group_exporter_id(group)) ||
        !beacon_sketch_may_pay(&sketch))
        return;

    BeaconMeasure measure;
    beacon_measure(&series, &measure);
    if (measure.evidence >= self->options.policy.min_evidence)
        add_candidate(self, key, group_bits, beacon_measure_rank(&measure));
}

static void
end_group(BeaconScan *self)
{
    if (self->has_group)
        consider(self, &self->key, self->group, 128);
    self->has_group = false;
}

static void
end_nets(BeaconScan *self)
{
    for (size_t i = 0; i < self->n_nets; i++) {
        NetGroup *net = &self->nets[i];

        net->n_most = MAX(net->n_most, net->n_of_peer);
        if (net->n_peers >= MIN_NET_PEERS &&
            (double) net->n_most <= MAX_PEER_SHARE * (double) net->n_contacts)
            consider(self, &net->key, net->group, beacon_scan_net_bits(&self->net));
    }
    self->n_nets = 0;
}

/* NULL when there are too many. */
static NetGroup *
net_group_of(BeaconScan *self, const ContactKey *key)
{
    for (size_t i = 0; i < self->n_nets; i++) {
        NetGroup *net = &self->nets[i];

        if (net->key.service_port == key->service_port &&
            net->key.protocol == key->protocol)
            return net;
    }
    if (self->n_nets == MAX_NET_GROUPS)
        return NULL;

    NetGroup *net = &self->nets[self->n_nets++];
    ContactGroup *group = net->group ?: contact_group_new(self->options.max_events);
    *net = (NetGroup){ .key = *key, .group = group };
    net->key.peer = self->net;
    contact_group_begin(group, &net->key);
    return net;
}

/* Rotation is a way of calling out. */
static void
add_to_net(BeaconScan *self, const ContactHour *hour)
{
    if (hour->key.initiator != CONTACT_BY_HOST)
        return;

    NetGroup *net = net_group_of(self, &hour->key);
    if (!net)
        return;
    if (net->n_peers == 0 || !ip_address_equal(&net->newest_peer, &hour->key.peer)) {
        net->n_peers++;
        net->newest_peer = hour->key.peer;
        net->n_most = MAX(net->n_most, net->n_of_peer);
        net->n_of_peer = 0;
    }
    net->n_of_peer += hour->n_sessions;
    net->n_contacts += hour->n_sessions;
    contact_group_add(net->group, hour);
}

void
beacon_scan_add(BeaconScan *self, const ContactHour *hour)
{
    const IpAddress net = beacon_scan_net_of(&hour->key.peer);
    const bool is_first = self->n_groups == 0;
    const bool same_host =
        !is_first && ip_address_equal(&self->key.host, &hour->key.host);
    const bool same_group =
        !is_first && contact_reader_same_group(&self->key, &hour->key);

    if (!same_group) {
        end_group(self);
        if (!same_host || !ip_address_equal(&self->net, &net))
            end_nets(self);
        self->net = net;
        self->n_hosts += !same_host;
        self->n_groups++;
        self->has_group = true;
        self->key = hour->key;
        contact_group_begin(self->group, &self->key);
    }
    self->n_contacts += hour->n_sessions;
    contact_group_add(self->group, hour);
    add_to_net(self, hour);
}

const GArray *
beacon_scan_finish(BeaconScan *self)
{
    end_group(self);
    end_nets(self);
    keep_highest(self);
    return self->candidates;
}

const GArray *
beacon_scan_eyes(const BeaconScan *self)
{
    return self->eyes;
}

uint64_t
beacon_scan_n_groups(const BeaconScan *self)
{
    return self->n_groups;
}

uint64_t
beacon_scan_n_contacts(const BeaconScan *self)
{
    return self->n_contacts;
}

uint32_t
beacon_scan_n_hosts(const BeaconScan *self)
{
    return self->n_hosts;
}

uint64_t
beacon_scan_n_dropped(const BeaconScan *self)
{
    return self->n_dropped;
}
