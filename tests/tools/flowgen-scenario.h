/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenScenario: made-up sessions as a small file describes them, in the order of
 * their starts.
 *
 * Deterministic: by the file's seed, the caller's, and the name of each section, so
 * that a section may be changed without changing the others.  Draws as it is read:
 * memory does not grow with the days. */

#include "flowgen-session.h"

typedef struct FlowgenScenario FlowgenScenario;

/* @before_days: of patterns that were always there, before the start; the larger of
 * it and of what the file says.  Errors: G_FILE_ERROR, G_KEY_FILE_ERROR. */
FlowgenScenario *flowgen_scenario_open(const char *path, uint64_t seed,
                                       double before_days, GError **error);
void flowgen_scenario_free(FlowgenScenario *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FlowgenScenario, flowgen_scenario_free)

/* Returns false at the end. */
bool flowgen_scenario_next(FlowgenScenario *self, FlowgenSession *session);
