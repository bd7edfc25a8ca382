/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Scores: what is compared, one row each.  All look at the same contacts. */

#include "session/contact.h"

typedef enum {
    SCORES_RITA,            /* RITA's total: timing, sizes and presence */
    SCORES_RITA_TIMING,     /* its timestamp score alone */
    SCORES_FLOWKEEP,        /* likewise: time, sizes and presence */
    SCORES_FLOWKEEP_TIMING, /* calibrated evidence of the intervals: -log10 p */
    SCORES_N,
} ScoresKind;

void scores_of(const ContactSeries *series, double scores[SCORES_N]);

const char *scores_name(ScoresKind kind); /* "RITA total" */
