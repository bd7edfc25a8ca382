/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/landing.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "wire/udp.h"

#define OWNER "0123456789abcdef"

typedef struct {
    char *path;
    int fd;     /* receives */
    int sender; /* connected to it */
    uint16_t sender_port;
    Landing *landing;
    unsigned socket;
} Fixture;

static void
open_landing(Fixture *f, const char *owner)
{
    g_autoptr(GError) error = NULL;

    /* As after a kill: nobody said good-bye to the one before. */
    f->landing = landing_open(f->path, owner, &error);
    g_assert_no_error(error);
    f->socket = landing_add_socket(f->landing, f->fd, 7);
}

static void
set_up_with_buffer(Fixture *f, uint32_t receive_buffer_bytes, const char *address)
{
    const UdpOptions options = { .address = address,
                                 .receive_buffer_bytes = receive_buffer_bytes,
                                 .n_workers = 1 };
    g_autoptr(GError) error = NULL;
    struct sockaddr_storage to;
    socklen_t n_bytes = sizeof(to);
    IpAddress ignored;

    const int file = g_file_open_tmp("flowkeep-landing-XXXXXX", &f->path, NULL);
    close(file);
    g_unlink(f->path);
    g_assert_true(udp_open(&options, &f->fd, NULL, &error));
    g_assert_no_error(error);
    getsockname(f->fd, (struct sockaddr *) &to, &n_bytes);
    f->sender = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(connect(f->sender, (struct sockaddr *) &to, n_bytes), ==, 0);
    getsockname(f->sender, (struct sockaddr *) &to, &n_bytes);
    g_assert_true(
        ip_address_from_sockaddr((struct sockaddr *) &to, &ignored, &f->sender_port));
    open_landing(f, OWNER);
}

static void
set_up(Fixture *f, gconstpointer address)
{
    set_up_with_buffer(f, 8 << 20, address);
}

static void
tear_down(Fixture *f, gconstpointer unused)
{
    (void) unused;
    landing_free(f->landing);
    close(f->fd);
    close(f->sender);
    g_unlink(f->path);
    g_free(f->path);
}

static void
reopen(Fixture *f)
{
    Landing *before = f->landing;

    open_landing(f, OWNER);
    landing_free(before);
}

/* A datagram is its number, repeated. */
static void
send_number(const Fixture *f, uint8_t number, size_t n_bytes)
{
    static uint8_t bytes[65535];

    memset(bytes, number, n_bytes);
    g_assert_cmpint(send(f->sender, bytes, n_bytes, 0), ==, (ssize_t) n_bytes);
}

static void
check(const Fixture *f, size_t slot, uint8_t number, size_t n_bytes)
{
    const Arrival arrival = landing_at(f->landing, slot);
    const int64_t age_us = clock_wall_us() - arrival.received_us;

    g_assert_cmpuint(arrival.n_bytes, ==, n_bytes);
    for (size_t i = 0; i < n_bytes; i++)
        g_assert_cmpuint(arrival.bytes[i], ==, number);
    g_assert_cmpuint(arrival.peer_port, ==, f->sender_port);
    g_assert_cmpuint(arrival.listener, ==, 7);
    g_assert_cmpint(age_us, >=, 0);
    g_assert_cmpint(age_us, <, 10 * US_PER_SEC);
}

/* Afterwards the next few datagrams are taken all at once. */
static void
warm_up(const Fixture *f)
{
    for (unsigned i = 0; i < 4 * LANDING_SLOTS; i++)
        send_number(f, 0, 0);
    while (landing_receive(f->landing, f->socket) > 0)
        continue;
}

