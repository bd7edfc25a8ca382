/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "wire/udp.h"

#define PATIENCE_MS 5000

typedef struct {
    char *directory; /* of the journal */
    char *landing;
    JournalOptions options;
    Journal *journal;
    Receiver *receiver;
    int kept_udp; /* stays open over restarts, as in the service manager */
    int kept_tcp;
    uint16_t udp_port;
    uint16_t tcp_port;
} Fixture;

static uint16_t
port_of(int fd)
{
    struct sockaddr_in at;
    socklen_t n_bytes = sizeof(at);

    g_assert_cmpint(getsockname(fd, (struct sockaddr *) &at, &n_bytes), ==, 0);
    return ntohs(at.sin_port);
}

static PrefixTable *
table_of(const char *cidr)
{
    PrefixTable *table = prefix_table_new();
    Network network;

    g_assert_true(network_parse(cidr, &network, NULL));
    prefix_table_add(table, &network, 0);
    return table;
}

static void
start(Fixture *f, PrefixTable *allow)
{
    const ReceiverSocket sockets[] = { { dup(f->kept_udp), 4, false },
                                       { dup(f->kept_tcp), 5, true } };
    const ReceiverOptions options = { .journal = f->journal,
                                      .landing_path = f->landing,
                                      .sockets = sockets,
                                      .n_sockets = G_N_ELEMENTS(sockets),
                                      .allow = allow,
                                      .tcp = { .max_connections = 10,
                                               .max_connections_per_address = 10,
                                               .message_timeout_sec = 30,
                                               .idle_timeout_sec = 600 } };
    g_autoptr(GError) error = NULL;

    f->receiver = receiver_start(&options, &error);
    g_assert_no_error(error);
}

static void
stop(Fixture *f)
{
    receiver_stop(g_steal_pointer(&f->receiver), 200);
}

static void
set_up(Fixture *f, gconstpointer unused)
{
    const UdpOptions udp = { .address = "127.0.0.1",
                             .receive_buffer_bytes = 8 << 20,
                             .n_workers = 1 };
    g_autoptr(GError) error = NULL;

    (void) unused;
    f->directory = g_dir_make_tmp("flowkeep-receiver-XXXXXX", NULL);
    f->landing = g_strconcat(f->directory, "/landing", NULL);
    f->options = (JournalOptions){ .directory = f->directory,
                                   .segment_bytes = 128 * 1024,
                                   .max_bytes = 512 * 1024 };
    g_assert_true(udp_open(&udp, &f->kept_udp, NULL, &error));
    f->kept_tcp = tcp_listen_socket("127.0.0.1", 0, false, &error);
    g_assert_no_error(error);
    f->udp_port = port_of(f->kept_udp);
    f->tcp_port = port_of(f->kept_tcp);
    f->journal = journal_open(&f->options, &error);
    g_assert_no_error(error);
}

static void
tear_down(Fixture *f, gconstpointer unused)
{
    const char *name;

    (void) unused;
    receiver_stop(f->receiver, 0);
    journal_free(f->journal);
    close(f->kept_udp);
    close(f->kept_tcp);
    GDir *dir = g_dir_open(f->directory, 0, NULL);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(f->directory, name, NULL);

        g_unlink(path);
    }
    g_dir_close(dir);
    g_rmdir(f->directory);
    g_free(f->directory);
    g_free(f->landing);
}

/* --- exporters --- */

