/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* BeaconSurrogate: a group against random redrawings of itself (stats/redraw.h).
 *
 * The table of comparison sources knows kinds of sources; this knows the one at hand,
 * its rate and its bursts.  What it cannot do better than, is no rhythm. */

#include "detect/beacon-measure.h"

/* Whether the best score of @measure, which is of @series, is above that of each of
 * @n_surrogates.  Gives up at the first that is not beaten.  The random numbers follow
 * from the key and the window. */
bool beacon_surrogate_beaten(const ContactSeries *series, const BeaconMeasure *measure,
                             unsigned n_surrogates);
