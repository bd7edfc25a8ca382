/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tcp.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "wire/listen-address.h"

#define IPFIX_VERSION      10
#define IPFIX_HEADER_BYTES 16
#define MAX_MESSAGE_BYTES  65535

#define MIN_BUFFER_BYTES 4096
#define BACKLOG          256
#define EVENTS           64
#define ACCEPTS          64 /* from one listener, in one dispatch */
#define SWEEP_US         US_PER_SEC
#define LAST_READS       64 /* of one connection, when all are ended */

/* A session is (start of the process in us << 8) + 1, 2, 3 ...: another process starts
 * later, and to run into its numbers this one would have to accept 256 connections
 * per microsecond of its life. */
#define SESSION_SHIFT 8

typedef enum { SOURCE_LISTENER, SOURCE_CONNECTION, SOURCE_TIMER } SourceKind;

/* What an epoll event points to; the first member of each. */
typedef struct {
    SourceKind kind;
    int fd;
} Source;

typedef struct {
    Source source;
    uint16_t listener;
} Listener;

typedef struct {
    Source source;
    uint64_t session;
    IpAddress peer;
    uint16_t port;
    uint16_t listener;
    guint index; /* in connections */

    uint8_t *buffer; /* what is not handed out yet; NULL when nothing is */
    size_t len;
    size_t capacity;
    bool was_filled; /* the last read took all the room there was */
    bool is_blocked;
    int64_t begun_us; /* first octet of the message in the buffer; 0 = none */
    int64_t heard_us; /* last octet; monotonic, like all */
} Connection;

struct Tcp {
    TcpLimits limits;
    TcpSink sink;
    void *user_data;
    int epoll_fd;
    Source timer;
    GPtrArray *listeners;
    GPtrArray *connections;
    GHashTable *per_address; /* IpAddress -> count */
    uint64_t next_session;
    size_t n_blocked;
    int64_t swept_us;
    bool is_paused; /* no descriptors left: not accepting for a while */
    uint8_t scratch[MAX_MESSAGE_BYTES];
};

/* --- connections per address --- */

static guint
hash_address(gconstpointer addr)
{
    return (guint) ip_address_hash(addr);
}

static gboolean
equal_addresses(gconstpointer a, gconstpointer b)
{
    return ip_address_equal(a, b);
}

static unsigned
count_of(const Tcp *self, const IpAddress *peer)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(self->per_address, peer));
}

static void
set_count_of(Tcp *self, const IpAddress *peer, unsigned n)
{
    if (n == 0)
        g_hash_table_remove(self->per_address, peer);
    else
        g_hash_table_insert(self->per_address, g_memdup2(peer, sizeof(*peer)),
                            GUINT_TO_POINTER(n));
}

/* --- life --- */

static bool
watch(const Tcp *self, Source *source)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };

    return epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) == 0;
}

static void
unwatch(const Tcp *self, const Source *source)
{
    epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
}

static void
free_listener(gpointer data)
{
    Listener *listener = data;

    close(listener->source.fd);
    g_free(listener);
}

static void
free_connection(gpointer data)
{
    Connection *c = data;

    close(c->source.fd);
    g_free(c->buffer);
    g_free(c);
}

Tcp *
tcp_new(const TcpLimits *limits, const TcpSink *sink, void *user_data, GError **error)
{
    const struct itimerspec every_second = { { 1, 0 }, { 1, 0 } };
    g_autoptr(Tcp) self = g_new0(Tcp, 1);

    self->limits = *limits;
    self->sink = *sink;
    self->user_data = user_data;
    self->next_session = ((uint64_t) clock_wall_us() << SESSION_SHIFT) + 1;
    self->listeners = g_ptr_array_new_with_free_func(free_listener);
    self->connections = g_ptr_array_new_with_free_func(free_connection);
    self->per_address =
        g_hash_table_new_full(hash_address, equal_addresses, g_free, NULL);
    self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    self->timer.kind = SOURCE_TIMER;
    self->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (self->epoll_fd < 0 || self->timer.fd < 0 ||
        timerfd_settime(self->timer.fd, 0, &every_second, NULL) != 0 ||
        !watch(self, &self->timer)) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "TCP: cannot make an epoll descriptor and a timer: %s",
                    g_strerror(errno));
        return NULL;
    }
    return g_steal_pointer(&self);
}

