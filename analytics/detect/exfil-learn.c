/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/exfil-learn.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#include "detect/exfil-drip.h"
#include "stats/quantile.h"

#define MB                1e6
#define MAD_TO_SIGMA      1.4826
#define Z_95              1.645
#define MIN_SPREAD        0.35 /* of x: volumes that vary by less vary by a third */
#define ENOUGH_SAMPLES    4
#define ROLE_DAYS         14
#define NEW_DAYS          2 /* days of a network that count as new */
#define OFTEN_DAYS        3
#define KNOWN_DAYS        8 /* certainly known for 7 */
#define GROWTH            3
#define KNOWN_BEFORE_DAYS 2 /* what the window looks at does not excuse itself */
#define HABIT_RANK        3 /* so many days must have reached a volume */
#define BINS_AN_OCTAVE    4
#define TYPICAL_PARTS     10

double
exfil_learn_x(uint64_t octets)
{
    return log1p((double) octets / MB);
}

uint64_t
exfil_learn_octets(double x)
{
    const double octets = expm1(fmax(0, x)) * MB;

    return octets < 9e18 ? (uint64_t) octets : UINT64_C(9000000000000000000);
}

/* 1970-01-01 was a Thursday. */
size_t
exfil_learn_week_hour(int64_t unix_us)
{
    const int64_t hour = unix_us / EXFIL_HOUR_US + 3 * 24;

    return (size_t) ((hour % EXFIL_WEEK_HOURS + EXFIL_WEEK_HOURS) % EXFIL_WEEK_HOURS);
}

size_t
exfil_learn_week_day(int64_t unix_us)
{
    return exfil_learn_week_hour(unix_us) / 24;
}

void
exfil_learn_nothing(ExfilBaseline *baseline)
{
    *baseline =
        (ExfilBaseline){ .pcr = NAN, .initiated_share = NAN, .networks_a_day = NAN };
    for (size_t i = 0; i < EXFIL_WEEK_HOURS; i++)
        baseline->hour_median[i] = baseline->hour_spread[i] = NAN;
    for (size_t i = 0; i < 7; i++)
        baseline->day_median[i] = baseline->day_spread[i] = NAN;
}

void
exfil_learn_begin(ExfilLearn *self, int64_t now_us)
{
    memset(self, 0, sizeof(*self));
    self->now_us = now_us;
    exfil_learn_nothing(&self->learnt);
}

static void
publish(ExfilBaseline *learnt, uint32_t service)
{
    for (size_t i = 0; i < learnt->n_published; i++) {
        if (learnt->published[i] == service)
            return;
    }
    if (learnt->n_published < EXFIL_MAX_PUBLISHED)
        learnt->published[learnt->n_published++] = service;
}

void
exfil_learn_day(ExfilLearn *self, const ExfilHostDay *day)
{
    const int64_t back = self->now_us / EXFIL_DAY_US - day->day_us / EXFIL_DAY_US;
    uint64_t octets = 0;

    if (back < 1 || back >= EXFIL_DAYS)
        return;
    if (self->from_us == 0 || day->day_us < self->from_us)
        self->from_us = day->day_us;
    for (size_t i = 0; i < 24; i++) {
        self->x[back][i] = exfil_learn_x(day->hour_octets[i]);
        octets += MIN(day->hour_octets[i], UINT64_MAX / 32);
    }
    self->x_day[back] = exfil_learn_x(octets);
    if (back > ROLE_DAYS)
        return;
    exfil_window_sum(&self->sum, day->sum.out_octets, day->sum.in_octets);
    self->n_sessions += MIN(day->n_sessions, UINT32_MAX);
    self->n_called += MIN(day->n_called, UINT32_MAX);
    if (self->n_networks < G_N_ELEMENTS(self->networks))
        self->networks[self->n_networks++] = day->n_networks;
    for (size_t i = 0; i < day->n_published; i++)
        publish(&self->learnt, day->published[i]);
}

