/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tcp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

#define LISTENER 3
#define PATIENCE 2000 /* dispatches of a millisecond */

/* A Tcp with one listener on loopback, and all it was heard to say. */
typedef struct {
    Tcp *tcp;
    uint16_t port;
    unsigned n_messages;
    size_t n_bytes;
    uint64_t session;
    unsigned n_ends;
    TcpEnd last_end;
    bool refuse_all;
    bool full;
    int64_t now_us;
} Fixture;

static bool
on_allow(const IpAddress *peer, void *user_data)
{
    const Fixture *f = user_data;

    g_assert_true(ip_address_is_v4(peer));
    return !f->refuse_all;
}

static bool
on_message(uint64_t session, uint16_t listener, const IpAddress *peer, uint16_t port,
           const uint8_t *bytes, size_t n_bytes, void *user_data)
{
    Fixture *f = user_data;

    g_assert_cmpuint(listener, ==, LISTENER);
    g_assert_cmpuint(port, !=, 0);
    g_assert_true(ip_address_is_v4(peer));
    g_assert_cmpuint((size_t) (bytes[2] << 8 | bytes[3]), ==, n_bytes);
    if (f->full)
        return false;
    /* Each test message is filled with its number. */
    g_assert_cmpuint(bytes[n_bytes - 1], ==, f->n_messages % 256);
    f->n_messages++;
    f->n_bytes += n_bytes;
    f->session = session;
    return true;
}

static void
on_end(uint64_t session, uint16_t listener, const IpAddress *peer, uint16_t port,
       TcpEnd how, void *user_data)
{
    Fixture *f = user_data;

    (void) peer;
    (void) port;
    g_assert_cmpuint(listener, ==, LISTENER);
    g_assert_true((session == 0) == (how == TCP_END_REFUSED));
    f->n_ends++;
    f->last_end = how;
}

static const TcpSink sink = { .allow = on_allow, .message = on_message, .end = on_end };

static Fixture *
set_up(uint32_t max_connections)
{
    const TcpLimits limits = { .max_connections = max_connections,
                               .max_connections_per_address = 2,
                               .message_timeout_sec = 30,
                               .idle_timeout_sec = 600 };
    g_autoptr(GError) error = NULL;
    Fixture *f = g_new0(Fixture, 1);
    struct sockaddr_in addr;
    socklen_t length = sizeof(addr);
    const int fd = tcp_listen_socket("127.0.0.1", 0, false, &error);

    g_assert_no_error(error);
    getsockname(fd, (struct sockaddr *) &addr, &length);
    f->port = ntohs(addr.sin_port);
    f->now_us = clock_mono_us();
    f->tcp = tcp_new(&limits, &sink, f, &error);
    g_assert_no_error(error);
    tcp_add_listener(f->tcp, fd, LISTENER, NULL);
    return f;
}

static void
tear_down(Fixture *f)
{
    tcp_free(f->tcp);
    g_free(f);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, tear_down)

static int
dial(const Fixture *f)
{
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(f->port),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };

    g_assert_cmpint(connect(fd, (struct sockaddr *) &to, sizeof(to)), ==, 0);
    return fd;
}

/* Dispatches until @condition or patience ends; then it must hold. */
#define WAIT_FOR(f, condition)                                                         \
    do {                                                                               \
        for (int i_ = 0; i_ < PATIENCE && !(condition); i_++) {                        \
            tcp_dispatch((f)->tcp, (f)->now_us);                                       \
            g_usleep(1000);                                                            \
        }                                                                              \
        g_assert_true(condition);                                                      \
    } while (0)

static size_t
make_message(uint8_t *bytes, size_t n_bytes, unsigned number)
{
    memset(bytes, (int) (number % 256), n_bytes);
    bytes[0] = 0;
    bytes[1] = 10;
    bytes[2] = (uint8_t) (n_bytes >> 8);
    bytes[3] = (uint8_t) n_bytes;
    return n_bytes;
}

static void
send_all(int fd, const uint8_t *bytes, size_t n_bytes)
{
    g_assert_cmpint(send(fd, bytes, n_bytes, MSG_NOSIGNAL), ==, (ssize_t) n_bytes);
}

static void
test_one_octet_at_a_time(void)
{
    g_autoptr(Fixture) f = set_up(10);
    uint8_t bytes[20];
    const int fd = dial(f);

    make_message(bytes, sizeof(bytes), 0);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        g_assert_cmpuint(f->n_messages, ==, 0);
        send_all(fd, bytes + i, 1);
        tcp_dispatch(f->tcp, f->now_us);
    }
    WAIT_FOR(f, f->n_messages == 1);
    close(fd);
    WAIT_FOR(f, f->n_ends == 1);
    g_assert_cmpint(f->last_end, ==, TCP_END_CLOSED);
    g_assert_cmpuint(tcp_n_connections(f->tcp), ==, 0);
}

static void
test_many_messages_a_read(void)
{
    g_autoptr(Fixture) f = set_up(10);
    g_autofree uint8_t *bytes = g_malloc(65535 + 2000 * 16);
    size_t n_bytes = 0;
    const int fd = dial(f);

    for (unsigned i = 0; i < 2000; i++)
        n_bytes += make_message(bytes + n_bytes, 16, i);
    n_bytes += make_message(bytes + n_bytes, 65535, 2000);
    send_all(fd, bytes, n_bytes);
    WAIT_FOR(f, f->n_messages == 2001);
    g_assert_cmpuint(f->n_bytes, ==, n_bytes);
    close(fd);
}

