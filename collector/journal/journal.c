/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "journal/journal-private.h"
#include "journal/segment-cursor.h"

#define PAGE_BYTES ((uint64_t) 4096)

#define MIN_SEGMENT_BYTES ((uint64_t) 128 * 1024) /* one datagram always fits */
#define MIN_SEGMENTS      4                       /* one in use, spares, one to read */

/* Written pages are given back in steps of this; they stay in the page cache. */
#define DROP_BYTES ((uint64_t) 1024 * 1024)

/* While the disk refuses segments, the writer asks for one only now and then. */
#define RETRY_US (100 * US_PER_MS)

/* --- segments, by the writer --- */

static void
close_current(Journal *self)
{
    if (!self->current)
        return;

    self->current->closed_us = clock_wall_us();
    g_clear_pointer(&self->current, segment_file_unref);
}

static void
begin_segment(Journal *self, SegmentFile *file)
{
    SegmentHeader header = {
        .first_seq = self->last_seq + 1,
        .created_us = clock_wall_us(),
        .floor_us = self->floor_us,
        .counts = self->counts,
    };

    memcpy(header.journal_id, self->id, sizeof(header.journal_id));
    segment_file_begin(file, &header);
    close_current(self);
    shelf_add(self->shelf, file);
    self->current = file;
    self->offset = SEGMENT_HEADER_BYTES;
    self->dropped = 0;
}

/* Goes on in a new segment. */
static JournalStatus
roll(Journal *self)
{
    g_autoptr(GError) error = NULL;

    if (self->retry_at_us > 0 && clock_mono_us() < self->retry_at_us)
        return JOURNAL_ERROR;

    SegmentFile *file = shelf_take_spare(self->shelf, &error);
    self->retry_at_us = 0;
    if (error)
        upkeep_set_allocation_error(self->upkeep, error);
    if (!file && error) {
        self->retry_at_us = clock_mono_us() + RETRY_US;
        return JOURNAL_ERROR;
    }
    if (!file)
        return JOURNAL_FULL;

    begin_segment(self, file);
    self->must_roll = false;
    upkeep_poke(self->upkeep);
    return JOURNAL_OK;
}

/* --- opening --- */

/* Finds the end of the newest segment and what the journal knew there.  Nothing is
 * appended to it again: a new segment follows, so that no position is used twice. */
static bool
recover(Journal *self, SegmentFile *newest, GError **error)
{
    SegmentCursor cursor = { 0 };
    JournalRecord record;
    uint64_t end = SEGMENT_HEADER_BYTES;
    uint64_t at;

    self->last_seq = newest->header.first_seq - 1;
    self->floor_us = newest->header.floor_us;
    self->counts = newest->header.counts;
    if (!segment_cursor_open(&cursor, newest, error))
        return false;

    while (segment_cursor_next(&cursor, newest->n_bytes, &record, &at)) {
        end = cursor.offset;
        self->last_seq = MAX(self->last_seq, record.seq);
        self->floor_us = MAX(self->floor_us, record.received_us);
        if (record.kind == JOURNAL_COUNTS && record.n_bytes == sizeof(self->counts))
            memcpy(&self->counts, record.bytes, sizeof(self->counts));
    }
    segment_cursor_clear(&cursor);
    newest->end = end;
    shelf_settle(self->shelf, newest);
    return true;
}

static bool
lock_directory(Journal *self, GError **error)
{
    if (g_mkdir_with_parents(self->directory, 0700) != 0) {
        segment_file_set_error(error, self->directory, "cannot make the journal");
        return false;
    }
    self->lock_fd = open(self->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->lock_fd < 0) {
        segment_file_set_error(error, self->directory, "cannot open the journal");
        return false;
    }
    if (flock(self->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                    "%s: the journal is in use by another process", self->directory);
    else
        segment_file_set_error(error, self->directory, "cannot lock the journal");
    return false;
}

static bool
open_shelf(Journal *self, const JournalOptions *options, GError **error)
{
    const uint64_t max_bytes =
        MAX(options->max_bytes, MIN_SEGMENTS * MIN_SEGMENT_BYTES);
    uint64_t segment_bytes = MIN(options->segment_bytes, max_bytes / MIN_SEGMENTS);

    segment_bytes = MAX(segment_bytes, MIN_SEGMENT_BYTES) & ~(PAGE_BYTES - 1);
    self->shelf = shelf_open(&(ShelfOptions){ .directory = self->directory,
                                              .segment_bytes = segment_bytes,
                                              .max_bytes = max_bytes },
                             self->id, error);
    for (size_t i = 0; i < sizeof(self->id); i++)
        snprintf(self->id_text + 2 * i, 3, "%02x", self->id[i]);
    if (self->shelf)
        self->upkeep =
            upkeep_new(self->shelf, self->directory, self->lock_fd, options->sync_ms);
    return self->shelf != NULL;
}

/* A full disk or journal is no reason not to open one that has something to give. */
static bool
begin_first_segment(Journal *self, GError **error)
{
    g_autoptr(SegmentFile) before = shelf_newest(self->shelf);

    if (before && !recover(self, before, error))
        return false;
    if (before)
        shelf_allow_memory(self->shelf);
    if (roll(self) != JOURNAL_OK && !before) {
        g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC,
                            journal_error(self));
        return false;
    }
    if (self->current && before && before->end == SEGMENT_HEADER_BYTES)
        shelf_remove(self->shelf, before);
    return true;
}

