/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Finding: what a detector says about one pair, in numbers a person can check.
 *
 * A finding becomes an incident (alert/) under its identity: kind, host, peer group
 * and port.  Owns its texts. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/contact.h"

typedef enum { FINDING_BEACON, FINDING_EXFIL } FindingKind;
enum { FINDING_N_KINDS = FINDING_EXFIL + 1 };

/* What is done about it.  Rising order. */
typedef enum {
    FINDING_LISTED, /* stored, shown where one looks for it */
    FINDING_DIGEST, /* in the daily digest */
    FINDING_MAIL,   /* a mail of its own */
} FindingSeverity;

/* One term of the score. */
typedef struct {
    const char *name; /* "regularity"; static */
    double points;
    double max_points; /* what the term can reach; below 0 for those that take away */
    char *why;         /* "more regular than all 1000 comparison pairs of this size" */
} FindingTerm;

/* One hour of the volume picture.  NaN = no baseline. */
typedef struct {
    int64_t hour_us;
    uint64_t out_octets;
    uint64_t in_octets;
    double baseline_low_octets; /* of outbound octets: the learned 5th .. 95th pct */
    double baseline_high_octets;
} FindingHour;

enum {
    FINDING_MAX_TERMS = 12,
    FINDING_MAX_EVENTS = 4096, /* newest are kept for the pictures */
    FINDING_MAX_HOURS = 31 * 24,
};

typedef struct {
    FindingKind kind;
    const char *rule; /* static: "beacon", "burst", "drip", "role-flip", "chunking",
                       * "channel", "single-session", "rotation" */
    IpAddress host;
    IpAddress peer;           /* the peer, or the first of its group */
    unsigned peer_group_bits; /* prefix length of the group on the 16-byte form; 128
                               * for the peer alone */
    uint16_t port;            /* service port; 0 = any or none */
    uint8_t protocol;         /* 0 = any */
    uint8_t initiator;        /* a ContactInitiator */

    FindingSeverity severity;
    double score;     /* 0..100, the sum of the terms */
    double magnitude; /* grows with what happens: contacts, octets; an incident is
                       * mailed again when it is ten times larger */

    int64_t from_us; /* the window it was found in */
    int64_t to_us;
    int64_t first_us; /* first and last contact in it */
    int64_t last_us;

    FindingTerm terms[FINDING_MAX_TERMS];
    size_t n_terms;

    /* The sentences of the alert, without the hosts' names and without the points:
     * "every 27.1 s (jitter about 20 %), 3 188 contacts in 24.0 h since ..." */
    char *explanation;
    char *numbers; /* JSON object (text) with every number the verdict rests on:
                    * {"period_sec": 27.1, "jitter_pct": 20.3, "lv": 0.04, ...} */

    ContactEvent *events; /* for the pictures; at most FINDING_MAX_EVENTS */
    size_t n_events;
    FindingHour *hours; /* likewise, FINDING_MAX_HOURS */
    size_t n_hours;
} Finding;

Finding *finding_new(FindingKind kind, const char *rule, const ContactKey *key);
void finding_free(Finding *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Finding, finding_free)

/* Adds a term and its points to the score, which stays within 0..100.  @format makes
 * the reason. */
void finding_add_term(Finding *self, const char *name, double points, double max_points,
                      const char *format, ...) G_GNUC_PRINTF(5, 6);

/* Copies the newest FINDING_MAX_EVENTS of @events. */
void finding_set_events(Finding *self, const ContactEvent *events, size_t n_events);

const char *finding_kind_name(FindingKind kind);             /* "beacon" */
const char *finding_severity_name(FindingSeverity severity); /* "mail" */
