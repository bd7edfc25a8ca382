/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TcpConnections: the connections of a Tcp, from accept() to their end: handshakes,
 * reading, messages, limits.  For wire/tcp.c alone, which says what the limits and
 * callbacks mean, and waits for the descriptors. */

#include <sys/socket.h>

#include "wire/tcp.h"

typedef enum {
    TCP_SOURCE_LISTENER,
    TCP_SOURCE_CONNECTION,
    TCP_SOURCE_TIMER,
} TcpSourceKind;

/* What an epoll event points to; the first member of whatever that is. */
typedef struct {
    TcpSourceKind kind;
    int fd;
} TcpSource;

typedef struct TcpConnections TcpConnections;

/* Registers its sockets with @epoll_fd, which must outlive it. */
TcpConnections *tcp_connections_new(const TcpLimits *limits, const TcpSink *sink,
                                    void *user_data, int epoll_fd);
void tcp_connections_free(TcpConnections *self); /* closes all; no callbacks */

/* Takes an accepted socket (transfer full), or refuses it.  @tls: NULL = plain. */
void tcp_connections_add(TcpConnections *self, int fd, uint16_t listener,
                         TlsContext *tls, const struct sockaddr *from, int64_t mono_us);

/* There was an event.  Returns true when more is waiting right now; the connection may
 * be gone. */
bool tcp_connections_serve(TcpConnections *self, TcpSource *source, int64_t mono_us);

/* Those that have more inside, of which no event tells; likewise. */
bool tcp_connections_serve_eager(TcpConnections *self, int64_t mono_us);

/* Those that were blocked offer their message again. */
void tcp_connections_retry(TcpConnections *self, int64_t mono_us);
bool tcp_connections_are_blocked(const TcpConnections *self);

void tcp_connections_sweep(TcpConnections *self, int64_t mono_us); /* those overdue */

void tcp_connections_shutdown(TcpConnections *self); /* as in tcp.h */
void tcp_connections_end_all(TcpConnections *self);

size_t tcp_connections_len(const TcpConnections *self);
