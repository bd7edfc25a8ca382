/* SPDX-License-Identifier: Apache-2.0 */

/* make-null: writes analytics/detect/beacon-null-table.c, what sources without a period
 * reach in beacon_measure().
 *
 *     make-null [TRIALS [JOBS]] >analytics/detect/beacon-null-table.c
 *
 * Draws TRIALS (250) sources of each kind of the development set for each number of
 * events and each window; fewer where there are many events, since these take long.
 * Takes some minutes of CPU time.  To be run again whenever a test in
 * analytics/stats or the choice of windows changes. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "crew.h"
#include "detect/beacon-measure.h"
#include "detect/beacon-null.h"
#include "generators.h"
#include "session/contact.h"

#define SEED 20260105

/* As the session job keeps them. */
#define MAX_A_SEC (CONTACT_MAX_STARTS_AN_HOUR / 3600.0)

/* Quantiles rest on the cell itself and on its neighbours in size. */
enum { MIN_SAMPLES = 8, MIN_TAIL = 80, MIN_TRIALS = 40, SLOW_EVENTS = 250 };

typedef struct {
    double raw;
    double gap_variation;
    size_t n_events; /* as it came out */
} Sample;

typedef struct {
    size_t n; /* of each kind */
    Sample *samples[GENERATORS_N_KINDS];
} Cell;

typedef struct {
    GeneratorsNegative negative;
    uint64_t stream;
} Job;

static void
do_trial(size_t item, void *result, const void *data)
{
    const Job *job = data;
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(ContactEvent));
    GeneratorsNegative negative = job->negative;
    BeaconMeasure measure;
    ContactSeries series;
    Dice dice;

    dice_seed(&dice, SEED, (job->stream << 32) + item);
    negative.sizes = (GeneratorsSizes) (item % GENERATORS_N_SIZES);
    generators_negative(&negative, &dice, events);
    series = generators_series(events, negative.window_sec, 0, 0);
    beacon_measure(&series, &measure);
    *(Sample *) result =
        (Sample){ measure.raw, measure.gap_variation, measure.n_events };
}

static size_t
count_trials(size_t n_events, size_t n_trials)
{
    if (n_events <= SLOW_EVENTS)
        return n_trials;
    return MAX(MIN_TRIALS,
               (size_t) ((double) n_trials * sqrt((double) SLOW_EVENTS / n_events)));
}

static bool
draw_cell(Cell *cell, size_t size, size_t window, size_t n_trials, unsigned n_jobs,
          GError **error)
{
    const size_t n_events = beacon_null_sizes[size];

    cell->n = count_trials(n_events, n_trials);
    for (int kind = 0; kind < GENERATORS_N_KINDS; kind++) {
        const Job job = {
            .negative = { .kind = (GeneratorsKind) kind,
                          .set = GENERATORS_DEVELOPMENT,
                          .window_sec = beacon_null_windows_sec[window],
                          .n_events = n_events },
            .stream = (window * BEACON_NULL_N_SIZES + size) * GENERATORS_N_KINDS +
                      (uint64_t) kind,
        };

        cell->samples[kind] =
            crew_run(cell->n, n_jobs, sizeof(Sample), do_trial, &job, error);
        if (!cell->samples[kind])
            return false;
    }
    return true;
}

static int
compare(const void *a, const void *b)
{
    const double x = *(const double *) a;
    const double y = *(const double *) b;

    return (x > y) - (x < y);
}

/* Sources of one kind in the cell and its neighbours. */
static double
count(const Cell *cells, size_t size)
{
    double n = 0;

    for (size_t i = size > 0 ? size - 1 : 0; i <= size + 1; i++)
        if (i < BEACON_NULL_N_SIZES)
            n += (double) cells[i].n;
    return n;
}

/* Results of one kind and class in the cell and its neighbours, in order. */
static GArray *
gather(const Cell *cells, size_t size, int kind, int class)
{
    GArray *raws = g_array_new(FALSE, FALSE, sizeof(double));
    const size_t first = size > 0 ? size - 1 : 0;

    for (size_t i = first; i <= size + 1 && i < BEACON_NULL_N_SIZES; i++)
        for (size_t k = 0; k < cells[i].n; k++) {
            const Sample *sample = &cells[i].samples[kind][k];

            if ((int) beacon_null_class(sample->gap_variation) == class)
                g_array_append_val(raws, sample->raw);
        }
    qsort(raws->data, raws->len, sizeof(double), compare);
    return raws;
}

