/* SPDX-License-Identifier: Apache-2.0 */

/* bench-receive: how many flows a second go from a socket into a journal when nothing
 * reads it.
 *
 * A child sends IPFIX datagrams over loopback at a steady rate; the receiver's own
 * thread, landing and journal take them.  What was sent, what is in the journal, and
 * what the kernel dropped must add up.  The journal is read back at the end: its
 * records, not our counters, say what was kept. */

#include <arpa/inet.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "receiver.h"
#include "wire/udp.h"

#define FLOWS        25 /* a datagram */
#define RECORD_BYTES 55 /* a usual IPv4 template */
#define HEADER_BYTES (16 + 4)
#define DATA_BYTES   (HEADER_BYTES + FLOWS * RECORD_BYTES)
#define SEGMENTS     40 /* datagrams that one call hands to the kernel */
#define SETTLE_US    (200 * US_PER_MS)
#define PATIENCE_US  (10 * US_PER_SEC)

static int rate = 2000000;
static int seconds = 10;
static int buffer_mib = 32;
static int sync_ms = 100;
static gboolean one_by_one = FALSE;
static gboolean as_json = FALSE;
static char *folder = NULL;

static const GOptionEntry options[] = {
    { "rate", 'r', 0, G_OPTION_ARG_INT, &rate, "flows a second", "N" },
    { "seconds", 's', 0, G_OPTION_ARG_INT, &seconds, "how long", "N" },
    { "buffer", 'b', 0, G_OPTION_ARG_INT, &buffer_mib, "socket buffer", "MIB" },
    { "sync", 0, 0, G_OPTION_ARG_INT, &sync_ms, "as journal.sync_ms", "MS" },
    { "directory", 'd', 0, G_OPTION_ARG_FILENAME, &folder, "for the journal", "DIR" },
    { "one-by-one", 0, 0, G_OPTION_ARG_NONE, &one_by_one, "a call for each datagram",
      NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print JSON", NULL },
    { NULL }
};

/* What the sending child tells, in memory shared with it. */
typedef struct {
    uint64_t n_datagrams;
    int64_t took_us;
} Sent;

static void
put_be(uint8_t *to, size_t n, uint64_t value)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t) (value >> 8 * (n - 1 - i));
}

static void
make_datagram(uint8_t *bytes, uint32_t sequence)
{
    put_be(bytes, 2, 10); /* RFC 7011 3.1 */
    put_be(bytes + 2, 2, DATA_BYTES);
    put_be(bytes + 4, 4, (uint64_t) (clock_wall_us() / US_PER_SEC));
    put_be(bytes + 8, 4, sequence);
    put_be(bytes + 12, 4, 1);
    put_be(bytes + 16, 2, 256);
    put_be(bytes + 18, 2, DATA_BYTES - 16);
    for (size_t at = HEADER_BYTES; at < DATA_BYTES; at += 5)
        put_be(bytes + at, 5, (sequence + at) * UINT64_C(0x9e3779b97f4a7c15) >> 24);
}

static int
dial(uint16_t port)
{
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int segment_bytes = DATA_BYTES;
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_port = htons(port),
                                    .sin_addr = { htonl(INADDR_LOOPBACK) } };

    if (fd < 0 || connect(fd, (const struct sockaddr *) &to, sizeof(to)) != 0)
        return -1;
    if (!one_by_one && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment_bytes,
                                  sizeof(segment_bytes)) != 0)
        return -1;
    return fd;
}

