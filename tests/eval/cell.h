/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Cell: one case of the measurement.  Trials of a command channel, and negatives with
 * the very numbers of events that these had, in the same window, six kinds and three
 * kinds of sizes in equal parts.  Every score gets its cut from these negatives in the
 * same way, and its recall is what it then finds of the trials. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generators.h"
#include "recall.h"
#include "scores.h"

typedef struct {
    GeneratorsBeacon beacon; /* its sizes are set trial by trial: two thirds constant,
                              * a sixth within 2 % and a sixth within 10 % */
    GeneratorsSet set;       /* held out: also, T varies from 0.8 to 1.25 of its value
                              * and jitter by a twentieth of its */
    uint64_t number;         /* of the case: cells of other numbers are independent */
    size_t n_trials;
    size_t n_negatives;
    unsigned n_jobs;
} Cell;

#define CELL_FALSE_ALARMS 0.01

typedef struct {
    Recall found[SCORES_N];
    double cut[SCORES_N];
    double n_events;        /* median of the trials */
    double score[SCORES_N]; /* median of the trials */
} CellResult;

bool cell_measure(const Cell *cell, CellResult *result, GError **error);

/* The seed of everything that is drawn of @set. */
uint64_t cell_seed(GeneratorsSet set);
