/* SPDX-License-Identifier: Apache-2.0 */
#include "cell.h"

#include "crew.h"

/* Streams of a cell's trials and negatives. */
enum { STREAM_TRIALS, STREAM_NEGATIVES, N_STREAMS };
#define STREAM(cell, which, item)                                                      \
    ((((cell)->number * N_STREAMS + (which)) << 32) + (item))

typedef struct {
    double scores[SCORES_N];
    size_t n_events;
} Trial;

typedef struct {
    const Cell *cell;
    const Trial *trials; /* for the negatives: whose number of events they have */
} Job;

uint64_t
cell_seed(GeneratorsSet set)
{
    return set == GENERATORS_HELD_OUT ? 88172645463325252 : 20260105;
}

static void
score(const Cell *cell, GArray *events, Trial *trial)
{
    const GeneratorsBeacon *beacon = &cell->beacon;
    ContactSeries series = generators_series(events, beacon->window_sec,
                                             beacon->sampling, beacon->n_packets);

    trial->n_events = events->len;
    scores_of(&series, trial->scores);
}

static void
do_trial(size_t item, void *result, const void *data)
{
    static const GeneratorsSizes sizes[] = {
        GENERATORS_CONSTANT, GENERATORS_CONSTANT, GENERATORS_TWO_PCT,
        GENERATORS_CONSTANT, GENERATORS_CONSTANT, GENERATORS_TEN_PCT,
    };
    const Cell *cell = ((const Job *) data)->cell;
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(ContactEvent));
    GeneratorsBeacon beacon = cell->beacon;
    Dice dice;

    dice_seed(&dice, cell_seed(cell->set), STREAM(cell, STREAM_TRIALS, item));
    beacon.sizes = sizes[item % G_N_ELEMENTS(sizes)];
    if (cell->set == GENERATORS_HELD_OUT) {
        double vary = dice_between(&dice, 0.95, 1.05);

        beacon.period_sec *= dice_between(&dice, 0.8, 1.25);
        beacon.jitter *= vary;
        beacon.symmetric_jitter *= vary;
    }
    generators_beacon(&beacon, &dice, events);
    score(cell, events, result);
}

static void
do_negative(size_t item, void *result, const void *data)
{
    const Job *job = data;
    const Cell *cell = job->cell;
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(ContactEvent));
    GeneratorsNegative negative = {
        .kind = item % GENERATORS_N_KINDS,
        .sizes = item / GENERATORS_N_KINDS % GENERATORS_N_SIZES,
        .set = cell->set,
        .window_sec = cell->beacon.window_sec,
        .n_events = MAX(job->trials[item % cell->n_trials].n_events, 1),
        .sampling = cell->beacon.sampling,
        .n_packets = cell->beacon.n_packets,
    };
    Dice dice;

    dice_seed(&dice, cell_seed(cell->set), STREAM(cell, STREAM_NEGATIVES, item));
    generators_negative(&negative, &dice, events);
    score(cell, events, result);
}

static void
gather(const Trial *trials, size_t n, ScoresKind kind, double *values)
{
    for (size_t i = 0; i < n; i++)
        values[i] = kind < SCORES_N ? trials[i].scores[kind] : trials[i].n_events;
}

bool
cell_measure(const Cell *cell, CellResult *result, GError **error)
{
    Job job = { .cell = cell };
    size_t n = cell->n_trials, n_negatives = cell->n_negatives;
    g_autofree double *values = g_new(double, MAX(n, n_negatives));
    g_autofree Trial *trials = NULL, *negatives = NULL;

    trials = crew_run(n, cell->n_jobs, sizeof(Trial), do_trial, &job, error);
    if (trials == NULL)
        return false;
    job.trials = trials;
    negatives =
        crew_run(n_negatives, cell->n_jobs, sizeof(Trial), do_negative, &job, error);
    if (negatives == NULL)
        return false;
    for (ScoresKind kind = 0; kind < SCORES_N; kind++) {
        gather(negatives, n_negatives, kind, values);
        result->cut[kind] = recall_cut(values, n_negatives, CELL_FALSE_ALARMS);
        gather(trials, n, kind, values);
        result->found[kind] = recall_above(values, n, result->cut[kind]);
        result->score[kind] = recall_median(values, n);
    }
    gather(trials, n, SCORES_N, values);
    result->n_events = recall_median(values, n);
    return true;
}
