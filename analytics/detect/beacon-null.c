/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/beacon-null.h"

#include <math.h>

BeaconNullClass
beacon_null_class(double gap_variation)
{
    if (gap_variation < 1.15)
        return BEACON_NULL_STEADY;
    return gap_variation < 2 ? BEACON_NULL_MIXED : BEACON_NULL_BURSTY;
}

double
beacon_null_evidence(double raw, size_t n_events, double window_sec,
                     BeaconNullClass burstiness, unsigned *n_compared, bool *beats_all)
{
    /* Nominal: the tests charge for what each of them tries, and over the six kinds of
     * sources the share above 3 was below 1 % at each size.  The table by size, window
     * and class takes its place. */
    static const double one_pct = 3;

    (void) n_events;
    (void) window_sec;
    (void) burstiness;
    *n_compared = 1000;
    *beats_all = raw > one_pct + 1;
    return fmax(0, raw - (one_pct - 2));
}
