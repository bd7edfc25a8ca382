/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CaptureFile: export packets in a file, one after the other.
 *
 * Told apart by what is in them: pcap and pcapng (UDP over IPv4 or IPv6, fragments
 * put together, on Ethernet with VLAN tags, loopback, Linux cooked and raw IP), and
 * IPFIX messages back to back (RFC 5655).  Knows nothing of what is inside a
 * packet, but for the header of an IPFIX message that says where it ends.  What is
 * not UDP is skipped and counted.  Memory is bounded whatever the file holds. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ip-address.h"

typedef struct {
    const uint8_t *bytes; /* UDP payload or message; lent until the next call */
    size_t n_bytes;
    int64_t time_us; /* of capture; of export where the file has no other time */
    IpAddress peer;
    uint16_t peer_port;
} CapturePacket;

typedef enum {
    CAPTURE_PACKET,
    CAPTURE_END,
    CAPTURE_ERROR,
} CaptureNext;

typedef struct CaptureFile CaptureFile;

/* @stream_peer stands for the exporter of a file of IPFIX messages, which has no
 * addresses.  Errors: G_FILE_ERROR; the message names @path. */
CaptureFile *capture_file_open(const char *path, const IpAddress *stream_peer,
                               GError **error);
void capture_file_free(CaptureFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CaptureFile, capture_file_free)

/* A file that is cut within a packet ends with CAPTURE_ERROR, after all whole ones. */
CaptureNext capture_file_next(CaptureFile *self, CapturePacket *packet, GError **error);

/* True for IPFIX messages back to back: they are one transport session. */
bool capture_file_is_stream(const CaptureFile *self);

/* Packets, or stretches of a stream, that were no export packets. */
uint64_t capture_file_skipped(const CaptureFile *self);

/* For progress: how much of the file was read, and its size. */
uint64_t capture_file_bytes_read(const CaptureFile *self);
uint64_t capture_file_bytes(const CaptureFile *self);
