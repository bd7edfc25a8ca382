/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* BeaconText: a measure in words and in JSON.  The same in every locale. */

#include "detect/beacon-measure.h"
#include "detect/context.h"
#include "detect/finding.h"

/* "every 27.1 s (jitter about 20 %), 3 188 contacts in 24.0 h since Fri 18:38 UTC.
 * More regular than ..."  @n_surrogates = 0: it was not compared with redrawings of
 * itself; @excuse may be NULL.  (transfer full) */
char *beacon_text_explanation(const ContactSeries *series, const BeaconMeasure *measure,
                              const Context *context, unsigned n_surrogates,
                              bool beats_surrogates, const char *excuse);

/* A JSON object with every number the verdict rests on; what is not known is null.
 * (transfer full) */
char *beacon_text_numbers(const ContactSeries *series, const BeaconMeasure *measure,
                          const Context *context, unsigned n_surrogates,
                          bool beats_surrogates);
