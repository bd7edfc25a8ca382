/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* IpFragments: puts fragmented UDP datagrams of a capture together again.
 *
 * Keeps a bounded number of unfinished ones; the oldest makes room.  A fragment may
 * come twice, as captures of mirrored ports have it; of those that overlap otherwise
 * the later one wins, and a datagram whose end they disagree on is dropped. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ip-address.h"

typedef struct {
    IpAddress src;
    IpAddress dst;
    uint32_t id;
    size_t offset; /* octets into the payload of the IP packet; a multiple of 8 */
    bool more;     /* others follow */
    const uint8_t *bytes;
    size_t n_bytes;
} IpFragment;

typedef struct IpFragments IpFragments;

IpFragments *ip_fragments_new(void);
void ip_fragments_free(IpFragments *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IpFragments, ip_fragments_free)

/* Adds one; when it was the last that was missing, returns the whole payload, lent
 * until the next call, else NULL. */
const uint8_t *ip_fragments_add(IpFragments *self, const IpFragment *fragment,
                                size_t *n_bytes);
