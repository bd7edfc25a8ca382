/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tcp-connections.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "wire/frame.h"
#include "wire/peer-count.h"
#include "wire/rate-gate.h"
#include "wire/tls-channel.h"

#define TLS_READS  4  /* of one session, in one dispatch: each at most 16 KiB */
#define LAST_READS 64 /* of one connection, when all are ended */

#define RECEIVE_AGAIN  TLS_CHANNEL_AGAIN
#define RECEIVE_FAILED TLS_CHANNEL_FAILED

/* A session is (start of the process in us << 8) + 1, 2, 3 ...: another process starts
 * later, and to run into its numbers this one would have to accept 256 connections
 * per microsecond of its life. */
#define SESSION_SHIFT 8

typedef struct {
    TcpSource source; /* first: see TcpSource */
    uint64_t session;
    IpAddress peer;
    uint16_t port;
    uint16_t listener;
    guint index; /* in connections */

    TlsChannel *tls; /* NULL = plain TCP */
    bool is_shaking; /* in its handshake: not a session yet */
    bool is_eager;   /* in the queue of those that have more inside */
    bool is_blocked;
    GList eager;

    FrameBuffer buffer; /* what is not handed out yet */
    int64_t begun_us;   /* first octet of the message in the buffer; 0 = none */
    int64_t heard_us;   /* last octet, or when it came; monotonic, like all */
} Connection;

struct TcpConnections {
    TcpLimits limits;
    TcpSink sink;
    void *user_data;
    int epoll_fd;
    GPtrArray *all;
    PeerCount *per_address;
    RateGate *handshakes;
    GQueue eager; /* of Connection: TLS that may have more, which no event tells of */
    uint64_t next_session;
    size_t n_shaking;
    size_t n_blocked;
    uint8_t scratch[FRAME_MAX_BYTES];
};

/* --- life --- */

static void
free_connection(gpointer data)
{
    Connection *c = data;

    tls_channel_free(c->tls);
    close(c->source.fd);
    frame_buffer_clear(&c->buffer);
    g_free(c);
}

TcpConnections *
tcp_connections_new(const TcpLimits *limits, const TcpSink *sink, void *user_data,
                    int epoll_fd)
{
    TcpConnections *self = g_new0(TcpConnections, 1);

    self->limits = *limits;
    self->sink = *sink;
    self->user_data = user_data;
    self->epoll_fd = epoll_fd;
    self->all = g_ptr_array_new_with_free_func(free_connection);
    self->per_address = peer_count_new();
    self->handshakes = rate_gate_new(limits->handshakes_per_sec,
                                     limits->handshakes_per_sec_and_address);
    g_queue_init(&self->eager);
    self->next_session = ((uint64_t) clock_wall_us() << SESSION_SHIFT) + 1;
    return self;
}

void
tcp_connections_free(TcpConnections *self)
{
    if (!self)
        return;

    g_ptr_array_unref(self->all);
    peer_count_free(self->per_address);
    rate_gate_free(self->handshakes);
    g_free(self);
}

size_t
tcp_connections_len(const TcpConnections *self)
{
    return self->all->len;
}

bool
tcp_connections_are_blocked(const TcpConnections *self)
{
    return self->n_blocked > 0;
}

/* --- events --- */

static bool
watch(const TcpConnections *self, TcpSource *source)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };

    return epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) == 0;
}

static void
watch_for(const TcpConnections *self, TcpSource *source, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };

    epoll_ctl(self->epoll_fd, EPOLL_CTL_MOD, source->fd, &event);
}

static void
unwatch(const TcpConnections *self, const TcpSource *source)
{
    epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
}

/* --- beginning and end of a connection --- */

