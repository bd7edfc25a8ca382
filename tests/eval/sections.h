/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sections: what ./run-eval measures, one row of a table each.
 *
 * A section writes Markdown: tables, and the sentences without which they cannot be
 * read.  It says of every figure whether it comes from data that detectors may be
 * fitted on (development) or not (held out).  To add one: a function, its prototype
 * here, a row in sections.c. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "generators.h"

/* How thoroughly. */
typedef struct {
    size_t n_trials;    /* of a cell */
    size_t n_negatives; /* that give its cuts */
    unsigned n_jobs;
    bool is_quick;     /* leave out what takes long */
    bool sets[2];      /* by GeneratorsSet */
    const char *words; /* of section beacon only cases with this in their name; NULL =
                        * all */
    const char *traffic_folder;
} Plan;

typedef struct {
    const char *name; /* for --only */
    const char *title;
    bool (*run)(const Plan *plan, GString *out, GError **error);
} Section;

/* The table, in the order they are run; returns how many. */
size_t sections_all(const Section **sections);

/* A line on standard error: how far it is. */
void sections_progress(const char *format, ...) G_GNUC_PRINTF(1, 2);

bool section_beacon_run(const Plan *plan, GString *out, GError **error);
bool section_calibration_run(const Plan *plan, GString *out, GError **error);
bool section_cut_run(const Plan *plan, GString *out, GError **error);
bool section_exfil_run(const Plan *plan, GString *out, GError **error);
bool section_surrogates_run(const Plan *plan, GString *out, GError **error);
bool section_traffic_run(const Plan *plan, GString *out, GError **error);
