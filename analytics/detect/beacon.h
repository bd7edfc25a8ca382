/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Beacon: a program that calls home by the clock.
 *
 * Contacts of one group and what is known of the pair go in, a finding or nothing
 * comes out; the rest is documented in docs/detection.md.  Use:
 *
 *     for each group: beacon_sketch_add() for each contact        (beacon-sketch.h)
 *     if beacon_sketch_may_pay(): read its contacts, then
 *         finding = beacon_judge(&series, &context, &policy)
 *
 * For sparse groups give it 7 or 30 days instead of 24 hours; it looks at the shorter
 * windows inside by itself.  For rotation give it the merged contacts of the peer's
 * /24 or /48 and set BeaconPolicy.group_bits.  Pure: no clock, no SQL, no state; the
 * random numbers of the surrogates follow from the key, so a verdict can be replayed.
 * Memory is bounded by the largest group (BEACON_MEASURE_MAX_EVENTS). */

#include "detect/beacon-measure.h"
#include "detect/beacon-sketch.h"
#include "detect/context.h"
#include "detect/finding.h"

typedef struct {
    double mail_points;    /* 70 */
    double digest_points;  /* 50 */
    double listed_points;  /* 30: below there is no finding */
    double min_evidence;   /* 3: neither is there below this much regularity */
    unsigned n_surrogates; /* 200 */
    double max_loss_share; /* 0.05: with more lost there is no verdict */
    double min_chance;     /* 0.35: of seeing a beat under sampling, likewise */
    unsigned group_bits;   /* 128 = the peer alone; else rotation, see above */
} BeaconPolicy;

extern const BeaconPolicy BEACON_POLICY_DEFAULT;

/* Whether beacons can be seen at all in what the exporters report. */
typedef struct {
    bool is_enough;
    double chance;  /* of seeing one beat: 1 - (1 - 1/N)^packets */
    char text[120]; /* "no beacon detection on this exporter: sampled 1:1000";
                     * empty if enough */
} BeaconCoverage;

/* @context may be NULL (loss unknown). */
BeaconCoverage beacon_coverage(const ContactSeries *series, const Context *context,
                               const BeaconPolicy *policy);

/* Whether @series is more regular than @n_surrogates random redrawings of itself that
 * keep rate and burstiness (beacon-surrogate.h).  Takes @n_surrogates times as long as
 * beacon_measure(). */
bool beacon_beats_surrogates(const ContactSeries *series, const BeaconMeasure *measure,
                             unsigned n_surrogates);

/* The verdict; NULL when there is nothing to say (transfer full).  @context may not be
 * NULL; unknown members are left at their values for unknown. */
Finding *beacon_judge(const ContactSeries *series, const Context *context,
                      const BeaconPolicy *policy);
