/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Mute: what people do not want to be told, why, and until when.
 *
 * Made and lifted by hand; each acts at once, in the same transaction, on the
 * incidents that are stored.  It covers an incident whose host and whose whole peer
 * group lie in its networks.  Rows are never deleted: they say who silenced what.
 * Needs a transaction of the caller's.  Errors: DB_ERROR. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "network.h"

typedef struct {
    const char *kind;            /* "beacon"; NULL = any */
    const Network *host_network; /* NULL = all */
    const Network *peer_network; /* NULL = all */
    int port;                    /* 0 = all */
    int64_t until_us;            /* 0 = for ever */
    const char *reason;
    const char *who;
    int64_t alert_id; /* the incident it is made from; 0 = none */
} MuteRequest;

typedef struct {
    int64_t id;
    char *kind;         /* NULL = any, likewise below */
    char *host_network; /* "10.2.0.14", "10.2.0.0/16" */
    char *peer_network;
    int port; /* 0 = all */
    int64_t until_us;
    char *reason;
    char *who;
    int64_t alert_id;
    int64_t created_us;
    int64_t ended_us;   /* lifted by hand; 0 = was not */
    int64_t n_silenced; /* incidents it silences now */
} Mute;

/* @mute_id and @n_muted (incidents silenced by it at once) may be NULL. */
bool mute_add(PGconn *conn, const MuteRequest *request, int64_t now_us,
              int64_t *mute_id, unsigned *n_muted, GError **error);

/* Lifts one mute; @n_opened incidents are open again by that.  One that is not there
 * or is over is DB_ERROR_REJECTED. */
bool mute_lift(PGconn *conn, int64_t mute_id, const char *who, int64_t now_us,
               unsigned *n_opened, GError **error);

/* Makes the incidents agree with the mutes in force at @now_us: mutes those that one
 * has come to cover, opens those whose mute has run out.  For a job, as often as it
 * likes: it waits for raises under way only when there is something to do.  The two
 * above do it themselves.  @n_changed may be NULL. */
bool mute_apply(PGconn *conn, int64_t now_us, unsigned *n_changed, GError **error);

/* Of Mute, the newest first: those in force at @now_us, or with @all also those that
 * are over; at most 1000. */
GArray *mute_list(PGconn *conn, bool all, int64_t now_us, GError **error);