void
tcp_free(Tcp *self)
{
    if (!self)
        return;

    g_ptr_array_unref(self->connections);
    g_ptr_array_unref(self->listeners);
    g_hash_table_unref(self->per_address);
    if (self->epoll_fd >= 0)
        close(self->epoll_fd);
    if (self->timer.fd >= 0)
        close(self->timer.fd);
    g_free(self);
}

int
tcp_listen_socket(const char *address, uint16_t port, bool reuse_port, GError **error)
{
    const int on = 1;
    ListenAddress where;

    if (!listen_address_init(&where, "TCP", address, port, error))
        return -1;

    const int fd = listen_address_socket(&where, SOCK_STREAM, error);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        (reuse_port &&
         setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)) {
        listen_address_set_error(&where, "cannot set socket options", error);
    } else if (listen_address_bind(&where, fd, error)) {
        if (listen(fd, BACKLOG) == 0)
            return fd;
        listen_address_set_error(&where, "cannot listen", error);
    }
    close(fd);
    return -1;
}

void
tcp_add_listener(Tcp *self, int fd, uint16_t listener)
{
    Listener *added = g_new0(Listener, 1);

    added->source = (Source){ SOURCE_LISTENER, fd };
    added->listener = listener;
    g_ptr_array_add(self->listeners, added);
    watch(self, &added->source);
}

int
tcp_fd(const Tcp *self)
{
    return self->epoll_fd;
}

size_t
tcp_n_connections(const Tcp *self)
{
    return self->connections->len;
}

bool
tcp_is_blocked(const Tcp *self)
{
    return self->n_blocked > 0;
}

/* --- beginning and end of a connection --- */

