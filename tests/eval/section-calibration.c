/* SPDX-License-Identifier: Apache-2.0 */
#include "cell.h"
#include "crew.h"
#include "detect/beacon-measure.h"
#include "sections.h"
#include "table.h"

/* Nominal share of false alarms, and how far it may be off. */
#define NOMINAL_EVIDENCE 2.0 /* -log10 of 1 % */
#define MAY_BE           0.02

/* Cells are numbered from here, apart from those of other sections. */
#define FIRST_NUMBER 1000

static const struct {
    const char *name;
    double window_sec;
    size_t n_events;
    bool is_slow;
} rows[] = {
    { "24 h", 86400, 4, false },       { "24 h", 86400, 6, false },
    { "24 h", 86400, 10, false },      { "24 h", 86400, 20, false },
    { "24 h", 86400, 50, false },      { "24 h", 86400, 100, false },
    { "24 h", 86400, 250, false },     { "24 h", 86400, 450, false },
    { "24 h", 86400, 1000, false },    { "24 h", 86400, 2750, true },
    { "24 h", 86400, 10000, true },    { "24 h", 86400, 30000, true },
    { "1 h", 3600, 10, false },        { "1 h", 3600, 100, false },
    { "1 h", 3600, 1000, true },       { "7 d", 7 * 86400, 10, false },
    { "7 d", 7 * 86400, 100, false },  { "7 d", 7 * 86400, 1000, true },
    { "7 d", 7 * 86400, 10000, true },
};

typedef struct {
    GeneratorsNegative negative; /* its size is set trial by trial */
    uint64_t number;
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

    dice_seed(&dice, cell_seed(negative.set), (job->number << 32) + item);
    negative.sizes = (GeneratorsSizes) (item % GENERATORS_N_SIZES);
    generators_negative(&negative, &dice, events);
    series = generators_series(events, negative.window_sec, 0, 0);
    beacon_measure(&series, &measure);
    *(double *) result = measure.evidence;
}

/* The share of negatives of one kind that look regular at the nominal 1 %. */
static bool
false_alarms(const Plan *plan, const Job *job, Recall *share, GError **error)
{
    g_autofree double *evidence =
        crew_run(plan->n_trials, plan->n_jobs, sizeof(double), do_trial, job, error);
    size_t n = 0;

    if (evidence == NULL)
        return false;
    for (size_t i = 0; i < plan->n_trials; i++)
        n += evidence[i] >= NOMINAL_EVIDENCE;
    *share = recall_of(n, plan->n_trials);
    return true;
}

typedef struct {
    size_t n_cells;
    size_t n_above;        /* more than MAY_BE */
    size_t n_surely_above; /* the whole interval is */
} Sum;

static bool
add_row(const Plan *plan, GeneratorsSet set, size_t row, Table *table, Sum *sum,
        GError **error)
{
    g_autoptr(GString) line = g_string_new(rows[row].name);

    g_string_append_printf(line, "|%zu", rows[row].n_events);
    for (GeneratorsKind kind = 0; kind < GENERATORS_N_KINDS; kind++) {
        Job job = { .negative = { .kind = kind,
                                  .set = set,
                                  .window_sec = rows[row].window_sec,
                                  .n_events = rows[row].n_events },
                    .number = FIRST_NUMBER + row * GENERATORS_N_KINDS + kind };
        char text[TABLE_RECALL_BYTES];
        Recall share;

        if (!false_alarms(plan, &job, &share, error))
            return false;
        g_string_append_printf(line, "|%s%s", table_recall(share, text),
                               share.share > MAY_BE ? " *" : "");
        sum->n_cells++;
        sum->n_above += share.share > MAY_BE;
        sum->n_surely_above += share.low > MAY_BE;
    }
    table_row(table, "%s", line->str);
    sections_progress("%s", line->str);
    return true;
}

static bool
run_set(const Plan *plan, GeneratorsSet set, GString *out, GError **error)
{
    g_autoptr(GString) head = g_string_new("window|>events");
    g_autoptr(Table) table = NULL;
    Sum sum = { 0 };

    for (GeneratorsKind kind = 0; kind < GENERATORS_N_KINDS; kind++)
        g_string_append_printf(head, "|>%s", generators_kind_name(kind));
    table = table_new(head->str);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (plan->is_quick && rows[i].is_slow)
            continue;
        if (!add_row(plan, set, i, table, &sum, error))
            return false;
    }
    g_string_append_printf(out, "\n### %s generators\n\n", generators_set_name(set));
    table_write(table, out);
    g_string_append_printf(out,
                           "\n%zu of %zu cells are above 2 %% (*), %zu of them with "
                           "their whole interval.\n",
                           sum.n_above, sum.n_cells, sum.n_surely_above);
    return true;
}

bool
section_calibration_run(const Plan *plan, GString *out, GError **error)
{
    g_string_append_printf(
        out,
        "Per cent of the negatives of each kind whose calibrated p is 1 %% or less, of "
        "%zu a cell, with Wilson's interval of 95 %%. Wanted: at most 2 %% in every "
        "cell.\n",
        plan->n_trials);
    for (GeneratorsSet set = 0; set <= GENERATORS_HELD_OUT; set++) {
        sections_progress("%s generators", generators_set_name(set));
        if (plan->sets[set] && !run_set(plan, set, out, error))
            return false;
    }
    return true;
}
