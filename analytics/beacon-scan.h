/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* BeaconScan: which groups of contacts are worth a verdict.
 *
 * Takes the hours of all groups in the order of contact_hour's key and keeps one group
 * and one peer network at a time, besides the candidates found, of which there is a
 * limit.  Groups come in two kinds: a peer by itself; and, against rotation, all peers
 * of a /24 (IPv6: /48) that the host called on one port.
 *
 * Knows the detector, neither SQL nor context.  One thread. */

#include "detect/beacon.h"
#include "session/contact-group.h"

typedef struct {
    int64_t from_us; /* events are looked at from here ... */
    int64_t to_us;   /* ... to here */
    size_t max_events;
    size_t max_candidates; /* of more, those of the highest rank */
    uint64_t
        max_hour_sessions; /* groups with a busier hour are passed over; 0 = none */
    BeaconPolicy policy;
} BeaconScanOptions;

typedef struct {
    ContactKey key; /* of a network: its first address as peer */
    unsigned group_bits;
    double rank;
    int64_t from_us; /* the window it was found in */
} BeaconCandidate;

/* What was seen through one exporter's eyes. */
typedef struct {
    int32_t exporter_id;
    uint64_t n_groups; /* with enough contacts for a verdict */
    uint64_t n_blind;  /* of these, without one: sampled too thinly */
    char text[120];    /* of the newest of those */
} BeaconEye;

typedef struct BeaconScan BeaconScan;

BeaconScan *beacon_scan_new(const BeaconScanOptions *options);
void beacon_scan_free(BeaconScan *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BeaconScan, beacon_scan_free)

void beacon_scan_add(BeaconScan *self, const ContactHour *hour);

/* After the last hour.  Both lent: BeaconCandidate by falling rank; BeaconEye. */
const GArray *beacon_scan_finish(BeaconScan *self);
const GArray *beacon_scan_eyes(const BeaconScan *self);

/* So far. */
uint64_t beacon_scan_n_groups(const BeaconScan *self);
uint64_t beacon_scan_n_contacts(const BeaconScan *self);
uint32_t beacon_scan_n_hosts(const BeaconScan *self);
uint64_t
beacon_scan_n_dropped(const BeaconScan *self); /* candidates beyond the limit */

/* The network of a peer that rotates, and its first address. */
unsigned beacon_scan_net_bits(const IpAddress *peer);
IpAddress beacon_scan_net_of(const IpAddress *peer);