static void
abort_on_close(int fd)
{
    const struct linger at_once = { 1, 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void
end_connection(Tcp *self, Connection *c, TcpEnd how)
{
    const guint index = c->index;
    const Connection gone = *c;

    if (how == TCP_END_MALFORMED || how == TCP_END_TIMEOUT)
        abort_on_close(c->source.fd);
    if (c->is_blocked)
        self->n_blocked--;
    set_count_of(self, &c->peer, count_of(self, &c->peer) - 1);
    g_ptr_array_remove_index_fast(self->connections, index);
    if (index < self->connections->len)
        ((Connection *) g_ptr_array_index(self->connections, index))->index = index;
    self->sink.end(gone.session, gone.listener, &gone.peer, gone.port, how,
                   self->user_data);
}

static bool
is_allowed(const Tcp *self, const IpAddress *peer)
{
    return self->connections->len < self->limits.max_connections &&
           count_of(self, peer) < self->limits.max_connections_per_address &&
           self->sink.allow(peer, self->user_data);
}

static void
begin_connection(Tcp *self, int fd, uint16_t listener, const struct sockaddr *from,
                 int64_t mono_us)
{
    const int on = 1;
    Connection *c = g_new0(Connection, 1);

    c->source = (Source){ SOURCE_CONNECTION, fd };
    c->listener = listener;
    c->heard_us = mono_us;
    if (!ip_address_from_sockaddr(from, &c->peer, &c->port) ||
        !is_allowed(self, &c->peer) || !watch(self, &c->source)) {
        abort_on_close(fd);
        self->sink.end(0, listener, &c->peer, c->port, TCP_END_REFUSED,
                       self->user_data);
        free_connection(c);
        return;
    }

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    c->session = self->next_session++;
    c->index = self->connections->len;
    g_ptr_array_add(self->connections, c);
    set_count_of(self, &c->peer, count_of(self, &c->peer) + 1);
}

/* A listener stays readable while there are no descriptors for its connections. */
static void
pause_accepting(Tcp *self)
{
    for (guint i = 0; i < self->listeners->len; i++)
        unwatch(self, g_ptr_array_index(self->listeners, i));
    self->is_paused = true;
}

static void
resume_accepting(Tcp *self)
{
    for (guint i = 0; i < self->listeners->len && self->is_paused; i++)
        watch(self, g_ptr_array_index(self->listeners, i));
    self->is_paused = false;
}

static void
accept_some(Tcp *self, const Listener *listener, int64_t mono_us)
{
    for (unsigned i = 0; i < ACCEPTS; i++) {
        struct sockaddr_storage from;
        socklen_t n_bytes = sizeof(from);
        const int fd = accept4(listener->source.fd, (struct sockaddr *) &from, &n_bytes,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            begin_connection(self, fd, listener->listener,
                             (const struct sockaddr *) &from, mono_us);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(self);
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

/* --- framing --- */

typedef enum { FRAME_WHOLE, FRAME_PART, FRAME_BAD } Frame;

/* Looks at the header of RFC 7011 3.1 as far as it is there. */
static Frame
look_at_frame(const uint8_t *bytes, size_t have, size_t *n_bytes)
{
    if (have >= 1 && bytes[0] != 0)
        return FRAME_BAD;
    if (have >= 2 && bytes[1] != IPFIX_VERSION)
        return FRAME_BAD;
    if (have < 4)
        return FRAME_PART;

    *n_bytes = (size_t) bytes[2] << 8 | bytes[3];
    if (*n_bytes < IPFIX_HEADER_BYTES)
        return FRAME_BAD;
    return have < *n_bytes ? FRAME_PART : FRAME_WHOLE;
}

static void
set_blocked(Tcp *self, Connection *c, bool is_blocked)
{
    if (c->is_blocked == is_blocked)
        return;

    /* Not only silenced: a reset would be reported over and over. */
    if (is_blocked)
        unwatch(self, &c->source);
    else
        watch(self, &c->source);
    self->n_blocked += is_blocked ? 1 : -(size_t) 1;
    c->is_blocked = is_blocked;
}

/* Hands out the whole messages in @bytes; @used is what they take.  Returns false when
 * what follows is not a message. */
static bool
hand_out(Tcp *self, Connection *c, const uint8_t *bytes, size_t have, size_t *used)
{
    for (*used = 0;;) {
        size_t n_bytes = 0;
        const Frame frame = look_at_frame(bytes + *used, have - *used, &n_bytes);

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

static void
keep(Connection *c, const uint8_t *rest, size_t n_bytes)
{
    if (n_bytes == 0) {
        g_clear_pointer(&c->buffer, g_free);
        c->capacity = 0;
    } else if (c->buffer) {
        memmove(c->buffer, rest, n_bytes);
    } else {
        c->capacity = MAX(n_bytes, MIN_BUFFER_BYTES);
        c->buffer = g_malloc(c->capacity);
        memcpy(c->buffer, rest, n_bytes);
    }
    c->len = n_bytes;
}

/* @bytes are all that is not handed out yet, in the buffer or not. */
static bool
process(Tcp *self, Connection *c, const uint8_t *bytes, size_t have, int64_t mono_us)
{
    size_t used;
    const bool ok = hand_out(self, c, bytes, have, &used);

    keep(c, bytes + used, have - used);
    if (c->len == 0)
        c->begun_us = 0;
    else if (used > 0 || c->begun_us == 0)
        c->begun_us = mono_us;
    if (!ok)
        end_connection(self, c, TCP_END_MALFORMED);
    return ok;
}

/* The buffer grows with what has come, not with what was announced. */
static void
make_room(Connection *c)
{
    if (c->len < c->capacity && !c->was_filled)
        return;

    c->capacity = MIN(2 * c->capacity, MAX_MESSAGE_BYTES);
    c->buffer = g_realloc(c->buffer, c->capacity);
}

/* One read.  Returns whether there may be more; @c may be gone afterwards. */
static bool
read_some(Tcp *self, Connection *c, int64_t mono_us)
{
    uint8_t *to = self->scratch;
    size_t room = sizeof(self->scratch);

    if (c->len > 0) {
        make_room(c);
        to = c->buffer + c->len;
        room = c->capacity - c->len;
    }

    const ssize_t n = recv(c->source.fd, to, room, 0);
    if (n <= 0) {
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return false;
        end_connection(self, c, n == 0 && c->len == 0 ? TCP_END_CLOSED : TCP_END_RESET);
        return false;
    }

    c->heard_us = mono_us;
    c->was_filled = (size_t) n == room;
    const bool filled = c->was_filled;
    const uint8_t *all = c->len > 0 ? c->buffer : to;
    return process(self, c, all, c->len + (size_t) n, mono_us) && filled &&
           !c->is_blocked;
}

/* --- dispatching --- */

/* Those that were blocked offer their message again. */
static void
retry_blocked(Tcp *self, int64_t mono_us)
{
    for (guint i = self->connections->len; i > 0 && self->n_blocked > 0; i--) {
        Connection *c = g_ptr_array_index(self->connections, i - 1);

        if (c->is_blocked)
            process(self, c, c->buffer, c->len, mono_us);
    }
}

static bool
is_overdue(const Tcp *self, const Connection *c, int64_t mono_us)
{
    const int64_t message_us = self->limits.message_timeout_sec * US_PER_SEC;
    const int64_t idle_us = self->limits.idle_timeout_sec * US_PER_SEC;

    if (c->is_blocked) /* that is our fault */
        return false;
    if (c->begun_us != 0)
        return mono_us - c->begun_us > message_us;
    return idle_us > 0 && mono_us - c->heard_us > idle_us;
}

static void
sweep(Tcp *self, int64_t mono_us)
{
    uint64_t n_ticks;

    if (read(self->timer.fd, &n_ticks, sizeof(n_ticks)) < 0 &&
        mono_us - self->swept_us < SWEEP_US)
        return;

    self->swept_us = mono_us;
    resume_accepting(self);
    for (guint i = self->connections->len; i > 0; i--) {
        Connection *c = g_ptr_array_index(self->connections, i - 1);

        if (is_overdue(self, c, mono_us))
            end_connection(self, c, TCP_END_TIMEOUT);
    }
}

bool
tcp_dispatch(Tcp *self, int64_t mono_us)
{
    struct epoll_event events[EVENTS];

    retry_blocked(self, mono_us);
    const int n = epoll_wait(self->epoll_fd, events, EVENTS, 0);
    bool more = n == EVENTS;

    for (int i = 0; i < n; i++) {
        Source *source = events[i].data.ptr;

        if (source->kind == SOURCE_LISTENER)
            accept_some(self, (const Listener *) source, mono_us);
        else if (source->kind == SOURCE_CONNECTION)
            more |= read_some(self, (Connection *) source, mono_us);
    }
    sweep(self, mono_us);
    return more;
}

/* --- the end --- */

void
tcp_shutdown(Tcp *self)
{
    g_ptr_array_set_size(self->listeners, 0);
    for (guint i = 0; i < self->connections->len; i++) {
        const Connection *c = g_ptr_array_index(self->connections, i);

        shutdown(c->source.fd, SHUT_WR);
    }
}

void
tcp_end_all(Tcp *self)
{
    const int64_t mono_us = clock_mono_us();

    retry_blocked(self, mono_us);
    while (self->connections->len > 0) {
        Connection *c =
            g_ptr_array_index(self->connections, self->connections->len - 1);
        bool more = !c->is_blocked;

        /* As long as it is there: its own end takes it from the last place. */
        for (unsigned i = 0; more && i < LAST_READS; i++)
            more = read_some(self, c, mono_us);
        if (self->connections->len > 0 &&
            g_ptr_array_index(self->connections, self->connections->len - 1) == c)
            end_connection(self, c, TCP_END_SHUTDOWN);
    }
}
