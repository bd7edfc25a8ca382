/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenSessions: the sessions of any number of lists and scenarios, as one stream
 * in the order of their starts.
 *
 * Reads as it goes; memory does not grow with the lists.  A list that is not sorted
 * is an error.  The same files and options give the same stream again. */

#include "flowgen-session.h"

typedef struct {
    uint64_t seed;      /* of what scenarios draw, together with their own */
    double before_days; /* of ordinary traffic before a scenario's start */
    bool mirror;        /* flowgen_session_mirror() for each */
} FlowgenSessionsOptions;

typedef struct FlowgenSessions FlowgenSessions;

/* A file whose first line is that of a list is one; any other is a scenario.
 * @paths: NULL-terminated.  Errors: G_FILE_ERROR, G_KEY_FILE_ERROR. */
FlowgenSessions *flowgen_sessions_open(char *const *paths,
                                       const FlowgenSessionsOptions *options,
                                       GError **error);
void flowgen_sessions_free(FlowgenSessions *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FlowgenSessions, flowgen_sessions_free)

/* Returns false at the end, or with @error. */
bool flowgen_sessions_next(FlowgenSessions *self, FlowgenSession *session,
                           GError **error);
