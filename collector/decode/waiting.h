/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Waiting: data sets whose template has not come yet, as references to the datagrams
 * that hold them.  Ordered by arrival, found by stream and id.  Bounded in all and
 * for each stream; knows neither templates nor how a datagram is had again. */

#include <glib.h>
#include <stdbool.h>

#include "decode/datagram.h"

typedef struct WaitingSet WaitingSet;
struct WaitingSet {
    DecoderWaiting where;
    const void *stream; /* only compared */
    uint16_t id;
    uint16_t peer_port;
    WaitingSet *later; /* of all */
    WaitingSet *earlier;
    WaitingSet *later_of_stream;
    WaitingSet *earlier_of_stream;
    WaitingSet *next_of_id; /* later one of the same stream and id */
};

typedef struct Waiting Waiting;

Waiting *waiting_new(void);
void waiting_free(Waiting *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Waiting, waiting_free)

/* Adds a copy of @set, whose arrival is the latest. */
void waiting_add(Waiting *self, const WaitingSet *set);

/* Takes the set of @stream and @id that waits longest out (transfer full); NULL when
 * there is none. */
WaitingSet *waiting_take(Waiting *self, const void *stream, uint16_t id);

bool waiting_has(const Waiting *self, const void *stream, uint16_t id);

/* The set that waits longest, or NULL; of one stream unless @stream is NULL.  Lent. */
const WaitingSet *waiting_oldest(const Waiting *self, const void *stream);

/* Takes that set out (transfer full). */
WaitingSet *waiting_take_oldest(Waiting *self, const void *stream);

size_t waiting_len(const Waiting *self, const void *stream); /* NULL = of all */
size_t waiting_bytes(const Waiting *self);

/* All of them, oldest first; lent until the next change.  @generation (may be NULL)
 * changes whenever the list does. */
const DecoderWaiting *waiting_list(Waiting *self, size_t *n, uint64_t *generation);