static int
dial(int type, const char *from, uint16_t port)
{
    const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = { .sin_family = AF_INET };

    inet_pton(AF_INET, from, &at.sin_addr);
    g_assert_cmpint(bind(fd, (struct sockaddr *) &at, sizeof(at)), ==, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    g_assert_cmpint(connect(fd, (struct sockaddr *) &at, sizeof(at)), ==, 0);
    return fd;
}

static void
send_datagrams(const Fixture *f, const char *from, unsigned n, size_t n_bytes)
{
    static const uint8_t bytes[2000];
    const int fd = dial(SOCK_DGRAM, from, f->udp_port);

    for (unsigned i = 0; i < n; i++)
        g_assert_cmpint(send(fd, bytes, n_bytes, 0), ==, (ssize_t) n_bytes);
    close(fd);
}

static void
send_message(int fd)
{
    const uint8_t message[20] = { 0, 10, 0, 20 };

    g_assert_cmpint(send(fd, message, sizeof(message), MSG_NOSIGNAL), ==,
                    sizeof(message));
}

/* --- what came of it --- */

typedef struct {
    unsigned datagrams;
    unsigned messages;
    unsigned session_ends;
    JournalCounts counts; /* the last */
    JournalPosition at;   /* behind the last record */
} Content;

static void
take_record(Content *content, const JournalRecord *record)
{
    content->at = record->next;
    switch (record->kind) {
    case JOURNAL_DATAGRAM:
        g_assert_cmpuint(record->listener, ==, record->session ? 5 : 4);
        content->messages += record->session != 0;
        content->datagrams += record->session == 0;
        break;
    case JOURNAL_SESSION_END:
        content->session_ends++;
        break;
    case JOURNAL_COUNTS:
        g_assert_cmpuint(record->n_bytes, ==, sizeof(content->counts));
        memcpy(&content->counts, record->bytes, sizeof(content->counts));
        break;
    case JOURNAL_SESSION_REFUSED:
        g_assert_not_reached(); /* no TLS here */
    }
}

static Content
read_content(Fixture *f)
{
    const JournalPosition begin = { 0, 0 };
    g_autoptr(JournalReader) reader = journal_reader_new(f->journal, &begin, 0, NULL);
    Content content = { 0 };
    JournalRecord record;

    while (journal_reader_next(reader, &record) == JOURNAL_READ_RECORD)
        take_record(&content, &record);
    g_assert_cmpuint(journal_reader_corrupt(reader), ==, 0);
    return content;
}

#define WAIT_FOR(condition)                                                            \
    do {                                                                               \
        for (int i_ = 0; i_ < PATIENCE_MS && !(condition); i_++)                       \
            g_usleep(1000);                                                            \
        g_assert_true(condition);                                                      \
    } while (0)

static void
test_what_arrives_is_in_the_journal(Fixture *f, gconstpointer unused)
{
    (void) unused;
    start(f, NULL);
    send_datagrams(f, "127.0.0.1", 100, 1400);
    const int fd = dial(SOCK_STREAM, "127.0.0.1", f->tcp_port);
    for (unsigned i = 0; i < 10; i++)
        send_message(fd);
    close(fd);
    WAIT_FOR(receiver_status(f->receiver).datagrams == 100);
    WAIT_FOR(receiver_status(f->receiver).tcp_messages == 10);
    g_assert_cmpuint(receiver_status(f->receiver).bytes, ==, 100 * 1400);
    stop(f);

    const Content content = read_content(f);
    g_assert_cmpuint(content.datagrams, ==, 100);
    g_assert_cmpuint(content.messages, ==, 10);
    g_assert_cmpuint(content.session_ends, ==, 1);
}

static void
test_refused_are_counted(Fixture *f, gconstpointer unused)
{
    const uint8_t rubbish[] = { 'G', 'E', 'T' };

    (void) unused;
    start(f, table_of("127.0.0.1/32"));
    send_datagrams(f, "127.0.0.1", 5, 100);
    send_datagrams(f, "127.0.0.2", 7, 100);
    const int refused = dial(SOCK_STREAM, "127.0.0.2", f->tcp_port);
    const int malformed = dial(SOCK_STREAM, "127.0.0.1", f->tcp_port);
    g_assert_cmpint(send(malformed, rubbish, sizeof(rubbish), MSG_NOSIGNAL), ==, 3);
    WAIT_FOR(receiver_status(f->receiver).refused == 8); /* at most a second old */
    WAIT_FOR(receiver_status(f->receiver).tcp_malformed == 1);
    close(refused);
    close(malformed);
    stop(f);

    const Content content = read_content(f);
    g_assert_cmpuint(content.datagrams, ==, 5);
    g_assert_cmpuint(content.counts.refused, ==, 8);
    g_assert_cmpuint(content.counts.tcp_malformed, ==, 1);
}

static void
test_reload_is_in_force_at_once(Fixture *f, gconstpointer unused)
{
    (void) unused;
    start(f, table_of("127.0.0.1/32"));
    for (unsigned i = 0; i < 20; i++) {
        receiver_reload_allow(f->receiver,
                              table_of(i % 2 ? "127.0.0.1/32" : "127.0.0.2/32"));
        send_datagrams(f, i % 2 ? "127.0.0.1" : "127.0.0.2", 10, 100);
        WAIT_FOR(receiver_status(f->receiver).datagrams == 10 * (i + 1));
    }
    receiver_reload_allow(f->receiver, table_of("0.0.0.0/0")); /* never used */
    stop(f);
    g_assert_cmpuint(read_content(f).counts.refused, ==, 0);
}

static void
test_stopping_takes_what_was_received(Fixture *f, gconstpointer unused)
{
    (void) unused;
    start(f, NULL);
    const int fd = dial(SOCK_STREAM, "127.0.0.1", f->tcp_port);
    send_message(fd);
    WAIT_FOR(receiver_status(f->receiver).tcp_messages == 1);
    for (unsigned round = 0; round < 5; round++) {
        send_datagrams(f, "127.0.0.1", 20, 500);
        if (round > 0) {
            g_assert_cmpuint(read_content(f).datagrams, ==, 20);
            continue;
        }
        send_message(fd);
        stop(f);
    }
    g_assert_cmpuint(read_content(f).messages, ==, 2);
    g_assert_cmpuint(read_content(f).session_ends, ==, 1);
    close(fd);

    start(f, NULL); /* what came meanwhile waited in the kernel */
    stop(f);
    g_assert_cmpuint(read_content(f).datagrams, ==, 100);
}

static void
test_a_full_journal_is_counted(Fixture *f, gconstpointer unused)
{
    unsigned n_sent = 0;

    (void) unused;
    start(f, NULL);
    while (receiver_status(f->receiver).journal_full == 0) {
        send_datagrams(f, "127.0.0.1", 200,
                       20); /* records as large as send_message()'s */
        n_sent += 200;
        g_usleep(10000);
    }
    const int fd = dial(SOCK_STREAM, "127.0.0.1", f->tcp_port);
    send_message(fd);
    g_usleep(100000);
    g_assert_cmpuint(receiver_status(f->receiver).tcp_messages, ==, 0); /* it waits */

    Content content = read_content(f);
    const uint64_t n_before = content.datagrams;
    journal_release(f->journal, &content.at, 0);
    WAIT_FOR(receiver_status(f->receiver).tcp_messages == 1);
    stop(f);
    close(fd);
    content = read_content(f);
    g_assert_cmpuint(content.messages, ==, 1);
    g_assert_cmpuint(content.counts.journal_full + n_before, ==, n_sent);
    g_assert_cmpuint(content.counts.kernel_drops, ==, 0);
}

static void
test_counts_go_on_after_a_restart(Fixture *f, gconstpointer unused)
{
    (void) unused;
    for (unsigned i = 1; i <= 3; i++) {
        start(f, table_of("127.0.0.1/32"));
        send_datagrams(f, "127.0.0.2", 4, 100);
        stop(f);
        g_assert_cmpuint(read_content(f).counts.refused, ==, 4 * i);
        if (i == 2) /* as after a power cut: the journal knows */
            g_assert_cmpint(g_unlink(f->landing), ==, 0);
    }
}

static void
test_a_bad_landing_is_an_error(Fixture *f, gconstpointer unused)
{
    const ReceiverSocket socket = { dup(f->kept_udp), 0, false };
    const ReceiverOptions options = { .journal = f->journal,
                                      .landing_path = "/nowhere/at/all",
                                      .sockets = &socket,
                                      .n_sockets = 1,
                                      .allow = table_of("127.0.0.1/32") };
    g_autoptr(GError) error = NULL;

    (void) unused;
    g_assert_null(receiver_start(&options, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_assert_cmpint(close(socket.fd), ==, -1); /* it took it */
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Fixture *f, gconstpointer unused);
    } tests[] = {
        { "what-arrives-is-in-the-journal", test_what_arrives_is_in_the_journal },
        { "refused-are-counted", test_refused_are_counted },
        { "reload-is-in-force-at-once", test_reload_is_in_force_at_once },
        { "stopping-takes-what-was-received", test_stopping_takes_what_was_received },
        { "a-full-journal-is-counted", test_a_full_journal_is_counted },
        { "counts-go-on-after-a-restart", test_counts_go_on_after_a_restart },
        { "a-bad-landing-is-an-error", test_a_bad_landing_is_an_error },
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/receiver/", tests[i].name, NULL);

        g_test_add(path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}
