/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenPackets: made-up export packets, one after the other.
 *
 * Plays any number of exporters, each with any number of observation domains (v9:
 * source ids, v5: engines).  Each of these keeps its own sequence numbers and its
 * own templates.  They take turns, a packet each.  Templates go in packets of their
 * own, before the data that needs them.
 *
 * Knows no sockets and no clock: the caller says what time it is.  Deterministic:
 * the same options, and the same times, give the same bytes. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowgen-message.h"

typedef enum {
    FLOWGEN_TEMPLATES_REPEATED, /* before the first data, then periodically */
    FLOWGEN_TEMPLATES_FIRST,    /* before the first data only */
    FLOWGEN_TEMPLATES_NONE,     /* the data waits for another run's templates */
    FLOWGEN_TEMPLATES_ONLY,     /* no data at all */
} FlowgenTemplates;

typedef struct {
    FlowgenValuesOptions values;
    unsigned version; /* 5, 9 or 10 */
    uint32_t n_exporters;
    uint32_t n_domains; /* of each exporter */
    uint32_t first_domain;
    uint32_t n_templates; /* of each domain; IPv6 twins come on top */
    FlowgenTemplates templates;
    int64_t template_period_ms; /* 0 = never again */
    uint32_t template_every;    /* data packets of a domain; 0 = by time only */
    uint32_t records;           /* of a packet; 0 = what fits into packet_bytes */
    size_t packet_bytes;        /* at most */
    uint64_t total_flows;       /* 0 = without end */
    uint64_t first_number;      /* of the flows */
    uint32_t first_sequence;    /* of every domain */
    uint32_t sampling;          /* in the v5 header only; 0 = none */
    double ipv6_share;
    bool shuffle;        /* turns in random order */
    uint32_t gap_every;  /* every n-th data packet is withheld; 0 = none */
    uint32_t twin_every; /* every n-th data packet is sent twice; 0 = none */
    int64_t boot_ms;     /* when all uptime clocks were zero */
} FlowgenPacketsOptions;

/* One packet, in the caller's memory. */
typedef struct {
    uint8_t *bytes; /* set by the caller: room for packet_bytes of the options and 16
                     * more */
    size_t n_bytes;
    uint32_t exporter; /* 0 .. n_exporters - 1 */
    uint32_t n_flows;  /* 0 for templates */
    uint64_t octets;   /* sums over its flows */
    uint64_t packets;
    bool withheld; /* to be counted, not sent: its sequence numbers are used up */
    bool twin;     /* the same bytes as the packet before */
} FlowgenPacket;

typedef struct FlowgenPackets FlowgenPackets;

/* Errors: G_OPTION_ERROR_BAD_VALUE, when options contradict each other. */
FlowgenPackets *flowgen_packets_new(const FlowgenPacketsOptions *options,
                                    GError **error);
void flowgen_packets_free(FlowgenPackets *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FlowgenPackets, flowgen_packets_free)

/* Makes the next packet, exported at @now_ms.  Returns false at the end. */
bool flowgen_packets_next(FlowgenPackets *self, int64_t now_ms, FlowgenPacket *packet);

/* Flows that every full packet has at least: for pacing. */
uint32_t flowgen_packets_records(const FlowgenPackets *self);

/* Templates of each domain, IPv6 twins included. */
uint32_t flowgen_packets_templates(const FlowgenPackets *self);
