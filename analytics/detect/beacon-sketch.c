/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/beacon-sketch.h"

#include <math.h>
#include <string.h>

#include "session/contact.h"
#include "stats/gap-contrast.h"

enum {
    MIN_GAPS = 3,
    SMALLEST_LOG2 = 17,   /* of a gap in us: just below CONTACT_BURST_US */
    CONTRAST_EVENTS = 40, /* of fewer, a third has such a contrast by chance */
};

#define HOUR_US INT64_C(3600000000)

void
beacon_sketch_init(BeaconSketch *self)
{
    memset(self, 0, sizeof(*self));
}

/* Half octaves from 2^SMALLEST_LOG2 us. */
static unsigned
bin_of(uint64_t gap_us)
{
    const int log2 = 63 - __builtin_clzll(gap_us);

    if (log2 < SMALLEST_LOG2)
        return 0;

    const unsigned upper = (gap_us >> (log2 - 16)) >= 92682; /* 2^16 sqrt 2 */
    const unsigned bin = 2U * (unsigned) (log2 - SMALLEST_LOG2) + upper;

    return bin < BEACON_SKETCH_GAP_BINS ? bin : BEACON_SKETCH_GAP_BINS - 1;
}

static void
add_gap(BeaconSketchLv *lv, int64_t gap_us)
{
    /* The shortest gap there can be says nothing: without it a busy Poisson source
     * would look held apart. */
    const double a = (double) (gap_us - CONTACT_BURST_US);

    if (lv->gap_us > 0) {
        const double b = (double) (lv->gap_us - CONTACT_BURST_US);
        const double ratio = a + b > 0 ? (a - b) / (a + b) : 0;

        lv->sum += 3 * ratio * ratio;
        lv->n++;
    }
    lv->gap_us = gap_us;
}

static void
compare_recent(BeaconSketch *self, int64_t gap_us)
{
    const int64_t tolerance_us = gap_us / 200;
    bool repeats = false;

    for (int i = 0; i < BEACON_SKETCH_RECENT; i++) {
        const int64_t off_us = self->recent_us[i] - gap_us;

        repeats |= off_us <= tolerance_us && -off_us <= tolerance_us;
    }
    self->n_repeats += repeats;
    self->recent_us[self->n_events % BEACON_SKETCH_RECENT] = gap_us;
}

static bool
is_same_size(uint64_t a, uint64_t b)
{
    const uint64_t off = a > b ? a - b : b - a;

    return off <= b / 50; /* 2 % */
}

static void
vote(BeaconSketch *self, int64_t start_us, uint64_t out_octets)
{
    if (self->size_votes == 0) {
        self->size_octets = out_octets;
        self->size_votes = 1;
        self->n_sized = 1;
        self->size_lv = (BeaconSketchLv){ .last_us = start_us };
        return;
    }
    if (!is_same_size(out_octets, self->size_octets)) {
        self->size_votes--;
        return;
    }
    self->size_votes++;
    self->n_sized++;
    add_gap(&self->size_lv, start_us - self->size_lv.last_us);
    self->size_lv.last_us = start_us;
}

void
beacon_sketch_add(BeaconSketch *self, int64_t start_us, uint64_t out_octets)
{
    if (self->n_contacts++ == 0) {
        self->first_us = start_us;
    } else {
        /* Unsigned, so that absurd times do not overflow. */
        const uint64_t gap_us = (uint64_t) start_us - (uint64_t) self->lv.last_us;

        if (start_us < self->lv.last_us || gap_us < CONTACT_BURST_US ||
            gap_us > INT64_MAX / 4)
            return;

        unsigned bin = bin_of(gap_us);

        if (self->gap_bins[bin] < UINT16_MAX)
            self->gap_bins[bin]++;
        compare_recent(self, (int64_t) gap_us);
        add_gap(&self->lv, (int64_t) gap_us);
    }
    self->lv.last_us = start_us;
    self->n_events++;
    if (start_us >= 0)
        self->hours |= UINT32_C(1) << (start_us / HOUR_US % 24);
    vote(self, start_us, out_octets);
}

static double
mean(const BeaconSketchLv *lv)
{
    return lv->n ? lv->sum / lv->n : NAN;
}

double
beacon_sketch_lv(const BeaconSketch *self)
{
    return mean(&self->lv);
}

double
beacon_sketch_contrast(const BeaconSketch *self)
{
    return gap_contrast(self->gap_bins, BEACON_SKETCH_GAP_BINS);
}

/* (1 - Lv) sqrt(m) is about normal for a Poisson source; NaN compares false. */
static bool
is_regular(const BeaconSketchLv *lv)
{
    const double below = 1 - mean(lv);

    return (lv->n >= 7 && below > 0.2 && below * sqrt(lv->n) > 1) ||
           below * sqrt(lv->n) > 1.3;
}

bool
beacon_sketch_may_pay(const BeaconSketch *self)
{
    if (self->n_events <= MIN_GAPS)
        return false;
    if (is_regular(&self->lv) || is_regular(&self->size_lv))
        return true;

    /* A gap is within 0.5 % of one of eight others by chance in about 4 % of a Poisson
     * source; three standard deviations above are worth a look. */
    const double by_chance = 0.04 * (self->n_events - 1);

    if (self->n_repeats >= 3 && self->n_repeats > by_chance + 3 * sqrt(by_chance))
        return true;
    return self->n_events >= CONTRAST_EVENTS && beacon_sketch_contrast(self) > 3;
}
