/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Rita: the beacon score that RITA v5 publishes (github.com/activecm/rita, its default
 * configuration), written anew from its formulas as the baseline to compare with.
 *
 * It looks at the last 24 hours, in whole seconds, and adds four scores of 0..1 at .25
 * each:
 *   timing     mean of 1 - |Bowley skewness| and (median - MAD) / median of the
 *              intervals, those of 0 s left out
 *   size       the same of the octets sent
 *   histogram  of 24 bars over the window: the better of 1 - CV of the bars and, with
 *              11 bars or more, the share of the bars in the two most frequent heights
 *              (steps of 5 % of the highest; one bar may miss)
 *   duration   with 6 bars or more: the better of the covered share of the window and
 *              the longest run of bars over 12, the end joined to the beginning
 * A skewness counts as 0 where the quartiles are less than 10 apart or the median is
 * one of them.  Each score is rounded to thousandths (the duration's parts upward).
 * Knows nothing of how it is measured. */

#include <stdbool.h>
#include <stddef.h>

#include "session/contact.h"

typedef struct {
    bool is_scored; /* false, and all 0: fewer than four different seconds */
    double total;
    double timing;
    double size;
    double histogram;
    double duration;
} RitaScore;

RitaScore rita_score(const ContactSeries *series);

/* The parts, for their tests.  @values are put in order. */
double rita_statistical(double *values, size_t n, double score_below_one);
double rita_histogram(const unsigned *bars, size_t n_bars);

/* @covered is (last - first contact) / window. */
double rita_duration(const unsigned *bars, size_t n_bars, double covered);
