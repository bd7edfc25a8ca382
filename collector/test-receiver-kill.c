/* SPDX-License-Identifier: Apache-2.0 */

/* Kills the receiver again and again, at any moment, under a stream of numbered
 * datagrams of all sizes, and then asks the journal for each of them exactly once.
 *
 * The parent keeps the socket, as the service manager does.  The sender looks at the
 * fill of the receiver's buffer, so that what is lost was lost by us. */

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <linux/sock_diag.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "receiver.h"
#include "wire/udp.h"

#define N_KILLS       60
#define N_DATAGRAMS   90000
#define MIN_LIFE_US   1000
#define MAX_LIFE_US   70000
#define BUFFER_BYTES  (8 << 20)
#define MAX_QUEUED    (BUFFER_BYTES / 4)
#define RATE_PER_SEC  30000
#define REFUSED_EVERY 10 /* this one comes from an address not on the list */
#define LARGE_EVERY   50 /* this one is larger than a page, up to 60 KiB */
#define HEADER_BYTES  sizeof(uint64_t)
#define ALLOWED       "127.0.0.1"
#define NOT_ALLOWED   "127.0.0.2"
#define SENDER_SEED   1

typedef struct {
    char *directory;
    char *landing;
    int fd;
} Fixture;

static Journal *
open_journal(const Fixture *f)
{
    const JournalOptions options = { .directory = f->directory,
                                     .segment_bytes = 1 << 20,
                                     .max_bytes = UINT64_C(4) << 30,
                                     .sync_ms = 10 };
    g_autoptr(GError) error = NULL;
    Journal *journal = journal_open(&options, &error);

    g_assert_no_error(error);
    return journal;
}

static Receiver *
start_receiver(const Fixture *f, Journal *journal)
{
    const ReceiverSocket socket = { dup(f->fd), 0, false };
    PrefixTable *allow = prefix_table_new();
    g_autoptr(GError) error = NULL;
    Network network;

    g_assert_true(network_parse(ALLOWED "/32", &network, NULL));
    prefix_table_add(allow, &network, 0);
    Receiver *receiver = receiver_start(&(ReceiverOptions){ .journal = journal,
                                                            .landing_path = f->landing,
                                                            .sockets = &socket,
                                                            .n_sockets = 1,
                                                            .allow = allow },
                                        &error);
    g_assert_no_error(error);
    return receiver;
}

static uint32_t
socket_memory(int fd, size_t which)
{
    uint32_t memory[SK_MEMINFO_VARS] = { 0 };
    socklen_t n_bytes = sizeof(memory);

    g_assert_cmpint(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &n_bytes), ==, 0);
    return memory[which];
}

/* --- the sender --- */

static size_t
size_of(uint64_t number)
{
    if (number % LARGE_EVERY == 0)
        return HEADER_BYTES + number * 7919 % (60 * 1024);
    return HEADER_BYTES + number * 31 % 1500;
}

static void
write_datagram(uint8_t *bytes, uint64_t number)
{
    memset(bytes, (int) (number % 251), size_of(number));
    memcpy(bytes, &number, sizeof(number));
}

static int
dial(const char *from, uint16_t port)
{
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in at = { .sin_family = AF_INET };

    inet_pton(AF_INET, from, &at.sin_addr);
    g_assert_cmpint(bind(fd, (struct sockaddr *) &at, sizeof(at)), ==, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    g_assert_cmpint(connect(fd, (struct sockaddr *) &at, sizeof(at)), ==, 0);
    return fd;
}

static void
send_all(const Fixture *f)
{
    static uint8_t bytes[65536];
    struct sockaddr_in at;
    socklen_t n_bytes = sizeof(at);

    getsockname(f->fd, (struct sockaddr *) &at, &n_bytes);
    const int allowed = dial(ALLOWED, ntohs(at.sin_port));
    const int refused = dial(NOT_ALLOWED, ntohs(at.sin_port));
    const int64_t began_us = clock_mono_us();

    for (uint64_t number = 1; number <= N_DATAGRAMS; number++) {
        const int64_t due_us = began_us + (int64_t) number * US_PER_SEC / RATE_PER_SEC;

        while (clock_mono_us() < due_us ||
               socket_memory(f->fd, SK_MEMINFO_RMEM_ALLOC) > MAX_QUEUED)
            g_usleep(200);
        write_datagram(bytes, number);
        const ssize_t sent = send(number % REFUSED_EVERY == 0 ? refused : allowed,
                                  bytes, size_of(number), 0);
        g_assert_cmpint(sent, ==, (ssize_t) size_of(number));
    }
    _exit(EXIT_SUCCESS);
}

/* --- the receiver and its murderer --- */

static void
receive_until_killed(const Fixture *f)
{
    Journal *journal = open_journal(f);

    start_receiver(f, journal);
    for (;;)
        pause();
}

static pid_t
spawn(const Fixture *f, void (*run)(const Fixture *))
{
    const pid_t pid = fork();

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0)
        run(f);
    return pid;
}