static void
test_datagrams_of_all_sizes_land(Fixture *f, gconstpointer address)
{
    static const size_t sizes[] = { 0, 1, 1400, 2047, 2048, 2049, 9000, 65507 };
    char text[IP_ADDRESS_TEXT_BYTES];

    warm_up(f);
    for (uint8_t i = 0; i < G_N_ELEMENTS(sizes); i++)
        send_number(f, i, sizes[i]);
    g_assert_cmpint(landing_receive(f->landing, f->socket), ==, G_N_ELEMENTS(sizes));
    for (uint8_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        const Arrival arrival = landing_at(f->landing, i);

        check(f, i, i, sizes[i]);
        g_assert_cmpstr(ip_address_format(&arrival.peer, text), ==, address);
    }
    g_assert_cmpint(landing_receive(f->landing, f->socket), ==, 0);
    g_assert_cmpuint(landing_len(f->landing), ==, 0);
}

static void
test_more_are_taken_when_more_come(Fixture *f, gconstpointer address)
{
    unsigned n_taken = 0;
    int most = 0;
    int n;

    (void) address;
    for (unsigned i = 0; i < 4 * LANDING_SLOTS; i++)
        send_number(f, (uint8_t) i, 100);
    while ((n = landing_receive(f->landing, f->socket)) > 0) {
        for (int slot = 0; slot < n; slot++)
            check(f, (size_t) slot, (uint8_t) n_taken++, 100);
        most = MAX(most, n);
    }
    g_assert_cmpuint(n_taken, ==, 4 * LANDING_SLOTS);
    g_assert_cmpint(most, ==, LANDING_SLOTS);
}

static void
test_arrivals_are_there_after_a_restart(Fixture *f, gconstpointer address)
{
    (void) address;
    warm_up(f);
    for (uint8_t i = 0; i < 5; i++)
        send_number(f, i, 3000);
    g_assert_cmpint(landing_receive(f->landing, f->socket), ==, 5);
    landing_mark_record(f->landing, 0, 11);
    landing_mark_record(f->landing, 1, 12);
    landing_mark_refused(f->landing, 2);
    landing_mark_full(f->landing, 3);

    /* The journal has 11; nobody knows whether 12 was begun; 4 was not looked at. */
    static const bool pending[] = { false, true, false, false, true };
    reopen(f);
    g_assert_cmpuint(landing_len(f->landing), ==, 5);
    for (uint8_t i = 0; i < 5; i++) {
        g_assert_cmpint(landing_is_pending(f->landing, i, 11), ==, pending[i]);
        check(f, i, i, 3000);
    }
    landing_set_last_seq(f->landing, 12);
    g_assert_false(landing_is_pending(f->landing, 1, 11));

    reopen(f);
    g_assert_cmpuint(landing_last_seq(f->landing), ==, 12);
    g_assert_cmpint(landing_receive(f->landing, f->socket), ==, 0);
    reopen(f);
    g_assert_cmpuint(landing_len(f->landing), ==, 0);
}

static void
test_marks_are_counted_once(Fixture *f, gconstpointer address)
{
    (void) address;
    for (unsigned round = 1; round <= 4; round++) {
        warm_up(f);
        for (uint8_t i = 0; i < 10; i++)
            send_number(f, i, 10);
        g_assert_cmpint(landing_receive(f->landing, f->socket), ==, 10);
        for (size_t i = 0; i < 10; i++) {
            if (i < 3)
                landing_mark_refused(f->landing, i);
            else if (i < 5)
                landing_mark_full(f->landing, i);
            else
                landing_mark_record(f->landing, i, round * 100 + i);
        }
        landing_mark_refused(f->landing, 0); /* done again after a restart */
        landing_count_refused_connection(f->landing);

        LandingCounts counts = landing_counts(f->landing);
        g_assert_cmpuint(counts.refused, ==, round * 4);
        g_assert_cmpuint(counts.journal_full, ==, round * 2);
        reopen(f);
        counts = landing_counts(f->landing);
        g_assert_cmpuint(counts.refused, ==, round * 4);
        g_assert_cmpuint(counts.journal_full, ==, round * 2);
        g_assert_cmpuint(counts.truncated, ==, 0);
    }

    landing_raise_counts(f->landing, &(LandingCounts){ .refused = 5,
                                                       .journal_full = 50,
                                                       .kernel_drops = 60 });
    const LandingCounts raised = landing_counts(f->landing);
    g_assert_cmpuint(raised.refused, ==, 16);
    g_assert_cmpuint(raised.journal_full, ==, 50);
    g_assert_cmpuint(raised.kernel_drops, ==, 60);
}

