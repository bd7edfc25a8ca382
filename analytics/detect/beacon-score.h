/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* BeaconScore: the terms of a beacon's score, 0-100, each with its reason.
 *
 * Timing says that something is regular; most of what is regular is harmless.  So
 * regularity gives 45 points at most, and 70 are needed for a mail.  The weights were
 * fitted on development data and frozen; docs/detection.md has the table. */

#include "detect/beacon.h"

/* Adds the terms of @measure in @context to @finding. */
void beacon_score_add(Finding *finding, const ContactSeries *series,
                      const BeaconMeasure *measure, const Context *context);

/* What must not be mailed however many points it has; NULL = may be mailed.  Static
 * text. */
const char *beacon_score_excuse(const ContactSeries *series,
                                const BeaconMeasure *measure, const Context *context);
