/* SPDX-License-Identifier: Apache-2.0 */
#include "cell.h"
#include "crew.h"
#include "detect/beacon-measure.h"
#include "sections.h"
#include "table.h"

/* Nominal share of false alarms, and how far it may be off. */
#define NOMINAL_EVIDENCE 2.0 /* -log10 of 1 % */
#define MAY_BE           0.02

/* Large sources take long: of these, fewer. */
#define MOST_EVENTS 3000000 /* of all trials of a cell, */
#define MIN_TRIALS  200     /* but not below this */

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

static size_t
trials_of(const Plan *plan, size_t n_events)
{
    return MIN(plan->n_trials, MAX(MOST_EVENTS / n_events, MIN_TRIALS));
}

/* The share of negatives of one kind that look regular at the nominal 1 %. */
static bool
false_alarms(const Plan *plan, const Job *job, Recall *share, GError **error)
{
    size_t n_trials = trials_of(plan, job->negative.n_events), n = 0;
    g_autofree double *evidence =
        crew_run(n_trials, plan->n_jobs, sizeof(double), do_trial, job, error);

    if (evidence == NULL)
        return false;
    for (size_t i = 0; i < n_trials; i++)
        n += evidence[i] >= NOMINAL_EVIDENCE;
    *share = recall_of(n, n_trials);
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

    g_string_append_printf(line, "|%zu|%zu", rows[row].n_events,
                           trials_of(plan, rows[row].n_events));
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
    g_autoptr(GString) head = g_string_new("window|>events|>trials");
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

/* For the record: what is no channel but regular all the same. */
static bool
run_beyond(const Plan *plan, GString *out, GError **error)
{
    static const size_t n_events[] = { 20, 100, 1000 };
    g_autoptr(Table) table = table_new("kind|>20 events|>100|>1000");

    for (GeneratorsKind kind = GENERATORS_N_KINDS; kind < GENERATORS_N_ALL_KINDS;
         kind++) {
        g_autoptr(GString) line = g_string_new(generators_kind_name(kind));

        for (size_t i = 0; i < G_N_ELEMENTS(n_events); i++) {
            Job job = { .negative = { .kind = kind,
                                      .window_sec = 86400,
                                      .n_events = n_events[i] },
                        .number =
                            FIRST_NUMBER + 500 + kind * G_N_ELEMENTS(n_events) + i };
            char text[TABLE_RECALL_BYTES];
            Recall share;

            if (!false_alarms(plan, &job, &share, error))
                return false;
            g_string_append_printf(line, "|%s", table_recall(share, text));
        }
        table_row(table, "%s", line->str);
        sections_progress("%s", line->str);
    }
    g_string_append(
        out,
        "\n### Beyond the six\n\nSources that are no channels but have a regularity "
        "of their own, which timing cannot tell from a channel's: contacts at random "
        "but never within a third of the "
        "mean interval, and sessions at a steady pace each. The same measure, 24 h. "
        "Nothing is claimed; context has to decide.\n\n");
    table_write(table, out);
    return true;
}

bool
section_calibration_run(const Plan *plan, GString *out, GError **error)
{
    g_string_append(out,
                    "Per cent of the negatives of each kind whose calibrated p is 1 % "
                    "or less, with "
                    "Wilson's interval of 95 %. Wanted: at most 2 % in every cell.\n");
    for (GeneratorsSet set = 0; set <= GENERATORS_HELD_OUT; set++) {
        if (!plan->sets[set])
            continue;
        sections_progress("%s generators", generators_set_name(set));
        if (!run_set(plan, set, out, error))
            return false;
    }
    return run_beyond(plan, out, error);
}
