/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* IncidentRules: what becomes of an incident, and what people are told of it.
 *
 * Pure decisions, without SQL, so that a table of cases can say what they are:
 *
 *   opened, reopened  told, if it is worth a mail and nobody muted it
 *   severity          it rose above the highest so far; told likewise
 *   grew              ten times what was noted of the same rule and peers; likewise
 *   unmuted           its mute has run out, or does not cover it any more; likewise
 *   widened, muted    not told
 *
 * At most one step of a raise is told.  An incident that was acknowledged is told
 * again when it grows or rises, and is open again by that: what was acknowledged was
 * less.  Ten runs in a row that find the same say nothing. */

#include <stdbool.h>
#include <stddef.h>

#include "detect/finding.h"
#include "network.h"

#define INCIDENT_RULES_GROWTH 10.0 /* times what was noted */

typedef enum {
    INCIDENT_OPEN,
    INCIDENT_ACKNOWLEDGED,
    INCIDENT_MUTED,
    INCIDENT_RESOLVED,
} IncidentState;

/* Who is concerned: of an incident or of a finding. */
typedef struct {
    Network peers;
    int port;     /* 0 = any or none */
    int protocol; /* 0 = any */
} IncidentScope;

/* What is stored before a finding comes. */
typedef struct {
    bool exists;              /* else it is new */
    IncidentState state;      /* RESOLVED = it is found again */
    FindingSeverity severity; /* the highest so far */
    double noted_magnitude;   /* of the same rule and peers; NaN = new to it */
} IncidentKnown;

typedef struct {
    const char *what; /* of alert_event; static */
    bool tell;
} IncidentStep;

enum { INCIDENT_RULES_MAX_STEPS = 4 };

typedef struct {
    IncidentState state;
    FindingSeverity severity;
    bool notes_magnitude; /* alert_finding.noted_magnitude becomes this magnitude */
    IncidentStep steps[INCIDENT_RULES_MAX_STEPS];
    size_t n_steps;
} IncidentVerdict;

/* @is_covered: by a mute.  @is_wider: the incident's scope grows by it. */
IncidentVerdict incident_rules_found(const IncidentKnown *known,
                                     FindingSeverity severity, double magnitude,
                                     bool is_covered, bool is_wider);

/* The scope that holds both, which overlap: of each the wider. */
IncidentScope incident_rules_join(const IncidentScope *a, const IncidentScope *b);
bool incident_rules_same_scope(const IncidentScope *a, const IncidentScope *b);

const char *incident_rules_state_name(IncidentState state); /* "open" */

/* Unknown names give the gravest. */
IncidentState incident_rules_state(const char *name);
FindingSeverity incident_rules_severity(const char *name);