static void
test_rubbish_ends_the_session(void)
{
    static const struct {
        const char *why;
        uint8_t bytes[6];
        size_t n_bytes;
    } cases[] = {
        { "a version that is not IPFIX, seen at once", { 'G' }, 1 },
        { "NetFlow v9 has no place on TCP", { 0, 9 }, 2 },
        { "shorter than its own header", { 0, 10, 0, 15, 0, 0 }, 6 },
        { "no length at all", { 0, 10, 0, 0, 0, 0 }, 6 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Fixture) f = set_up(10);
        const int fd = dial(f);

        g_test_message("%s", cases[i].why);
        send_all(fd, cases[i].bytes, cases[i].n_bytes);
        WAIT_FOR(f, f->n_ends == 1);
        g_assert_cmpint(f->last_end, ==, TCP_END_MALFORMED);
        g_assert_cmpuint(f->n_messages, ==, 0);
        close(fd);
    }
}

static void
test_slow_senders_are_ended(void)
{
    g_autoptr(Fixture) f = set_up(10);
    uint8_t bytes[100];
    const int slow = dial(f);
    const int idle = dial(f);

    make_message(bytes, sizeof(bytes), 0);
    send_all(slow, bytes, 50);
    WAIT_FOR(f, tcp_n_connections(f->tcp) == 2);
    tcp_dispatch(f->tcp, f->now_us);
    f->now_us += 31 * US_PER_SEC;
    WAIT_FOR(f, f->n_ends == 1);
    g_assert_cmpint(f->last_end, ==, TCP_END_TIMEOUT);
    f->now_us += 600 * US_PER_SEC;
    WAIT_FOR(f, f->n_ends == 2);
    g_assert_cmpuint(tcp_n_connections(f->tcp), ==, 0);
    close(slow);
    close(idle);
}

static void
test_limits(void)
{
    g_autoptr(Fixture) f = set_up(10);
    int fds[3];

    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        fds[i] = dial(f);
    WAIT_FOR(f, f->n_ends == 1); /* two an address */
    g_assert_cmpint(f->last_end, ==, TCP_END_REFUSED);
    g_assert_cmpuint(tcp_n_connections(f->tcp), ==, 2);
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        close(fds[i]);
    WAIT_FOR(f, tcp_n_connections(f->tcp) == 0);

    f->refuse_all = true;
    const int refused = dial(f);
    WAIT_FOR(f, f->last_end == TCP_END_REFUSED);
    close(refused);
}

static void
test_reset_leaves_the_others(void)
{
    g_autoptr(Fixture) f = set_up(10);
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    uint8_t bytes[32];
    const int bad = dial(f);
    const int good = dial(f);

    make_message(bytes, sizeof(bytes), 0);
    send_all(bad, bytes, 20);
    WAIT_FOR(f, tcp_n_connections(f->tcp) == 2);
    setsockopt(bad, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(bad);
    WAIT_FOR(f, f->n_ends == 1);
    g_assert_cmpint(f->last_end, ==, TCP_END_RESET);
    send_all(good, bytes, sizeof(bytes));
    WAIT_FOR(f, f->n_messages == 1);
    close(good);
}

/* What cannot be taken is offered again, in order, and nothing is lost. */
static void
test_back_pressure(void)
{
    g_autoptr(Fixture) f = set_up(10);
    uint8_t bytes[5 * 40];
    const int fd = dial(f);

    for (unsigned i = 0; i < 5; i++)
        make_message(bytes + i * 40, 40, i);
    f->full = true;
    send_all(fd, bytes, 110);
    for (int i = 0; i < 20; i++)
        tcp_dispatch(f->tcp, f->now_us);
    g_assert_cmpuint(f->n_messages, ==, 0);
    f->full = false;
    WAIT_FOR(f, f->n_messages == 2);
    send_all(fd, bytes + 110, sizeof(bytes) - 110);
    WAIT_FOR(f, f->n_messages == 5);
    close(fd);
}

static void
test_shutdown_reads_to_the_end(void)
{
    g_autoptr(Fixture) f = set_up(10);
    uint8_t bytes[64];
    uint8_t answer;
    const int fd = dial(f);

    WAIT_FOR(f, tcp_n_connections(f->tcp) == 1);
    tcp_shutdown(f->tcp);
    g_assert_cmpint(recv(fd, &answer, 1, 0), ==, 0); /* told that we go */
    make_message(bytes, sizeof(bytes), 0);
    send_all(fd, bytes, sizeof(bytes));
    WAIT_FOR(f, f->n_messages == 1);
    tcp_end_all(f->tcp);
    g_assert_cmpint(f->last_end, ==, TCP_END_SHUTDOWN);
    g_assert_cmpuint(tcp_n_connections(f->tcp), ==, 0);
    close(fd);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tcp/one-octet-at-a-time", test_one_octet_at_a_time);
    g_test_add_func("/tcp/many-messages-a-read", test_many_messages_a_read);
    g_test_add_func("/tcp/rubbish-ends-the-session", test_rubbish_ends_the_session);
    g_test_add_func("/tcp/slow-senders-are-ended", test_slow_senders_are_ended);
    g_test_add_func("/tcp/limits", test_limits);
    g_test_add_func("/tcp/reset-leaves-the-others", test_reset_leaves_the_others);
    g_test_add_func("/tcp/back-pressure", test_back_pressure);
    g_test_add_func("/tcp/shutdown-reads-to-the-end", test_shutdown_reads_to_the_end);
    return g_test_run();
}
