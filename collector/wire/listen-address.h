/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ListenAddress: a socket address to listen on, from the text of the configuration. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

typedef struct {
    const char *protocol; /* "UDP" or "TCP", for messages */
    const char *text;     /* numeric; "::" is dual stack, "0.0.0.0" IPv4 only */
    struct sockaddr_storage address;
    socklen_t n_bytes;
    uint16_t port;
} ListenAddress;

/* @text is lent for the life of @self.  Errors: G_IO_ERROR_INVALID_ARGUMENT. */
bool listen_address_init(ListenAddress *self, const char *protocol, const char *text,
                         uint16_t port, GError **error);

/* A nonblocking, close-on-exec socket of @type for it, not yet bound; -1 with @error.
 * "::" becomes "0.0.0.0" on a machine without IPv6. */
int listen_address_socket(ListenAddress *self, int type, GError **error);

bool listen_address_bind(const ListenAddress *self, int fd, GError **error);

/* Takes over the port that the kernel chose for @fd when it was 0. */
void listen_address_adopt_port(ListenAddress *self, int fd);

/* Sets @error by errno: what we were @doing, and where.  Returns false. */
bool listen_address_set_error(const ListenAddress *self, const char *doing,
                              GError **error);
