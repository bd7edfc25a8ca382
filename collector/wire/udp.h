/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Udp: sockets that listen for export packets. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ip-address.h"

typedef struct {
    const char *address; /* numeric; "::" is dual stack, "0.0.0.0" IPv4 only */
    uint16_t port;
    uint32_t receive_buffer_bytes; /* asked of SO_RCVBUF (SO_RCVBUFFORCE if allowed) */
    unsigned n_workers; /* > 1: SO_REUSEPORT, and a program on the group that sends
                         * each source address always to the same worker's socket */
} UdpOptions;

/* Opens one socket per worker into @fds (n_workers of them; on failure none stays
 * open).  Nonblocking, close-on-exec, with SO_TIMESTAMPNS and SO_RXQ_OVFL.  Port 0 is
 * one the kernel chooses, the same for all.
 * @granted_bytes: what the kernel granted as receive buffer, comparable to what was
 * asked for; NULL = not wanted.
 * Errors: G_IO_ERROR by errno, naming address and port. */
bool udp_open(const UdpOptions *options, int *fds, uint32_t *granted_bytes,
              GError **error);

/* Sets the options above on a socket that was inherited (it must be bound, and with
 * several workers in the group of its address, at the worker's place). */
bool udp_adopt(const UdpOptions *options, int fd, uint32_t *granted_bytes,
               GError **error);

/* Which worker an address belongs to: what the program on the group computes. */
unsigned udp_worker_of(const IpAddress *peer, unsigned n_workers);