static void
kill_it(pid_t pid)
{
    int status;

    g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFSIGNALED(status)); /* and not dead of something else */
}

static void
run_and_kill(const Fixture *f)
{
    const pid_t sender = spawn(f, send_all);
    pid_t reaped = 0;
    unsigned n_kills = 0;
    int status = 0;

    for (; n_kills < N_KILLS || reaped == 0; n_kills++) {
        const pid_t receiver = spawn(f, receive_until_killed);

        g_usleep((gulong) g_random_int_range(MIN_LIFE_US, MAX_LIFE_US));
        kill_it(receiver);
        if (reaped == 0)
            reaped = waitpid(sender, &status, WNOHANG);
    }
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    g_test_message("killed %u times", n_kills);
}

/* --- the reckoning --- */

static void
check_datagram(const JournalRecord *record, uint8_t *seen)
{
    static uint8_t want[65536];
    uint64_t number;

    g_assert_cmpuint(record->n_bytes, >=, HEADER_BYTES);
    memcpy(&number, record->bytes, sizeof(number));
    g_assert_cmpuint(number, >=, 1);
    g_assert_cmpuint(number, <=, N_DATAGRAMS);
    g_assert_cmpuint(number % REFUSED_EVERY, !=, 0);
    write_datagram(want, number);
    g_assert_cmpmem(record->bytes, record->n_bytes, want, size_of(number));
    seen[number]++;
}

static void
check_journal(Journal *journal)
{
    g_autofree uint8_t *seen = g_malloc0(N_DATAGRAMS + 1);
    const JournalPosition begin = { 0, 0 };
    g_autoptr(JournalReader) reader = journal_reader_new(journal, &begin, 0, NULL);
    JournalCounts counts = { 0 };
    JournalRecord record;

    while (journal_reader_next(reader, &record) == JOURNAL_READ_RECORD) {
        if (record.kind == JOURNAL_DATAGRAM)
            check_datagram(&record, seen);
        else if (record.kind == JOURNAL_COUNTS)
            memcpy(&counts, record.bytes, sizeof(counts));
    }

    unsigned n_lost = 0;
    unsigned n_twice = 0;
    for (uint64_t number = 1; number <= N_DATAGRAMS; number++) {
        n_lost += number % REFUSED_EVERY != 0 && seen[number] == 0;
        n_twice += seen[number] > 1;
    }
    g_assert_cmpuint(n_lost, ==, 0);
    g_assert_cmpuint(n_twice, ==, 0);
    g_assert_cmpuint(journal_reader_corrupt(reader), ==, 0);
    g_assert_cmpuint(counts.refused, ==, N_DATAGRAMS / REFUSED_EVERY);
    g_assert_cmpuint(counts.kernel_drops, ==, 0);
    g_assert_cmpuint(counts.journal_full, ==, 0);
}

static void
remove_folder(const char *directory)
{
    GDir *dir = g_dir_open(directory, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(directory, name, NULL);

        g_unlink(path);
    }
    g_dir_close(dir);
    g_rmdir(directory);
}

static void
test_every_datagram_exactly_once(void)
{
    const UdpOptions udp = { .address = "0.0.0.0",
                             .receive_buffer_bytes = BUFFER_BYTES,
                             .n_workers = 1 };
    g_autoptr(GError) error = NULL;
    Fixture f = { .directory = g_dir_make_tmp("flowkeep-kill-XXXXXX", NULL) };
    uint32_t granted_bytes;

    f.landing = g_strconcat(f.directory, "/landing", NULL);
    g_assert_true(udp_open(&udp, &f.fd, &granted_bytes, &error));
    g_assert_no_error(error);
    if (granted_bytes * 2 < BUFFER_BYTES) {
        g_test_skip("the kernel grants too small a receive buffer");
    } else {
        run_and_kill(&f);
        g_assert_cmpuint(socket_memory(f.fd, SK_MEMINFO_DROPS), ==, 0);
        Journal *journal = open_journal(&f);
        receiver_stop(start_receiver(&f, journal), 0); /* takes the rest */
        check_journal(journal);
        journal_free(journal);
    }
    close(f.fd);
    remove_folder(f.directory);
    g_free(f.directory);
    g_free(f.landing);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/receiver/every-datagram-exactly-once-whenever-it-is-killed",
                    test_every_datagram_exactly_once);
    return g_test_run();
}
