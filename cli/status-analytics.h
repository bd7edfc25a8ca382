/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* StatusAnalytics: what the database says about the jobs, the incidents and the mail at
 * one moment, as plain values.  Part of StatusFacts; times as there. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "alert/incident-store.h"

typedef struct {
    char *name;
    int64_t started_us; /* of the newest run */
    int64_t ended_us;   /* 0 = it runs, or was killed */
    int64_t until_us;   /* read up to; 0 = reads no stream */
    uint64_t rows_read;
    uint64_t findings;
    char *error;       /* why the newest run that ended failed; NULL = it did not */
    uint64_t n_failed; /* runs that failed since one did not */
} StatusJob;

typedef struct {
    uint64_t n_waiting; /* messages to be sent */
    int64_t oldest_us;  /* of them */
    char *wait_error;   /* why the oldest that failed so far did; NULL = none has */
    char *wait_address; /* to whom it goes */
    uint64_t n_held;    /* over a cap */
    uint64_t n_sent;    /* in the last day, likewise n_refused */
    uint64_t n_refused;
    char *refuse_error; /* of the newest; NULL = none */
    char *refuse_address;
    uint64_t n_to_compose; /* events whose messages are to be written */
} StatusMail;

typedef struct {
    GArray *jobs; /* of StatusJob, by name */
    IncidentCounts incidents;
    StatusMail mail;
} StatusAnalytics;

StatusAnalytics *status_analytics_new(void); /* an empty one */

/* In the caller's transaction.  False with DB_ERROR. */
bool status_analytics_read(StatusAnalytics *self, PGconn *conn, GError **error);
void status_analytics_free(StatusAnalytics *self);
