/* SPDX-License-Identifier: Apache-2.0 */

/* The tests on times: lag peak, phase, even counts, redraw. */

#include <glib.h>
#include <math.h>

#include "stats/even-counts.h"
#include "stats/lag-peak.h"
#include "stats/local-variation.h"
#include "stats/phase-coherence.h"
#include "stats/redraw.h"
#include "stats/xoshiro.h"

enum { N = 300, MAX = 700 };

#define PERIOD 300.0
#define DEAD   0.25

static int
compare(const void *a, const void *b)
{
    const double x = *(const double *) a;
    const double y = *(const double *) b;

    return (x > y) - (x < y);
}

/* @n_beats beats, each anew jittered by @jitter, and @n_others at random. */
static size_t
make_times(Xoshiro *random, size_t n_beats, double jitter, double missing,
           size_t n_others, double *times)
{
    double at = 0;
    size_t n = 0;

    for (size_t i = 0; i < n_beats; i++) {
        at += PERIOD * (1 - jitter * xoshiro_uniform(random));
        if (xoshiro_uniform(random) >= missing)
            times[n++] = at;
    }
    for (size_t i = 0; i < n_others; i++)
        times[n++] = at * xoshiro_uniform(random);
    qsort(times, n, sizeof(*times), compare);
    return n;
}

static void
make_poisson(Xoshiro *random, size_t n, double *times)
{
    double at = 0;

    for (size_t i = 0; i < n; i++)
        times[i] = at += PERIOD * xoshiro_exponential(random);
}

static void
test_lag_survives_noise_and_jitter(void)
{
    double times[MAX];
    Xoshiro random;

    xoshiro_seed(&random, 1);

    const size_t n = make_times(&random, N, 0.2, 0, N, times);
    const LagPeak peak = lag_peak_find(times, n, DEAD);

    g_assert_cmpfloat_with_epsilon(peak.lag, 270, 12);
    g_assert_cmpfloat(peak.score, >, 5);
}

static void
test_phase_survives_missing_and_noise(void)
{
    double times[MAX];
    Xoshiro random;

    xoshiro_seed(&random, 2);

    size_t n = make_times(&random, N, 0, 0.85, 0, times);
    PhaseCoherence phase = phase_coherence_find(times, n);
    const double harmonic = PERIOD / phase.period;

    g_assert_cmpfloat(phase.score, >, 6);
    g_assert_cmpfloat(phase.coherence, >, 0.9);
    g_assert_cmpfloat_with_epsilon(harmonic, round(harmonic), 0.01);

    n = make_times(&random, N, 0, 0, N, times);
    phase = phase_coherence_find(times, n);
    g_assert_cmpfloat(phase.score, >, 20);
    g_assert_cmpfloat_with_epsilon(phase_coherence(times, n, PERIOD), 0.5, 0.1);
}

static void
test_phase_of_a_clock_is_one(void)
{
    double times[N];

    for (int i = 0; i < N; i++)
        times[i] = 7 + PERIOD * i;
    g_assert_cmpfloat_with_epsilon(phase_coherence(times, N, PERIOD), 1, 1e-9);
    g_assert_cmpfloat_with_epsilon(phase_coherence(times, N, 2 * PERIOD), 0, 1e-9);
    g_assert_cmpfloat(phase_coherence(times, 0, PERIOD), ==, 0);
}

static void
test_counts_of_random_waits_are_even(void)
{
    double times[MAX];
    Xoshiro random;

    xoshiro_seed(&random, 3);

    double at = 0;

    for (int i = 0; i < N; i++)
        times[i] = at += PERIOD * (1 + 0.9 * (2 * xoshiro_uniform(&random) - 1));

    /* A renewal process has the squared variation of its gaps: 0.27 here. */
    const EvenCounts even = even_counts(times, N);

    g_assert_cmpfloat_with_epsilon(even.fano, 0.27, 0.15);
    g_assert_cmpfloat(even.score, >, 3);
    g_assert_cmpfloat(even_counts_presence(times, N, 24), ==, 1);
}

static void
test_poisson_passes_none_of_them(void)
{
    enum { TRIALS = 400 };
    double n_lag = 0;
    double n_phase = 0;
    double n_counts = 0;
    Xoshiro random;

    xoshiro_seed(&random, 4);
    for (int trial = 0; trial < TRIALS; trial++) {
        double times[100];

        make_poisson(&random, 100, times);
        n_lag += lag_peak_find(times, 100, DEAD).score > 2;
        n_phase += phase_coherence_find(times, 100).score > 2;
        n_counts += even_counts(times, 100).score > 2;
    }
    g_assert_cmpfloat(n_lag / TRIALS, <=, 0.02);
    g_assert_cmpfloat(n_phase / TRIALS, <=, 0.02);
    g_assert_cmpfloat(n_counts / TRIALS, <=, 0.025);
}

