/* SPDX-License-Identifier: Apache-2.0 */
#include "generators.h"

#include <math.h>
#include <string.h>

#define DAY_SEC 86400.0

typedef struct {
    GArray *events;
    Dice dice;
} Fixture;

static void
set_up(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    fix->events = g_array_new(FALSE, FALSE, sizeof(ContactEvent));
    dice_seed(&fix->dice, 42, 0);
}

static void
tear_down(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    g_array_unref(fix->events);
}

static const ContactEvent *
event(const GArray *events, size_t i)
{
    return &g_array_index(events, ContactEvent, i);
}

static double
interval_sec(const GArray *events, size_t i)
{
    return (double) (event(events, i + 1)->start_us - event(events, i)->start_us) / 1e6;
}

static void
check_stored_form(const GArray *events, double window_sec)
{
    int64_t to_us = GENERATORS_FROM_US + (int64_t) (window_sec * 1e6);

    for (size_t i = 0; i < events->len; i++) {
        g_assert_cmpint(event(events, i)->start_us, >=, GENERATORS_FROM_US);
        g_assert_cmpint(event(events, i)->start_us, <, to_us);
        g_assert_cmpuint(event(events, i)->out_octets, >, 0);
        if (i > 0)
            g_assert_cmpint(event(events, i)->start_us - event(events, i - 1)->start_us,
                            >=, CONTACT_BURST_US);
    }
}

