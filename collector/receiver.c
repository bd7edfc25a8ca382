/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "session-log.h"
#include "wire/landing.h"

#define EVENTS        32
#define TURN_BATCHES  16 /* of one socket, before the others have their turn */
#define TICK_US       US_PER_SEC
#define IDLE_MS       500
#define RETRY_MS      20 /* while the journal takes nothing */
#define LAST_WORDS_US (500 * US_PER_MS)
#define MAX_NOTES     4096 /* that wait for a place in the journal */

/* What an epoll event is about; below these it is the index of a UDP socket. */
#define EVENT_STOP UINT64_MAX
#define EVENT_TCP  (UINT64_MAX - 1)

typedef struct {
    int fd;
    unsigned landing; /* what landing_add_socket() called it */
} UdpSocket;

/* What is to be said of a session, and its text. */
typedef struct {
    JournalRecord record;
    uint8_t text[];
} Note;

/* A TLS context for the sessions of a listener. */
typedef struct {
    uint16_t listener;
    TlsContext *tls;
} NextTls;

struct Receiver {
    Journal *journal;
    Landing *landing;
    Tcp *tcp;
    UdpSocket *udp;
    size_t n_udp;
    int epoll_fd;
    int stop_fd;
    GThread *thread;

    PrefixTable *allow;
    _Atomic(PrefixTable *) next_allow; /* whoever swaps it out owns it */

    JournalCounts told;    /* counts as last appended */
    int64_t ticked_us;     /* monotonic */
    int64_t now_us;        /* wall clock, for TCP messages of one dispatch */
    GQueue notes;          /* of Note */
    GAsyncQueue *next_tls; /* of NextTls */
    SessionLog log;
    bool tcp_has_more; /* it said so */
    bool is_stopping;

    uint64_t n_resets; /* of TCP connections */

    _Atomic(int64_t) stop_at_us; /* monotonic; 0 = run */
    _Atomic(uint64_t) datagrams;
    _Atomic(uint64_t) bytes;
    _Atomic(uint64_t) tcp_messages;
    _Atomic(uint64_t) kernel_drops;
    _Atomic(uint64_t) refused;
    _Atomic(uint64_t) journal_full;
    _Atomic(uint64_t) tcp_malformed;
    _Atomic(uint64_t) tls_refused;
    _Atomic(uint64_t) connections;
    _Atomic(int64_t) beat_us;
};

/* --- into the journal --- */

static bool
append(Receiver *self, const JournalRecord *record)
{
    if (journal_append(self->journal, record) != JOURNAL_OK)
        return false;

    landing_set_last_seq(self->landing, journal_last_seq(self->journal));
    return true;
}

static bool
is_allowed(const Receiver *self, const IpAddress *peer)
{
    return !self->allow || prefix_table_find(self->allow, peer) != PREFIX_TABLE_NONE;
}

static void
take_arrival(Receiver *self, size_t slot)
{
    const Arrival arrival = landing_at(self->landing, slot);

    if (!is_allowed(self, &arrival.peer)) {
        landing_mark_refused(self->landing, slot);
        return;
    }

    const JournalRecord record = {
        .kind = JOURNAL_DATAGRAM,
        .received_us = arrival.received_us,
        .peer = arrival.peer,
        .peer_port = arrival.peer_port,
        .listener = arrival.listener,
        .bytes = arrival.bytes,
        .n_bytes = MIN(arrival.n_bytes, JOURNAL_MAX_DATAGRAM_BYTES),
    };
    landing_mark_record(self->landing, slot, journal_last_seq(self->journal) + 1);
    if (!append(self, &record)) {
        landing_mark_full(self->landing, slot);
        return;
    }
    atomic_fetch_add_explicit(&self->datagrams, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&self->bytes, record.n_bytes, memory_order_relaxed);
}

static JournalCounts
counts_now(const Receiver *self)
{
    const LandingCounts counts = landing_counts(self->landing);

    return (JournalCounts){ .kernel_drops = counts.kernel_drops,
                            .refused = counts.refused,
                            .journal_full = counts.journal_full,
                            .tcp_malformed = counts.tcp_malformed };
}

