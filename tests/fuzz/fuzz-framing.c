/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: any bytes to a TCP listener, over a loopback connection, in pieces of
 * any size, to a receiver that now and then cannot take a message.
 *
 * The first octet of the input says how (see HOW_...), the rest is the stream.  What is
 * handed out is the messages that a search through the whole stream finds, byte for
 * byte and no others, however it was cut; the session ends as malformed exactly when
 * the stream is, and nothing of it stays. */

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "budget.h"
#include "clock.h"
#include "wire/tcp.h"

#define MAX_BYTES                                                                      \
    16384 /* more might not fit into the sockets, with one thread for both */
#define PATIENCE 20000 /* rounds of some 50 us */

enum {
    HOW_PIECES = 0x07, /* 0: all at once; else up to 1 << this, squared, octets */
    HOW_BUSY = 0x18,   /* 0: takes everything; else refuses one in this and one */
    HOW_ABRUPT = 0xe0, /* 0: closed politely (which leaves a port in TIME_WAIT) */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One session after the other, on one listener. */
typedef struct {
    Tcp *tcp;
    uint16_t port;
    const uint8_t *stream;
    size_t n_stream;
    size_t n_taken; /* octets of the stream that were handed out */
    unsigned busy;
    unsigned n_offers;
    unsigned n_ends;
    TcpEnd how;
} Receiver;

static bool
on_allow(const IpAddress *peer, void *user_data)
{
    (void) user_data;
    return ip_address_is_v4(peer);
}

static bool
on_message(uint64_t session, uint16_t listener, const IpAddress *peer, uint16_t port,
           const uint8_t *bytes, size_t n_bytes, void *user_data)
{
    Receiver *self = user_data;

    (void) peer;
    (void) port;
    g_assert_true(session != 0 && listener == 1);
    g_assert_cmpuint(n_bytes, >=, 16);
    g_assert_cmpuint(self->n_taken + n_bytes, <=, self->n_stream);
    g_assert_cmpint(memcmp(bytes, self->stream + self->n_taken, n_bytes), ==, 0);
    if (self->busy > 0 && self->n_offers++ % (self->busy + 1) == 0)
        return false;
    self->n_taken += n_bytes;
    return true;
}

static void
on_end(uint64_t session, uint16_t listener, const IpAddress *peer, uint16_t port,
       TcpEnd how, void *user_data)
{
    Receiver *self = user_data;

    (void) peer;
    (void) port;
    g_assert_true(session != 0 && listener == 1);
    self->n_ends++;
    self->how = how;
}

static void
receiver_init(Receiver *self)
{
    static const TcpSink sink = { .allow = on_allow,
                                  .message = on_message,
                                  .end = on_end };
    const TcpLimits limits = { .max_connections = 2,
                               .max_connections_per_address = 2,
                               .message_timeout_sec = 3600 };
    struct sockaddr_in addr;
    socklen_t length = sizeof(addr);
    g_autoptr(GError) error = NULL;
    const int fd = tcp_listen_socket("127.0.0.1", 0, false, &error);

    g_assert_no_error(error);
    getsockname(fd, (struct sockaddr *) &addr, &length);
    self->port = ntohs(addr.sin_port);
    self->tcp = tcp_new(&limits, &sink, self, &error);
    g_assert_no_error(error);
    tcp_add_listener(self->tcp, fd, 1, NULL);
}

static int
dial(const Receiver *self)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_port = htons(self->port),
                                    .sin_addr = { htonl(INADDR_LOOPBACK) } };

    g_assert_cmpint(connect(fd, (const struct sockaddr *) &to, sizeof(to)), ==, 0);
    return fd;
}

static void
dispatch(Receiver *self)
{
    while (tcp_dispatch(self->tcp, clock_mono_us()))
        continue;
}

/* How far whole messages reach, and whether what follows is none. */
static size_t
search(const uint8_t *bytes, size_t n_bytes, bool *is_bad)
{
    size_t at = 0;

    for (*is_bad = false; at < n_bytes;) {
        const size_t left = n_bytes - at;
        const size_t length =
            left >= 4 ? (size_t) bytes[at + 2] << 8 | bytes[at + 3] : 0;

        *is_bad = bytes[at] != 0 || (left >= 2 && bytes[at + 1] != 10) ||
                  (left >= 4 && length < 16);
        if (*is_bad || left < 4 || length > left)
            break;
        at += length;
    }
    return at;
}

static void
send_pieces(Receiver *self, int fd, unsigned how)
{
    const unsigned bits = 2 * (how & HOW_PIECES);
    uint32_t dice = how;

    for (size_t at = 0; at < self->n_stream && self->n_ends == 0;) {
        const size_t left = self->n_stream - at;

        dice = dice * 1664525 + 1013904223;
        const size_t piece = bits == 0 ? left : 1 + (dice >> 8 & ((1u << bits) - 1));
        const ssize_t n = send(fd, self->stream + at, MIN(piece, left), MSG_NOSIGNAL);
        if (n < 0)
            break; /* told that it was malformed */
        at += (size_t) n;
        dispatch(self);
    }
}

/* Dispatches until so much was handed out, and so many sessions have ended. */
static void
wait_for(Receiver *self, size_t n_taken, unsigned n_ends)
{
    for (unsigned i = 0; self->n_taken < n_taken || self->n_ends < n_ends; i++) {
        g_assert_cmpuint(i, <, PATIENCE);
        dispatch(self);
        if (i > 50)
            g_usleep(50);
    }
}

static void
hang_up(int fd, bool is_abrupt)
{
    const struct linger at_once = { 1, 0 };

    if (is_abrupt)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Receiver receiver; /* kept: a listener for each input would be slow */
    const unsigned how = size > 0 ? data[0] : 0;
    bool is_bad;

    if (size > MAX_BYTES)
        return -1;
    if (!receiver.tcp)
        receiver_init(&receiver);

    receiver.stream = size > 0 ? data + 1 : data;
    receiver.n_stream = size > 0 ? size - 1 : 0;
    receiver.n_taken = receiver.n_ends = 0;
    receiver.busy = how >> 3 & 3;
    const size_t n_whole = search(receiver.stream, receiver.n_stream, &is_bad);
    const Budget budget = budget_begin();
    const int fd = dial(&receiver);

    dispatch(&receiver);
    send_pieces(&receiver, fd, how);
    wait_for(&receiver, n_whole, is_bad ? 1 : 0);
    g_assert_cmpuint(receiver.n_ends, ==, is_bad ? 1 : 0);
    hang_up(fd, (how & HOW_ABRUPT) != 0 || is_bad);
    wait_for(&receiver, n_whole, 1);
    g_assert_cmpuint(receiver.n_taken, ==, n_whole);
    g_assert_true((receiver.how == TCP_END_MALFORMED) == is_bad);
    g_assert_cmpuint(tcp_n_connections(receiver.tcp), ==, 0);
    budget_check(&budget, size);
    return 0;
}
