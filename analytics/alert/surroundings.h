/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Surroundings: what the tables say of an incident that is not in its finding: the
 * group its host is in and the mute that covers it. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "alert/incident-rules.h"

/* Of what: texts are parameters of statements, lent. */
typedef struct {
    const char *kind;
    const char *host;
    const IncidentScope *scope;
    const char *now; /* microseconds since 1970 */
} SurroundingsOf;

typedef struct {
    char *host_group;  /* NULL = none */
    char *mute_id;     /* NULL = not muted */
    char *mute_reason; /* likewise */
} Surroundings;

/* @to is to be cleared.  Errors: DB_ERROR. */
bool surroundings_read(PGconn *conn, const SurroundingsOf *of, Surroundings *to,
                       GError **error);

void surroundings_clear(Surroundings *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Surroundings, surroundings_clear)
