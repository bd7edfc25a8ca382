/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ExfilLearn: what is usual for a watched host, learnt from its last 60 days.
 *
 * Volumes are compared as x = ln(1 + octets / 1 MB), so that small ones do not count,
 * by hour of the week and by day of the week: median, and spread as 1.4826 MAD (the
 * standard deviation of what is normal, blind to a few outliers).  A place in the week
 * with fewer than four samples borrows from the same hour of the other working days or
 * of the other day of the weekend, then of all days.  Days without traffic are zeros,
 * not gaps.
 *
 * Toward new networks one volume is learnt: what the host sent to a network in the
 * first two days of knowing it, on the third largest day of the 60.  That is the
 * robust form of a high quantile: with the few hundred networks a host meets, the
 * 99.9th percentile is the maximum, and the first theft would hide the second.  A
 * network that was there when the host was first seen and came again on three days is
 * no new network of those days.
 *
 * Pure; constant memory. */

#include "detect/exfil-window.h"

enum {
    EXFIL_WEEK_HOURS = 168, /* [0] = Monday 0:00 UTC */
    EXFIL_VOLUME_BINS = 256,
};

#define EXFIL_NEW_PEER_US (7 * EXFIL_DAY_US) /* a network is new for so long */

typedef struct {
    int64_t from_us;                      /* the host is known since; 0 = it is not */
    double hour_median[EXFIL_WEEK_HOURS]; /* of x; NaN = not learnt */
    double hour_spread[EXFIL_WEEK_HOURS];
    double day_median[7]; /* likewise, of whole days, [0] = Monday */
    double day_spread[7];
    uint64_t new_peer_octets; /* usual at most to a new network in a day; 0 = little */
    uint64_t served_octets;   /* usual at most to one network of callers in a day */
    uint64_t network_day_octets; /* surplus that a tenth of the networks get a day */
    double pcr;                  /* of the last 14 days; NaN = nothing */
    double initiated_share;      /* of its sessions, that it began, 14 days; NaN */
    double networks_a_day;       /* that it called, median of 14 days; NaN */
    uint32_t published[EXFIL_MAX_PUBLISHED]; /* exfil_window_service(), 14 days */
    size_t n_published;
} ExfilBaseline;

/* A day of the host as stored in host_day. */
typedef struct {
    int64_t day_us;
    uint64_t hour_octets[24]; /* outbound */
    ExfilSum sum;
    uint64_t n_sessions;
    uint64_t n_called;   /* of them by the host */
    uint32_t n_networks; /* that it called */
    uint32_t published[EXFIL_MAX_PUBLISHED];
    size_t n_published;
} ExfilHostDay;

/* What is kept of a network that the host knows. */
typedef struct {
    uint64_t usual_octets; /* three times its largest day; 0 = known for too short */
    bool may_drip;
} ExfilPair;

typedef struct {
    int64_t now_us;
    int64_t from_us;
    double x[EXFIL_DAYS][24]; /* [0] = today, not used */
    double x_day[EXFIL_DAYS];
    ExfilSum sum; /* of 14 days, likewise below */
    uint64_t n_sessions;
    uint64_t n_called;
    double networks[15];
    size_t n_networks;
    uint64_t new_peer[EXFIL_DAYS];       /* largest to one new network */
    uint64_t served[EXFIL_DAYS];         /* to one network of callers */
    uint64_t volumes[EXFIL_VOLUME_BINS]; /* networks by what they get a day */
    uint64_t n_volumes;
    ExfilBaseline learnt;
} ExfilLearn;

void exfil_learn_begin(ExfilLearn *self, int64_t now_us);

/* All days of the host first, in any order; then all its networks. */
void exfil_learn_day(ExfilLearn *self, const ExfilHostDay *day);

/* What it had to do with one network: [0] = today, as in ExfilGroup.  Returns what
 * tells whether the network need be looked at (ExfilRow). */
ExfilPair exfil_learn_network(ExfilLearn *self, const ExfilSum days[EXFIL_DAYS],
                              const ExfilSum served[EXFIL_DAYS]);

/* Lent, until the next exfil_learn_begin(). */
const ExfilBaseline *exfil_learn_end(ExfilLearn *self);

/* Nothing is known. */
void exfil_learn_nothing(ExfilBaseline *baseline);

double exfil_learn_x(uint64_t octets);
uint64_t exfil_learn_octets(double x);

/* 0 .. 167 and 0 .. 6, from Monday, UTC. */
size_t exfil_learn_week_hour(int64_t unix_us);
size_t exfil_learn_week_day(int64_t unix_us);