/* The worker turns the difference to the record before into losses. */
static void
tell_counts(Receiver *self)
{
    landing_read_drops(self->landing);

    const JournalCounts counts = counts_now(self);
    self->kernel_drops = counts.kernel_drops;
    self->refused = counts.refused;
    self->journal_full = counts.journal_full;
    self->tcp_malformed = counts.tcp_malformed;
    if (memcmp(&counts, &self->told, sizeof(counts)) == 0)
        return;

    const JournalRecord record = { .kind = JOURNAL_COUNTS,
                                   .received_us = clock_wall_us(),
                                   .bytes = (const uint8_t *) &counts,
                                   .n_bytes = sizeof(counts) };
    if (append(self, &record))
        self->told = counts;
}

/* --- UDP --- */

/* Returns how many there were. */
static size_t
receive_batch(Receiver *self, const UdpSocket *socket)
{
    const int n = landing_receive(self->landing, socket->landing);

    for (int slot = 0; slot < n; slot++)
        take_arrival(self, (size_t) slot);
    return n > 0 ? (size_t) n : 0;
}

static void
receive_turn(Receiver *self, const UdpSocket *socket)
{
    for (unsigned i = 0; i < TURN_BATCHES; i++) {
        if (receive_batch(self, socket) < LANDING_SLOTS)
            return;
    }
}

/* Appends what a socket had received before @until_us, as the kernel's stamps say. */
static void
receive_rest(Receiver *self, const UdpSocket *socket, int64_t until_us)
{
    const int64_t give_up_us = clock_mono_us() + LAST_WORDS_US;

    while (receive_batch(self, socket) > 0 && clock_mono_us() < give_up_us) {
        if (landing_at(self->landing, 0).received_us > until_us)
            return;
    }
}

/* --- TCP --- */

static bool
on_tcp_allow(const IpAddress *peer, void *user_data)
{
    return is_allowed(user_data, peer);
}

static void
append_notes(Receiver *self)
{
    while (self->notes.length > 0 &&
           append(self, &((const Note *) g_queue_peek_head(&self->notes))->record))
        g_free(g_queue_pop_head(&self->notes));
}

/* Takes the session, peer and listener from @about. */
static void
note(Receiver *self, const JournalRecord *about, JournalKind kind, const char *text)
{
    const size_t n_bytes = MIN(strlen(text), JOURNAL_MAX_DATAGRAM_BYTES);
    Note *one = g_malloc(sizeof(*one) + n_bytes);

    memcpy(one->text, text, n_bytes);
    one->record = *about;
    one->record.kind = kind;
    one->record.received_us = self->now_us;
    one->record.bytes = one->text;
    one->record.n_bytes = n_bytes;
    g_queue_push_tail(&self->notes, one);
    if (self->notes.length > MAX_NOTES)
        g_free(g_queue_pop_head(&self->notes));
    append_notes(self);
}

static bool
on_tcp_message(uint64_t session, uint16_t listener, const IpAddress *peer,
               uint16_t port, const uint8_t *bytes, size_t n_bytes, void *user_data)
{
    Receiver *self = user_data;
    const JournalRecord record = { .kind = JOURNAL_DATAGRAM,
                                   .received_us = self->now_us,
                                   .session = session,
                                   .peer = *peer,
                                   .peer_port = port,
                                   .listener = listener,
                                   .bytes = bytes,
                                   .n_bytes = n_bytes };

    if (!append(self, &record))
        return false;
    atomic_fetch_add_explicit(&self->tcp_messages, 1, memory_order_relaxed);
    return true;
}

static void
on_tcp_end(uint64_t session, uint16_t listener, const IpAddress *peer, uint16_t port,
           TcpEnd how, void *user_data)
{
    Receiver *self = user_data;

    if (how == TCP_END_REFUSED) {
        landing_count_refused_connection(self->landing);
        return;
    }
    if (how == TCP_END_RESET)
        session_log_reset(peer, port, ++self->n_resets);
    if (how == TCP_END_MALFORMED)
        landing_count_malformed_session(self->landing);
    note(self,
         &(JournalRecord){ .session = session,
                           .peer = *peer,
                           .peer_port = port,
                           .listener = listener },
         JOURNAL_SESSION_END, "");
}

static void
on_tls_session(uint64_t session, uint16_t listener, const IpAddress *peer,
               uint16_t port, const char *name, void *user_data)
{
    Receiver *self = user_data;

    (void) session;
    (void) listener;
    session_log_begin(&self->log, peer, port, name, clock_mono_us());
}

