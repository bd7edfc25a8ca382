/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/segment-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define READY_BYTES ((size_t) 256 * 1024)

void
segment_file_set_error(GError **error, const char *path, const char *doing)
{
    const int saved = errno;

    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(saved), "%s: %s: %s", path,
                doing, g_strerror(saved));
}

static SegmentFile *
new_file(const char *directory, uint64_t number)
{
    SegmentFile *self = g_new0(SegmentFile, 1);
    char name[SEGMENT_NAME_BYTES];

    segment_format_name(number, name);
    self->path = g_build_filename(directory, name, NULL);
    self->number = number;
    self->memory_fd = self->fd = -1;
    self->n_refs = 1;
    return self;
}

SegmentFile *
segment_file_ref(SegmentFile *self)
{
    self->n_refs++;
    return self;
}

void
segment_file_unref(SegmentFile *self)
{
    if (!self || --self->n_refs > 0)
        return;

    segment_file_unmap(self);
    if (self->fd >= 0)
        close(self->fd);
    if (self->memory_fd >= 0)
        close(self->memory_fd);
    g_free(self->path);
    g_free(self);
}

/* posix_fallocate() returns its error and leaves errno alone. */
static bool
allocate(int fd, uint64_t n_bytes)
{
    int failed;

    do
        failed = posix_fallocate(fd, 0, (off_t) n_bytes);
    while (failed == EINTR);
    errno = failed;
    return failed == 0;
}

static bool
map_for_writing(SegmentFile *self, int fd, GError **error)
{
    void *map = mmap(NULL, self->n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (map == MAP_FAILED) {
        segment_file_set_error(error, self->path, "cannot map a segment");
        return false;
    }
    self->map = map;
    self->map_bytes = self->n_bytes;
    memset(self->map, 0, 1); /* the first fault is the slowest: not the writer's */
    return true;
}

static bool
create(SegmentFile *self, GError **error)
{
    self->fd = open(self->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (self->fd < 0) {
        segment_file_set_error(error, self->path, "cannot create a segment");
        return false;
    }
    if (!allocate(self->fd, self->n_bytes)) {
        segment_file_set_error(error, self->path, "cannot allocate a segment");
        return false;
    }
    return map_for_writing(self, self->fd, error);
}

SegmentFile *
segment_file_make(const char *directory, uint64_t number, uint64_t n_bytes,
                  GError **error)
{
    g_autoptr(SegmentFile) self = new_file(directory, number);

    self->n_bytes = n_bytes;
    if (!create(self, error)) {
        if (self->fd >= 0)
            unlink(self->path);
        return NULL;
    }
    return g_steal_pointer(&self);
}

/* Readers open a segment by its path: this has one, too. */
SegmentFile *
segment_file_make_in_memory(uint64_t number, uint64_t n_bytes, GError **error)
{
    g_autoptr(SegmentFile) self = new_file("", number);

    self->n_bytes = n_bytes;
    self->memory_fd = memfd_create("flowkeep-journal", MFD_CLOEXEC);
    if (self->memory_fd < 0 || fallocate(self->memory_fd, 0, 0, (off_t) n_bytes) != 0) {
        segment_file_set_error(error, "memory", "cannot make a segment");
        return NULL;
    }
    g_free(self->path);
    self->path = g_strdup_printf("/proc/self/fd/%d", self->memory_fd);
    return map_for_writing(self, self->memory_fd, error) ? g_steal_pointer(&self)
                                                         : NULL;
}

void
segment_file_unlink(const SegmentFile *self)
{
    if (self->memory_fd < 0)
        unlink(self->path);
}

void
segment_file_make_ready(SegmentFile *self)
{
    /* In small portions, since other threads' faults may have to wait for each; a
     * kernel that cannot do it leaves it to the writer. */
    for (size_t at = 0; at < self->map_bytes; at += READY_BYTES) {
        const size_t n_bytes = MIN(READY_BYTES, self->map_bytes - at);

        if (madvise(self->map + at, n_bytes, MADV_POPULATE_WRITE) != 0)
            return;
    }
}

void
segment_file_make_unready(SegmentFile *self)
{
    madvise(self->map, self->map_bytes, MADV_DONTNEED);
}

static bool
is_all_zero(int fd, uint64_t n_bytes)
{
    static const uint8_t zeros[4096];
    uint8_t block[sizeof(zeros)];

    for (uint64_t at = 0; at < n_bytes; at += sizeof(block)) {
        const ssize_t n = pread(fd, block, sizeof(block), (off_t) at);

        if (n <= 0 || memcmp(block, zeros, (size_t) n) != 0)
            return false;
    }
    return true;
}

static SegmentFileState
inspect(SegmentFile *self, int fd, GError **error)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        segment_file_set_error(error, self->path, "cannot look at a segment");
        return SEGMENT_FILE_FAILED;
    }
    self->n_bytes = (uint64_t) st.st_size;
    self->closed_us = st.st_mtim.tv_sec * G_USEC_PER_SEC;
    if (pread(fd, &self->header, sizeof(self->header), 0) != sizeof(self->header) ||
        !segment_header_is_valid(&self->header))
        return is_all_zero(fd, self->n_bytes) ? SEGMENT_FILE_UNUSED : SEGMENT_FILE_BAD;
    if (self->header.version != SEGMENT_VERSION) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "%s: format version %u; this program knows %u", self->path,
                    self->header.version, SEGMENT_VERSION);
        return SEGMENT_FILE_FAILED;
    }
    if (self->header.number != self->number ||
        self->header.header_bytes != SEGMENT_HEADER_BYTES)
        return SEGMENT_FILE_BAD;

    self->end = self->n_bytes;
    self->seed = segment_seed(self->header.journal_id, self->number);
    return SEGMENT_FILE_LOADED;
}

SegmentFileState
segment_file_load(const char *directory, uint64_t number, SegmentFile **file,
                  GError **error)
{
    g_autoptr(SegmentFile) self = new_file(directory, number);
    const int fd = open(self->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        segment_file_set_error(error, self->path, "cannot open a segment");
        return SEGMENT_FILE_FAILED;
    }

    const SegmentFileState state = inspect(self, fd, error);
    close(fd);
    if (state == SEGMENT_FILE_LOADED)
        *file = g_steal_pointer(&self);
    return state;
}

void
segment_file_begin(SegmentFile *self, SegmentHeader *header)
{
    header->number = self->number;
    header->n_bytes = self->map_bytes;
    segment_header_seal(header);
    memcpy(self->map, header, sizeof(*header));
    self->header = *header;
    self->seed = segment_seed(header->journal_id, self->number);
    self->end = SEGMENT_HEADER_BYTES;
}

void
segment_file_unmap(SegmentFile *self)
{
    if (self->map)
        munmap(self->map, self->map_bytes);
    self->map = NULL;
}

bool
segment_file_cut(const SegmentFile *self)
{
    return truncate(self->path, (off_t) self->end) == 0;
}
