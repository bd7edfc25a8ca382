/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/beacon.h"

#include <math.h>

#include "detect/beacon-score.h"
#include "detect/beacon-surrogate.h"
#include "detect/beacon-text.h"

const BeaconPolicy BEACON_POLICY_DEFAULT = {
    .mail_points = 70,
    .digest_points = 50,
    .listed_points = 30,
    .min_evidence = 3,
    .n_surrogates = 200,
    .max_loss_share = 0.05,
    .min_chance = 0.35,
    .group_bits = 128,
};

/* The chance that one packet in @sampling is seen of a session of @packets. */
static double
chance_of(double packets, double sampling)
{
    return 1 - pow(1 - 1 / sampling, packets);
}

/* Packets of a session, from the mean of those sessions that were seen at all, which
 * are the longer ones: mean = packets / chance(packets). */
static double
packets_of(double mean_seen, double sampling)
{
    double low = 1;
    double high = fmax(1, mean_seen);

    for (int i = 0; i < 60; i++) {
        const double middle = (low + high) / 2;

        if (middle / chance_of(middle, sampling) < mean_seen)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

BeaconCoverage
beacon_coverage(const ContactSeries *series, const Context *context,
                const BeaconPolicy *policy)
{
    BeaconCoverage coverage = { true, 1, "" };

    if (series->sampling > 1 && series->n_sessions > 0) {
        const double mean = (double) (series->out_packets + series->in_packets) /
                            (double) series->n_sessions;

        coverage.chance =
            chance_of(packets_of(mean, series->sampling), series->sampling);
    }
    if (coverage.chance < policy->min_chance) {
        coverage.is_enough = false;
        g_snprintf(coverage.text, sizeof(coverage.text),
                   "no beacon detection on this exporter: sampled 1:%u",
                   series->sampling);
    } else if (context && context->loss_share > policy->max_loss_share) {
        coverage.is_enough = false;
        g_snprintf(coverage.text, sizeof(coverage.text),
                   "no beacon detection on this exporter: %.0f %% lost",
                   100 * context->loss_share);
    }
    return coverage;
}

bool
beacon_beats_surrogates(const ContactSeries *series, const BeaconMeasure *measure,
                        unsigned n_surrogates)
{
    return beacon_surrogate_beaten(series, measure, n_surrogates);
}

static FindingSeverity
severity_of(double score, const BeaconPolicy *policy)
{
    if (score >= policy->mail_points)
        return FINDING_MAIL;
    return score >= policy->digest_points ? FINDING_DIGEST : FINDING_LISTED;
}

/* Takes from the score what is above a mail's threshold. */
static void
hold_back(Finding *finding, const BeaconPolicy *policy, const char *why)
{
    double sum = 0;

    for (size_t i = 0; i < finding->n_terms; i++)
        sum += finding->terms[i].points;
    if (sum >= policy->mail_points)
        finding_add_term(finding, "held back", policy->mail_points - 1 - sum, -100,
                         "%s", why);
}

static void
fill_finding(Finding *finding, const ContactSeries *series,
             const BeaconMeasure *measure, const BeaconPolicy *policy)
{
    finding->peer_group_bits = policy->group_bits;
    finding->magnitude = (double) MAX(series->n_sessions, measure->n_events);
    finding->from_us = series->from_us;
    finding->to_us = series->to_us;
    finding->first_us = measure->first_us;
    finding->last_us = measure->last_us;
    finding_set_events(finding, series->events, series->n_events);
}

Finding *
beacon_judge(const ContactSeries *series, const Context *context,
             const BeaconPolicy *policy)
{
    unsigned n_surrogates = 0;
    bool beats = false;
    BeaconMeasure measure;

    if (!beacon_coverage(series, context, policy).is_enough)
        return NULL;
    beacon_measure(series, &measure);
    if (measure.evidence < policy->min_evidence)
        return NULL;

    const char *excuse = beacon_score_excuse(series, &measure, context);
    g_autoptr(Finding) finding =
        finding_new(FINDING_BEACON, policy->group_bits < 128 ? "rotation" : "beacon",
                    &series->key);

    beacon_score_add(finding, series, &measure, context);
    if (finding->score < policy->listed_points)
        return NULL;
    if (excuse) {
        hold_back(finding, policy, excuse);
    } else if (finding->score >= policy->mail_points) {
        n_surrogates = policy->n_surrogates;
        beats = beacon_beats_surrogates(series, &measure, n_surrogates);
        if (!beats)
            hold_back(finding, policy, "not more regular than shuffles of itself");
    }
    finding->severity = excuse ? FINDING_LISTED : severity_of(finding->score, policy);
    fill_finding(finding, series, &measure, policy);
    finding->explanation =
        beacon_text_explanation(series, &measure, context, n_surrogates, beats, excuse);
    finding->numbers =
        beacon_text_numbers(series, &measure, context, n_surrogates, beats);
    return g_steal_pointer(&finding);
}