static void
on_no_tls_session(uint16_t listener, const IpAddress *peer, uint16_t port,
                  TlsVerdict why, const char *name, const char *detail, void *user_data)
{
    Receiver *self = user_data;

    atomic_fetch_add_explicit(&self->tls_refused, 1, memory_order_relaxed);
    session_log_refuse(&self->log, peer, port, why, name, detail, clock_mono_us());
    note(self,
         &(JournalRecord){ .peer = *peer, .peer_port = port, .listener = listener },
         JOURNAL_SESSION_REFUSED, tls_verdict_class(why));
}

static void
serve_tcp(Receiver *self)
{
    self->now_us = clock_wall_us();
    self->tcp_has_more = tcp_dispatch(self->tcp, clock_mono_us());
    self->connections = tcp_n_connections(self->tcp);
}

/* --- the thread --- */

static void
free_next_tls(gpointer data)
{
    NextTls *next = data;

    tls_context_unref(next->tls);
    g_free(next);
}

static void
take_new_allow(Receiver *self)
{
    PrefixTable *allow = atomic_exchange(&self->next_allow, NULL);

    if (!allow)
        return;
    prefix_table_free(self->allow);
    self->allow = allow;
}

static void
take_new_tls(Receiver *self)
{
    NextTls *next;

    while ((next = g_async_queue_try_pop(self->next_tls))) {
        tcp_set_tls(self->tcp, next->listener, next->tls);
        free_next_tls(next);
    }
}

static int
patience_ms(const Receiver *self)
{
    if (self->tcp_has_more)
        return 0;
    if (self->is_stopping || tcp_is_blocked(self->tcp) || self->notes.length > 0)
        return RETRY_MS;
    return IDLE_MS;
}

static void
serve(Receiver *self)
{
    struct epoll_event events[EVENTS];
    const int n = epoll_wait(self->epoll_fd, events, EVENTS, patience_ms(self));
    bool is_tcp = self->tcp_has_more || tcp_is_blocked(self->tcp);

    take_new_allow(self);
    take_new_tls(self);
    append_notes(self);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u64 == EVENT_TCP)
            is_tcp = true;
        else if (events[i].data.u64 != EVENT_STOP)
            receive_turn(self, &self->udp[events[i].data.u64]);
    }
    if (is_tcp)
        serve_tcp(self);

    const int64_t mono_us = clock_mono_us();
    self->beat_us = mono_us;
    if (mono_us - self->ticked_us >= TICK_US) {
        self->ticked_us = mono_us;
        tell_counts(self);
    }
}

/* Returns false when all is said. */
static bool
goes_on(Receiver *self)
{
    const int64_t stop_at_us = self->stop_at_us;

    if (stop_at_us == 0)
        return true;
    if (!self->is_stopping) {
        self->is_stopping = true;
        epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, self->stop_fd, NULL);
        tcp_shutdown(self->tcp);
    }
    return tcp_n_connections(self->tcp) > 0 && clock_mono_us() < stop_at_us;
}

static gpointer
run(gpointer user_data)
{
    Receiver *self = user_data;

    while (goes_on(self))
        serve(self);

    const int64_t until_us = clock_wall_us();
    self->now_us = until_us;
    tcp_end_all(self->tcp);
    for (size_t i = 0; i < self->n_udp; i++)
        receive_rest(self, &self->udp[i], until_us);
    append_notes(self);
    tell_counts(self);
    return NULL;
}

/* --- life --- */

/* What had been received when the process before was killed, and what it knew. */
static void
take_landed(Receiver *self)
{
    const JournalCounts known = journal_last_counts(self->journal);

    self->told = known;
    landing_raise_counts(self->landing,
                         &(LandingCounts){ .kernel_drops = known.kernel_drops,
                                           .refused = known.refused,
                                           .journal_full = known.journal_full,
                                           .tcp_malformed = known.tcp_malformed });
    journal_skip_seq(self->journal, landing_last_seq(self->landing));
    for (size_t slot = 0; slot < landing_len(self->landing); slot++) {
        if (landing_is_pending(self->landing, slot, journal_last_seq(self->journal)))
            take_arrival(self, slot);
    }
    tell_counts(self);
}

static bool
watch(Receiver *self, int fd, uint64_t what)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = what };

    return epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool
