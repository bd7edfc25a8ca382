/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Recording: one file of recorded traffic, the pairs of its last 24 hours, and what the
 * file alone tells of their context: who else talks to the peer, but no history and
 * nothing that anybody configured. */

#include "detect/context.h"
#include "traffic.h"

/* Fewer contacts are not scored by anybody. */
enum { RECORDING_MIN_EVENTS = 4 };

typedef struct {
    const char *name; /* of the file; lent */
    Network watched;
    GArray *sessions; /* of TrafficSession; NULL: the file is not there */
    int64_t from_us;  /* its last 24 hours, or less */
    int64_t to_us;
    GPtrArray *all;      /* of TrafficPair *: those who met at all */
    GPtrArray *outbound; /* of these, lent: outbound, MIN_EVENTS and more */
} Recording;

/* A file that is not there is no error.  @watched is a network in CIDR notation. */
bool recording_load(Recording *self, const char *folder, const char *name,
                    const char *watched, GError **error);
void recording_clear(Recording *self);

/* The outbound pairs with RECORDING_MIN_EVENTS and more in a part of it (transfer
 * full; TrafficPair *). */
GPtrArray *recording_outbound(const Recording *self, int64_t from_us, int64_t to_us);

Context recording_context(const Recording *self, const TrafficPair *pair);

/* The outbound pair that is hostile; NULL if there is none. */
const TrafficPair *recording_hostile(const GPtrArray *outbound);
