/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Traffic: recorded sessions, and the pairs in them as the detectors see them.
 *
 * A file has a line of names and then one session a line: start_us, duration_us,
 * initiator, initiator_port, responder, responder_port, protocol, out_octets,
 * in_octets, out_packets, in_packets, label; sorted by start.  A session whose label
 * holds "C2" or "Malicious" is hostile. */

#include <glib.h>
#include <stdbool.h>

#include "network.h"
#include "session/contact.h"

typedef struct {
    int64_t start_us;
    int64_t duration_us;
    IpAddress initiator;
    IpAddress responder;
    uint16_t initiator_port;
    uint16_t responder_port;
    uint8_t protocol;
    bool is_hostile;
    uint64_t out_octets; /* of the initiator */
    uint64_t in_octets;
    uint64_t out_packets;
    uint64_t in_packets;
} TrafficSession;

/* The sessions of a file, an array of TrafficSession (transfer full).  NULL when it
 * cannot be read, or on the first line that is not a session. */
GArray *traffic_load(const char *path, GError **error);

/* All contacts of a key. */
typedef struct {
    ContactSeries series; /* lends from @events */
    GArray *events;       /* of ContactEvent; bursts joined */
    bool is_hostile;      /* any session is */
} TrafficPair;

/* The pairs of hosts of @watched in [@from_us, @to_us), those with @min_events contacts
 * and more.  A session within the network belongs to its initiator.  An array of
 * TrafficPair * that frees them (transfer full). */
GPtrArray *traffic_pairs(const GArray *sessions, const Network *watched,
                         int64_t from_us, int64_t to_us, size_t min_events);

/* Whether the host called somebody outside @watched, and not a multicast group. */
bool traffic_is_outbound(const TrafficPair *pair, const Network *watched);
