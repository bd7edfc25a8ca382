/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#define IPV4_BITS 96 /* before an IPv4 address in its sixteen-byte form */

static bool
parse_length(const char *text, unsigned max, unsigned *bits)
{
    guint64 number;

    /* No sign, no blank, no leading zero: "08" may be meant as octal. */
    if (!g_ascii_isdigit(text[0]) || (text[0] == '0' && text[1]) ||
        !g_ascii_string_to_unsigned(text, 10, 0, max, &number, NULL))
        return false;

    *bits = number;
    return true;
}

static IpAddress
mask(const IpAddress *addr, unsigned bits)
{
    IpAddress masked = { 0 };

    memcpy(masked.bytes, addr->bytes, bits / 8);
    if (bits % 8)
        masked.bytes[bits / 8] = addr->bytes[bits / 8] & (0xff << (8 - bits % 8));
    return masked;
}

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool
refuse(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (error)
        *error = g_error_new_valist(G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                                    format, args);
    va_end(args);
    return false;
}

bool
network_parse(const char *text, Network *network, GError **error)
{
    const char *slash = strchr(text, '/');
    g_autofree char *host = slash ? g_strndup(text, slash - text) : g_strdup(text);
    const bool is_v4 = !strchr(host, ':');
    const unsigned max = is_v4 ? 32 : 128;
    unsigned bits = max;
    IpAddress addr;

    if (!ip_address_parse(host, &addr))
        return refuse(error, "\"%s\" is not a network: an address or ADDRESS/LENGTH is",
                      text);
    if (slash && !parse_length(slash + 1, max, &bits))
        return refuse(error, "\"%s\" has a prefix length that is not from 0 to %u",
                      text, max);

    const unsigned prefix = bits;
    bits += is_v4 ? IPV4_BITS : 0;

    const IpAddress masked = mask(&addr, bits);
    if (!ip_address_equal(&masked, &addr)) {
        char meant[IP_ADDRESS_TEXT_BYTES];

        return refuse(error, "\"%s\" has host bits set: is %s/%u or %s/%u meant?", text,
                      ip_address_format(&masked, meant), prefix, host, max);
    }
    *network = (Network){ .address = addr, .bits = bits };
    return true;
}

Network
network_of(const IpAddress *addr, unsigned bits)
{
    g_assert(bits <= 128);
    return (Network){ .address = mask(addr, bits), .bits = bits };
}

char *
network_format(const Network *network)
{
    const bool is_v4 =
        network->bits >= IPV4_BITS && ip_address_is_v4(&network->address);
    char text[IP_ADDRESS_TEXT_BYTES];

    return g_strdup_printf("%s/%u", ip_address_format(&network->address, text),
                           network->bits - (is_v4 ? IPV4_BITS : 0));
}

bool
network_contains(const Network *network, const IpAddress *addr)
{
    const IpAddress masked = mask(addr, network->bits);

    return ip_address_equal(&masked, &network->address);
}
