/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tcp: IPFIX over TCP (RFC 7011 10.4), plain or in TLS (11): listeners and connections.
 *
 * A passive object: it has an epoll descriptor to wait for, and when told to
 * dispatch it accepts, reads and hands out whole messages.  Limits: connections in all
 * and per address, a time to finish a message once begun, an idle time; handshakes at
 * a time and per second, and a time for each.  A connection that asks for TLS is a
 * session, and is read from, when its handshake went well. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ip-address.h"
#include "wire/tls-context.h"

typedef struct {
    uint32_t max_connections;
    uint32_t max_connections_per_address;
    uint32_t message_timeout_sec; /* from its first octet to its last */
    uint32_t idle_timeout_sec;    /* 0 = none */

    /* Of TLS alone. */
    uint32_t handshake_timeout_sec; /* from accepting it to the session */
    uint32_t max_handshakes;        /* at a time */
    uint32_t handshakes_per_sec;
    uint32_t handshakes_per_sec_and_address;
} TcpLimits;

typedef enum {
    TCP_END_CLOSED,    /* by the exporter, between messages */
    TCP_END_RESET,     /* by the network or the exporter, or within a message */
    TCP_END_MALFORMED, /* not IPFIX, a length below 16, broken TLS or a new handshake */
    TCP_END_TIMEOUT,
    TCP_END_REFUSED, /* by the allow list or a limit: never was a session */
    TCP_END_SHUTDOWN,
} TcpEnd;

typedef struct {
    bool (*allow)(const IpAddress *peer, void *user_data);
    /* @session: unique over restarts, never 0.  @bytes: one whole IPFIX message, lent.
     * Returns false when it could not be taken: the connection is then left unread
     * (back pressure) and the same message offered again at the next dispatch. */
    bool (*message)(uint64_t session, uint16_t listener, const IpAddress *peer,
                    uint16_t port, const uint8_t *bytes, size_t n_bytes,
                    void *user_data);
    /* @session is 0 when refused. */
    void (*end)(uint64_t session, uint16_t listener, const IpAddress *peer,
                uint16_t port, TcpEnd how, void *user_data);

    /* Of TLS alone.  A session begins; @name (lent) is that of the peer's certificate
     * which is allowed. */
    void (*secured)(uint64_t session, uint16_t listener, const IpAddress *peer,
                    uint16_t port, const char *name, void *user_data);
    /* A handshake came to nothing.  Lent: @name, of its certificate, or ""; @detail,
     * what GnuTLS says, or "". */
    void (*no_session)(uint16_t listener, const IpAddress *peer, uint16_t port,
                       TlsVerdict why, const char *name, const char *detail,
                       void *user_data);
} TcpSink;

typedef struct Tcp Tcp;

Tcp *tcp_new(const TcpLimits *limits, const TcpSink *sink, void *user_data,
             GError **error);
void tcp_free(Tcp *self); /* closes all; no callbacks */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tcp, tcp_free)

/* Opens a listening socket (nonblocking).  @reuse_port: several workers have one each
 * of the same port.  Errors as udp_open(). */
int tcp_listen_socket(const char *address, uint16_t port, bool reuse_port,
                      GError **error);

/* Takes a listening socket (transfer full).  @tls: NULL for plain TCP, else the one
 * of its sessions, which it refers to. */
void tcp_add_listener(Tcp *self, int fd, uint16_t listener, TlsContext *tls);

/* Another, for sessions that begin from now on. */
void tcp_set_tls(Tcp *self, uint16_t listener, TlsContext *tls);

int tcp_fd(const Tcp *self); /* readable when there is something to dispatch */

/* Does what can be done without blocking, within a bounded share per connection.
 * Returns true when more is waiting right now. */
bool tcp_dispatch(Tcp *self, int64_t mono_us);

/* True while a message could not be handed out: then tcp_fd() tells of nothing new
 * from that connection, and tcp_dispatch() is to be called now and then. */
bool tcp_is_blocked(const Tcp *self);

/* RFC 7011 10.4.4: closes the listeners and our end of each connection; go on
 * dispatching until the exporters have closed theirs or patience ends, then
 * tcp_end_all() hands out what the kernel has received and ends the rest with
 * TCP_END_SHUTDOWN. */
void tcp_shutdown(Tcp *self);
void tcp_end_all(Tcp *self);

size_t tcp_n_connections(const Tcp *self);
