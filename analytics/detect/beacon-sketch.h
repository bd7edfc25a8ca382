/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* BeaconSketch: the first look at a group of contacts, cheap enough for all of them.
 *
 * A few sums, O(1) an event and about 300 bytes a group whatever it holds: enough to
 * say whether a beacon may be in there and the events are worth fetching (stage 2,
 * beacon-measure.h).  It errs toward "may be": of groups without any regularity it
 * lets about a sixth pass.  Embedded, needs no clearing.  Events must come in the
 * order of their start; one that steps back in time is counted and otherwise ignored.
 * Knows nothing of context. */

#include <stdbool.h>
#include <stdint.h>

enum {
    BEACON_SKETCH_GAP_BINS = 64, /* half octaves, from 2^17 us = 131 ms */
    BEACON_SKETCH_RECENT = 8,    /* gaps that the next one is compared with */
};

/* Sum of 3 ((a - b) / (a + b))^2 over neighbouring gaps a, b. */
typedef struct {
    int64_t last_us; /* newest event */
    int64_t gap_us;  /* newest gap; 0 = none yet */
    double sum;
    uint32_t n;
} BeaconSketchLv;

typedef struct {
    int64_t first_us;
    uint64_t n_contacts;
    uint32_t n_events; /* contacts after joining those of one burst */
    uint32_t hours;    /* bitmap of the hours of the day seen, UTC */
    BeaconSketchLv lv;
    int64_t recent_us[BEACON_SKETCH_RECENT];   /* newest gaps, a ring; 0 = none yet */
    uint32_t n_repeats;                        /* gaps within 0.5 % of one of these */
    uint16_t gap_bins[BEACON_SKETCH_GAP_BINS]; /* saturating */

    /* Of the upload sizes: the one that holds the majority (Boyer and Moore's vote),
     * and the local variation of its contacts alone. */
    uint64_t size_octets;
    uint32_t size_votes;
    uint32_t n_sized; /* contacts of this size since it was elected */
    BeaconSketchLv size_lv;
} BeaconSketch;

void beacon_sketch_init(BeaconSketch *self);
void beacon_sketch_add(BeaconSketch *self, int64_t start_us, uint64_t out_octets);

/* Whether stage 2 may find something. */
bool beacon_sketch_may_pay(const BeaconSketch *self);

/* Local variation so far (stats/local-variation.h); NaN below three events. */
double beacon_sketch_lv(const BeaconSketch *self);

/* Highest bin of the log-gap histogram against the mean of its surroundings. */
double beacon_sketch_contrast(const BeaconSketch *self);
