/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the writing and the reading side of a journal share. */

#include <stdatomic.h>
#include <stdbool.h>

#include "journal/journal.h"
#include "journal/shelf.h"

struct Journal {
    char *directory;
    uint32_t sync_ms;
    int lock_fd; /* the directory, locked */
    uint8_t id[SEGMENT_ID_BYTES];
    char id_text[2 * SEGMENT_ID_BYTES + 1];
    Shelf *shelf;

    /* Writer thread. */
    SegmentFile *current; /* a reference; NULL = none could be had yet */
    uint64_t offset;      /* in it, of the next record */
    uint64_t dropped;     /* offset before which the mapping was given back */
    uint64_t last_seq;
    int64_t floor_us; /* received_us of the newest record */
    JournalCounts counts;
    int64_t retry_at_us;     /* after a disk error; monotonic */
    _Atomic(bool) must_roll; /* set when the current segment is not to be trusted */

    /* The hand-off. */
    int wake_fd;
    _Atomic(bool) reader_sleeps;

    /* Syncing thread. */
    GThread *syncer;
    GMutex sync_lock; /* one sync at a time */
    GMutex poke_lock;
    GCond poked;
    bool has_work; /* poke_lock */
    bool stopping; /* poke_lock */

    /* Interned texts, "" = none.  A failed allocation may be mended; a failed sync
     * leaves a doubt for as long as the process lives. */
    _Atomic(const char *) allocation_error;
    _Atomic(const char *) sync_error;
};
