/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenSender: where the packets go: UDP, TCP, a capture file, or a file of IPFIX
 * messages.  Sends to loopback only, since its source addresses are loopback ones.
 *
 * UDP: one socket for all exporters; each packet names its source address with
 * IP_PKTINFO.  TCP: one connection for each exporter, made when first needed. */

#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "flowgen-packets.h"

enum { FLOWGEN_SENDER_BATCH = 64 };

typedef struct {
    struct sockaddr_storage target; /* AF_INET or AF_INET6; unused with a file */
    bool tcp;
    uint16_t source_port;  /* 0 = any; UDP and captures */
    uint32_t first_source; /* IPv4 of exporter 0, host order; others follow */
    uint32_t n_exporters;
    const char *file; /* NULL = send; "*.ipfix" = bare messages, else a capture */
} FlowgenSenderOptions;

#define FLOWGEN_SENDER_TARGET "127.0.0.1:2055"
#define FLOWGEN_SENDER_SOURCE "127.1.0.1"

/* From the command line; NULL = as above.  The source comes last: whether it can be
 * depends on the rest.  Errors: G_OPTION_ERROR_BAD_VALUE. */
bool flowgen_sender_set_target(FlowgenSenderOptions *options, const char *text,
                               GError **error);
bool flowgen_sender_set_source(FlowgenSenderOptions *options, const char *text,
                               GError **error);

typedef struct FlowgenSender FlowgenSender;

/* Errors: G_FILE_ERROR by errno. */
FlowgenSender *flowgen_sender_new(const FlowgenSenderOptions *options, GError **error);
void flowgen_sender_free(FlowgenSender *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FlowgenSender, flowgen_sender_free)

/* Sends @n packets, at most FLOWGEN_SENDER_BATCH, in order; those withheld are
 * passed over.  Blocks until the kernel has taken them.  @now_us is the time in a
 * capture.  On an error some may have been sent. */
bool flowgen_sender_send(FlowgenSender *self, const FlowgenPacket *packets, size_t n,
                         int64_t now_us, GError **error);
