/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "journal/journal-private.h"
#include "journal/segment-cursor.h"

struct JournalReader {
    Journal *journal;
    SegmentCursor cursor;
    JournalPosition position;
    uint64_t expected; /* seq of the next record; 0 = not known */
    uint64_t corrupt;

    /* Of journal_reader_fetch(): the file last fetched from. */
    SegmentFile *fetched; /* a reference */
    int fetched_fd;
    uint8_t *fetch_buffer; /* of one record */
};

void
journal_reader_free(JournalReader *self)
{
    if (!self)
        return;

    segment_cursor_clear(&self->cursor);
    if (self->fetched)
        close(self->fetched_fd);
    g_clear_pointer(&self->fetched, segment_file_unref);
    g_free(self->fetch_buffer);
    g_free(self);
}

/* Goes to the beginning of the first segment from @number on that can be opened. */
static bool
enter(JournalReader *self, uint64_t number, GError **error)
{
    for (;;) {
        g_autoptr(SegmentFile) file = shelf_find(self->journal->shelf, number);
        g_autoptr(GError) gone = NULL;

        if (!file) {
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                        "%s: a segment was taken away", self->journal->directory);
            return false;
        }
        if (segment_cursor_open(&self->cursor, file, &gone)) {
            self->position = (JournalPosition){ file->number, SEGMENT_HEADER_BYTES };
            return true;
        }
        if (!g_error_matches(gone, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
            g_propagate_error(error, g_steal_pointer(&gone));
            return false;
        }
        number = file->number + 1; /* somebody took it away */
    }
}

static void
expect_from_header(JournalReader *self)
{
    const uint64_t first_seq = shelf_first_seq(self->journal->shelf, self->cursor.file);

    if (self->expected > 0 && first_seq > self->expected)
        self->corrupt += first_seq - self->expected;
    self->expected = first_seq;
}

/* What the segment is left for exists only once it has its end. */
static bool
move_on(JournalReader *self)
{
    Journal *journal = self->journal;

    if (!self->cursor.file)
        return enter(self, 0, NULL) && (expect_from_header(self), true);

    const uint64_t number = self->cursor.file->number;
    if (shelf_newest_number(journal->shelf) == number)
        return false;
    if (self->cursor.offset < self->cursor.file->end)
        return true;
    if (!enter(self, number + 1, NULL))
        return false;

    expect_from_header(self);
    return true;
}

JournalRead
journal_reader_next(JournalReader *self, JournalRecord *record)
{
    for (;;) {
        SegmentFile *file = self->cursor.file;

        if (file &&
            segment_cursor_next(&self->cursor, file->end, record, &record->at.offset))
            break;
        if (!move_on(self))
            return JOURNAL_READ_EMPTY;
    }

    if (self->expected > 0 && record->seq > self->expected)
        self->corrupt += record->seq - self->expected;
    self->expected = record->seq + 1;
    self->position.offset = self->cursor.offset;
    record->at.segment = self->cursor.file->number;
    record->next = self->position;
    return JOURNAL_READ_RECORD;
}

/* Steps over what was read before, to know which seq comes next.  If the caller does
 * not say, it is not known when the last record read is no longer what it was: that one
 * was not lost. */
static void
skip_to(JournalReader *self, uint64_t offset)
{
    uint64_t reached = SEGMENT_HEADER_BYTES;
    JournalRecord record;
    uint64_t at;

    while (self->cursor.offset < offset &&
           segment_cursor_next(&self->cursor, offset, &record, &at)) {
        self->expected = record.seq + 1;
        reached = self->cursor.offset;
    }
    if (reached != offset)
        self->expected = 0;
    self->cursor.offset = self->position.offset = offset;
}

static bool
set_beyond(GError **error, const Journal *journal, const JournalPosition *from)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                "%s: position %" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT
                " is beyond the end of this journal",
                journal->directory, from->segment, from->offset);
    return false;
}

