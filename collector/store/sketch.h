/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sketch: the heaviest keys of a stream, in bounded memory.
 *
 * A weighted Misra-Gries summary, which counts like Space-Saving but makes room in
 * bulk (Anderson et al., A High-Performance Algorithm for Identifying Frequent Items
 * in Data Streams, 2017): when the table is full the median weight is taken from
 * every key, and those left without any are dropped.  From then on a key is only let
 * in when it, with others of its hash, weighs more than what has been taken so far.
 *
 * What a key is said to weigh is never too much, and too little by at most the error
 * that is said with it; keys not listed weigh at most sketch_error().  With n keys of
 * room, and W the weight of all, that is at most 5 W / n.
 *
 * Knows nothing of flows.  Pure; one thread. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define SKETCH_KEY_BYTES 32

typedef struct {
    uint8_t bytes[SKETCH_KEY_BYTES]; /* compared whole; unused ones zero */
} SketchKey;

typedef struct {
    SketchKey key;
    uint64_t octets; /* saturating */
    uint64_t packets;
    uint64_t flows;
    uint64_t error; /* octets of this key that may have been missed before it got in */
} SketchEntry;

typedef struct {
    unsigned __int128 octets;
    unsigned __int128 packets;
    uint64_t flows;
} SketchTotal;

typedef struct Sketch Sketch;

/* Remembers at least @n_keys keys. */
Sketch *sketch_new(size_t n_keys);
void sketch_free(Sketch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sketch, sketch_free)

void sketch_add(Sketch *self, const SketchKey *key, uint64_t octets, uint64_t packets);

/* The @n_max heaviest keys, heaviest first (SketchEntry, transfer full). */
GArray *sketch_heaviest(const Sketch *self, size_t n_max);

SketchTotal sketch_total(const Sketch *self); /* of all that was added; exact */
uint64_t sketch_error(const Sketch *self);

void sketch_reset(Sketch *self);
