/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/listen-address.h"

#include <errno.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <string.h>

#include "ip-address.h"

bool
listen_address_set_error(const ListenAddress *self, const char *doing, GError **error)
{
    const int saved = errno;

    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved),
                "%s %s port %u: %s: %s", self->protocol, self->text, self->port, doing,
                g_strerror(saved));
    return false;
}

static void
set_v4(ListenAddress *self, const uint8_t four_bytes[4])
{
    struct sockaddr_in *in = (struct sockaddr_in *) &self->address;

    memset(&self->address, 0, sizeof(self->address));
    in->sin_family = AF_INET;
    in->sin_port = g_htons(self->port);
    memcpy(&in->sin_addr, four_bytes, 4);
    self->n_bytes = sizeof(*in);
}

static void
set_v6(ListenAddress *self, const uint8_t sixteen_bytes[16])
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) &self->address;

    memset(&self->address, 0, sizeof(self->address));
    in6->sin6_family = AF_INET6;
    in6->sin6_port = g_htons(self->port);
    memcpy(&in6->sin6_addr, sixteen_bytes, 16);
    self->n_bytes = sizeof(*in6);
}

bool
listen_address_init(ListenAddress *self, const char *protocol, const char *text,
                    uint16_t port, GError **error)
{
    IpAddress parsed;

    *self = (ListenAddress){ .protocol = protocol, .text = text, .port = port };
    if (!ip_address_parse(text, &parsed)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "%s %s port %u: not a numeric address", protocol, text, port);
        return false;
    }
    if (ip_address_is_v4(&parsed))
        set_v4(self, parsed.bytes + 12);
    else
        set_v6(self, parsed.bytes);
    return true;
}

static bool
is_dual_stack(const ListenAddress *self)
{
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) &self->address;

    return self->address.ss_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
}

int
listen_address_socket(ListenAddress *self, int type, GError **error)
{
    static const uint8_t any[4];
    const int off = 0;

    type |= SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(self->address.ss_family, type, 0);
    if (fd < 0 && errno == EAFNOSUPPORT && is_dual_stack(self)) {
        set_v4(self, any);
        fd = socket(AF_INET, type, 0);
    }
    if (fd < 0)
        listen_address_set_error(self, "cannot make a socket", error);
    else if (is_dual_stack(self)) /* bind() tells if it did not work */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    return fd;
}

bool
listen_address_bind(const ListenAddress *self, int fd, GError **error)
{
    if (bind(fd, (const struct sockaddr *) &self->address, self->n_bytes) == 0)
        return true;
    return listen_address_set_error(self, "cannot listen", error);
}

void
listen_address_adopt_port(ListenAddress *self, int fd)
{
    struct sockaddr_storage bound;
    socklen_t n_bytes = sizeof(bound);
    IpAddress ignored;

    if (self->port != 0 || getsockname(fd, (struct sockaddr *) &bound, &n_bytes) != 0)
        return;
    if (!ip_address_from_sockaddr((const struct sockaddr *) &bound, &ignored,
                                  &self->port))
        return;

    /* The port stands at the same place in both families. */
    ((struct sockaddr_in *) &self->address)->sin_port = g_htons(self->port);
}
