/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Network: an address prefix in CIDR notation, as a plain value. */

#include <stdbool.h>

#include "ip-address.h"

typedef struct {
    IpAddress address; /* bits beyond the prefix are zero */
    unsigned bits;     /* of the 16-byte form: 96..128 for IPv4 */
} Network;

/* "192.0.2.0/24", "2001:db8::/32", or a bare address.  Host bits that are set are
 * an error (they are nearly always a typing mistake), reported in G_KEY_FILE_ERROR
 * with what was meant.  @network is unchanged on failure. */
bool network_parse(const char *text, Network *network, GError **error);

/* The prefix of @bits (at most 128, see above) that holds @addr. */
Network network_of(const IpAddress *addr, unsigned bits);

char *network_format(const Network *network); /* (transfer full) */

bool network_contains(const Network *network, const IpAddress *addr);