/* What the network gets on a day of contact, the median. */
static void
count_volume(ExfilLearn *self, const ExfilSum days[EXFIL_DAYS])
{
    double values[EXFIL_DAYS];
    size_t n = 0;

    for (size_t i = 1; i < EXFIL_DAYS; i++) {
        if (days[i].out_octets > 0 || days[i].in_octets > 0)
            values[n++] = (double) exfil_window_surplus(&days[i]);
    }

    const double octets = fmax(1, quantile_median(values, n));
    self->n_volumes++;
    self->volumes[MIN((size_t) (BINS_AN_OCTAVE * log2(octets)),
                      EXFIL_VOLUME_BINS - 1)]++;
}

/* Never larger than what a rule would let pass. */
static ExfilPair
pair_of(const ExfilLearn *self, const ExfilSum days[EXFIL_DAYS],
        const ExfilSum served[EXFIL_DAYS], size_t first)
{
    ExfilSum all[EXFIL_DAYS];
    ExfilPair pair = { 0 };
    uint64_t largest = 0;

    for (size_t i = 0; i < EXFIL_DAYS; i++) {
        all[i] = days[i];
        exfil_window_sum(&all[i], served[i].out_octets, served[i].in_octets);
        if (i >= KNOWN_BEFORE_DAYS)
            largest = MAX(largest, exfil_window_surplus(&days[i]));
    }
    if (first >= KNOWN_DAYS)
        pair.usual_octets =
            largest > UINT64_MAX / GROWTH ? UINT64_MAX : largest * GROWTH;

    const bool is_new = first <= EXFIL_MONTH;
    const ExfilDrip drip = exfil_drip_measure(all, first, is_new, 0);
    const ExfilDrip old = exfil_drip_measure(all, first, false, 0);
    const bool was_there =
        self->now_us - (int64_t) first * EXFIL_DAY_US - self->from_us <
        EXFIL_NEW_PEER_US + EXFIL_DAY_US;

    /* One that was there from the beginning is never new, once that is known. */
    pair.may_drip = was_there && first > KNOWN_DAYS ? exfil_drip_may_pay(&old)
                                                    : exfil_drip_may_pay(&drip);
    return pair;
}

ExfilPair
exfil_learn_network(ExfilLearn *self, const ExfilSum days[EXFIL_DAYS],
                    const ExfilSum served[EXFIL_DAYS])
{
    const int64_t host_from = self->from_us / EXFIL_DAY_US;
    const int64_t today = self->now_us / EXFIL_DAY_US;
    size_t first = 0;
    size_t n_days = 0;

    for (size_t i = 1; i < EXFIL_DAYS; i++) {
        if (days[i].out_octets > 0 || days[i].in_octets > 0 ||
            served[i].out_octets > 0 || served[i].in_octets > 0) {
            first = i;
            n_days++;
        }
        self->served[i] = MAX(self->served[i], served[i].out_octets);
    }
    if (n_days == 0 || self->from_us == 0)
        return (ExfilPair){ 0 };
    count_volume(self, days);

    const bool was_there =
        (today - (int64_t) first - host_from) * EXFIL_DAY_US < EXFIL_NEW_PEER_US;
    if (!was_there || n_days < OFTEN_DAYS) {
        for (size_t i = first; i >= 1 && i + NEW_DAYS > first; i--)
            self->new_peer[i] = MAX(self->new_peer[i], exfil_window_surplus(&days[i]));
    }
    return pair_of(self, days, served, first);
}

/* --- the week --- */

/* Which days to learn a place from: the more alike, the better. */
typedef enum { SAME_DAY, SAME_KIND_OF_DAY, ANY_DAY } Likeness;

static bool
is_alike(size_t a, size_t b, Likeness likeness)
{
    switch (likeness) {
    case SAME_DAY:
        return a == b;
    case SAME_KIND_OF_DAY:
        return (a >= 5) == (b >= 5);
    default:
        return true;
    }
}

