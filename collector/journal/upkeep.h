/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Upkeep: the two threads that wait for the disk so that the writer need not.
 *
 * One has segments ready before they are needed, and when the journal is busy also
 * their pages, so that writing is writing to memory.  The other syncs what was
 * written: whole pages at once and the page still written to when nothing else is to
 * do, so that the writer does not meet a page on its way to the disk.
 *
 * A sync that failed is not tried again: the segment is not to be trusted. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "journal/shelf.h"

typedef struct Upkeep Upkeep;

/* @shelf and @directory_fd are lent; @directory is for messages.  With a @sync_ms of 0
 * only closed segments are synced of its own accord. */
Upkeep *upkeep_new(Shelf *shelf, const char *directory, int directory_fd,
                   uint32_t sync_ms);
void upkeep_free(Upkeep *self); /* ends the threads */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Upkeep, upkeep_free)

void upkeep_start(Upkeep *self);

/* There is something to do: a spare was taken, or there is room for one. */
void upkeep_poke(Upkeep *self);

/* Syncs all there is to sync; blocks.  Any thread. */
bool upkeep_sync(Upkeep *self);

/* True once after a sync of the segment being written to has failed. */
bool upkeep_take_distrust(Upkeep *self);

/* The writer met @error when it took a spare. */
void upkeep_set_allocation_error(Upkeep *self, const GError *error);

/* Text of the last error, "" = none.  Any thread. */
const char *upkeep_error(const Upkeep *self);
