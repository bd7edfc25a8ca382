/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenSource: the sessions of a pattern: of one of its hosts, of visits of all of
 * them.  It acts when it is due; what it then makes starts no earlier than that. */

#include "flowgen-heap.h"
#include "flowgen-pattern.h"
#include "flowgen-session.h"

/* When a scenario plays; microseconds since 1970 UTC. */
typedef struct {
    int64_t before_us; /* where patterns begin that were always there */
    int64_t start_us;
    int64_t end_us;
} FlowgenSpan;

typedef struct FlowgenSource FlowgenSource;

/* @pattern is lent.  @host: of pattern->hosts; for visits 0. */
FlowgenSource *flowgen_source_new(const FlowgenPattern *pattern, uint32_t host,
                                  const FlowgenSpan *span, uint64_t seed);

/* INT64_MAX: never again. */
int64_t flowgen_source_due_us(const FlowgenSource *self);

/* Pushes new FlowgenSessions (to be freed with g_free()) by their starts. */
void flowgen_source_act(FlowgenSource *self, FlowgenHeap *sessions);
