/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Datagram: what a decoder gets: bytes and where they came from.  Lent for the
 * call.  A TCP or TLS message is one datagram of its session. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ip-address.h"

/* Names a datagram that can be asked for again later (DecoderSink.fetch).  The
 * decoder compares and copies these and knows no more about them. */
typedef struct {
    uint64_t segment;
    uint64_t offset;
} DatagramRef;

typedef struct {
    const uint8_t *bytes;
    size_t n_bytes;
    int64_t received_us; /* as it goes into flow.received_at */
    int64_t shift_us;    /* to add to every time in it; 0 for live traffic */
    IpAddress peer;      /* sender's address, as the network showed it */
    uint64_t session;    /* 0 for UDP; else the TCP or TLS connection it came over */
    DatagramRef ref;
    uint16_t peer_port;
    uint16_t listener;           /* where it came in; only handed on */
    bool trust_exporter_address; /* elements 130, 131 name the exporter */
} Datagram;

/* A data set that waits for its template.  Plain value: the worker keeps these with
 * its position, so that a restart waits on. */
typedef struct {
    DatagramRef ref;
    uint32_t message_at; /* octets from the start of the datagram */
    uint32_t set_at;     /* likewise */
    int64_t received_us;
} DecoderWaiting;