static bool
start_at(JournalReader *self, const JournalPosition *from, uint64_t seq, GError **error)
{
    if (from->segment > shelf_newest_number(self->journal->shelf))
        return set_beyond(error, self->journal, from);
    if (shelf_newest_number(self->journal->shelf) == 0)
        return true; /* nothing was ever written */
    if (!enter(self, from->segment, error))
        return false;

    const bool is_gone = self->cursor.file->number != from->segment;
    if (is_gone || from->offset <= SEGMENT_HEADER_BYTES) {
        self->expected = seq;
        expect_from_header(self);
        return true;
    }
    expect_from_header(self);

    const bool is_closed = self->cursor.file->closed_us != 0;
    const uint64_t end = self->cursor.file->end;
    if (from->offset <= end) {
        skip_to(self, from->offset);
        if (seq > 0)
            self->expected = seq;
        return true;
    }
    if (!is_closed)
        return set_beyond(error, self->journal, from);

    self->cursor.offset = self->position.offset = end;
    self->expected = seq;
    move_on(self);
    return true;
}

JournalReader *
journal_reader_new(Journal *journal, const JournalPosition *from, uint64_t seq,
                   GError **error)
{
    g_autoptr(JournalReader) self = g_new0(JournalReader, 1);

    self->journal = journal;
    return start_at(self, from, seq, error) ? g_steal_pointer(&self) : NULL;
}

JournalPosition
journal_reader_position(const JournalReader *self)
{
    return self->position;
}

uint64_t
journal_reader_seq(const JournalReader *self)
{
    return self->expected;
}

uint64_t
journal_reader_corrupt(const JournalReader *self)
{
    return self->corrupt;
}

/* --- waiting --- */

static bool
has_more(const JournalReader *self)
{
    const SegmentFile *file = self->cursor.file;
    const uint64_t newest = shelf_newest_number(self->journal->shelf);

    if (!file)
        return newest != 0;
    return self->cursor.offset < file->end || newest != file->number;
}

void
journal_reader_wait(JournalReader *self, unsigned timeout_ms)
{
    Journal *journal = self->journal;
    struct pollfd wake = { .fd = journal->wake_fd, .events = POLLIN };
    uint64_t n_wakes;

    /* The writer stores its end before it looks at this, we the other way round, so
     * one of the two notices the other. */
    journal->reader_sleeps = true;
    if (!has_more(self))
        poll(&wake, 1, (int) MIN(timeout_ms, (unsigned) INT_MAX));
    journal->reader_sleeps = false;
    if (read(journal->wake_fd, &n_wakes, sizeof(n_wakes)) < 0)
        return; /* nobody called */
}

/* --- fetching --- */

static bool
open_fetched(JournalReader *self, uint64_t number)
{
    g_autoptr(SegmentFile) file = shelf_find(self->journal->shelf, number);

    if (!file || file->number != number)
        return false;
    if (self->fetched == file)
        return true;

    const int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (self->fetched)
        close(self->fetched_fd);
    g_clear_pointer(&self->fetched, segment_file_unref);
    self->fetched = g_steal_pointer(&file);
    self->fetched_fd = fd;
    return true;
}

bool
journal_reader_fetch(JournalReader *self, const JournalPosition *position,
                     JournalRecord *record)
{
    size_t need;

    if (!open_fetched(self, position->segment) ||
        position->offset >= self->fetched->end)
        return false;
    if (!self->fetch_buffer)
        self->fetch_buffer = g_malloc(SEGMENT_MAX_RECORD_BYTES);

    const size_t want =
        (size_t) MIN(self->fetched->end - position->offset, SEGMENT_MAX_RECORD_BYTES);
    const ssize_t n =
        pread(self->fetched_fd, self->fetch_buffer, want, (off_t) position->offset);
    if (n <= 0 || segment_get(self->fetch_buffer, (size_t) n, self->fetched->seed,
                              record, &need) != SEGMENT_VALID)
        return false;

    record->at = *position;
    record->next = (JournalPosition){ position->segment, position->offset + need };
    return true;
}
