/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/beacon-sketch.h"

#include <glib.h>
#include <math.h>

#include "session/contact.h"
#include "stats/xoshiro.h"

#define FROM_US INT64_C(1767571200000000)
#define SEC_US  1e6

/* Adds contacts at intervals of 300 s less up to @jitter of it, of which a share is
 * @missing; a @random source instead has exponential ones. */
static BeaconSketch
sketch_of(uint64_t seed, size_t n, double jitter, double missing, bool random)
{
    BeaconSketch sketch;
    Xoshiro dice;
    double at = 0;

    xoshiro_seed(&dice, seed);
    beacon_sketch_init(&sketch);
    for (size_t i = 0; i < n; i++) {
        at += 300 * (random ? xoshiro_exponential(&dice)
                            : 1 - jitter * xoshiro_uniform(&dice));
        if (xoshiro_uniform(&dice) >= missing)
            beacon_sketch_add(&sketch, FROM_US + (int64_t) (at * SEC_US), 500);
    }
    return sketch;
}

static void
test_beacons_may_pay(void)
{
    static const struct {
        size_t n;
        double jitter;
        double missing;
    } cases[] = {
        { 8, 0, 0 },     { 24, 0.5, 0 },   { 288, 0.2, 0 },   { 40, 0.9, 0 },
        { 288, 0, 0.7 }, { 288, 0, 0.88 }, { 288, 0.2, 0.5 }, { 1440, 0.2, 0.3 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        for (uint64_t seed = 0; seed < 10; seed++) {
            const BeaconSketch sketch =
                sketch_of(100 * i + seed, cases[i].n, cases[i].jitter, cases[i].missing,
                          false);

            g_test_message("case %zu", i);
            g_assert_true(beacon_sketch_may_pay(&sketch));
        }
}

static void
test_most_of_chance_does_not(void)
{
    static const size_t sizes[] = { 30, 300, 3000 };

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        unsigned n_paid = 0;

        for (uint64_t seed = 0; seed < 200; seed++) {
            const BeaconSketch sketch = sketch_of(seed, sizes[i], 0, 0, true);

            n_paid += beacon_sketch_may_pay(&sketch);
        }
        g_assert_cmpuint(n_paid, <, 90);
    }
}

static void
test_sums_are_right(void)
{
    static const double times_sec[] = { 0, 0.1, 10, 30, 70 };
    BeaconSketch sketch;

    beacon_sketch_init(&sketch);
    g_assert_true(isnan(beacon_sketch_lv(&sketch)));
    for (size_t i = 0; i < G_N_ELEMENTS(times_sec); i++)
        beacon_sketch_add(&sketch, FROM_US + (int64_t) (times_sec[i] * SEC_US), 100);
    g_assert_cmpuint(sketch.n_contacts, ==, 5);
    g_assert_cmpuint(sketch.n_events, ==, 4); /* the second is of the first burst */
    g_assert_cmpuint(sketch.hours, ==, 1);
    /* Gaps 10, 20, 40, less 0.25 each. */
    g_assert_cmpfloat_with_epsilon(beacon_sketch_lv(&sketch),
                                   1.5 * (pow(10 / 29.5, 2) + pow(20 / 59.5, 2)), 1e-9);
}

static void
test_absurd_times_do_no_harm(void)
{
    BeaconSketch sketch;

    beacon_sketch_init(&sketch);
    g_assert_false(beacon_sketch_may_pay(&sketch));
    beacon_sketch_add(&sketch, INT64_MIN, UINT64_MAX);
    beacon_sketch_add(&sketch, INT64_MAX, 0);
    beacon_sketch_add(&sketch, 0, 0);
    beacon_sketch_add(&sketch, -5, 0);
    beacon_sketch_add(&sketch, INT64_MAX / 2, 1);
    for (int i = 0; i < 100; i++)
        beacon_sketch_add(&sketch, INT64_MAX / 2, 1);
    g_assert_cmpuint(sketch.n_contacts, ==, 105);
    beacon_sketch_may_pay(&sketch);
    g_assert_true(isfinite(beacon_sketch_contrast(&sketch)));
}

static void
test_counters_do_not_overflow(void)
{
    BeaconSketch sketch;

    beacon_sketch_init(&sketch);
    for (int64_t i = 0; i < 200000; i++)
        beacon_sketch_add(&sketch, FROM_US + i * 1000000, 77);
    g_assert_cmpuint(sketch.n_events, ==, 200000);
    g_assert_cmpfloat(beacon_sketch_lv(&sketch), ==, 0);
    g_assert_true(beacon_sketch_may_pay(&sketch));
    g_assert_cmpuint(sketch.hours, ==, 0xffffff);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/beacon-sketch/beacons-may-pay", test_beacons_may_pay);
    g_test_add_func("/beacon-sketch/most-of-chance-does-not",
                    test_most_of_chance_does_not);
    g_test_add_func("/beacon-sketch/sums-are-right", test_sums_are_right);
    g_test_add_func("/beacon-sketch/absurd-times-do-no-harm",
                    test_absurd_times_do_no_harm);
    g_test_add_func("/beacon-sketch/counters-do-not-overflow",
                    test_counters_do_not_overflow);
    return g_test_run();
}
