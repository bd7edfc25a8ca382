/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shelf: the segments of one journal, in order, and the spares for its future.
 *
 * Shared by the writer, the reader and the syncing thread under one short lock that
 * is never held while a disk is waited for.  Keeps the sum of all files, spares
 * included, within the journal's limit, so that the disk's space is met when a
 * segment is allocated and never when a record is written.
 *
 * Knows nothing of records. */

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "journal/segment-file.h"

typedef struct {
    const char *directory; /* must exist */
    uint64_t segment_bytes;
    uint64_t max_bytes;
} ShelfOptions;

typedef struct Shelf Shelf;

/* Loads what the directory holds.  Files that are no segments of the newest one's
 * journal are renamed *.bad, spares never used are removed.  @id: of the journal,
 * random when it is new.  Errors: G_FILE_ERROR. */
Shelf *shelf_open(const ShelfOptions *options, uint8_t id[SEGMENT_ID_BYTES],
                  GError **error);
void shelf_free(Shelf *self); /* removes the spares */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Shelf, shelf_free)

/* --- spares --- */

/* Makes spares until there are enough, the limit is reached, or the disk refuses;
 * only the last is an error.  Any thread; blocks. */
bool shelf_make_spares(Shelf *self, GError **error);

/* Gives the memory of spares back when the journal has not been busy for a while. */
void shelf_rest(Shelf *self);

/* A spare to write to (transfer full), made now if none is ready.  NULL with no
 * error: the limit is reached.  When the disk refuses it may be one in memory: then
 * there are both, the spare and the error. */
SegmentFile *shelf_take_spare(Shelf *self, GError **error);

/* From now on there may be a few segments in memory while the disk refuses more. */
void shelf_allow_memory(Shelf *self);

/* --- segments; all results are references --- */

void shelf_add(Shelf *self, SegmentFile *file); /* as the newest */
void shelf_remove(Shelf *self, SegmentFile *file);

SegmentFile *shelf_oldest(Shelf *self); /* NULL = there is none */
SegmentFile *shelf_newest(Shelf *self);

/* The first with a number of at least @number; NULL = none. */
SegmentFile *shelf_find(Shelf *self, uint64_t number);

/* The number of the newest, 0 = none; without the lock. */
uint64_t shelf_newest_number(const Shelf *self);

uint64_t shelf_first_seq(Shelf *self, SegmentFile *file);
void shelf_set_first_seq(Shelf *self, SegmentFile *file, uint64_t first_seq);

/* Those with something to sync, oldest first (transfer full, of references). */
GPtrArray *shelf_unsynced(Shelf *self);

/* @file is closed and as far on disk as it ever will be: cuts it to its length and
 * ends its mapping, which could make the writer wait. */
void shelf_settle(Shelf *self, SegmentFile *file);

uint64_t shelf_bytes_after(Shelf *self, uint64_t number, uint64_t offset);

/* Deletes closed segments before @number that were closed @keep_sec ago, and while
 * there is no room for another segment also younger ones. */
void shelf_release(Shelf *self, uint64_t number, uint32_t keep_sec);
