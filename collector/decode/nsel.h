/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Nsel: the connections of firewalls that report running totals (Cisco ASA).
 *
 * NSEL sends events: updates and the end of a connection carry its totals so far,
 * and the totals of updates do not even rise steadily.  Stored as they are they
 * would be counted many times over; so each event becomes what came on top of the
 * largest total seen.  Bounded: connections not heard of for longest are forgotten
 * and then count in full again.  Not kept over a restart. */

#include <glib.h>

#include "flow/flow.h"

typedef struct Nsel Nsel;

Nsel *nsel_new(size_t max_connections);
void nsel_free(Nsel *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Nsel, nsel_free)

/* Turns the totals of @flow, whose counters came from elements 231 and 232, into
 * increments.  Leaves flows alone that are not events of a connection. */
void nsel_apply(Nsel *self, Flow *flow);

size_t nsel_bytes(const Nsel *self);
