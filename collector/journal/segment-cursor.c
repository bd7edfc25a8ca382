/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/segment-cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t) 256 * 1024)
#define BLOCK_BYTES  ((size_t) 4096) /* what a disk loses at a time */

G_STATIC_ASSERT(BUFFER_BYTES >= SEGMENT_MAX_RECORD_BYTES);

static void
close_file(SegmentCursor *self)
{
    if (!self->file)
        return;

    close(self->fd);
    g_clear_pointer(&self->file, segment_file_unref);
}

void
segment_cursor_clear(SegmentCursor *self)
{
    close_file(self);
    g_clear_pointer(&self->buffer, g_free);
}

bool
segment_cursor_open(SegmentCursor *self, SegmentFile *file, GError **error)
{
    const int fd = open(file->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        segment_file_set_error(error, file->path, "cannot open a segment");
        return false;
    }

    close_file(self);
    self->file = segment_file_ref(file);
    self->fd = fd;
    self->offset = SEGMENT_HEADER_BYTES;
    self->buffer_len = 0;
    if (!self->buffer)
        self->buffer = g_malloc(BUFFER_BYTES);
    return true;
}

/* Reads what there is from the cursor to @end, as far as the buffer reaches.  A
 * block that cannot be read is all zero, so no record. */
static void
fill(SegmentCursor *self, uint64_t end)
{
    const size_t want = (size_t) MIN(end - self->offset, BUFFER_BYTES);
    ssize_t n;

    do
        n = pread(self->fd, self->buffer, want, (off_t) self->offset);
    while (n < 0 && errno == EINTR);

    if (n <= 0) {
        n = (ssize_t) MIN(want, BLOCK_BYTES - self->offset % BLOCK_BYTES);
        memset(self->buffer, 0, (size_t) n);
    }
    self->buffer_at = self->offset;
    self->buffer_len = (size_t) n;
}

/* Tells whether there is a valid record right at the cursor. */
static bool
record_here(SegmentCursor *self, uint64_t end, JournalRecord *record, size_t *n_bytes)
{
    for (int filled = 0;; filled++) {
        const size_t skip = (size_t) (self->offset - self->buffer_at);
        const bool is_inside = self->buffer_len > 0 &&
                               self->offset >= self->buffer_at &&
                               skip < self->buffer_len;
        const size_t have = is_inside ? self->buffer_len - skip : 0;
        const SegmentVerdict verdict =
            segment_get(self->buffer + (is_inside ? skip : 0), have, self->file->seed,
                        record, n_bytes);

        if (verdict != SEGMENT_SHORT)
            return verdict == SEGMENT_VALID;
        if (*n_bytes > end - self->offset || filled == 2)
            return false;
        fill(self, end);
    }
}

bool
segment_cursor_next(SegmentCursor *self, uint64_t end, JournalRecord *record,
                    uint64_t *at)
{
    for (; self->offset < end; self->offset += 8) {
        size_t n_bytes;

        if (!record_here(self, end, record, &n_bytes))
            continue;

        *at = self->offset;
        self->offset += n_bytes;
        return true;
    }
    self->offset = end;
    return false;
}
