/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SegmentFile: one segment on disk, shared by the threads of a journal.
 *
 * The writer's mapping and the sync thread's descriptor belong to it; a reader opens
 * the file for itself.  Only `end` and `closed_us` change under another thread's
 * eyes, and they are atomic; what says so is guarded by the shelf's lock. */

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "journal/segment.h"

typedef struct {
    SegmentHeader header; /* as on disk; all zero while a spare */
    uint64_t number;
    uint32_t seed; /* see segment_seed() */
    char *path;

    _Atomic(uint64_t) end;      /* offset behind the last visible record */
    _Atomic(int64_t) closed_us; /* wall clock; 0 = may still grow */

    uint8_t *map; /* writer thread until closed; NULL when not written to */
    size_t map_bytes;

    int memory_fd;    /* of a file that is in memory only; -1 = on disk */
    int fd;           /* shelf's lock; -1 = nothing left to sync */
    uint64_t n_bytes; /* shelf's lock; size of the file */
    uint64_t synced;  /* syncing thread: offset up to which it is on disk */
    bool is_named;    /* syncing thread: its name is on disk */
    bool sync_failed; /* syncing thread: never to be believed again */

    _Atomic(uint32_t) n_refs;
} SegmentFile;

/* Makes file @number: allocated and mapped for writing, not synced.  A disk that is
 * full is met here, and nowhere else.  Errors: G_FILE_ERROR. */
SegmentFile *segment_file_make(const char *directory, uint64_t number, uint64_t n_bytes,
                               GError **error);

/* The same without a disk: it lives as long as the process.  Errors: G_FILE_ERROR. */
SegmentFile *segment_file_make_in_memory(uint64_t number, uint64_t n_bytes,
                                         GError **error);

/* Removes the file; who has it open can go on reading. */
void segment_file_unlink(const SegmentFile *self);

/* Has the pages of the mapping there, so that the writer does not wait for them. */
void segment_file_make_ready(SegmentFile *self);

/* Gives their memory back; nothing must have been written to them. */
void segment_file_make_unready(SegmentFile *self);

typedef enum {
    SEGMENT_FILE_LOADED,
    SEGMENT_FILE_UNUSED, /* a spare that nothing was written to */
    SEGMENT_FILE_BAD,    /* not a segment, or another one */
    SEGMENT_FILE_FAILED, /* see the error */
} SegmentFileState;

/* Loads a file that is there.  Its end is the file's, so that there may be zeros or
 * a torn record before it.  Errors: G_FILE_ERROR. */
SegmentFileState segment_file_load(const char *directory, uint64_t number,
                                   SegmentFile **file, GError **error);

SegmentFile *segment_file_ref(SegmentFile *self);
void segment_file_unref(SegmentFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SegmentFile, segment_file_unref)

/* Seals @header and writes it: from now on the file is a segment. */
void segment_file_begin(SegmentFile *self, SegmentHeader *header);

/* When nobody writes any more. */
void segment_file_unmap(SegmentFile *self);

/* Cuts the file behind its last record.  Returns false, by errno, when it stays as it
 * is; what is left at its end is then read over. */
bool segment_file_cut(const SegmentFile *self);

/* Sets @error by errno, naming the file. */
void segment_file_set_error(GError **error, const char *path, const char *doing);
