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
#include "wire/tcp-connections.h"

#define BACKLOG  256
#define EVENTS   64
#define ACCEPTS  64 /* from one listener, in one dispatch */
#define SWEEP_US US_PER_SEC

typedef struct {
    TcpSource source; /* first: see TcpSource */
    uint16_t listener;
    TlsContext *tls; /* NULL = plain TCP */
} Listener;

struct Tcp {
    int epoll_fd;
    TcpSource timer;
    GPtrArray *listeners;
    TcpConnections *connections;
    int64_t swept_us;
    bool is_paused; /* no descriptors left: not accepting for a while */
};

/* --- life --- */

static bool
watch(const Tcp *self, TcpSource *source)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };

    return epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) == 0;
}

static void
unwatch(const Tcp *self, const TcpSource *source)
{
    epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
}

static void
free_listener(gpointer data)
{
    Listener *listener = data;

    close(listener->source.fd);
    tls_context_unref(listener->tls);
    g_free(listener);
}

Tcp *
tcp_new(const TcpLimits *limits, const TcpSink *sink, void *user_data, GError **error)
{
    const struct itimerspec every_second = { { 1, 0 }, { 1, 0 } };
    g_autoptr(Tcp) self = g_new0(Tcp, 1);

    self->listeners = g_ptr_array_new_with_free_func(free_listener);
    self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    self->connections = tcp_connections_new(limits, sink, user_data, self->epoll_fd);
    self->timer.kind = TCP_SOURCE_TIMER;
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

    tcp_connections_free(self->connections);
    g_ptr_array_unref(self->listeners);
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
tcp_add_listener(Tcp *self, int fd, uint16_t listener, TlsContext *tls)
{
    Listener *added = g_new0(Listener, 1);

    added->source = (TcpSource){ TCP_SOURCE_LISTENER, fd };
    added->listener = listener;
    added->tls = tls ? tls_context_ref(tls) : NULL;
    g_ptr_array_add(self->listeners, added);
    watch(self, &added->source);
}

void
tcp_set_tls(Tcp *self, uint16_t listener, TlsContext *tls)
{
    for (guint i = 0; i < self->listeners->len; i++) {
        Listener *one = g_ptr_array_index(self->listeners, i);

        if (one->listener != listener || !one->tls)
            continue;
        tls_context_unref(one->tls);
        one->tls = tls_context_ref(tls);
    }
}

int
tcp_fd(const Tcp *self)
{
    return self->epoll_fd;
}

size_t
tcp_n_connections(const Tcp *self)
{
    return tcp_connections_len(self->connections);
}

bool
tcp_is_blocked(const Tcp *self)
{
    return tcp_connections_are_blocked(self->connections);
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
            tcp_connections_add(self->connections, fd, listener->listener,
                                listener->tls, (const struct sockaddr *) &from,
                                mono_us);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(self);
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

/* --- dispatching --- */

static void
sweep(Tcp *self, int64_t mono_us)
{
    uint64_t n_ticks;

    if (read(self->timer.fd, &n_ticks, sizeof(n_ticks)) < 0 &&
        mono_us - self->swept_us < SWEEP_US)
        return;

    self->swept_us = mono_us;
    resume_accepting(self);
    tcp_connections_sweep(self->connections, mono_us);
}

bool
tcp_dispatch(Tcp *self, int64_t mono_us)
{
    struct epoll_event events[EVENTS];

    tcp_connections_retry(self->connections, mono_us);
    bool more = tcp_connections_serve_eager(self->connections, mono_us);
    const int n = epoll_wait(self->epoll_fd, events, EVENTS, 0);

    more |= n == EVENTS;
    for (int i = 0; i < n; i++) {
        TcpSource *source = events[i].data.ptr;

        if (source->kind == TCP_SOURCE_LISTENER)
            accept_some(self, (const Listener *) source, mono_us);
        else if (source->kind == TCP_SOURCE_CONNECTION)
            more |= tcp_connections_serve(self->connections, source, mono_us);
    }
    sweep(self, mono_us);
    return more;
}

void
tcp_shutdown(Tcp *self)
{
    g_ptr_array_set_size(self->listeners, 0);
    tcp_connections_shutdown(self->connections);
}

void
tcp_end_all(Tcp *self)
{
    tcp_connections_end_all(self->connections);
}
