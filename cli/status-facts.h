/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* StatusFacts: what the database says about exporters, collectors, partitions,
 * losses and the analytics at one moment (one snapshot), as plain values.
 *
 * Times are microseconds since 1970 UTC by the server's clock, 0 = never. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "status-analytics.h"

#define STATUS_RECENT_MIN 4 /* rates are of so many minutes and the present one */

typedef struct {
    int64_t id;
    char *address;
    char *name; /* NULL = none */
    int64_t domain;
    int version; /* 5, 9, 10; 0 = not known */
    int64_t first_seen_us;
    int64_t last_seen_us;
    double flows_per_min;
    double bits_per_sec;
    int64_t sampling; /* 0 = none */
    char *sampling_source;
    int64_t clock_skew_ms;
    uint64_t lost_gap;    /* by its sequence numbers, in the last hour */
    char *gap_unit;       /* what it counts by; NULL = nothing lost */
    uint64_t no_template; /* these three in the last hour, too */
    uint64_t malformed;
    uint64_t refused;
    uint64_t rejected;
} StatusExporter;

typedef struct {
    char *collector;
    int64_t worker;
    int64_t received_us; /* reached */
    int64_t updated_us;  /* its last commit */
    int64_t started_us;
    uint64_t backlog_bytes;
    uint64_t rows_stored;
    uint64_t n_exporters;   /* that it knows */
    uint64_t max_exporters; /* that it may know; 0 = it did not say */
    uint64_t held_bytes;    /* of what they made it remember */
    bool imports;           /* a replay that keeps its times */
} StatusWorker;

typedef struct {
    char *reason;
    char *class; /* "" = none */
    char *unit;
    uint64_t last_hour;
    uint64_t last_day;
} StatusLoss;

typedef struct {
    int64_t now_us;
    GArray *exporters; /* of StatusExporter */
    GArray *workers;   /* of StatusWorker */
    GArray *losses;    /* of StatusLoss, the most first */

    uint64_t n_partitions; /* of flow */
    uint64_t n_imported;
    uint64_t n_sealed;
    int64_t oldest_us;   /* where the oldest begins */
    int64_t newest_us;   /* where the newest ends */
    uint64_t n_bytes;    /* of flow, all partitions */
    bool default_used;   /* rows without a partition */
    uint64_t n_backfill; /* ranges that wait for the jobs */
    StatusAnalytics *analytics;
} StatusFacts;

/* NULL with DB_ERROR. */
StatusFacts *status_facts_read(PGconn *conn, GError **error);
void status_facts_free(StatusFacts *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StatusFacts, status_facts_free)

/* An empty one, to be filled. */
StatusFacts *status_facts_new(void);