Journal *
journal_open(const JournalOptions *options, GError **error)
{
    g_autoptr(Journal) self = g_new0(Journal, 1);

    self->directory = g_strdup(options->directory);
    self->lock_fd = -1;
    self->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (self->wake_fd < 0) {
        segment_file_set_error(error, self->directory, "cannot make an eventfd");
        return NULL;
    }
    if (!lock_directory(self, error) || !open_shelf(self, options, error) ||
        !begin_first_segment(self, error))
        return NULL;

    shelf_allow_memory(self->shelf);
    upkeep_start(self->upkeep);
    return g_steal_pointer(&self);
}

void
journal_free(Journal *self)
{
    if (!self)
        return;

    close_current(self);
    if (self->upkeep)
        upkeep_sync(self->upkeep);
    g_clear_pointer(&self->upkeep, upkeep_free);
    g_clear_pointer(&self->shelf, shelf_free);
    if (self->lock_fd >= 0)
        close(self->lock_fd);
    if (self->wake_fd >= 0)
        close(self->wake_fd);
    g_free(self->directory);
    g_free(self);
}

/* --- appending --- */

void
journal_wake(Journal *self)
{
    const uint64_t one = 1;

    /* It can only fail when it would overflow: then the reader is awake already. */
    if (write(self->wake_fd, &one, sizeof(one)) < 0)
        return;
}

/* Memory of what was written is given back, but for the page still written to. */
static void
drop_written(Journal *self)
{
    const uint64_t upto = self->offset & ~(PAGE_BYTES - 1);

    if (upto - self->dropped < DROP_BYTES)
        return;

    madvise(self->current->map + self->dropped, upto - self->dropped, MADV_DONTNEED);
    self->dropped = upto;
}

JournalStatus
journal_append(Journal *self, const JournalRecord *record)
{
    const size_t n_bytes = segment_record_bytes(record->n_bytes);

    g_assert(record->n_bytes <= JOURNAL_MAX_DATAGRAM_BYTES);
    if (upkeep_take_distrust(self->upkeep))
        self->must_roll = true;
    if (!self->current || self->offset + n_bytes > self->current->map_bytes ||
        self->must_roll) {
        const JournalStatus status = roll(self);

        if (status != JOURNAL_OK)
            return status;
    }

    JournalRecord numbered = *record;
    numbered.seq = self->last_seq + 1;
    numbered.received_us = MAX(self->floor_us, record->received_us);
    segment_put(self->current->map + self->offset, self->current->seed, &numbered);
    self->offset += n_bytes;
    self->current->end = self->offset; /* from here on the reader has it */
    self->last_seq = numbered.seq;
    self->floor_us = numbered.received_us;
    if (record->kind == JOURNAL_COUNTS && record->n_bytes == sizeof(self->counts))
        memcpy(&self->counts, record->bytes, sizeof(self->counts));

    if (self->reader_sleeps && atomic_exchange(&self->reader_sleeps, false))
        journal_wake(self);
    drop_written(self);
    return JOURNAL_OK;
}

void
journal_skip_seq(Journal *self, uint64_t seq)
{
    if (seq <= self->last_seq)
        return;

    self->last_seq = seq;
    if (self->current && self->offset == SEGMENT_HEADER_BYTES)
        shelf_set_first_seq(self->shelf, self->current, seq + 1);
    else
        roll(self);
}

bool
journal_sync(Journal *self, GError **error)
{
    if (upkeep_sync(self->upkeep))
        return true;

    g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_IO, journal_error(self));
    return false;
}

/* --- asking --- */

const char *
journal_error(const Journal *self)
{
    return upkeep_error(self->upkeep);
}

const char *
journal_id(const Journal *self)
{
    return self->id_text;
}

uint64_t
journal_last_seq(const Journal *self)
{
    return self->last_seq;
}

JournalCounts
journal_last_counts(const Journal *self)
{
    return self->counts;
}

JournalPosition
journal_end(const Journal *self)
{
    g_autoptr(SegmentFile) newest = shelf_newest(self->shelf);

    if (!newest)
        return (JournalPosition){ 0, 0 };
    return (JournalPosition){ newest->number, newest->end };
}

JournalPosition
journal_begin(Journal *self)
{
    g_autoptr(SegmentFile) oldest = shelf_oldest(self->shelf);

    if (!oldest)
        return (JournalPosition){ 0, 0 };
    return (JournalPosition){ oldest->number, SEGMENT_HEADER_BYTES };
}

uint64_t
journal_bytes_after(Journal *self, const JournalPosition *position)
{
    return shelf_bytes_after(self->shelf, position->segment, position->offset);
}

void
journal_release(Journal *self, const JournalPosition *position, uint32_t keep_sec)
{
    shelf_release(self->shelf, position->segment, keep_sec);
    upkeep_poke(self->upkeep);
}