/* x of one hour, or of whole days (hour 24), on days like @week_day. */
static size_t
samples(const ExfilLearn *self, size_t week_day, size_t hour, Likeness likeness,
        double values[EXFIL_DAYS])
{
    const int64_t today = self->now_us / EXFIL_DAY_US;
    const int64_t n_days = today - self->from_us / EXFIL_DAY_US;
    size_t n = 0;

    for (int64_t back = 1; back <= n_days && back < EXFIL_DAYS; back++) {
        const size_t day = exfil_learn_week_day((today - back) * EXFIL_DAY_US);

        if (is_alike(day, week_day, likeness))
            values[n++] = hour < 24 ? self->x[back][hour] : self->x_day[back];
    }
    return n;
}

static void
learn_place(const ExfilLearn *self, size_t week_day, size_t hour, double *median,
            double *spread)
{
    double values[EXFIL_DAYS];
    double own = 0;

    for (Likeness likeness = SAME_DAY; likeness <= ANY_DAY; likeness++) {
        const size_t n = samples(self, week_day, hour, likeness, values);
        const double center = quantile_median(values, n);

        /* A full backup once a week is no outlier, though there were few of them. */
        if (likeness == SAME_DAY && n > 0)
            own = center;
        if (n < ENOUGH_SAMPLES && likeness < ANY_DAY)
            continue;
        if (n == 0)
            return;
        double largest = 0;
        for (size_t i = 0; i < n; i++)
            largest = fmax(largest, values[i]);
        *median = fmax(center, own);
        *spread = MAD_TO_SIGMA * quantile_mad(values, n, center);
        /* What is there on some days and not on others has no spread of its own: what
         * is usual 95 % of the time is no more than what was ever seen. */
        *spread = fmax(fmin(*spread, (largest - *median) / Z_95), MIN_SPREAD);
        return;
    }
}

static uint64_t
habit(const uint64_t days[EXFIL_DAYS])
{
    uint64_t largest[HABIT_RANK] = { 0 }; /* falling */

    for (size_t i = 1; i < EXFIL_DAYS; i++) {
        uint64_t value = days[i];

        for (size_t k = 0; k < HABIT_RANK; k++) {
            if (value > largest[k]) {
                const uint64_t smaller = largest[k];

                largest[k] = value;
                value = smaller;
            }
        }
    }
    return largest[HABIT_RANK - 1];
}

/* What a tenth of the networks get, and three at least. */
static uint64_t
typical_volume(const ExfilLearn *self)
{
    const uint64_t rank = MAX(HABIT_RANK, self->n_volumes / TYPICAL_PARTS);
    uint64_t n = 0;

    for (size_t i = EXFIL_VOLUME_BINS; i-- > 1;) {
        n += self->volumes[i];
        if (n >= rank)
            return (uint64_t) fmin(exp2((double) (i + 1) / BINS_AN_OCTAVE), 9e18);
    }
    return 0;
}

const ExfilBaseline *
exfil_learn_end(ExfilLearn *self)
{
    ExfilBaseline *learnt = &self->learnt;

    learnt->from_us = self->from_us;
    if (self->from_us == 0)
        return learnt;
    for (size_t i = 0; i < EXFIL_WEEK_HOURS; i++)
        learn_place(self, i / 24, i % 24, &learnt->hour_median[i],
                    &learnt->hour_spread[i]);
    for (size_t i = 0; i < 7; i++)
        learn_place(self, i, 24, &learnt->day_median[i], &learnt->day_spread[i]);
    learnt->new_peer_octets = habit(self->new_peer);
    learnt->served_octets = habit(self->served);
    learnt->network_day_octets = typical_volume(self);
    learnt->pcr = exfil_window_pcr(&self->sum);
    if (self->n_sessions > 0)
        learnt->initiated_share = (double) self->n_called / (double) self->n_sessions;
    learnt->networks_a_day = quantile_median(self->networks, self->n_networks);
    return learnt;
}