static void
abort_on_close(int fd)
{
    const struct linger at_once = { 1, 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void
set_eager(TcpConnections *self, Connection *c, bool is_eager)
{
    if (c->is_eager == is_eager)
        return;

    c->is_eager = is_eager;
    if (is_eager)
        g_queue_push_tail_link(&self->eager, &c->eager);
    else
        g_queue_unlink(&self->eager, &c->eager);
}

static void
set_shaking(TcpConnections *self, Connection *c, bool is_shaking)
{
    if (c->is_shaking == is_shaking)
        return;

    c->is_shaking = is_shaking;
    self->n_shaking += is_shaking ? 1 : -(size_t) 1;
}

/* Takes it out of everything, and closes it. */
static void
drop(TcpConnections *self, Connection *c)
{
    const guint index = c->index;

    if (c->is_blocked)
        self->n_blocked--;
    set_eager(self, c, false);
    set_shaking(self, c, false);
    peer_count_take(self->per_address, &c->peer);
    g_ptr_array_remove_index_fast(self->all, index);
    if (index < self->all->len)
        ((Connection *) g_ptr_array_index(self->all, index))->index = index;
}

static void
end_connection(TcpConnections *self, Connection *c, TcpEnd how)
{
    const Connection gone = *c;

    if (how == TCP_END_MALFORMED || how == TCP_END_TIMEOUT)
        abort_on_close(c->source.fd);
    else if (c->tls)
        tls_channel_bye(c->tls);
    drop(self, c);
    self->sink.end(gone.session, gone.listener, &gone.peer, gone.port, how,
                   self->user_data);
}

/* One that never became a session.  Not reset: the alert that says why would be lost;
 * but if the peer has sent more, closing does that anyway. */
static void
end_handshake(TcpConnections *self, Connection *c, TlsVerdict why)
{
    if (why == TLS_VERDICT_TIMEOUT)
        abort_on_close(c->source.fd);
    self->sink.no_session(c->listener, &c->peer, c->port, why, tls_channel_name(c->tls),
                          tls_channel_detail(c->tls), self->user_data);
    drop(self, c);
}

static bool
is_allowed(const TcpConnections *self, const IpAddress *peer)
{
    return self->all->len < self->limits.max_connections &&
           peer_count_of(self->per_address, peer) <
               self->limits.max_connections_per_address &&
           self->sink.allow(peer, self->user_data);
}

/* Makes it one of a TLS listener, if there may be another handshake. */
static bool
secure(TcpConnections *self, Connection *c, TlsContext *tls, int64_t mono_us)
{
    if (self->n_shaking >= self->limits.max_handshakes ||
        !rate_gate_pass(self->handshakes, &c->peer, mono_us))
        return false;

    c->tls = tls_channel_new(tls, c->source.fd);
    return c->tls != NULL;
}

void
tcp_connections_add(TcpConnections *self, int fd, uint16_t listener, TlsContext *tls,
                    const struct sockaddr *from, int64_t mono_us)
{
    const int on = 1;
    Connection *c = g_new0(Connection, 1);

    c->source = (TcpSource){ TCP_SOURCE_CONNECTION, fd };
    c->listener = listener;
    c->eager.data = c;
    c->heard_us = mono_us;
    if (!ip_address_from_sockaddr(from, &c->peer, &c->port) ||
        !is_allowed(self, &c->peer) || (tls && !secure(self, c, tls, mono_us)) ||
        !watch(self, &c->source)) {
        abort_on_close(fd);
        self->sink.end(0, c->listener, &c->peer, c->port, TCP_END_REFUSED,
                       self->user_data);
        free_connection(c);
        return;
    }

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    c->session = self->next_session++;
    c->index = self->all->len;
    g_ptr_array_add(self->all, c);
    peer_count_add(self->per_address, &c->peer);
    set_shaking(self, c, c->tls != NULL);
}

/* --- messages --- */

static void
set_blocked(TcpConnections *self, Connection *c, bool is_blocked)
{
    if (c->is_blocked == is_blocked)
        return;

    /* Not only silenced: a reset would be reported over and over. */
    if (is_blocked)
        unwatch(self, &c->source);
    else
        watch(self, &c->source);
    if (c->tls)
        set_eager(self, c, !is_blocked);
    self->n_blocked += is_blocked ? 1 : -(size_t) 1;
    c->is_blocked = is_blocked;
}

/* Hands out the whole messages in @bytes; @used is what they take.  Returns false when
 * what follows is not a message. */
static bool
hand_out(TcpConnections *self, Connection *c, const uint8_t *bytes, size_t have,
         size_t *used)
{
    for (*used = 0;;) {
        size_t n_bytes = 0;
        const FrameVerdict frame = frame_look(bytes + *used, have - *used, &n_bytes);

        if (frame != FRAME_WHOLE) {
            set_blocked(self, c, false);
            return frame == FRAME_PART;
        }
        if (!self->sink.message(c->session, c->listener, &c->peer, c->port,
                                bytes + *used, n_bytes, self->user_data)) {
            set_blocked(self, c, true);
            return true;
        }
        *used += n_bytes;
    }
}

/* @bytes are all that is not handed out yet, in the buffer or not. */
static bool
process(TcpConnections *self, Connection *c, const uint8_t *bytes, size_t have,
        int64_t mono_us)
{
    size_t used;
    const bool ok = hand_out(self, c, bytes, have, &used);

    frame_buffer_keep(&c->buffer, bytes + used, have - used);
    if (c->buffer.len == 0)
        c->begun_us = 0;
    else if (used > 0 || c->begun_us == 0)
        c->begun_us = mono_us;
    if (!ok)
        end_connection(self, c, TCP_END_MALFORMED);
    return ok;
}

/* As recv(), with EAGAIN for all that is worth another try, of either kind. */
static ssize_t
receive(const Connection *c, uint8_t *to, size_t room)
{
    if (c->tls)
        return tls_channel_read(c->tls, to, room);

    const ssize_t n = recv(c->source.fd, to, room, 0);
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? RECEIVE_AGAIN
                                                                     : RECEIVE_FAILED;
}

static TcpEnd
end_from(const Connection *c, ssize_t n)
{
    if (n == 0)
        return c->buffer.len == 0 ? TCP_END_CLOSED : TCP_END_RESET;
    return c->tls ? TCP_END_MALFORMED : TCP_END_RESET;
}

/* One read.  Returns whether there may be more; @c may be gone afterwards. */
static bool
read_some(TcpConnections *self, Connection *c, int64_t mono_us)
{
    size_t room;
    size_t have;
    uint8_t *to =
        frame_buffer_room(&c->buffer, self->scratch, sizeof(self->scratch), &room);
    const ssize_t n = receive(c, to, room);

    if (n == RECEIVE_AGAIN)
        return false;
    if (n <= 0) {
        end_connection(self, c, end_from(c, n));
        return false;
    }

    const uint8_t *all = frame_buffer_took(&c->buffer, to, (size_t) n, room, &have);
    const bool more = c->tls || c->buffer.was_filled;

    c->heard_us = mono_us;
    return process(self, c, all, have, mono_us) && more && !c->is_blocked;
}

/* A plain connection is told of again by its event; what TLS has inside is not. */
static bool
read_turn(TcpConnections *self, Connection *c, int64_t mono_us)
{
    bool more = read_some(self, c, mono_us);

    if (!more || !c->tls)
        return more;
    for (unsigned i = 1; more && i < TLS_READS; i++)
        more = read_some(self, c, mono_us);
    if (more)
        set_eager(self, c, true);
    return more;
}

/* --- handshakes --- */

static bool
shake_hands(TcpConnections *self, Connection *c, int64_t mono_us)
{
    switch (tls_channel_shake_hands(c->tls)) {
    case TLS_SHAKE_WANTS_READ:
        watch_for(self, &c->source, EPOLLIN);
        return false;
    case TLS_SHAKE_WANTS_WRITE:
        watch_for(self, &c->source, EPOLLOUT);
        return false;
    case TLS_SHAKE_FAILED:
        end_handshake(self, c, tls_channel_verdict(c->tls));
        return false;
    case TLS_SHAKE_DONE:
        break;
    }

    watch_for(self, &c->source, EPOLLIN);
    set_shaking(self, c, false);
    c->heard_us = mono_us;
    self->sink.secured(c->session, c->listener, &c->peer, c->port,
                       tls_channel_name(c->tls), self->user_data);
    return read_turn(self, c, mono_us);
}

bool
tcp_connections_serve(TcpConnections *self, TcpSource *source, int64_t mono_us)
{
    Connection *c = (Connection *) source;

    return c->is_shaking ? shake_hands(self, c, mono_us) : read_turn(self, c, mono_us);
}

/* --- all of them --- */

/* Those that were blocked offer their message again. */
void
tcp_connections_retry(TcpConnections *self, int64_t mono_us)
{
    for (guint i = self->all->len; i > 0 && self->n_blocked > 0; i--) {
        Connection *c = g_ptr_array_index(self->all, i - 1);

        if (c->is_blocked)
            process(self, c, c->buffer.bytes, c->buffer.len, mono_us);
    }
}

/* Those that had their share: there may be no event for the rest. */
bool
tcp_connections_serve_eager(TcpConnections *self, int64_t mono_us)
{
    bool more = false;

    for (guint n = self->eager.length; n > 0; n--) {
        Connection *c = g_queue_peek_head(&self->eager);

        set_eager(self, c, false);
        more |= read_turn(self, c, mono_us);
        if (self->eager.length == 0)
            break;
    }
    return more;
}

static bool
is_overdue(const TcpConnections *self, const Connection *c, int64_t mono_us)
{
    const int64_t message_us = self->limits.message_timeout_sec * US_PER_SEC;
    const int64_t idle_us = self->limits.idle_timeout_sec * US_PER_SEC;

    if (c->is_shaking)
        return mono_us - c->heard_us > self->limits.handshake_timeout_sec * US_PER_SEC;
    if (c->is_blocked) /* that is our fault */
        return false;
    if (c->begun_us != 0)
        return mono_us - c->begun_us > message_us;
    return idle_us > 0 && mono_us - c->heard_us > idle_us;
}

void
tcp_connections_sweep(TcpConnections *self, int64_t mono_us)
{
    for (guint i = self->all->len; i > 0; i--) {
        Connection *c = g_ptr_array_index(self->all, i - 1);

        if (!is_overdue(self, c, mono_us))
            continue;
        if (c->is_shaking)
            end_handshake(self, c, TLS_VERDICT_TIMEOUT);
        else
            end_connection(self, c, TCP_END_TIMEOUT);
    }
}

/* --- the end --- */

void
tcp_connections_shutdown(TcpConnections *self)
{
    for (guint i = self->all->len; i > 0; i--) {
        Connection *c = g_ptr_array_index(self->all, i - 1);

        if (c->is_shaking) {
            drop(self, c); /* it has told us nothing */
            continue;
        }
        if (c->tls)
            tls_channel_bye(c->tls);
        shutdown(c->source.fd, SHUT_WR);
    }
}

void
tcp_connections_end_all(TcpConnections *self)
{
    const int64_t mono_us = clock_mono_us();

    tcp_connections_retry(self, mono_us);
    while (self->all->len > 0) {
        Connection *c = g_ptr_array_index(self->all, self->all->len - 1);
        bool more = !c->is_blocked && !c->is_shaking;

        /* As long as it is there: its own end takes it from the last place. */
        for (unsigned i = 0; more && i < LAST_READS; i++)
            more = read_some(self, c, mono_us);
        if (self->all->len == 0 ||
            g_ptr_array_index(self->all, self->all->len - 1) != c)
            continue;
        if (c->is_shaking)
            drop(self, c);
        else
            end_connection(self, c, TCP_END_SHUTDOWN);
    }
}
