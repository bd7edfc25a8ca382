/* SPDX-License-Identifier: Apache-2.0 */
#include "negatives.h"

#include <math.h>

#define DAY_SEC 86400.0

/* More intervals of activity than this in a window are not drawn one by one. */
#define MAX_ACTIVE 4096

static int
compare_doubles(gconstpointer a, gconstpointer b)
{
    double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

static void
append(GArray *times, double time, double window_sec)
{
    time = fmod(time, window_sec);
    g_array_append_val(times, time);
}

static void
poisson(const GeneratorsNegative *what, size_t n, Dice *dice, GArray *times)
{
    /* Given their number, the events of a Poisson process are uniform. */
    for (size_t i = 0; i < n; i++)
        append(times, dice_uniform(dice) * what->window_sec, what->window_sec);
}

/* The rate at a time of day, at most 1.  Development: a sine.  Held out: working hours
 * with soft edges, and a little at night. */
static double
day_rate(GeneratorsSet set, double day_share, double depth)
{
    double from_noon = fabs(day_share - 0.5) * 24.0;

    if (set == GENERATORS_DEVELOPMENT)
        return (1.0 - depth * cos(2.0 * M_PI * day_share)) / (1.0 + depth);
    return 1.0 - depth / (1.0 + exp(-(from_noon - 5.0) / 0.5));
}

static void
diurnal(const GeneratorsNegative *what, size_t n, Dice *dice, GArray *times)
{
    double shift = dice_uniform(dice);
    double depth = what->set == GENERATORS_DEVELOPMENT ? dice_between(dice, 0.6, 1.0)
                                                       : dice_between(dice, 0.85, 0.98);

    while (times->len < n) {
        double at = dice_uniform(dice) * what->window_sec;
        double share = fmod(at / DAY_SEC + shift, 1.0);

        if (dice_uniform(dice) < day_rate(what->set, share, depth))
            append(times, at, what->window_sec);
    }
}

/* Contacts of a session, as of someone who reads: a few, within minutes. */
static void
sessions(const GeneratorsNegative *what, size_t n, Dice *dice, GArray *times)
{
    bool held_out = what->set == GENERATORS_HELD_OUT;
    double mean_size = dice_between(dice, 4.0, 30.0);
    double gap = dice_lognormal(dice, held_out ? 35.0 : 25.0, 0.7);

    /* A busy source has shorter sessions, so that they stay apart. */
    gap = fmin(gap, 0.3 * what->window_sec / (double) n);
    while (times->len < n) {
        double at = dice_uniform(dice) * what->window_sec;
        double size = held_out ? 2.0 + dice_pareto(dice, 3.0, 1.3)
                               : 1.0 + dice_exponential(dice, mean_size - 1.0);
        double own_gap = held_out ? dice_lognormal(dice, gap, 0.5) : gap;

        for (size_t i = 0; i < (size_t) size && times->len < n; i++) {
            append(times, at, what->window_sec);
            at += held_out ? dice_lognormal(dice, own_gap, 1.0)
                           : dice_exponential(dice, own_gap);
        }
    }
}

/* A session at a steady pace, within 5 %. */
static void
paced(const GeneratorsNegative *what, size_t n, Dice *dice, GArray *times)
{
    double mean_gap = what->window_sec / (double) n;

    while (times->len < n) {
        double at = dice_uniform(dice) * what->window_sec;
        double gap = mean_gap * dice_between(dice, 0.02, 0.3);
        size_t size = 5 + dice_below(dice, 40);

        for (size_t i = 0; i < size && times->len < n; i++) {
            append(times, at, what->window_sec);
            at += gap * dice_between(dice, 0.95, 1.05);
        }
    }
}

/* The intervals of one source. */
typedef struct {
    GeneratorsKind kind;
    bool is_paused; /* there is a shortest one */
    double alpha;
    double sigma;
} Gaps;

static Gaps
draw_source(const GeneratorsNegative *what, Dice *dice)
{
    bool held_out = what->set == GENERATORS_HELD_OUT;
    bool is_paused = dice_uniform(dice) < (held_out ? 0.4 : 0.5);
    Gaps gaps = { .kind = what->kind, .is_paused = is_paused };

    if (!held_out)
        gaps.alpha = dice_between(dice, 1.1, 1.6);
    else
        gaps.alpha = dice_between(dice, 1.05, is_paused ? 1.5 : 2.0);
    gaps.sigma =
        held_out ? dice_between(dice, 0.75, 1.8) : dice_between(dice, 0.8, 1.6);
    return gaps;
}

static double
draw_gap(const Gaps *gaps, Dice *dice)
{
    switch (gaps->kind) {
    case GENERATORS_LOGNORMAL:
        return dice_lognormal(dice, 1.0, gaps->sigma);
    case GENERATORS_REFRACTORY:
        return 0.5 + dice_exponential(dice, 1.0);
    default: /* heavy-tailed */
        return gaps->is_paused + dice_pareto(dice, 1.0, gaps->alpha);
    }
}

/* Adds up intervals and stretches them so that they fill the window. */
static void
renewal(const GeneratorsNegative *what, size_t n, Dice *dice, GArray *times)
{
    Gaps gaps = draw_source(what, dice);
    double sum = 0.0;

    for (size_t i = 0; i <= n; i++) {
        sum += draw_gap(&gaps, dice);
        if (i < n)
            g_array_append_val(times, sum);
    }
    for (size_t i = 0; i < times->len; i++)
        g_array_index(times, double, i) *= what->window_sec / sum;
}

typedef struct {
    double from_sec;
    double length_sec;
    double weight; /* of all before it and it */
} Active;

/* When somebody is there.  Returns the number of times. */
static size_t
draw_active(const GeneratorsNegative *what, double duty, Dice *dice, Active *active)
{
    bool held_out = what->set == GENERATORS_HELD_OUT;
    double on_sec = fmin(dice_lognormal(dice, 600.0, 0.5), what->window_sec / 12.0);
    double off_sec = on_sec * (1.0 - duty) / duty;
    double at = -dice_uniform(dice) * (on_sec + off_sec), total = 0.0;
    size_t n = 0;

    while (at < what->window_sec && n < MAX_ACTIVE) {
        /* Means, not medians: sigma 0.7 raises a mean by 1.28. */
        double on = held_out ? dice_pareto(dice, on_sec * 1.5, 2.5)
                             : dice_lognormal(dice, on_sec / 1.28, 0.7);
        double from = fmax(at, 0.0), to = fmin(at + on, what->window_sec);

        if (to > from) {
            total += (to - from) * dice_lognormal(dice, 1.0, 0.4);
            active[n++] = (Active){ from, to - from, total };
        }
        at += on + (held_out ? dice_pareto(dice, off_sec * 0.8, 1.8)
                             : dice_lognormal(dice, off_sec / 1.28, 0.7));
    }
    if (n == 0) { /* away all the time: came for a moment */
        active[0] = (Active){ what->window_sec / 3.0, on_sec, 1.0 };
        n = 1;
    }
    return n;
}

static const Active *
pick_active(const Active *active, size_t n, double weight)
{
    size_t low = 0, high = n - 1;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (active[middle].weight > weight)
            high = middle;
        else
            low = middle + 1;
    }
    return &active[low];
}

