/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenPattern: what some hosts do again and again, as a section of a scenario says
 * it.  flowgen-pattern.c has the table of keys; tests/README.md explains them.
 * Times are relative to the scenario's start. */

#include "flowgen-hosts.h"

enum { FLOWGEN_PATTERN_MAX_PORTS = 16 };

typedef enum {
    FLOWGEN_PATTERN_VISITS, /* at random */
    FLOWGEN_PATTERN_BEACON, /* periodically */
    FLOWGEN_PATTERN_UPLOAD, /* much, at a time */
    FLOWGEN_PATTERN_DRIP,   /* little by little */
    FLOWGEN_PATTERN_SESSION,
    FLOWGEN_N_PATTERNS
} FlowgenPatternKind;

typedef struct {
    FlowgenPatternKind kind;
    char *name;     /* of its sessions' label too */
    uint32_t given; /* bits of keys, by their rows */

    FlowgenHosts *hosts; /* initiators */
    FlowgenHosts *peers; /* responders */
    uint16_t ports[FLOWGEN_PATTERN_MAX_PORTS];
    unsigned n_ports;
    uint8_t protocol;

    double octets[2]; /* out and in, of a session; 0 in TCP: what the other way needs */
    double size_jitter; /* uniform, +- this share */
    double size_sigma;  /* log-normal */
    int64_t duration_us;
    double duration_sigma;
    double answered; /* share of sessions */

    int64_t from_us;
    int64_t until_us; /* INT64_MAX = to the end */
    bool before;      /* in the days before the start too */
    bool sticky;      /* a host has one peer of its own */

    int64_t at_us;
    int64_t at_jitter_us;
    int64_t every_us; /* 0 = once */
    double chunks;    /* sessions that it is cut into */

    int64_t period_us;
    double jitter;
    bool two_sided;
    double missing; /* share of beats */
    double noise;   /* contacts at random, for each beat */

    double per_hour; /* sessions: of visits all hosts together, else of a host */
    double burst;    /* sessions that come together, on average */
    bool diurnal;
    bool popular; /* the first peers are visited more often */
} FlowgenPattern;

/* Returns false when no kind has this name. */
bool flowgen_pattern_kind(const char *name, FlowgenPatternKind *kind);

/* One with all defaults. */
FlowgenPattern *flowgen_pattern_new(FlowgenPatternKind kind, const char *name);
void flowgen_pattern_free(FlowgenPattern *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FlowgenPattern, flowgen_pattern_free)

/* Errors of both: G_KEY_FILE_ERROR; the message begins with the key. */
bool flowgen_pattern_set(FlowgenPattern *self, const char *key, const char *value,
                         GError **error);
/* After all keys: is what it needs there, and does it fit together? */
bool flowgen_pattern_check(const FlowgenPattern *self, GError **error);
