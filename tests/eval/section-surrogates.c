/* SPDX-License-Identifier: Apache-2.0 */
#include "cell.h"
#include "crew.h"
#include "detect/beacon.h"
#include "sections.h"
#include "table.h"

#define FIRST_NUMBER 3000
#define DAY          .window_sec = 86400

/* A trial takes as long as 200 of the other sections. */
enum { PART_OF_TRIALS = 10 };

static const struct {
    const char *name;
    GeneratorsBeacon beacon;
} beacons[] = {
    { "no jitter", { DAY, .period_sec = 300 } },
    { "one-sided jitter 20 %", { DAY, .period_sec = 300, .jitter = 0.2 } },
    { "one-sided jitter 50 %", { DAY, .period_sec = 300, .jitter = 0.5 } },
    { "one-sided jitter 90 %", { DAY, .period_sec = 300, .jitter = 0.9 } },
    { "symmetric jitter +-90 %", { DAY, .period_sec = 300, .symmetric_jitter = 0.9 } },
    { "50 % missing, 20 % jitter",
      { DAY, .period_sec = 300, .missing = 0.5, .jitter = 0.2 } },
    { "70 % missing, no jitter", { DAY, .period_sec = 300, .missing = 0.7 } },
    { "as many random contacts as beats, 20 % jitter",
      { DAY, .period_sec = 300, .extra = 1, .jitter = 0.2 } },
    { "one-sided jitter 50 %, T = 3600 s", { DAY, .period_sec = 3600, .jitter = 0.5 } },
    { "T = 4 h over 7 days, 50 % jitter",
      { .window_sec = 7 * 86400, .period_sec = 14400, .jitter = 0.5 } },
    { "growing intervals", { DAY, .shape = GENERATORS_GROWING, .period_sec = 60 } },
};

typedef struct {
    const GeneratorsBeacon *beacon; /* NULL: a negative of @kind */
    GeneratorsKind kind;
    GeneratorsSet set;
    uint64_t number;
} Job;

static void
do_trial(size_t item, void *result, const void *data)
{
    const Job *job = data;
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(ContactEvent));
    double window_sec = job->beacon ? job->beacon->window_sec : 86400.0;
    GeneratorsNegative negative = { .kind = job->kind,
                                    .set = job->set,
                                    .sizes = item % GENERATORS_N_SIZES,
                                    .window_sec = window_sec,
                                    .n_events = 288 };
    BeaconMeasure measure;
    ContactSeries series;
    Dice dice;

    dice_seed(&dice, cell_seed(job->set), (job->number << 32) + item);
    if (job->beacon)
        generators_beacon(job->beacon, &dice, events);
    else
        generators_negative(&negative, &dice, events);
    series = generators_series(events, window_sec, 0, 0);
    beacon_measure(&series, &measure);
    *(bool *) result =
        beacon_beats_surrogates(&series, &measure, BEACON_POLICY_DEFAULT.n_surrogates);
}

static bool
add_row(const Plan *plan, const Job *job, const char *name, Table *table,
        GError **error)
{
    size_t n_trials = MAX(plan->n_trials / PART_OF_TRIALS, 10), n = 0;
    g_autofree bool *beats =
        crew_run(n_trials, plan->n_jobs, sizeof(bool), do_trial, job, error);
    char text[TABLE_RECALL_BYTES];

    if (beats == NULL)
        return false;
    for (size_t i = 0; i < n_trials; i++)
        n += beats[i];
    table_recall(recall_of(n, n_trials), text);
    table_row(table, "%s|%s|%s", name, job->beacon ? "all" : "few", text);
    sections_progress("%s: %s", name, text);
    return true;
}

static bool
run_set(const Plan *plan, GeneratorsSet set, GString *out, GError **error)
{
    g_autoptr(Table) table = table_new("source|wanted|>beat all their redrawings");

    for (size_t i = 0; i < G_N_ELEMENTS(beacons) + GENERATORS_N_KINDS; i++) {
        Job job = { .set = set, .number = FIRST_NUMBER + i };
        g_autofree char *name = NULL;

        if (i < G_N_ELEMENTS(beacons)) {
            job.beacon = &beacons[i].beacon;
            name = g_strdup(beacons[i].name);
        } else {
            job.kind = i - G_N_ELEMENTS(beacons);
            name = g_strdup_printf("%s, 288 events", generators_kind_name(job.kind));
        }
        if (!add_row(plan, &job, name, table, error))
            return false;
    }
    g_string_append_printf(out, "\n### %s generators\n\n", generators_set_name(set));
    table_write(table, out);
    return true;
}

bool
section_surrogates_run(const Plan *plan, GString *out, GError **error)
{
    g_string_append_printf(out,
                           "Nothing is mailed that does not beat %u random redrawings "
                           "of itself, which keep "
                           "rate and burstiness. Per cent that do, of %zu trials, with "
                           "Wilson's interval of "
                           "95 %%. T = 300 s and 24 h unless said.\n",
                           BEACON_POLICY_DEFAULT.n_surrogates,
                           MAX(plan->n_trials / PART_OF_TRIALS, 10));
    for (GeneratorsSet set = 0; set <= GENERATORS_HELD_OUT; set++) {
        if (!plan->sets[set])
            continue;
        sections_progress("%s generators", generators_set_name(set));
        if (!run_set(plan, set, out, error))
            return false;
    }
    return true;
}
