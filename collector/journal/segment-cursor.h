/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SegmentCursor: reads the records of one segment in order, over whatever is damaged.
 *
 * Reads the file into a buffer of its own instead of mapping it: a disk that cannot
 * give a block back costs the records in it, not the process, and the memory of
 * what was read is given back by not being taken.  One thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/segment-file.h"

typedef struct {
    SegmentFile *file; /* a reference; NULL = on none */
    int fd;
    uint64_t offset; /* where to look for the next record */
    uint8_t *buffer;
    uint64_t buffer_at; /* offset in the file of what is in it */
    size_t buffer_len;
} SegmentCursor;

/* An all-zero SegmentCursor is one on no file. */
void segment_cursor_clear(SegmentCursor *self);

/* Goes to the beginning of @file.  Errors: G_FILE_ERROR. */
bool segment_cursor_open(SegmentCursor *self, SegmentFile *file, GError **error);

/* The first valid record at or behind the cursor that lies wholly before @end; @at
 * is where it begins.  @record's bytes are lent until the next call.  False: there
 * is none, and the cursor stands at @end. */
bool segment_cursor_next(SegmentCursor *self, uint64_t end, JournalRecord *record,
                         uint64_t *at);
