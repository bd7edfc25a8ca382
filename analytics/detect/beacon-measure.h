/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* BeaconMeasure: how regular the contacts of one group are, and how sure that is.
 *
 * Every test is run over the windows of the table below that fit into the series, over
 * the group's own active span (the longest stretch without a gap that is out of all
 * proportion), and over the contacts of the most frequent upload size alone.  The best
 * result counts, and having tried that many is charged for: the whole procedure was
 * run over sources that are not beacons, and `evidence` is read from what came out
 * there for as many events, such a window and such burstiness (beacon-null.h).
 *
 * Does not know context, and keeps no state.  Needs memory in proportion to the
 * events, of which at most BEACON_MEASURE_MAX_EVENTS, the newest, are looked at. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/contact.h"

enum { BEACON_MEASURE_MAX_EVENTS = 100000, BEACON_MEASURE_MIN_EVENTS = 4 };

typedef enum {
    BEACON_TEST_LV,      /* local variation */
    BEACON_TEST_BOUNDED, /* no gap is long, or none short, against the median */
    BEACON_TEST_FOLDED,  /* gaps are multiples of one period */
    BEACON_TEST_LAG,     /* differences of times gather at one lag */
    BEACON_TEST_PHASE,   /* times share one phase */
    BEACON_TEST_COUNTS,  /* equal numbers in equal times */
    BEACON_TEST_GROWING, /* gaps grow by a rule */
} BeaconTest;
enum { BEACON_N_TESTS = BEACON_TEST_GROWING + 1 };

typedef enum {
    BEACON_WINDOW_1H,
    BEACON_WINDOW_4H,
    BEACON_WINDOW_24H,
    BEACON_WINDOW_7D,
    BEACON_WINDOW_30D,
    BEACON_WINDOW_SPAN, /* the group's own active span */
    BEACON_WINDOW_SIZE, /* contacts of the most frequent upload size */
} BeaconWindow;
enum { BEACON_N_WINDOWS = BEACON_WINDOW_SIZE + 1 };

typedef struct {
    size_t n_contacts; /* in the window */
    size_t n_events;   /* after joining bursts; 0 = too few in this window */
    int64_t first_us;
    int64_t last_us;
    double score[BEACON_N_TESTS]; /* nominal -log10 p of each test; 0 = nothing */
} BeaconWindowMeasure;

typedef struct {
    BeaconWindowMeasure windows[BEACON_N_WINDOWS];
    BeaconWindow window; /* of the best result */
    BeaconTest test;

    /* Of all events in the series. */
    size_t n_events;      /* after joining bursts */
    unsigned burstiness;  /* class, see beacon-null.h */
    double gap_variation; /* standard deviation over mean of the gaps */
    double raw;           /* best nominal -log10 p */
    double evidence;      /* calibrated: -log10 of the share of sources without
                           * regularity that do as well; a rank, not a probability */
    unsigned n_compared;  /* comparison pairs of this size behind it */
    bool beats_all;       /* more regular than every one of them */

    /* Of the best window.  NaN = cannot be said. */
    size_t n_beats;
    int64_t first_us;
    int64_t last_us;
    double period_sec;  /* mean time from beat to beat */
    double jitter_pct;  /* one-sided: waits between (100 - jitter) % and 100 % */
    bool is_symmetric;  /* jitter_pct is to both sides instead */
    double missing_pct; /* beats that were not seen */
    double noise_pct;   /* contacts that are not beats */
    double lv;
    double contrast;  /* of the log-gap histogram */
    double coherence; /* R at the period, 0..1 */
    double max_over_median;
    double mad_over_median;
    double fano; /* variance over mean of counts in equal times */

    /* Uploads. */
    double size_median_octets;
    double size_spread_pct; /* half width around it that holds half of the uploads */
    double size_mode_share; /* of contacts within 2 % of the most frequent size */
    double size_evidence;   /* -log10, as above */

    /* Presence: how evenly the window is covered. */
    double active_share;      /* of the window from first to last contact */
    double presence_share;    /* of 24 equal parts of the active span with a contact */
    double presence_evidence; /* -log10, as above */
} BeaconMeasure;

/* Measures @series; never fails.  Fewer than BEACON_MEASURE_MIN_EVENTS events give
 * evidence 0. */
void beacon_measure(const ContactSeries *series, BeaconMeasure *measure);

/* One number to order groups by without context: time, size and presence together.
 * Comparable between groups of any size. */
double beacon_measure_rank(const BeaconMeasure *measure);

const char *beacon_measure_test_name(BeaconTest test);       /* "lv" */
const char *beacon_measure_window_name(BeaconWindow window); /* "24 h" */