static void
on_off(const GeneratorsNegative *what, size_t n, Dice *dice, GArray *times)
{
    bool held_out = what->set == GENERATORS_HELD_OUT;
    double duty =
        held_out ? dice_between(dice, 0.08, 0.55) : dice_between(dice, 0.05, 0.4);
    g_autofree Active *active = g_new(Active, MAX_ACTIVE);
    size_t n_active;

    /* Nobody makes more than about one contact a second. */
    duty = fmax(duty, fmin((double) n / what->window_sec, 0.9));
    n_active = draw_active(what, duty, dice, active);
    for (size_t i = 0; i < n; i++) {
        double weight = dice_uniform(dice) * active[n_active - 1].weight;
        const Active *in = pick_active(active, n_active, weight);

        append(times, in->from_sec + dice_uniform(dice) * in->length_sec,
               what->window_sec);
    }
}

void
negatives_times(const GeneratorsNegative *what, size_t n, Dice *dice, GArray *times_sec)
{
    static void (*const kinds[GENERATORS_N_ALL_KINDS])(const GeneratorsNegative *,
                                                       size_t, Dice *, GArray *) = {
        [GENERATORS_POISSON] = poisson,    [GENERATORS_DIURNAL] = diurnal,
        [GENERATORS_SESSIONS] = sessions,  [GENERATORS_HEAVY_TAILED] = renewal,
        [GENERATORS_LOGNORMAL] = renewal,  [GENERATORS_ON_OFF] = on_off,
        [GENERATORS_REFRACTORY] = renewal, [GENERATORS_PACED] = paced,
    };

    g_array_set_size(times_sec, 0);
    kinds[what->kind](what, n, dice, times_sec);
    g_array_sort(times_sec, compare_doubles);
}