/* Sends at an even pace: a burst of at most SEGMENTS datagrams at a time. */
static void
send_all(uint16_t port, Sent *sent)
{
    static uint8_t bytes[SEGMENTS * DATA_BYTES];
    const int fd = dial(port);
    const double datagrams_per_us = (double) rate / FLOWS / US_PER_SEC;
    const uint64_t n = (uint64_t) (datagrams_per_us * (double) (seconds * US_PER_SEC));
    const unsigned burst = one_by_one ? 1 : SEGMENTS;
    uint32_t sequence = 0;

    for (unsigned i = 0; i < SEGMENTS; i++)
        make_datagram(bytes + i * DATA_BYTES, sequence++ * FLOWS);

    const int64_t began_us = clock_mono_us();
    while (sent->n_datagrams < n) {
        const int64_t due_us =
            began_us + (int64_t) ((double) sent->n_datagrams / datagrams_per_us);
        const int64_t early_us = due_us - clock_mono_us();

        if (early_us > 0)
            g_usleep((gulong) early_us);
        put_be(bytes + 8, 4, sequence++ * FLOWS); /* else all the same to the disk */
        if (send(fd, bytes, (size_t) burst * DATA_BYTES, 0) > 0)
            sent->n_datagrams += burst;
        else if (errno != EINTR && errno != ENOBUFS)
            _exit(EXIT_FAILURE);
    }
    sent->took_us = clock_mono_us() - began_us;
    _exit(EXIT_SUCCESS);
}

/* CPU time of the thread called @name, in seconds. */
static double
cpu_of_thread(const char *name)
{
    g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
    const char *task;

    while (tasks && (task = g_dir_read_name(tasks))) {
        g_autofree char *comm_path = g_strdup_printf("/proc/self/task/%s/comm", task);
        g_autofree char *cpu_path =
            g_strdup_printf("/proc/self/task/%s/schedstat", task);
        g_autofree char *comm = NULL;
        g_autofree char *cpu = NULL;

        if (g_file_get_contents(comm_path, &comm, NULL, NULL) &&
            g_str_equal(g_strchomp(comm), name) &&
            g_file_get_contents(cpu_path, &cpu, NULL, NULL))
            return (double) g_ascii_strtoull(cpu, NULL, 10) / 1e9;
    }
    return 0;
}

typedef struct {
    Sent sent;
    uint64_t n_kept; /* datagrams in the journal */
    JournalCounts counts;
    double receiver_cpu_sec;
    double sync_cpu_sec;
    uint64_t journal_bytes;
} Outcome;

static void
read_journal(Journal *journal, Outcome *outcome)
{
    const JournalPosition begin = { 0, 0 };
    g_autoptr(JournalReader) reader = journal_reader_new(journal, &begin, 0, NULL);
    JournalRecord record;

    while (reader && journal_reader_next(reader, &record) == JOURNAL_READ_RECORD) {
        outcome->n_kept +=
            record.kind == JOURNAL_DATAGRAM && record.n_bytes == DATA_BYTES;
        if (record.kind == JOURNAL_COUNTS)
            memcpy(&outcome->counts, record.bytes, sizeof(outcome->counts));
    }
    outcome->journal_bytes = journal_bytes_after(journal, &begin);
}

static void
wait_until_quiet(const Receiver *receiver, uint64_t n_sent)
{
    const int64_t give_up_us = clock_mono_us() + PATIENCE_US;
    uint64_t before = 0;

    for (;;) {
        const uint64_t now = receiver_status(receiver).datagrams;

        if (now >= n_sent || now == before || clock_mono_us() > give_up_us)
            return;
        before = now;
        g_usleep(SETTLE_US);
    }
}

static uint16_t
port_of(int fd)
{
    struct sockaddr_in at = { 0 };
    socklen_t n_bytes = sizeof(at);

    getsockname(fd, (struct sockaddr *) &at, &n_bytes);
    return ntohs(at.sin_port);
}

static bool
measure(Journal *journal, const char *directory, int fd, Outcome *outcome,
        GError **error)
{
    Sent *sent = mmap(NULL, sizeof(*sent), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const uint16_t port = port_of(fd);
    const pid_t child = fork(); /* before there are threads of the receiver */
    int status = 0;

    if (child == 0) {
        g_usleep(SETTLE_US);
        send_all(port, sent);
    }

    g_autofree char *landing = g_build_filename(directory, "landing", NULL);
    const ReceiverSocket socket = { fd, 0, false };
    Receiver *receiver = receiver_start(&(ReceiverOptions){ .journal = journal,
                                                            .landing_path = landing,
                                                            .sockets = &socket,
                                                            .n_sockets = 1 },
                                        error);
    waitpid(child, &status, 0);
    if (!receiver)
        return false;

    wait_until_quiet(receiver, sent->n_datagrams);
    outcome->receiver_cpu_sec = cpu_of_thread("receiver");
    outcome->sync_cpu_sec = cpu_of_thread("journal-sync");
    receiver_stop(receiver, 0);
    outcome->sent = *sent;
    munmap(sent, sizeof(*sent));
    if (status == 0)
        return true;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "the sender failed");
    return false;
}

