/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ExfilCase: all that the rules look at, worked out once for a group; and the terms
 * that several rules share. */

#include "detect/exfil-drip.h"
#include "detect/exfil.h"

typedef struct {
    const ExfilWindow *window;
    const ExfilGroup *group;
    const ExfilBaseline *baseline;
    const Context *context;
    const ExfilPolicy *policy;

    bool is_warm; /* the host is known for warm_up_days */
    bool is_new;  /* it is, and the network is not known for 7 days yet */
    bool publishes_anything;
    int64_t pair_first_us;
    double host_days; /* known for */
    double pair_days;

    /* The last 24 hours: without what the host publishes, and that alone. */
    ExfilSum sum;
    ExfilSum hours[EXFIL_HOURS];
    ExfilSum served;
    IpAddress peer; /* with the most of it ... */
    ExfilSum peer_sum;
    bool is_one_peer; /* ... at least nine tenths */
    uint16_t port;    /* of nine tenths of it; 0 = of none */
    uint8_t protocol;
    uint8_t initiator;
    double pcr;     /* of sum; NaN where the other direction is not reported */
    size_t n_hours; /* with at least a hundredth of it */

    /* Beyond the host's own season, in spreads; NaN = not learnt. */
    double hour_z; /* of the hour that is furthest beyond */
    size_t hour;   /* that hour */
    double day_z;  /* of the 24 hours */

    uint64_t new_limit; /* usual, or the limit that is set, toward a new network */
    uint64_t pair_day_octets; /* most that this network got on a day before */
} ExfilCase;

void exfil_case_init(ExfilCase *self, const ExfilWindow *window,
                     const ExfilGroup *group, const ExfilBaseline *baseline,
                     const Context *context, const ExfilPolicy *policy);

/* The larger of the two z; 0 when nothing was learnt. */
double exfil_case_season_z(const ExfilCase *self);

/* A finding of @rule about the case: whom it is about, window, pictures. */
Finding *exfil_case_finding(const ExfilCase *self, const char *rule);

/* The picture's hours, to be filled: from @from_us on, with the band that is usual. */
void exfil_case_band(const ExfilBaseline *usual, bool is_warm, int64_t from_us,
                     FindingHour *hours, size_t n_hours);

/* Terms.  @octets against @limit: square of the logarithm, full at four times. */
void exfil_case_add_volume(const ExfilCase *self, Finding *finding, uint64_t octets,
                           uint64_t limit, double max_points, const char *limit_text);
void exfil_case_add_direction(const ExfilCase *self, Finding *finding,
                              const ExfilSum *sum);
void exfil_case_add_new(const ExfilCase *self, Finding *finding, double new_days);
void exfil_case_add_season(const ExfilCase *self, Finding *finding);

/* Rarity, role, whether the peer is inside, threat list. */
void exfil_case_add_context(const ExfilCase *self, Finding *finding);
