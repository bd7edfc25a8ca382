/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/landing.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define VERSION          1
#define PAGE_BYTES       4096
#define CACHE_LINE_BYTES 64
#define SLOT_BYTES       ((size_t) 65 * 1024) /* more than any datagram; staggers pages */
#define CONTROL_BYTES    128
#define ID_BYTES         64
#define MIN_OFFERED      4
#define NOT_RECEIVED     UINT32_MAX /* as msg_len */

static const char file_magic[8] = "FKLAND1";

/* What is true of the datagrams of one landing_receive(), and of all before. */
typedef struct {
    uint64_t generation;
    uint64_t listener;
    int64_t called_us; /* wall clock */
    uint64_t refused;  /* datagrams of the batches before this one; likewise: */
    uint64_t journal_full;
    uint64_t truncated;
} Batch;

typedef struct {
    uint64_t cookie; /* 0 = none */
    uint64_t drops;  /* its low half is the kernel's counter as last seen */
} SocketDrops;

enum { MARK_NONE, MARK_RECORD, MARK_REFUSED, MARK_FULL };

/* A mark is generation * 4 + kind: one of an older batch says nothing. */
typedef struct {
    uint64_t mark;
    uint64_t seq; /* with MARK_RECORD; written before the mark */
} Slot;

typedef struct {
    char magic[8]; /* written last */
    uint64_t version;
    char boot_id[ID_BYTES];
    char owner[ID_BYTES];

    uint64_t in_force; /* which of the two is; the other is being made ready */
    Batch batches[2];

    Slot slots[LANDING_SLOTS];
    uint64_t last_seq;
    uint64_t refused_connections;
    uint64_t malformed_sessions;
    uint64_t old_drops; /* of sockets that are not in the table any more */
    SocketDrops drops[LANDING_MAX_SOCKETS];

    /* For the kernel.  Pointers in here are those of the process that wrote them. */
    struct mmsghdr headers[LANDING_SLOTS];
    struct iovec vectors[LANDING_SLOTS];
    struct sockaddr_storage names[LANDING_SLOTS];
    _Alignas(16) uint8_t controls[LANDING_SLOTS][CONTROL_BYTES];

    _Alignas(PAGE_BYTES) uint8_t bytes[LANDING_SLOTS][SLOT_BYTES];
} LandingFile;

struct Landing {
    LandingFile *file;
    size_t n_used; /* headers that the kernel may have changed */
    unsigned n_offered;
    size_t len;
    unsigned n_sockets;
    struct {
        int fd;
        uint16_t listener;
        SocketDrops *drops;
    } sockets[LANDING_MAX_SOCKETS];
};

/* Whoever opens the file after a kill sees all stores up to some point of the program
 * and none behind it; this keeps the compiler from moving them over one another. */
static inline void
in_this_order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

static Batch *
batch_in_force(const Landing *self)
{
    return &self->file->batches[self->file->in_force & 1];
}

/* --- opening --- */

static void
set_error(GError **error, const char *path, const char *doing, int code)
{
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(code), "%s: %s: %s", path,
                doing, g_strerror(code));
}

static LandingFile *
map_file(const char *path, GError **error)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        set_error(error, path, "cannot open the landing", errno);
        return NULL;
    }

    /* Allocated, so that a full disk is met here and not by a fault. */
    const int failed = posix_fallocate(fd, 0, sizeof(LandingFile));
    void *map = MAP_FAILED;
    if (failed)
        set_error(error, path, "cannot allocate the landing", failed);
    else if ((map = mmap(NULL, sizeof(LandingFile), PROT_READ | PROT_WRITE, MAP_SHARED,
                         fd, 0)) == MAP_FAILED)
        set_error(error, path, "cannot map the landing", errno);
    close(fd);
    return map == MAP_FAILED ? NULL : map;
}

