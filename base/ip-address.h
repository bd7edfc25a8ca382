/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* IpAddress: one host address of either family, as a plain value.
 *
 * Always sixteen bytes in network order; IPv4 is kept as its IPv4-mapped form
 * (::ffff:a.b.c.d, RFC 4291 2.5.5.2), so that one comparison serves both and a
 * mapped address from the wire is the IPv4 address it means.  There is no value
 * for "not reported": who needs one keeps a bit beside the address. */

#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

typedef struct {
    uint8_t bytes[16];
} IpAddress;

#define IP_ADDRESS_TEXT_BYTES INET6_ADDRSTRLEN /* with the NUL */

static inline IpAddress
ip_address_from_v4(const uint8_t *four_bytes)
{
    IpAddress addr = { .bytes = { [10] = 0xff, [11] = 0xff } };

    memcpy(addr.bytes + 12, four_bytes, 4);
    return addr;
}

static inline IpAddress
ip_address_from_v6(const uint8_t *sixteen_bytes)
{
    IpAddress addr;

    memcpy(addr.bytes, sixteen_bytes, 16);
    return addr;
}

static inline bool
ip_address_is_v4(const IpAddress *addr)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

    return memcmp(addr->bytes, mapped, sizeof(mapped)) == 0;
}

static inline bool
ip_address_equal(const IpAddress *a, const IpAddress *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* True for 0.0.0.0 and for "::". */
bool ip_address_is_unspecified(const IpAddress *addr);

/* A well mixed hash of the whole address; the same on every machine. */
uint64_t ip_address_hash(const IpAddress *addr);

/* Numeric text only, never a name; a zone ("%eth0") is refused.
 * Returns false, with @addr unchanged, on anything else. */
bool ip_address_parse(const char *text, IpAddress *addr);

/* Writes the canonical text (RFC 5952; dotted quad for IPv4) and returns @text. */
const char *ip_address_format(const IpAddress *addr, char text[IP_ADDRESS_TEXT_BYTES]);

/* The address and port of an AF_INET or AF_INET6 socket address.  Returns false
 * for any other family. */
bool ip_address_from_sockaddr(const struct sockaddr *from, IpAddress *addr,
                              uint16_t *port);
