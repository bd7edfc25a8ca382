/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenSession: one conversation of two hosts, as it happened, before any router
 * saw it; and its line in a session list.
 *
 * A list is CSV without quotes, its first line FLOWGEN_SESSION_HEADER, sorted by
 * start.  Plain data, copied by assignment, owns nothing. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ip-address.h"

#define FLOWGEN_SESSION_HEADER                                                         \
    "start_us,duration_us,initiator,initiator_port,responder,responder_port,"          \
    "protocol,out_octets,in_octets,out_packets,in_packets,label"

enum {
    FLOWGEN_SESSION_LABEL_BYTES = 80,  /* with the NUL; what is longer is cut */
    FLOWGEN_SESSION_LINE_BYTES = 1024, /* a longer line is refused */
};

enum { FLOWGEN_ICMP = 1, FLOWGEN_TCP = 6, FLOWGEN_UDP = 17, FLOWGEN_ICMP6 = 58 };

/* The two ways, from the initiator's point of view. */
typedef enum { FLOWGEN_OUT, FLOWGEN_IN, FLOWGEN_N_WAYS } FlowgenWay;

typedef struct {
    int64_t start_us;    /* since 1970-01-01 UTC; first packet, either way */
    int64_t duration_us; /* to the last packet, either way */
    IpAddress initiator;
    IpAddress responder;
    uint16_t initiator_port; /* of ICMP: the type */
    uint16_t responder_port; /* of ICMP: the code */
    uint8_t protocol;
    uint64_t octets[FLOWGEN_N_WAYS];  /* layer 3 */
    uint64_t packets[FLOWGEN_N_WAYS]; /* 0 = not seen */
    char label[FLOWGEN_SESSION_LABEL_BYTES];
} FlowgenSession;

/* @line is changed.  Errors: G_FILE_ERROR_INVAL, saying what is wrong with it. */
bool flowgen_session_parse(FlowgenSession *self, char *line, GError **error);

/* Its line, without an end. */
void flowgen_session_format(const FlowgenSession *self,
                            char line[FLOWGEN_SESSION_LINE_BYTES]);

/* Fills in packets from the initiator where only answers were seen, as few and as
 * small as the answers allow: an acknowledgement for each packet and one request,
 * whose size is the same (+-2 %) for all sessions of the same hosts and port. */
void flowgen_session_mirror(FlowgenSession *self);