static void
read_boot_id(char boot_id[ID_BYTES])
{
    g_autofree char *text = NULL;

    memset(boot_id, 0, ID_BYTES);
    if (g_file_get_contents("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
        g_strlcpy(boot_id, g_strchomp(text), ID_BYTES);
}

/* Without a boot id nobody knows whether there was a power cut. */
static bool
is_to_be_believed(const LandingFile *file, const char *boot_id, const char *owner)
{
    return memcmp(file->magic, file_magic, sizeof(file_magic)) == 0 &&
           file->version == VERSION && *boot_id &&
           memcmp(file->boot_id, boot_id, ID_BYTES) == 0 &&
           strncmp(file->owner, owner, ID_BYTES) == 0;
}

static void
begin_anew(LandingFile *file, const char *boot_id, const char *owner)
{
    memset(file->magic, 0, sizeof(file->magic));
    in_this_order();
    memset(file, 0, offsetof(LandingFile, bytes));
    file->version = VERSION;
    file->batches[0].generation = 1;
    memcpy(file->boot_id, boot_id, ID_BYTES);
    g_strlcpy(file->owner, owner, ID_BYTES);
    for (size_t i = 0; i < LANDING_SLOTS; i++)
        file->headers[i].msg_len = NOT_RECEIVED;
    in_this_order();
    memcpy(file->magic, file_magic, sizeof(file_magic));
}

/* Leaves alone what the kernel reported before a restart. */
static void
set_pointers(LandingFile *file)
{
    for (size_t i = 0; i < LANDING_SLOTS; i++) {
        struct msghdr *header = &file->headers[i].msg_hdr;

        file->vectors[i] = (struct iovec){ file->bytes[i], SLOT_BYTES };
        header->msg_name = &file->names[i];
        header->msg_iov = &file->vectors[i];
        header->msg_iovlen = 1;
        header->msg_control = file->controls[i];
    }
}

static size_t
count_received(const LandingFile *file)
{
    size_t n = 0;

    while (n < LANDING_SLOTS && file->headers[n].msg_len != NOT_RECEIVED)
        n++;
    return n;
}

Landing *
landing_open(const char *path, const char *owner, GError **error)
{
    char boot_id[ID_BYTES];
    LandingFile *file = map_file(path, error);

    if (!file)
        return NULL;

    read_boot_id(boot_id);
    if (!is_to_be_believed(file, boot_id, owner))
        begin_anew(file, boot_id, owner);
    set_pointers(file);

    Landing *self = g_new0(Landing, 1);
    self->file = file;
    self->len = count_received(file);
    self->n_used = LANDING_SLOTS;
    self->n_offered = MIN_OFFERED;
    return self;
}

void
landing_free(Landing *self)
{
    if (!self)
        return;

    munmap(self->file, sizeof(*self->file));
    g_free(self);
}

/* --- drops --- */

static bool
is_in_use(const Landing *self, const SocketDrops *drops)
{
    for (unsigned i = 0; i < self->n_sockets; i++) {
        if (self->sockets[i].drops == drops)
            return true;
    }
    return false;
}

/* The row of the socket @cookie, else one that is free, else that of a socket of the
 * past. */
static SocketDrops *
find_drops(Landing *self, uint64_t cookie)
{
    SocketDrops *table = self->file->drops;
    SocketDrops *free_row = NULL;

    for (size_t i = 0; i < LANDING_MAX_SOCKETS; i++) {
        if (table[i].cookie == cookie)
            return &table[i];
    }
    for (size_t i = 0; i < LANDING_MAX_SOCKETS && !free_row; i++) {
        if (table[i].cookie == 0)
            free_row = &table[i];
    }
    for (size_t i = 0; i < LANDING_MAX_SOCKETS && !free_row; i++) {
        if (!is_in_use(self, &table[i]))
            free_row = &table[i];
    }
    g_assert(free_row); /* LANDING_MAX_SOCKETS are not in use: this is one of them */

    const uint64_t drops = free_row->drops;
    free_row->drops = 0;
    in_this_order();
    self->file->old_drops += drops;
    free_row->cookie = cookie;
    return free_row;
}

static void
take_drops(SocketDrops *row, uint32_t kernel_counter)
{
    const uint32_t more = kernel_counter - (uint32_t) row->drops;

    /* A message may be older than what landing_read_drops() has seen. */
    if (more < UINT32_MAX / 2)
        row->drops += more;
}

unsigned
landing_add_socket(Landing *self, int fd, uint16_t listener)
{
    uint64_t cookie = 0;
    socklen_t n_bytes = sizeof(cookie);
    const unsigned socket = self->n_sockets;

    g_assert(socket < LANDING_MAX_SOCKETS);
    if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &n_bytes) != 0)
        cookie = UINT64_MAX - (unsigned) fd; /* no cookie: as good as a new one */
    self->sockets[socket].drops = find_drops(self, cookie);
    self->sockets[socket].fd = fd;
    self->sockets[socket].listener = listener;
    self->n_sockets++;
    return socket;
}