static void
test_numbers(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    static const struct {
        const char *why;
        GeneratorsBeacon beacon;
        double expected; /* mean number of events */
    } cases[] = {
        { "a clock", { .window_sec = DAY_SEC, .period_sec = 300 }, 288 },
        { "one-sided jitter shortens",
          { .window_sec = DAY_SEC, .period_sec = 300, .jitter = 0.5 },
          384 },
        { "symmetric jitter does not",
          { .window_sec = DAY_SEC, .period_sec = 300, .symmetric_jitter = 0.9 },
          288 },
        { "half are missing",
          { .window_sec = DAY_SEC, .period_sec = 300, .missing = 0.5 },
          144 },
        { "as many random",
          { .window_sec = DAY_SEC, .period_sec = 300, .extra = 1.0 },
          576 },
        { "1:10 of 12 packets: 1 - 0.9^12 of 1440",
          { .window_sec = DAY_SEC, .period_sec = 60, .sampling = 10, .n_packets = 12 },
          1033 },
        { "1:100 of 12 packets: 1 - 0.99^12 of 1440",
          { .window_sec = DAY_SEC, .period_sec = 60, .sampling = 100, .n_packets = 12 },
          163.6 },
        { "sparse",
          { .window_sec = 7 * DAY_SEC, .period_sec = 14400, .jitter = 0.5 },
          56 },
        { "alive for 2 h",
          { .window_sec = DAY_SEC,
            .period_sec = 60,
            .alive_min_sec = 7200,
            .alive_max_sec = 7200 },
          120 },
        { "cut by 30 min",
          { .shape = GENERATORS_CUT, .window_sec = DAY_SEC, .period_sec = 1800 },
          48 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        double sum = 0.0;

        for (unsigned k = 0; k < 200; k++) {
            generators_beacon(&cases[i].beacon, &fix->dice, fix->events);
            check_stored_form(fix->events, cases[i].beacon.window_sec);
            sum += fix->events->len;
        }
        g_test_message("%s: %.1f events", cases[i].why, sum / 200);
        g_assert_cmpfloat_with_epsilon(sum / 200, cases[i].expected,
                                       0.02 * cases[i].expected + 0.5);
    }
}

/* Uniform on [low, high]: both ends are come close to, and the mean is between. */
static void
test_jitter(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    static const struct {
        double one_sided, symmetric, low_sec, high_sec;
    } cases[] = {
        { 0.0, 0.0, 600, 600.1 }, { 0.2, 0.0, 480, 600 }, { 0.9, 0.0, 60, 600 },
        { 0.0, 0.7, 180, 1020 },  { 0.0, 0.9, 60, 1140 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        GeneratorsBeacon beacon = { .window_sec = 30 * DAY_SEC,
                                    .period_sec = 600,
                                    .jitter = cases[i].one_sided,
                                    .symmetric_jitter = cases[i].symmetric };
        double low = cases[i].low_sec, high = cases[i].high_sec, sum = 0.0;
        double least = INFINITY, most = 0.0;

        generators_beacon(&beacon, &fix->dice, fix->events);
        for (size_t k = 0; k + 1 < fix->events->len; k++) {
            double sec = interval_sec(fix->events, k);

            least = fmin(least, sec);
            most = fmax(most, sec);
            sum += sec;
        }
        g_assert_cmpfloat_with_epsilon(least, low, 0.01 * (high - low) + 0.1);
        g_assert_cmpfloat_with_epsilon(most, high, 0.01 * (high - low) + 0.1);
        g_assert_cmpfloat_with_epsilon(sum / (fix->events->len - 1), (low + high) / 2.0,
                                       0.02 * (high - low) + 0.1);
    }
}

static void
test_growing(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    GeneratorsBeacon beacon = { .shape = GENERATORS_GROWING,
                                .window_sec = DAY_SEC,
                                .period_sec = 60 };

    generators_beacon(&beacon, &fix->dice, fix->events);
    g_assert_cmpuint(fix->events->len, >=, 18);
    for (size_t i = 2; i + 1 < fix->events->len; i++)
        g_assert_cmpfloat_with_epsilon(interval_sec(fix->events, i),
                                       interval_sec(fix->events, i - 1) +
                                           interval_sec(fix->events, i - 2),
                                       0.1);
}

/* Sampling multiplies out: what is seen adds up to what was sent. */
static void
test_sampled_octets(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    GeneratorsBeacon beacon = { .window_sec = DAY_SEC, .period_sec = 60 };
    double plain = 0.0, sampled = 0.0;

    for (unsigned i = 0; i < 400; i++) {
        Dice dice;

        for (unsigned way = 0; way < 2; way++) {
            dice_seed(&dice, 9, i); /* the same source twice */
            beacon.sampling = way ? 10 : 0;
            beacon.n_packets = 12;
            generators_beacon(&beacon, &dice, fix->events);
            for (size_t k = 0; k < fix->events->len; k++)
                *(way ? &sampled : &plain) +=
                    (double) event(fix->events, k)->out_octets;
        }
    }
    g_assert_cmpfloat_with_epsilon(sampled / plain, 1.0, 0.01);
}

static void
test_negative_numbers(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    static const struct {
        double window_sec;
        size_t n;
    } cases[] = {
        { 3600, 4 },       { DAY_SEC, 4 },         { DAY_SEC, 43 },
        { DAY_SEC, 1920 }, { DAY_SEC, 30000 },     { 7 * DAY_SEC, 56 },
        { 3600, 300 },     { 7 * DAY_SEC, 30000 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        for (unsigned kind = 0; kind < 2 * GENERATORS_N_KINDS; kind++) {
            GeneratorsNegative negative = {
                .kind = kind / 2,
                .set = kind % 2 ? GENERATORS_HELD_OUT : GENERATORS_DEVELOPMENT,
                .window_sec = cases[i].window_sec,
                .n_events = cases[i].n,
            };

            generators_negative(&negative, &fix->dice, fix->events);
            check_stored_form(fix->events, cases[i].window_sec);
            g_assert_cmpuint(fix->events->len, ==, cases[i].n);
        }
}

/* Mean of 3 ((a - b) / (a + b))^2: 1 for Poisson. */
static double
local_variation(const GArray *events)
{
    double sum = 0.0;

    for (size_t i = 1; i + 1 < events->len; i++) {
        double a = interval_sec(events, i - 1), b = interval_sec(events, i);

        sum += 3.0 * pow((a - b) / (a + b), 2);
    }
    return sum / (double) (events->len - 2);
}

/* Deviation over mean of the counts in 48 parts of the window. */
static double
unevenness(const GArray *events, double window_sec)
{
    double counts[48] = { 0 }, mean = (double) events->len / 48, squares = 0.0;

    for (size_t i = 0; i < events->len; i++)
        counts[(size_t) ((double) (event(events, i)->start_us - GENERATORS_FROM_US) /
                         1e6 / window_sec * 48)]++;
    for (unsigned i = 0; i < 48; i++)
        squares += pow(counts[i] - mean, 2);
    return sqrt(squares / 48) / mean;
}

/* What makes the kinds what they are, at 1000 events a day, where a Poisson source has
 * Lv 1 and counts that deviate by 0.22 of their mean. */
static void
test_kinds(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    static const struct {
        GeneratorsKind kind;
        double least_lv, most_lv, least_uneven, most_uneven;
    } cases[] = {
        { GENERATORS_POISSON, 0.95, 1.05, 0.2, 0.25 },
        { GENERATORS_DIURNAL, 0.9, 1.1, 0.45, 1.2 },
        { GENERATORS_SESSIONS, 1.03, 2.0, 0.4, 1.5 },
        { GENERATORS_HEAVY_TAILED, 0.7, 1.1, 0.3, 3.0 },
        { GENERATORS_LOGNORMAL, 0.85, 1.3, 0.2, 1.0 },
        { GENERATORS_ON_OFF, 0.9, 1.3, 0.8, 3.0 },
        { GENERATORS_REFRACTORY, 0.3, 0.5, 0.05, 0.2 },
        { GENERATORS_PACED, 0.05, 0.6, 0.4, 2.0 },
    };

    for (size_t i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
        GeneratorsNegative negative = { .kind = cases[i / 2].kind,
                                        .set = i % 2 ? GENERATORS_HELD_OUT
                                                     : GENERATORS_DEVELOPMENT,
                                        .window_sec = DAY_SEC,
                                        .n_events = 1000 };
        double lv = 0.0, uneven = 0.0;

        for (unsigned k = 0; k < 100; k++) {
            generators_negative(&negative, &fix->dice, fix->events);
            lv += local_variation(fix->events) / 100;
            uneven += unevenness(fix->events, DAY_SEC) / 100;
        }
        g_test_message("%s, %s: Lv %.2f, unevenness %.2f",
                       generators_kind_name(cases[i / 2].kind),
                       generators_set_name(negative.set), lv, uneven);
        g_assert_cmpfloat(lv, >=, cases[i / 2].least_lv);
        g_assert_cmpfloat(lv, <=, cases[i / 2].most_lv);
        g_assert_cmpfloat(uneven, >=, cases[i / 2].least_uneven);
        g_assert_cmpfloat(uneven, <=, cases[i / 2].most_uneven);
    }
}

static void
test_sizes(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    static const struct {
        GeneratorsSizes sizes;
        double deviation; /* of their logarithms */
    } cases[] = {
        { GENERATORS_CONSTANT, 0.0 },
        { GENERATORS_TWENTY_PCT, 0.117 },
        { GENERATORS_ANY_SIZE, 1.0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        GeneratorsNegative negative = { .kind = GENERATORS_POISSON,
                                        .sizes = cases[i].sizes,
                                        .window_sec = 30 * DAY_SEC,
                                        .n_events = 5000 };
        double sum = 0.0, squares = 0.0;

        generators_negative(&negative, &fix->dice, fix->events);
        for (size_t k = 0; k < fix->events->len; k++) {
            double x = log((double) event(fix->events, k)->out_octets);

            sum += x / fix->events->len;
            squares += x * x / fix->events->len;
        }
        g_assert_cmpfloat_with_epsilon(sqrt(fmax(squares - sum * sum, 0.0)),
                                       cases[i].deviation, 0.03);
    }
}

static void
test_series(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    GeneratorsBeacon beacon = {
        .window_sec = DAY_SEC, .period_sec = 60, .sampling = 10, .n_packets = 12
    };
    ContactSeries series;
    uint64_t packets;

    generators_beacon(&beacon, &fix->dice, fix->events);
    series = generators_series(fix->events, DAY_SEC, 10, 12);
    g_assert_cmpuint(series.n_events, ==, fix->events->len);
    g_assert_cmpint(series.to_us - series.from_us, ==, INT64_C(86400000000));
    g_assert_cmpuint(series.sampling, ==, 10);
    /* 12 / (1 - 0.9^12) = 16.7 packets of each session that is seen */
    packets = series.out_packets + series.in_packets;
    g_assert_cmpfloat_with_epsilon((double) packets / series.n_sessions, 16.7, 0.1);
    g_assert_cmpuint(series.out_octets, >, 0);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/generators/beacons-have-their-number-of-events", test_numbers);
    ADD("/generators/jitter-is-uniform-between-its-ends", test_jitter);
    ADD("/generators/growing-intervals-are-sums-of-the-last-two", test_growing);
    ADD("/generators/sampled-octets-are-multiplied-out", test_sampled_octets);
    ADD("/generators/negatives-have-exactly-the-wanted-events", test_negative_numbers);
    ADD("/generators/each-kind-is-what-it-says", test_kinds);
    ADD("/generators/sizes-vary-as-told", test_sizes);
    ADD("/generators/series-agrees-with-its-events", test_series);
    return g_test_run();
}
