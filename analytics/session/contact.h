/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Contact: who talks to whom, as the detectors see it.
 *
 * A contact is one session between a watched host and a peer: a moment, and what the
 * host sent.  Contacts with the same key are a group.  Plain values; times are
 * microseconds since 1970-01-01 UTC, octets are layer 3 as exporters count them with
 * sampling multiplied out.  Out is from the watched host to the peer. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ip-address.h"

/* As stored in contact_hour.initiator. */
typedef enum {
    CONTACT_UNKNOWN = 0,
    CONTACT_BY_HOST = 1, /* the watched host called */
    CONTACT_BY_PEER = 2, /* the peer called */
} ContactInitiator;

typedef struct {
    IpAddress host; /* the watched end */
    IpAddress peer;
    uint16_t service_port; /* of the end that was called; 0 = the protocol has none */
    uint8_t protocol;      /* IANA number */
    uint8_t initiator;     /* a ContactInitiator */
} ContactKey;

typedef struct {
    int64_t start_us;    /* of the session */
    uint64_t out_octets; /* of the whole session */
} ContactEvent;

/* All contacts of one group in a window of time. */
typedef struct {
    ContactKey key;
    int64_t from_us; /* the window that was looked at; events lie in [from, to) */
    int64_t to_us;
    const ContactEvent *events; /* by start, rising; lent */
    size_t n_events;
    uint64_t n_sessions; /* more than n_events where hours were dense: these keep
                          * counts only */
    uint64_t out_octets; /* sums over the window, long sessions spread over their
                          * hours */
    uint64_t in_octets;
    uint64_t out_packets;
    uint64_t in_packets;
    int64_t longest_us; /* longest session */
    uint32_t sampling;  /* largest 1:N seen; 0 = none */
} ContactSeries;

/* Starts closer than this count as one event. */
#define CONTACT_BURST_US INT64_C(250000)

/* At most so many starts are kept an hour; beyond it the hour is dense. */
#define CONTACT_MAX_STARTS_AN_HOUR 3600
