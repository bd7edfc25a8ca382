/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Generators: made-up contacts whose truth is known.
 *
 * Positives are command channels: a program that calls home and sleeps, seen well or
 * badly.  Negatives are sources without a period, of six kinds, conditioned on a wanted
 * number of events in a window, since a detector may be compared only with sources of
 * the same size.  Both come as the session job stores contacts: starts in order, none
 * closer than CONTACT_BURST_US to the one before, octets of the whole session.
 *
 * There are two sets.  Parameters of the detectors may be fitted on the development
 * set; the held-out set has other seeds, other ranges and, for the negatives, other
 * shapes of the same kinds.  It knows nothing of any detector.
 *
 * Everything is a function of the Dice handed in.  Events are written to the caller's
 * GArray of ContactEvent, which is emptied first and can be used again. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dice.h"
#include "session/contact.h"

/* Windows begin here: Monday 2026-01-05 00:00 UTC. */
#define GENERATORS_FROM_US INT64_C(1767571200000000)

typedef enum { GENERATORS_DEVELOPMENT, GENERATORS_HELD_OUT } GeneratorsSet;

/* How much the sizes of a source vary. */
typedef enum {
    GENERATORS_CONSTANT,   /* the same octets each time */
    GENERATORS_TWENTY_PCT, /* uniform, +-20 % */
    GENERATORS_ANY_SIZE,   /* lognormal, sigma 1 */
    GENERATORS_N_SIZES,    /* of negatives */
    /* And of check-ins, whose length varies a little with what is in them: */
    GENERATORS_TWO_PCT,
    GENERATORS_TEN_PCT,
} GeneratorsSizes;

typedef enum {
    GENERATORS_PERIODIC, /* call, sleep, call */
    GENERATORS_GROWING,  /* each interval the sum of the last two, from seconds up */
    GENERATORS_CUT,      /* not a channel at all: one session that lasts all the time,
                          * cut into records by an active timeout of period_sec */
} GeneratorsShape;

/* A command channel.  Zero means: none of that. */
typedef struct {
    GeneratorsShape shape;
    double window_sec;
    double period_sec; /* T */
    double jitter;     /* one-sided: intervals uniform on [T (1 - j), T] */
    double
        symmetric_jitter;  /* two-sided: intervals uniform on [T (1 - j), T (1 + j)] */
    double missing;        /* share of the beats that is not seen */
    double extra;          /* random contacts beside the beats, as a share of their
                            * number before any is missing: 1 = as many */
    uint32_t sampling;     /* one packet in so many is seen */
    uint32_t n_packets;    /* of each session, both ways, where sampled */
    double alive_min_sec;  /* the channel lives for a time between these, uniform, */
    double alive_max_sec;  /* anywhere in the window; 0 = all of it */
    GeneratorsSizes sizes; /* of the beats; extra contacts have any size */
} GeneratorsBeacon;

/* Where a session is sampled, its start is that of the first packet seen, and its
 * octets are those of the packets seen, multiplied out. */
void generators_beacon(const GeneratorsBeacon *beacon, Dice *dice, GArray *events);

/* Kinds of sources without a period. */
typedef enum {
    GENERATORS_POISSON,      /* constant rate */
    GENERATORS_DIURNAL,      /* a rate that follows the day */
    GENERATORS_SESSIONS,     /* bursts of contacts close together, at random times */
    GENERATORS_HEAVY_TAILED, /* Pareto intervals, half of the sources with a shortest */
    GENERATORS_LOGNORMAL,    /* intervals from a lognormal distribution */
    GENERATORS_ON_OFF, /* someone at work, and not: active for minutes, then away */
    GENERATORS_N_KINDS,
    /* Beyond the six, sources that are not channels but have a regularity of their own,
     * the same in both sets: */
    GENERATORS_REFRACTORY =
        GENERATORS_N_KINDS, /* at random, but never soon after: a third of the mean */
    GENERATORS_PACED,       /* sessions, each at a steady pace of its own */
    GENERATORS_N_ALL_KINDS,
} GeneratorsKind;

typedef struct {
    GeneratorsKind kind;
    GeneratorsSet set;
    GeneratorsSizes sizes;
    double window_sec;
    size_t n_events; /* so many come out; at most one for each 250 ms is possible, and
                      * fewer come out where a kind cannot be that dense */
    uint32_t
        sampling; /* sizes as if sampled 1:N; 0 = none.  The events are those seen. */
    uint32_t n_packets;
} GeneratorsNegative;

void generators_negative(const GeneratorsNegative *negative, Dice *dice,
                         GArray *events);

const char *generators_kind_name(GeneratorsKind kind); /* "on/off" */
const char *generators_set_name(GeneratorsSet set);    /* "held-out" */

/* A series over @events, of a pair that is nobody's: every other member is filled in
 * to agree with them.  Lends @events. */
ContactSeries generators_series(const GArray *events, double window_sec,
                                uint32_t sampling, uint32_t n_packets);
