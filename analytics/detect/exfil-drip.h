/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ExfilDrip: whether what a network gets from day to day has risen to stay.
 *
 * CUSUM over 30 days of the surplus (out beyond in) in units of what is usual: at
 * least 5 MB, more where the host sends more to a network on one day in ten, and for a
 * network that was there before, three times what it used to get.  A day counts at
 * most four units, of which one is allowed; nine make a drip, so it takes three days
 * and one large transfer is none. */

#include "detect/exfil-window.h"
#include "stats/cusum.h"

enum { EXFIL_MONTH = 30 }; /* days a slow transfer is summed over */

#define EXFIL_DRIP_LIMIT 9.0

typedef struct {
    ExfilSum sum;     /* of 30 days */
    uint64_t surplus; /* likewise */
    size_t n_days;    /* with something to speak of */
    double usual;     /* octets a day that are one unit */
    Cusum cusum;
} ExfilDrip;

/* @days: [0] = today.  @known_days: how far back the network is known; @is_new: what
 * it got is no measure of what is usual.  @host_usual: learnt from all networks. */
ExfilDrip exfil_drip_measure(const ExfilSum days[EXFIL_DAYS], size_t known_days,
                             bool is_new, double host_usual);

/* Whether a closer look may pay within the next two days. */
bool exfil_drip_may_pay(const ExfilDrip *drip);
