/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* DoctorFacts: all that one exporter told about itself, and what was lost of it in
 * the last day.  Times are microseconds since 1970 UTC, 0 = never. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "element-names.h"

/* RFC 7011 8.4 asks a collector to keep these. */
typedef struct {
    char *collector; /* who learnt it */
    int version;
    uint16_t id;
    bool is_options;
    uint16_t peer_port;  /* it was announced from */
    char *local_address; /* it came to; NULL = not known */
    uint16_t local_port;
    int64_t learnt_us; /* last received, to within half its lifetime */
    GArray *fields;    /* of TemplateField */
} DoctorTemplate;

typedef struct {
    char *kind; /* sampling, interface, vrf, app, system */
    char *key;
    char *number; /* rate or speed, by kind; NULL = not reported */
    char *name;
    char *description;
    int64_t learnt_us;
} DoctorOption;

typedef struct {
    char *reason;
    char *class; /* "" = none */
    char *unit;
    uint64_t count;
} DoctorLoss;

typedef struct {
    int64_t now_us;
    int64_t id;
    char *address;
    char *name; /* NULL = none */
    int64_t domain;
    int version;
    int64_t first_seen_us;
    int64_t last_seen_us;
    int64_t sampling; /* 0 = none */
    char *sampling_source;
    int64_t clock_skew_ms;
    uint64_t flows;            /* stored in the last day */
    uint64_t template_changes; /* ids that were given another definition, ever */
    uint64_t restarts;         /* noticed, ever */
    int64_t quarantined_until_us;

    GArray *templates; /* of DoctorTemplate */
    GArray *options;   /* of DoctorOption */
    GArray *losses;    /* of DoctorLoss, the most first */
} DoctorFacts;

DoctorFacts *doctor_facts_new(void); /* an empty one, to be filled */
void doctor_facts_free(DoctorFacts *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DoctorFacts, doctor_facts_free)

/* The ids of exporters whose name or address is @which, NULL = of all (transfer full;
 * array of int64_t).  NULL with DB_ERROR. */
GArray *doctor_facts_find(PGconn *conn, const char *which, GError **error);

/* NULL with DB_ERROR. */
DoctorFacts *doctor_facts_read(PGconn *conn, ElementNames *names, int64_t id,
                               GError **error);