void
landing_read_drops(Landing *self)
{
    for (unsigned i = 0; i < self->n_sockets; i++) {
        uint32_t memory[SK_MEMINFO_VARS] = { 0 };
        socklen_t n_bytes = sizeof(memory);

        if (getsockopt(self->sockets[i].fd, SOL_SOCKET, SO_MEMINFO, memory, &n_bytes) ==
                0 &&
            n_bytes > SK_MEMINFO_DROPS * sizeof(uint32_t))
            take_drops(self->sockets[i].drops, memory[SK_MEMINFO_DROPS]);
    }
}

/* --- receiving --- */

static LandingCounts
marked_in_batch(const Landing *self)
{
    const LandingFile *file = self->file;
    const uint64_t generation = batch_in_force(self)->generation;
    LandingCounts counts = { 0 };

    for (size_t i = 0; i < LANDING_SLOTS; i++) {
        counts.refused += file->slots[i].mark == generation * 4 + MARK_REFUSED;
        counts.journal_full += file->slots[i].mark == generation * 4 + MARK_FULL;
    }
    for (size_t i = 0; i < self->len; i++)
        counts.truncated += (file->headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    return counts;
}

/* Killed before the switch, the batch before is in force, all done, and without
 * datagrams; killed behind it, the new one. */
static void
begin_batch(Landing *self, uint16_t listener)
{
    LandingFile *file = self->file;
    const Batch *before = batch_in_force(self);
    const LandingCounts more = marked_in_batch(self);
    const uint64_t other = 1 - (file->in_force & 1);

    file->batches[other] =
        (Batch){ .generation = before->generation + 1,
                 .listener = listener,
                 .called_us = clock_wall_us(),
                 .refused = before->refused + more.refused,
                 .journal_full = before->journal_full + more.journal_full,
                 .truncated = before->truncated + more.truncated };
    for (size_t i = 0; i < self->n_used; i++) {
        struct mmsghdr *header = &file->headers[i];

        header->msg_len = NOT_RECEIVED;
        header->msg_hdr.msg_namelen = sizeof(file->names[i]);
        header->msg_hdr.msg_controllen = sizeof(file->controls[i]);
        header->msg_hdr.msg_flags = 0;
        in_this_order(); /* the first slot first: one behind a free one is free */
    }
    self->len = self->n_used = 0;
    in_this_order();
    file->in_force = other;
    in_this_order();
}

static void
touch(void *start, size_t n_bytes)
{
    volatile uint8_t *page = start;
    size_t within = 0;

    /* At another place in each page, or all would meet in a few sets of the cache. */
    for (size_t at = 0; at + PAGE_BYTES <= n_bytes; at += PAGE_BYTES) {
        page[at + within] = page[at + within];
        within = (within + CACHE_LINE_BYTES) % PAGE_BYTES;
    }
    page[n_bytes - 1] = page[n_bytes - 1];
}

/* Touching has its price: few slots are offered while few datagrams come. */
static void
adapt_offer(Landing *self)
{
    if (self->len == self->n_offered)
        self->n_offered = MIN(2 * self->n_offered, LANDING_SLOTS);
    else if (self->len < self->n_offered / 4)
        self->n_offered = MAX(self->n_offered / 2, MIN_OFFERED);
}

static struct msghdr
header_of(const Landing *self, size_t slot)
{
    struct msghdr header = self->file->headers[slot].msg_hdr;

    header.msg_control = self->file->controls[slot];
    header.msg_controllen = MIN(header.msg_controllen, CONTROL_BYTES);
    return header;
}

/* The newest message knows the drops of all before. */
static void
read_drops_of_message(Landing *self, size_t slot, SocketDrops *row)
{
    struct msghdr header = header_of(self, slot);

    for (struct cmsghdr *part = CMSG_FIRSTHDR(&header); part;
         part = CMSG_NXTHDR(&header, part)) {
        uint32_t counter;

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_RXQ_OVFL)
            continue;
        memcpy(&counter, CMSG_DATA(part), sizeof(counter));
        take_drops(row, counter);
    }
}