static void
test_bursts_are_one_event_to_them(void)
{
    enum { TRIALS = 100, BURSTS = 6, LENGTH = 20 };
    double n_high = 0;
    Xoshiro random;

    /* Few bursts of many events: a hundred differences alike, and none of them new. */
    xoshiro_seed(&random, 5);
    for (int trial = 0; trial < TRIALS; trial++) {
        double times[BURSTS * LENGTH];

        for (int i = 0; i < BURSTS; i++) {
            const double at = 86400 * xoshiro_uniform(&random);

            for (int k = 0; k < LENGTH; k++)
                times[i * LENGTH + k] = at + 20 * xoshiro_uniform(&random);
        }
        qsort(times, BURSTS * LENGTH, sizeof(*times), compare);
        n_high += lag_peak_find(times, BURSTS * LENGTH, DEAD).score > 3 ||
                  phase_coherence_find(times, BURSTS * LENGTH).score > 3;
    }
    g_assert_cmpfloat(n_high / TRIALS, <=, 0.03);
}

static void
test_absurd_times(void)
{
    const double same[8] = { 5, 5, 5, 5, 5, 5, 5, 5 };
    const double far[8] = { 0, 1e-6, 1, 2, 3, 1e12, 1e13, 9e15 };

    g_assert_cmpfloat(lag_peak_find(same, 8, DEAD).score, ==, 0);
    g_assert_cmpfloat(phase_coherence_find(same, 8).score, ==, 0);
    g_assert_cmpfloat(even_counts(same, 8).score, ==, 0);
    g_assert_cmpfloat(even_counts_presence(same, 8, 24), ==, 0);
    g_assert_true(isfinite(lag_peak_find(far, 8, DEAD).score));
    g_assert_true(isfinite(phase_coherence_find(far, 8).score));
    g_assert_true(isfinite(even_counts(far, 8).score));
    g_assert_cmpfloat(lag_peak_find(far, 0, DEAD).score, ==, 0);
    g_assert_cmpfloat(phase_coherence_find(far, 1).score, ==, 0);
}

static double
lv_of(const double *times, size_t n)
{
    double gaps[MAX];

    for (size_t i = 1; i < n; i++)
        gaps[i - 1] = times[i] - times[i - 1];
    return local_variation(gaps, n - 1);
}

static void
test_redrawing_destroys_rhythm_and_keeps_rate(void)
{
    double times[MAX];
    double redrawn[MAX];
    Xoshiro random;

    xoshiro_seed(&random, 6);

    const size_t n = make_times(&random, N, 0.1, 0, 0, times);
    const double window = redraw_window(PERIOD, &random);

    g_assert_cmpfloat(window, >=, 5 * PERIOD);
    g_assert_cmpfloat(window, <=, 20 * PERIOD);
    redraw(times, n, window, &random, redrawn);
    for (size_t i = 0; i < n; i++) {
        g_assert_cmpfloat(fabs(redrawn[i] - times[i]), <=, window);
        g_assert_true(i == 0 || redrawn[i] >= redrawn[i - 1]);
    }
    g_assert_cmpfloat(lv_of(times, n), <, 0.05);
    g_assert_cmpfloat(lv_of(redrawn, n), >, 0.7);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lag-peak/survives-noise-and-jitter",
                    test_lag_survives_noise_and_jitter);
    g_test_add_func("/phase-coherence/survives-missing-and-noise",
                    test_phase_survives_missing_and_noise);
    g_test_add_func("/phase-coherence/is-one-for-a-clock",
                    test_phase_of_a_clock_is_one);
    g_test_add_func("/even-counts/random-waits-are-even",
                    test_counts_of_random_waits_are_even);
    g_test_add_func("/times/poisson-passes-as-often-as-they-say",
                    test_poisson_passes_none_of_them);
    g_test_add_func("/times/bursts-are-one-event", test_bursts_are_one_event_to_them);
    g_test_add_func("/times/absurd-times-are-nothing", test_absurd_times);
    g_test_add_func("/redraw/destroys-rhythm-and-keeps-rate",
                    test_redrawing_destroys_rhythm_and_keeps_rate);
    return g_test_run();
}
