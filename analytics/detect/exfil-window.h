/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ExfilWindow: what one watched host exchanged with each network, hour by hour and day
 * by day, made from the rows of contact_hour of that host in the order of their peers.
 *
 * A network here is the peer's /20 (IPv4) or /48 (IPv6): a transfer spread over
 * neighbouring addresses is one transfer.  Inside a network the address with the most
 * outbound octets is kept apart.  Traffic of callers is kept by port, since whether it
 * was asked for (a published service) is known at the host's end only.
 *
 * Memory is bounded: a network is forgotten when the next one comes, unless it may pay
 * to look closer; of those the EXFIL_MAX_GROUPS with the most outbound octets are
 * kept.  Sums stop at UINT64_MAX.  Out is from the watched host. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/contact.h"

enum {
    EXFIL_HOURS = 25,        /* the running hour and the 24 before */
    EXFIL_DAYS = 60,         /* UTC days; [0] is the running one */
    EXFIL_MAX_PORTS = 6,     /* of one network; the smallest give way */
    EXFIL_MAX_UPLOADS = 256, /* of one network, the newest */
    EXFIL_MAX_GROUPS = 16,
    EXFIL_MAX_PUBLISHED = 64, /* ports a host publishes */
};

#define EXFIL_HOUR_US INT64_C(3600000000)
#define EXFIL_DAY_US  (24 * EXFIL_HOUR_US)

/* Smaller uploads are no part of a transfer in slices. */
#define EXFIL_MIN_UPLOAD_OCTETS UINT64_C(262144)

typedef struct {
    uint64_t out_octets;
    uint64_t in_octets;
} ExfilSum;

/* One row of contact_hour. */
typedef struct {
    ContactKey key;
    int64_t hour_us;
    uint64_t n_sessions;
    uint64_t out_octets;
    uint64_t in_octets;
    uint64_t out_packets;
    const ContactEvent *events; /* lent; may be left out where the row is small */
    size_t n_events;
    bool is_infrastructure; /* [service]: looked at for channel misuse only */
    bool peer_is_watched;   /* stays inside: not looked at */

    /* Of what is stored of host and network (ExfilPair); 0 and false = not known. */
    uint64_t usual_octets; /* no more than so much need not be looked at */
    bool may_drip;         /* must be looked at */
} ExfilRow;

/* What went through one port; a call of the host, or of the peer. */
typedef struct {
    uint16_t port;
    uint8_t protocol;
    uint8_t initiator; /* a ContactInitiator */
    uint64_t n_sessions;
    ExfilSum sum; /* of the hours */
    ExfilSum hours[EXFIL_HOURS];
} ExfilPort;

typedef struct {
    ExfilPort ports[EXFIL_MAX_PORTS];
    size_t n_ports;
    uint64_t out_octets; /* of all, those that gave way included */
} ExfilSide;

/* The worst hour of a protocol that should carry next to nothing. */
typedef struct {
    ContactKey key;
    int64_t hour_us;
    uint64_t out_octets; /* 0 = there was none */
    uint64_t out_packets;
    bool is_infrastructure;
} ExfilChannel;

typedef struct {
    ContactEvent event;
    ContactKey key;
} ExfilUpload;

typedef struct {
    IpAddress network;
    unsigned bits; /* of the 16-byte form: 116 or 48 */
    size_t n_peers;
    size_t n_large_peers; /* that got at least a hundredth of it */
    ExfilSide all;
    ExfilSide top; /* of the address below */
    IpAddress top_peer;
    ExfilSum days[EXFIL_DAYS];   /* called by the host, or unknown who did */
    ExfilSum served[EXFIL_DAYS]; /* called by the peer */
    ExfilChannel channel;
    ExfilUpload largest;                    /* session; 0 octets = none */
    ExfilUpload uploads[EXFIL_MAX_UPLOADS]; /* of calls of the host; a ring */
    size_t n_uploads;                       /* all that were seen */
    int64_t first_us;                       /* first and last hour seen in the window */
    int64_t last_us;
    uint64_t usual_octets;
    bool may_drip;

    /* When this host first had to do with the network: of the rows; what is stored
     * may be older, and so may days[]: to be filled in before the verdict. */
    int64_t pair_first_us;
} ExfilGroup;

/* A port the host answers on: how many networks took something of size today. */
typedef struct {
    uint32_t service; /* exfil_window_service() */
    uint32_t n_networks;
} ExfilService;

typedef struct {
    int64_t now_us;
    int64_t from_us;     /* of hours[0] */
    uint64_t min_octets; /* outbound, that make a network worth a look */
    uint64_t min_channel_octets;

    IpAddress host;
    uint64_t n_rows;
    ExfilSum hours[EXFIL_HOURS]; /* of the host with all outside */
    ExfilService services[EXFIL_MAX_PUBLISHED];
    size_t n_services;
    ExfilGroup *groups[EXFIL_MAX_GROUPS];
    size_t n_groups;
    size_t n_left_out; /* networks that would have paid, beyond EXFIL_MAX_GROUPS */

    ExfilGroup *open; /* the network that rows come of */
    ExfilSide side;   /* the address in it */
    IpAddress peer;
} ExfilWindow;

/* Rows of the hours from exfil_window_from_us(@now_us) on; days reach further back. */
void exfil_window_init(ExfilWindow *self, int64_t now_us, uint64_t min_octets,
                       uint64_t min_channel_octets);
void exfil_window_clear(ExfilWindow *self);

void exfil_window_begin(ExfilWindow *self, const IpAddress *host);

/* Rows of one network come together, and in it those of one address. */
void exfil_window_add(ExfilWindow *self, const ExfilRow *row);

/* No more rows of this host: groups and services are complete. */
void exfil_window_end(ExfilWindow *self);

int64_t exfil_window_from_us(int64_t now_us);

/* The peer group an address belongs to: the /20 or /48.  Returns its bits. */
unsigned exfil_window_network(const IpAddress *address, IpAddress *network);

/* Port and protocol as one number. */
static inline uint32_t
exfil_window_service(uint16_t port, uint8_t protocol)
{
    return (uint32_t) protocol << 16 | port;
}

void exfil_window_sum(ExfilSum *sum, uint64_t out_octets, uint64_t in_octets);

/* What went out beyond what came in; 0 when more came in. */
static inline uint64_t
exfil_window_surplus(const ExfilSum *sum)
{
    return sum->out_octets > sum->in_octets ? sum->out_octets - sum->in_octets : 0;
}

/* (out - in) / (out + in); NaN of nothing. */
double exfil_window_pcr(const ExfilSum *sum);
