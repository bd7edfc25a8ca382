/* SPDX-License-Identifier: Apache-2.0 */
#include "scores.h"

#include "detect/beacon-measure.h"
#include "rita.h"

void
scores_of(const ContactSeries *series, double scores[SCORES_N])
{
    RitaScore rita = rita_score(series);
    BeaconMeasure measure;

    scores[SCORES_RITA] = rita.total;
    scores[SCORES_RITA_TIMING] = rita.timing;
    beacon_measure(series, &measure);
    scores[SCORES_FLOWKEEP] = beacon_measure_rank(&measure);
    scores[SCORES_FLOWKEEP_TIMING] = measure.evidence;
}

const char *
scores_name(ScoresKind kind)
{
    static const char *const names[SCORES_N] = {
        "RITA total",
        "RITA timing",
        "Flowkeep",
        "Flowkeep timing",
    };

    return names[kind];
}