int
landing_receive(Landing *self, unsigned socket)
{
    const int fd = self->sockets[socket].fd;

    begin_batch(self, self->sockets[socket].listener);
    touch(self->file, offsetof(LandingFile, bytes));
    touch(self->file->bytes, self->n_offered * SLOT_BYTES);
    const int n =
        recvmmsg(fd, self->file->headers, self->n_offered, MSG_DONTWAIT, NULL);

    if (n < 0) {
        self->n_used = 1; /* it may have begun with the first */
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
    }
    self->len = (size_t) n;
    self->n_used = MIN(self->len + 1, LANDING_SLOTS);
    adapt_offer(self);
    if (n > 0)
        read_drops_of_message(self, self->len - 1, self->sockets[socket].drops);
    return n;
}

size_t
landing_len(const Landing *self)
{
    return self->len;
}

static int64_t
received_us(const Landing *self, size_t slot)
{
    struct msghdr header = header_of(self, slot);

    for (struct cmsghdr *part = CMSG_FIRSTHDR(&header); part;
         part = CMSG_NXTHDR(&header, part)) {
        struct timespec stamp;

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&stamp, CMSG_DATA(part), sizeof(stamp));
        return stamp.tv_sec * US_PER_SEC + stamp.tv_nsec / 1000;
    }
    return batch_in_force(self)->called_us;
}

Arrival
landing_at(const Landing *self, size_t slot)
{
    const LandingFile *file = self->file;
    Arrival arrival = {
        .bytes = file->bytes[slot],
        .n_bytes = MIN(file->headers[slot].msg_len, SLOT_BYTES),
        .listener = (uint16_t) batch_in_force(self)->listener,
        .received_us = received_us(self, slot),
    };

    ip_address_from_sockaddr((const struct sockaddr *) &file->names[slot],
                             &arrival.peer, &arrival.peer_port);
    return arrival;
}

/* --- marks --- */

bool
landing_is_pending(const Landing *self, size_t slot, uint64_t newest_seq)
{
    const Slot *s = &self->file->slots[slot];

    if (s->mark / 4 != batch_in_force(self)->generation)
        return true;
    return s->mark % 4 == MARK_RECORD && s->seq > MAX(newest_seq, self->file->last_seq);
}

static void
mark(Landing *self, size_t slot, unsigned kind)
{
    in_this_order();
    self->file->slots[slot].mark = batch_in_force(self)->generation * 4 + kind;
    in_this_order();
}

void
landing_mark_record(Landing *self, size_t slot, uint64_t seq)
{
    self->file->slots[slot].seq = seq;
    mark(self, slot, MARK_RECORD);
}

void
landing_mark_refused(Landing *self, size_t slot)
{
    mark(self, slot, MARK_REFUSED);
}

void
landing_mark_full(Landing *self, size_t slot)
{
    mark(self, slot, MARK_FULL);
}

uint64_t
landing_last_seq(const Landing *self)
{
    return self->file->last_seq;
}

void
landing_set_last_seq(Landing *self, uint64_t seq)
{
    in_this_order();
    self->file->last_seq = seq;
}

/* --- counts --- */

LandingCounts
landing_counts(const Landing *self)
{
    const LandingFile *file = self->file;
    const Batch *batch = batch_in_force(self);
    LandingCounts counts = marked_in_batch(self);

    counts.refused += batch->refused + file->refused_connections;
    counts.journal_full += batch->journal_full;
    counts.truncated += batch->truncated;
    counts.tcp_malformed = file->malformed_sessions;
    counts.kernel_drops = file->old_drops;
    for (size_t i = 0; i < LANDING_MAX_SOCKETS; i++)
        counts.kernel_drops += file->drops[i].drops;
    return counts;
}

void
landing_raise_counts(Landing *self, const LandingCounts *least)
{
    const LandingCounts now = landing_counts(self);
    Batch *batch = batch_in_force(self);

    if (least->kernel_drops > now.kernel_drops)
        self->file->old_drops += least->kernel_drops - now.kernel_drops;
    if (least->refused > now.refused)
        self->file->refused_connections += least->refused - now.refused;
    if (least->journal_full > now.journal_full)
        batch->journal_full += least->journal_full - now.journal_full;
    if (least->tcp_malformed > now.tcp_malformed)
        self->file->malformed_sessions += least->tcp_malformed - now.tcp_malformed;
}

void
landing_count_refused_connection(Landing *self)
{
    self->file->refused_connections++;
}

void
landing_count_malformed_session(Landing *self)
{
    self->file->malformed_sessions++;
}
