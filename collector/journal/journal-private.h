/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the writing and the reading side of a journal share. */

#include <stdatomic.h>
#include <stdbool.h>

#include "journal/journal.h"
#include "journal/shelf.h"
#include "journal/upkeep.h"

struct Journal {
    char *directory;
    int lock_fd; /* the directory, locked */
    uint8_t id[SEGMENT_ID_BYTES];
    char id_text[2 * SEGMENT_ID_BYTES + 1];
    Shelf *shelf;
    Upkeep *upkeep;

    /* Writer thread. */
    SegmentFile *current; /* a reference; NULL = none could be had yet */
    uint64_t offset;      /* in it, of the next record */
    uint64_t dropped;     /* offset before which the mapping was given back */
    uint64_t last_seq;
    int64_t floor_us; /* received_us of the newest record */
    JournalCounts counts;
    int64_t retry_at_us; /* after a disk error; monotonic */
    bool must_roll;      /* the current segment is not to be trusted */

    /* The hand-off. */
    int wake_fd;
    _Atomic(bool) reader_sleeps;
};