static double
quantile(const GArray *sorted, double share)
{
    const double place = fmax(0, share) * (sorted->len - 1);
    const size_t low = (size_t) place;
    const double value = g_array_index(sorted, double, low);

    if (low + 1 >= sorted->len)
        return value;
    return value + (place - low) * (g_array_index(sorted, double, low + 1) - value);
}

/* Growth of the quantiles for each tenth of the share that is left, from the mean
 * excess over the 90th percentile (that of an exponential tail). */
static double
slope_of(const GArray *sorted)
{
    const double from = quantile(sorted, 0.9);
    double sum = 0;
    size_t n = 0;

    for (guint i = 0; i < sorted->len; i++)
        if (g_array_index(sorted, double, i) > from) {
            sum += g_array_index(sorted, double, i) - from;
            n++;
        }
    return n ? sum / (double) n * log(10) : 0;
}

static BeaconNullRow
make_row(const Cell *cells, size_t size, int class)
{
    BeaconNullRow row = { 0 };

    for (int kind = 0; kind < GENERATORS_N_KINDS; kind++) {
        g_autoptr(GArray) raws = gather(cells, size, kind, class);

        row.n_compared += raws->len;
        if (raws->len > 0)
            row.max = fmaxf(row.max, (float) quantile(raws, 1));
        if (raws->len < MIN_SAMPLES)
            continue;

        /* A kind that is seldom of this class may reach more there: of all its
         * sources, no more than one and a half per cent look like one.  */
        const double rare = fmax(1, 0.5 * count(cells, size) / raws->len);

        row.ten_pct = fmaxf(row.ten_pct, (float) quantile(raws, 1 - 0.10 * rare));
        row.three_pct = fmaxf(row.three_pct, (float) quantile(raws, 1 - 0.03 * rare));
        row.one_pct = fmaxf(row.one_pct, (float) quantile(raws, 1 - 0.01 * rare));
        if (raws->len >= MIN_TAIL)
            row.slope = fmaxf(row.slope, (float) slope_of(raws));
    }
    return row;
}

/* A class that no kind has enough of at this size is judged as the class before, a size
 * that has not enough of the first as the size before. */
static void
write_rows(const Cell *cells, size_t size)
{
    BeaconNullRow row = { 0 };

    while (make_row(cells, size, 0).one_pct <= 0)
        size--;

    for (int class = 0; class < BEACON_NULL_N_CLASSES; class ++) {
        const BeaconNullRow own = make_row(cells, size, class);

        if (own.one_pct > 0)
            row = own;
        printf("    { %u, %.2ff, %.2ff, %.2ff, %.2ff, %.2ff },\n", row.n_compared,
               row.ten_pct, row.three_pct, row.one_pct, row.slope, row.max);
    }
}

static bool
write_window(size_t window, size_t n_trials, unsigned n_jobs, GError **error)
{
    Cell cells[BEACON_NULL_N_SIZES] = { 0 };

    for (size_t size = 0; size < BEACON_NULL_N_SIZES; size++) {
        if (beacon_null_sizes[size] > beacon_null_windows_sec[window] * MAX_A_SEC)
            break; /* more are not kept: judged as the size before */
        if (!draw_cell(&cells[size], size, window, n_trials, n_jobs, error))
            return false;
        fprintf(stderr, "window %zu, %u events\n", window, beacon_null_sizes[size]);
    }
    for (size_t size = 0; size < BEACON_NULL_N_SIZES; size++)
        write_rows(cells, size);
    for (size_t size = 0; size < BEACON_NULL_N_SIZES; size++)
        for (int kind = 0; kind < GENERATORS_N_KINDS; kind++)
            g_free(cells[size].samples[kind]);
    return true;
}

int
main(int argc, char **argv)
{
    const size_t n_trials = argc > 1 ? strtoul(argv[1], NULL, 10) : 250;
    const unsigned n_jobs = argc > 2 ? (unsigned) strtoul(argv[2], NULL, 10) : 1;
    g_autoptr(GError) error = NULL;

    printf(
        "/* SPDX-License-Identifier: Apache-2.0 */\n\n"
        "/* Made by tests/eval/make-null; %zu trials a kind.  See beacon-null.h. */\n\n"
        "#include \"detect/beacon-null.h\"\n\n"
        "const BeaconNullRow beacon_null_table[BEACON_NULL_N_ROWS] = {\n",
        n_trials);
    for (size_t window = 0; window < BEACON_NULL_N_WINDOWS; window++)
        if (!write_window(window, n_trials, n_jobs, &error)) {
            fprintf(stderr, "make-null: %s\n", error->message);
            return 1;
        }
    printf("};\n");
    return 0;
}
