/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* PeerCount: how many of something each address has.  As large as the number of
 * addresses that have any. */

#include <glib.h>

#include "ip-address.h"

typedef struct PeerCount PeerCount;

PeerCount *peer_count_new(void);
void peer_count_free(PeerCount *self);

unsigned peer_count_of(const PeerCount *self, const IpAddress *peer);
void peer_count_add(PeerCount *self, const IpAddress *peer);
void peer_count_take(PeerCount *self, const IpAddress *peer); /* one that was added */
