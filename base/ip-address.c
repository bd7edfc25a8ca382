/* SPDX-License-Identifier: Apache-2.0 */
#include "ip-address.h"

#include <arpa/inet.h>

bool
ip_address_is_unspecified(const IpAddress *addr)
{
    static const uint8_t zeros[16];
    const size_t n_prefix = ip_address_is_v4(addr) ? 12 : 0;

    return memcmp(addr->bytes + n_prefix, zeros, sizeof(zeros) - n_prefix) == 0;
}

/* The finaliser of MurmurHash3: every bit of @x reaches every bit of the result. */
static uint64_t
mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

uint64_t
ip_address_hash(const IpAddress *addr)
{
    uint64_t high, low;

    memcpy(&high, addr->bytes, sizeof(high));
    memcpy(&low, addr->bytes + 8, sizeof(low));
    return mix(GUINT64_FROM_BE(low) ^ mix(GUINT64_FROM_BE(high)));
}

bool
ip_address_parse(const char *text, IpAddress *addr)
{
    uint8_t bytes[16];

    if (inet_pton(AF_INET, text, bytes) == 1)
        *addr = ip_address_from_v4(bytes);
    else if (inet_pton(AF_INET6, text, bytes) == 1)
        *addr = ip_address_from_v6(bytes);
    else
        return false;

    return true;
}

const char *
ip_address_format(const IpAddress *addr, char text[IP_ADDRESS_TEXT_BYTES])
{
    if (ip_address_is_v4(addr))
        inet_ntop(AF_INET, addr->bytes + 12, text, IP_ADDRESS_TEXT_BYTES);
    else
        inet_ntop(AF_INET6, addr->bytes, text, IP_ADDRESS_TEXT_BYTES);

    return text;
}

bool
ip_address_from_sockaddr(const struct sockaddr *from, IpAddress *addr, uint16_t *port)
{
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *) from;

        *addr = ip_address_from_v4((const uint8_t *) &v4->sin_addr);
        *port = ntohs(v4->sin_port);
        return true;
    }
    if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *) from;

        *addr = ip_address_from_v6((const uint8_t *) &v6->sin6_addr);
        *port = ntohs(v6->sin6_port);
        return true;
    }
    return false;
}