static void
test_contents_of_another_owner_mean_nothing(Fixture *f, gconstpointer address)
{
    (void) address;
    send_number(f, 1, 10);
    g_assert_cmpint(landing_receive(f->landing, f->socket), ==, 1);
    landing_set_last_seq(f->landing, 99);
    landing_count_malformed_session(f->landing);
    landing_free(f->landing);

    open_landing(f, "somebody else");
    const LandingCounts counts = landing_counts(f->landing);
    g_assert_cmpuint(landing_len(f->landing), ==, 0);
    g_assert_cmpuint(landing_last_seq(f->landing), ==, 0);
    g_assert_cmpuint(counts.tcp_malformed, ==, 0);
}

static void
test_drops_are_counted_once(Fixture *f, gconstpointer address)
{
    const unsigned n_sent = 400;
    unsigned n_received = 0;
    int n;

    tear_down(f, NULL);
    set_up_with_buffer(f, 4096, address);
    for (unsigned round = 1; round <= 3; round++) {
        for (unsigned i = 0; i < n_sent; i++)
            send_number(f, 1, 1000);
        while ((n = landing_receive(f->landing, f->socket)) > 0)
            n_received += (unsigned) n;
        landing_read_drops(f->landing);
        g_assert_cmpuint(n_received, <, round * n_sent);
        g_assert_cmpuint(landing_counts(f->landing).kernel_drops, ==,
                         round * n_sent - n_received);

        reopen(f); /* the socket stayed open, in the service manager's hands */
        landing_read_drops(f->landing);
        g_assert_cmpuint(landing_counts(f->landing).kernel_drops, ==,
                         round * n_sent - n_received);
    }
}

static void
test_messages_tell_of_drops(Fixture *f, gconstpointer address)
{
    tear_down(f, NULL);
    set_up_with_buffer(f, 4096, address);
    for (unsigned i = 0; i < 400; i++)
        send_number(f, 1, 1000);
    while (landing_receive(f->landing, f->socket) > 0)
        continue;
    send_number(f, 1, 1000); /* it knows of those before it that did not fit */
    g_assert_cmpint(landing_receive(f->landing, f->socket), ==, 1);
    g_assert_cmpuint(landing_counts(f->landing).kernel_drops, >, 300);
}

static void
test_a_file_that_cannot_be_is_an_error(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(landing_open("/nowhere/at/all", OWNER, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_assert_nonnull(strstr(error->message, "/nowhere/at/all"));
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        const char *address;
        void (*run)(Fixture *f, gconstpointer address);
    } tests[] = {
        { "/landing/datagrams-of-all-sizes-land", "127.0.0.1",
          test_datagrams_of_all_sizes_land },
        { "/landing/ipv6-too", "::1", test_datagrams_of_all_sizes_land },
        { "/landing/more-are-taken-when-more-come", "127.0.0.1",
          test_more_are_taken_when_more_come },
        { "/landing/arrivals-are-there-after-a-restart", "127.0.0.1",
          test_arrivals_are_there_after_a_restart },
        { "/landing/marks-are-counted-once", "127.0.0.1", test_marks_are_counted_once },
        { "/landing/contents-of-another-owner-mean-nothing", "127.0.0.1",
          test_contents_of_another_owner_mean_nothing },
        { "/landing/drops-are-counted-once", "127.0.0.1", test_drops_are_counted_once },
        { "/landing/messages-tell-of-drops", "127.0.0.1", test_messages_tell_of_drops },
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Fixture, tests[i].address, set_up, tests[i].run,
                   tear_down);
    g_test_add_func("/landing/a-file-that-cannot-be-is-an-error",
                    test_a_file_that_cannot_be_is_an_error);
    return g_test_run();
}
