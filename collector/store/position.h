/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Position: the row of ingest_position of one worker.
 *
 * Read when the worker connects, then moved by a compare-and-set in each batch's
 * transaction: who sees it moved by somebody else has lost. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "store/store.h"

typedef struct Position Position;

/* Takes the worker's lock and reads its row, making it when there is none.  Waits a
 * few seconds for a session of the same worker that is just ending.  @conn keeps the
 * lock, and is lent; @options' strings are copied.
 *
 * @now: all zero when there is no position in this journal yet.
 * Errors: DB_ERROR_REJECTED when another process stores for this worker. */
Position *position_open(PGconn *conn, const StoreOptions *options, StorePosition *now,
                        GError **error);
void position_free(Position *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Position, position_free)

/* Up to this receive time (microseconds since 1970) other readers may have gone on
 * without this worker, since it was silent for long; 0 = it was not. */
int64_t position_late_until_us(const Position *self);

/* What was stored with position_move(), NULL = nothing; lent for the life of @self. */
const GByteArray *position_waiting(const Position *self);

/* In the transaction of the batch: moves the position to @next, and adds @rows to its
 * count.  @waiting is written when not NULL.
 * Errors: DB_ERROR_REJECTED when it was not where we left it. */
bool position_move(Position *self, PGconn *conn, const StorePosition *next,
                   uint64_t rows, const GByteArray *waiting, GError **error);

/* True once position_move() found that somebody else had moved it. */
bool position_was_taken(const Position *self);
