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
    BEACON_SKETCH_GAP_BINS = 64,  /* half octaves, from 1 us */
    BEACON_SKETCH_SIZE_BINS = 16, /* places for the most frequent upload sizes */
    BEACON_SKETCH_RECENT = 4,     /* gaps that the next one is compared with */
};

typedef struct {
    int64_t first_us;
    int64_t last_us; /* start of the newest event */
    uint64_t n_contacts;
    uint32_t n_events; /* contacts after joining those of one burst */
    uint32_t n_lv;     /* pairs of gaps in lv_sum */
    double lv_sum;     /* 3 ((a - b) / (a + b))^2 over neighbouring gaps a, b */
    int64_t burst_us;  /* newest contact of the burst under way */
    int64_t recent_us[BEACON_SKETCH_RECENT]; /* newest gaps, a ring; 0 = none yet */
    uint32_t n_repeats;                      /* gaps within 1 % of one of these */
    uint32_t hours; /* bitmap of the hours of the day seen, UTC */
    uint16_t gap_bins[BEACON_SKETCH_GAP_BINS]; /* saturating */
    uint64_t sizes[BEACON_SKETCH_SIZE_BINS];   /* frequent ones (Misra-Gries) */
    uint16_t size_counts[BEACON_SKETCH_SIZE_BINS];
} BeaconSketch;

void beacon_sketch_init(BeaconSketch *self);
void beacon_sketch_add(BeaconSketch *self, int64_t start_us, uint64_t out_octets);

/* Whether stage 2 may find something. */
bool beacon_sketch_may_pay(const BeaconSketch *self);

/* Local variation so far (stats/local-variation.h); NaN below three events. */
double beacon_sketch_lv(const BeaconSketch *self);

/* Highest bin of the log-gap histogram against the mean of its surroundings. */
double beacon_sketch_contrast(const BeaconSketch *self);
