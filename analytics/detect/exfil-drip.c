/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/exfil-drip.h"

#include <math.h>

#include "stats/quantile.h"

#define DAY_OCTETS     UINT64_C(100000) /* less is no day of sending */
#define USUAL_OCTETS   5e6
#define GROWTH         3.0
#define ALLOWANCE      1.0
#define CAP            4.0
#define REFERENCE_DAYS 7
#define LOOK_OCTETS    UINT64_C(40000000)

/* What the network used to get a day: before the month, or else in its first week. */
static double
reference(const ExfilSum days[EXFIL_DAYS], size_t known_days)
{
    const size_t known = known_days < EXFIL_DAYS ? known_days : EXFIL_DAYS - 1;
    double values[EXFIL_DAYS];
    size_t n = 0;

    for (size_t back = EXFIL_MONTH; back <= known; back++)
        values[n++] = (double) exfil_window_surplus(&days[back]);
    if (n < REFERENCE_DAYS) {
        n = 0;
        for (size_t i = 0; i < REFERENCE_DAYS && i <= known; i++)
            values[n++] = (double) exfil_window_surplus(&days[known - i]);
    }
    return quantile_median(values, n);
}

ExfilDrip
exfil_drip_measure(const ExfilSum days[EXFIL_DAYS], size_t known_days, bool is_new,
                   double host_usual)
{
    ExfilDrip drip = { .usual = fmax(USUAL_OCTETS, host_usual) };
    double values[EXFIL_MONTH];

    if (!is_new)
        drip.usual = fmax(drip.usual, GROWTH * reference(days, known_days));
    for (size_t i = 0; i < EXFIL_MONTH; i++) {
        const ExfilSum *day = &days[EXFIL_MONTH - 1 - i];
        const uint64_t surplus = exfil_window_surplus(day);

        values[i] = (double) surplus / drip.usual;
        drip.n_days += surplus >= DAY_OCTETS;
        exfil_window_sum(&drip.sum, day->out_octets, day->in_octets);
    }
    drip.surplus = exfil_window_surplus(&drip.sum);
    drip.cusum = cusum_of(values, EXFIL_MONTH, ALLOWANCE, CAP, EXFIL_DRIP_LIMIT);
    return drip;
}

bool
exfil_drip_may_pay(const ExfilDrip *drip)
{
    return drip->surplus >= LOOK_OCTETS &&
           drip->cusum.sum >= EXFIL_DRIP_LIMIT - 2 * (CAP - ALLOWANCE);
}
