/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Evidence: what an incident rests on, as alert.evidence holds it, so that whoever
 * shows an incident (terminal, mail, report) has the numbers and the pictures without
 * asking the detector again.
 *
 * evidence_format() writes it from a finding, evidence_parse() reads it back; between
 * them lies a jsonb column, whose keys docs/schema.md lists.  Times are microseconds
 * since 1970 UTC, contacts exact to the millisecond.  What is read is data: texts may
 * hold anything but are valid UTF-8; a key that is missing or of another type is
 * empty, and no array is longer than the limits of detect/finding.h. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detect/finding.h"

enum { EVIDENCE_MAX_NUMBERS = 100 };

typedef struct {
    char *name; /* "regularity" */
    double points;
    double max_points; /* below 0 for terms that take away */
    char *why;
} EvidenceTerm;

typedef struct {
    char *name;   /* "period_sec"; the unit is in it */
    double value; /* NaN = no number (null, or a text) */
    char *text;   /* NULL = a number; else the text, or the JSON of what it is */
} EvidenceNumber;

typedef struct {
    int64_t from_us; /* the window it was found in; 0 = unknown */
    int64_t to_us;
    char *rule; /* "" = unknown */

    EvidenceTerm *terms;
    size_t n_terms;
    EvidenceNumber *numbers;
    size_t n_numbers;
    ContactEvent *events; /* by start, rising */
    size_t n_events;
    FindingHour *hours; /* rising; NaN = no baseline */
    size_t n_hours;
} Evidence;

/* The JSON object (transfer full). */
char *evidence_format(const Finding *finding);

/* NULL, with G_MARKUP_ERROR_PARSE, when @json is no JSON object. */
Evidence *evidence_parse(const char *json, GError **error);
void evidence_free(Evidence *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Evidence, evidence_free)

/* The number called @name; NaN when there is none. */
double evidence_number(const Evidence *self, const char *name);
