/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowCheck: the way of a flow from the decoder to bytes for PostgreSQL, with all that
 * is promised about it asserted: what normalise() leaves, that the rows of table flow
 * (with extra in each of its three forms), traffic_1m and talker_5m would be taken, and
 * that the sums in the last two are those of the flows.  One a test case. */

#include <glib.h>

#include "flow/normalise.h"
#include "store/copy-extra.h"

typedef struct FlowCheck FlowCheck;

FlowCheck *flow_check_new(void);
void flow_check_free(FlowCheck *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FlowCheck, flow_check_free)

/* @flow as decoded.  Its exporter gets an id. */
void flow_check_add(FlowCheck *self, Flow *flow, int64_t shift_us,
                    const CopyExtraNames *names);

/* Checks the sums; @self can be filled again. */
void flow_check_finish(FlowCheck *self);

/* What all targets normalise with: all of 10.0.0.0/8 and 2001:db8::/32 is watched. */
const Normaliser *flow_check_normaliser(const FlowCheck *self);