open_descriptors(Receiver *self, const ReceiverOptions *options, GError **error)
{
    static const TcpSink sink = { on_tcp_allow, on_tcp_message, on_tcp_end,
                                  on_tls_session, on_no_tls_session };

    self->landing =
        landing_open(options->landing_path, journal_id(options->journal), error);
    if (!self->landing)
        return false;
    self->tcp = tcp_new(&options->tcp, &sink, self, error);
    if (!self->tcp)
        return false;

    self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    self->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (self->epoll_fd >= 0 && self->stop_fd >= 0 &&
        watch(self, self->stop_fd, EVENT_STOP) &&
        watch(self, tcp_fd(self->tcp), EVENT_TCP))
        return true;
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                "receiver: cannot make its descriptors: %s", g_strerror(errno));
    return false;
}

static bool
add_socket(Receiver *self, ReceiverSocket *socket, GError **error)
{
    if (socket->is_tcp) {
        tcp_add_listener(self->tcp, socket->fd, socket->listener, socket->tls);
        socket->fd = -1;
        return true;
    }
    if (self->n_udp == LANDING_MAX_SOCKETS) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "receiver: more than %d UDP sockets", LANDING_MAX_SOCKETS);
        return false;
    }
    if (!watch(self, socket->fd, self->n_udp)) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "receiver: cannot wait for a socket: %s", g_strerror(errno));
        return false;
    }
    self->udp[self->n_udp++] =
        (UdpSocket){ socket->fd,
                     landing_add_socket(self->landing, socket->fd, socket->listener) };
    socket->fd = -1;
    return true;
}

static void
free_receiver(Receiver *self)
{
    tcp_free(self->tcp);
    for (size_t i = 0; i < self->n_udp; i++)
        close(self->udp[i].fd);
    if (self->epoll_fd >= 0)
        close(self->epoll_fd);
    if (self->stop_fd >= 0)
        close(self->stop_fd);
    landing_free(self->landing);
    prefix_table_free(self->allow);
    prefix_table_free(self->next_allow);
    g_queue_clear_full(&self->notes, g_free);
    g_async_queue_unref(self->next_tls);
    g_free(self->udp);
    g_free(self);
}

Receiver *
receiver_start(const ReceiverOptions *options, GError **error)
{
    Receiver *self = g_new0(Receiver, 1);
    g_autofree ReceiverSocket *sockets = g_new0(ReceiverSocket, options->n_sockets + 1);

    memcpy(sockets, options->sockets, options->n_sockets * sizeof(*sockets));
    self->journal = options->journal;
    self->allow = options->allow;
    self->udp = g_new0(UdpSocket, options->n_sockets);
    self->epoll_fd = self->stop_fd = -1;
    self->beat_us = clock_mono_us();
    g_queue_init(&self->notes);
    self->next_tls = g_async_queue_new_full(free_next_tls);

    bool ok = open_descriptors(self, options, error);
    for (size_t i = 0; ok && i < options->n_sockets; i++)
        ok = add_socket(self, &sockets[i], error);
    if (ok) {
        take_landed(self);
        self->thread = g_thread_new("receiver", run, self);
        return self;
    }

    for (size_t i = 0; i < options->n_sockets; i++) {
        if (sockets[i].fd >= 0)
            close(sockets[i].fd);
    }
    free_receiver(self);
    return NULL;
}

void
receiver_stop(Receiver *self, unsigned drain_ms)
{
    const uint64_t one = 1;

    if (!self)
        return;

    self->stop_at_us = clock_mono_us() + drain_ms * US_PER_MS;
    if (write(self->stop_fd, &one, sizeof(one)) < 0)
        g_assert(errno == EAGAIN); /* it is readable as it is */
    g_thread_join(self->thread);
    free_receiver(self);
}

void
receiver_reload_allow(Receiver *self, PrefixTable *allow)
{
    prefix_table_free(atomic_exchange(&self->next_allow, allow));
}

void
receiver_reload_tls(Receiver *self, uint16_t listener, TlsContext *tls)
{
    g_async_queue_push(self->next_tls,
                       g_memdup2(&(NextTls){ listener, tls }, sizeof(NextTls)));
}

ReceiverStatus
receiver_status(const Receiver *self)
{
    return (ReceiverStatus){
        .datagrams = self->datagrams,
        .bytes = self->bytes,
        .tcp_messages = self->tcp_messages,
        .kernel_drops = self->kernel_drops,
        .refused = self->refused,
        .journal_full = self->journal_full,
        .tcp_malformed = self->tcp_malformed,
        .tls_refused = self->tls_refused,
        .connections = self->connections,
        .beat_us = self->beat_us,
    };
}
