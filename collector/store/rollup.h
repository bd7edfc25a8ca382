/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Rollup: the sums of one batch for traffic_1m.
 *
 * A batch appends its own part of every sum, in the same transaction as its rows; the
 * reader adds them up.  Exact: 128 bits hold any sum of 64-bit counters.  Pure; no
 * larger than the batch. */

#include <glib.h>
#include <stdint.h>

#include "flow/flow.h"

typedef struct Rollup Rollup;

Rollup *rollup_new(void);
void rollup_free(Rollup *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rollup, rollup_free)

/* @flow's exporter must have its id. */
void rollup_add(Rollup *self, const Flow *flow);

size_t rollup_len(const Rollup *self); /* rows it would make */

/* The minute of the oldest flow, in microseconds since 1970; INT64_MAX when empty. */
int64_t rollup_oldest_us(const Rollup *self);

/* "COPY flowkeep.traffic_1m (...) ...". */
const char *rollup_statement(void);

/* Appends the rows of binary COPY to @rows and empties @self. */
void rollup_take(Rollup *self, GByteArray *rows);

/* The distinct hours of the minutes in @self, oldest first (transfer full). */
GArray *rollup_hours(const Rollup *self);
