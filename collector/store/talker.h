/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Talker: the heaviest hosts, pairs of hosts, ports and AS, for talker_5m.
 *
 * One Sketch a kind, emptied into rows once a minute of receive time, so that a crash
 * costs the talkers (not the flows) of a minute at most; the parts of five minutes are
 * summed by the reader.  Bounded; pure; one thread. */

#include <glib.h>
#include <stdint.h>

#include "flow/flow.h"

typedef struct Talker Talker;

/* @n_heaviest of each kind become rows, the rest of the kind one row `other`. */
Talker *talker_new(size_t n_heaviest);
void talker_free(Talker *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Talker, talker_free)

void talker_add(Talker *self, const Flow *flow);

/* Makes rows of what was gathered so far, if the minute is over at @received_us. */
void talker_tick(Talker *self, int64_t received_us);

/* Makes rows of it now. */
void talker_flush(Talker *self);

/* "COPY flowkeep.talker_5m (...) ...". */
const char *talker_statement(void);

/* The rows made since the last call, for binary COPY (transfer full); NULL = none. */
GByteArray *talker_steal(Talker *self);