static void
print(const Outcome *o, uint32_t granted_bytes)
{
    const double took_sec = (double) o->sent.took_us / US_PER_SEC;
    const double kept_rate = (double) (o->n_kept * FLOWS) / took_sec;
    const int64_t missing = (int64_t) (o->sent.n_datagrams - o->n_kept);

    if (as_json) {
        printf("{\"seconds\": %.2f, \"sent\": %" PRIu64 ", \"stored\": %" PRIu64
               ", \"kernel_drops\": %" PRIu64 ", \"journal_full\": %" PRIu64
               ", \"flows_per_second\": %.0f, \"receiver_cpu\": %.2f"
               ", \"sync_cpu\": %.2f, \"journal_bytes\": %" PRIu64 "}\n",
               took_sec, o->sent.n_datagrams * FLOWS, o->n_kept * FLOWS,
               o->counts.kernel_drops, o->counts.journal_full, kept_rate,
               o->receiver_cpu_sec, o->sync_cpu_sec, o->journal_bytes);
        return;
    }
    printf("sent         %10.3f M flows/s, %" PRIu64 " datagrams of %d in %.2f s\n",
           (double) (o->sent.n_datagrams * FLOWS) / took_sec / 1e6, o->sent.n_datagrams,
           FLOWS, took_sec);
    printf("in journal   %10.3f M flows/s, %.0f MB/s\n", kept_rate / 1e6,
           (double) o->journal_bytes / took_sec / 1e6);
    printf("lost         %10" PRId64 " datagrams (kernel %" PRIu64
           ", journal full %" PRIu64 "); socket buffer %u KiB\n",
           missing, o->counts.kernel_drops, o->counts.journal_full,
           granted_bytes / 1024);
    printf("CPU          %9.0f %% of one for the receiver, %.0f %% for syncing\n",
           100 * o->receiver_cpu_sec / took_sec, 100 * o->sync_cpu_sec / took_sec);
}

static bool
run(const char *directory, GError **error)
{
    const JournalOptions journal_options = { .directory = directory,
                                             .segment_bytes = 16 << 20,
                                             .max_bytes = UINT64_C(32) << 30,
                                             .sync_ms = (uint32_t) sync_ms };
    const UdpOptions udp = { .address = "127.0.0.1",
                             .receive_buffer_bytes = (uint32_t) buffer_mib << 20,
                             .n_workers = 1 };
    g_autoptr(Journal) journal = journal_open(&journal_options, error);
    Outcome outcome = { 0 };
    uint32_t granted_bytes;
    int fd;

    if (!journal || !udp_open(&udp, &fd, &granted_bytes, error) ||
        !measure(journal, directory, fd, &outcome, error))
        return false;

    read_journal(journal, &outcome);
    print(&outcome, granted_bytes);
    return true;
}

static void
remove_folder(const char *directory)
{
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(directory, name, NULL);

        g_unlink(path);
    }
    g_rmdir(directory);
}

int
main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    g_option_context_set_summary(context, "Measures the way from a UDP socket into the "
                                          "journal.");
    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc > 1 ||
        rate < FLOWS || seconds < 1) {
        fprintf(stderr, "bench-receive: %s; see --help\n",
                error ? error->message : "bad arguments");
        return 2;
    }

    g_autofree char *template =
        g_build_filename(folder ? folder : g_get_tmp_dir(), "bench-XXXXXX", NULL);
    if (!g_mkdtemp(template)) {
        fprintf(stderr, "bench-receive: %s: %s\n", template, g_strerror(errno));
        return 1;
    }
    const bool ok = run(template, &error);
    remove_folder(template);
    if (!ok)
        fprintf(stderr, "bench-receive: %s\n", error->message);
    return ok ? 0 : 1;
}
