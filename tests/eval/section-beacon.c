/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "cell.h"
#include "detect/beacon.h"
#include "sections.h"
#include "table.h"

#define DAY .window_sec = 86400

/* What must be reached, or not. */
#define NO_CLAIM 0

typedef struct {
    const char *name;
    GeneratorsBeacon beacon;
    double wanted_pct; /* NO_CLAIM: reported only */
} Case;

/* T = 300 s and 24 h unless said. */
static const Case cases[] = {
    { "one-sided jitter 20 %, T = 60 s", { DAY, .period_sec = 60, .jitter = 0.2 }, 99 },
    { "one-sided jitter 50 %, T = 60 s", { DAY, .period_sec = 60, .jitter = 0.5 }, 99 },
    { "one-sided jitter 20 %", { DAY, .period_sec = 300, .jitter = 0.2 }, 99 },
    { "one-sided jitter 50 %", { DAY, .period_sec = 300, .jitter = 0.5 }, 99 },
    { "one-sided jitter 20 %, T = 3600 s",
      { DAY, .period_sec = 3600, .jitter = 0.2 },
      99 },
    { "one-sided jitter 50 %, T = 3600 s",
      { DAY, .period_sec = 3600, .jitter = 0.5 },
      99 },
    { "one-sided jitter 90 %, T = 3600 s",
      { DAY, .period_sec = 3600, .jitter = 0.9 },
      95 },
    { "25 % missing, 20 % jitter",
      { DAY, .period_sec = 300, .missing = 0.25, .jitter = 0.2 },
      99 },
    { "50 % missing, 20 % jitter",
      { DAY, .period_sec = 300, .missing = 0.5, .jitter = 0.2 },
      95 },
    { "50 % missing, 50 % jitter",
      { DAY, .period_sec = 300, .missing = 0.5, .jitter = 0.5 },
      85 },
    { "70 % missing, no jitter", { DAY, .period_sec = 300, .missing = 0.7 }, 90 },
    { "30 % random contacts, 20 % jitter",
      { DAY, .period_sec = 300, .extra = 0.3, .jitter = 0.2 },
      99 },
    { "as many random contacts as beats, no jitter",
      { DAY, .period_sec = 300, .extra = 1 },
      88 },
    { "as many random contacts as beats, 20 % jitter",
      { DAY, .period_sec = 300, .extra = 1, .jitter = 0.2 },
      75 },
    { "sampled 1:10, T = 60 s, 20 % jitter",
      { DAY, .period_sec = 60, .jitter = 0.2, .sampling = 10, .n_packets = 12 },
      95 },
    { "sampled 1:100, T = 60 s, no jitter",
      { DAY, .period_sec = 60, .sampling = 100, .n_packets = 12 },
      95 },
    { "sampled 1:100, T = 60 s, 20 % jitter",
      { DAY, .period_sec = 60, .jitter = 0.2, .sampling = 100, .n_packets = 12 },
      NO_CLAIM },
    { "sampled 1:500, T = 60 s, no jitter",
      { DAY, .period_sec = 60, .sampling = 500, .n_packets = 12 },
      NO_CLAIM },
    { "sampled 1:1000, T = 60 s, no jitter",
      { DAY, .period_sec = 60, .sampling = 1000, .n_packets = 12 },
      NO_CLAIM },
    { "T = 4 h over 7 days, 50 % jitter",
      { .window_sec = 7 * 86400, .period_sec = 14400, .jitter = 0.5 },
      95 },
    { "symmetric jitter +-70 %",
      { DAY, .period_sec = 300, .symmetric_jitter = 0.7 },
      98 },
    { "symmetric jitter +-90 %",
      { DAY, .period_sec = 300, .symmetric_jitter = 0.9 },
      95 },
    { "growing intervals, each the sum of the last two",
      { DAY, .shape = GENERATORS_GROWING, .period_sec = 60 },
      95 },
    { "growing intervals, 20 % jitter",
      { DAY, .shape = GENERATORS_GROWING, .period_sec = 60, .jitter = 0.2 },
      NO_CLAIM },
    { "alive 0.5-4 h of the day, T = 60 s, 20 % jitter",
      { DAY, .period_sec = 60, .jitter = 0.2, .alive_min_sec = 1800,
        .alive_max_sec = 14400 },
      NO_CLAIM },
    { "alive 0.5-4 h of the day, T = 300 s, 20 % jitter",
      { DAY, .period_sec = 300, .jitter = 0.2, .alive_min_sec = 1800,
        .alive_max_sec = 14400 },
      NO_CLAIM },
    { "a window of 1 h, T = 60 s, 20 % jitter",
      { .window_sec = 3600, .period_sec = 60, .jitter = 0.2 },
      NO_CLAIM },
    { "a window of 4 h, T = 300 s, 50 % jitter",
      { .window_sec = 14400, .period_sec = 300, .jitter = 0.5 },
      NO_CLAIM },
};

/* What coverage says of a case, and so whether it is judged at all in earnest. */
static bool
is_judged(const GeneratorsBeacon *beacon)
{
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(ContactEvent));
    ContactSeries series;
    Dice dice;

    dice_seed(&dice, cell_seed(GENERATORS_DEVELOPMENT), 0);
    generators_beacon(beacon, &dice, events);
    series = generators_series(events, beacon->window_sec, beacon->sampling,
                               beacon->n_packets);
    return beacon_coverage(&series, NULL, &BEACON_POLICY_DEFAULT).is_enough;
}

static char *
verdict(const Case *what, const CellResult *result)
{
    double ours = result->found[SCORES_FLOWKEEP].share;
    double best =
        fmax(result->found[SCORES_RITA].share, result->found[SCORES_RITA_TIMING].share);
    const char *than = best > ours ? "; the baseline is better" : "";
    const char *judged =
        is_judged(&what->beacon) ? "" : "; coverage says: no verdict, rank only";
    double short_by = what->wanted_pct - 100.0 * ours;

    if (what->wanted_pct == NO_CLAIM)
        return g_strdup_printf("no claim%s%s", judged, than);
    if (short_by <= 1e-9)
        return g_strdup_printf("reached%s%s", judged, than);
    return g_strdup_printf("missed by %.1f%s%s", short_by, judged, than);
}

static void
add_row(Table *table, const Case *what, const CellResult *result)
{
    char text[SCORES_N][TABLE_RECALL_BYTES];
    g_autofree char *wanted = what->wanted_pct == NO_CLAIM
                                  ? g_strdup("-")
                                  : g_strdup_printf(">= %.0f", what->wanted_pct);
    g_autofree char *said = verdict(what, result);

    for (ScoresKind kind = 0; kind < SCORES_N; kind++)
        table_recall(result->found[kind], text[kind]);
    table_row(table, "%s|%.0f|%s|%s|%s|%s|%s|%s", what->name, result->n_events,
              text[SCORES_RITA], text[SCORES_RITA_TIMING], text[SCORES_FLOWKEEP_TIMING],
              text[SCORES_FLOWKEEP], wanted, said);
    sections_progress("%s: %s, RITA %s: %s", what->name, text[SCORES_FLOWKEEP],
                      text[SCORES_RITA], said);
}

static bool
run_set(const Plan *plan, GeneratorsSet set, GString *out, GError **error)
{
    g_autoptr(Table) table =
        table_new("case|>events|>RITA total|>RITA timing|>Flowkeep timing|>Flowkeep|"
                  ">wanted|result");

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Cell cell = {
            .beacon = cases[i].beacon,
            .set = set,
            .number = i,
            .n_trials = plan->n_trials,
            .n_negatives = plan->n_negatives,
            .n_jobs = plan->n_jobs,
        };
        CellResult result;

        if (plan->words && strstr(cases[i].name, plan->words) == NULL)
            continue;
        if (!cell_measure(&cell, &result, error))
            return false;
        add_row(table, &cases[i], &result);
    }
    g_string_append_printf(out, "\n### %s generators\n\n", generators_set_name(set));
    table_write(table, out);
    return true;
}

static bool
has_case(const char *words, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        if (words == NULL || strstr(cases[i].name, words))
            return true;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "there is no case \"%s\"", words);
    return false;
}

bool
section_beacon_run(const Plan *plan, GString *out, GError **error)
{
    if (!has_case(plan->words, error))
        return false;
    g_string_append_printf(
        out,
        "T = 300 s and 24 h unless said. Per cent found, with Wilson's interval of 95 "
        "%%. "
        "Each score has its own cut in each row: at most 1 %% of %zu negatives lie "
        "above "
        "it, which have the numbers of events of the %zu trials and the same window, "
        "sizes constant, +-20 %% and lognormal, of six kinds in equal parts. RITA "
        "looks "
        "at the last 24 h, as it does. Uploads of check-ins: two thirds of the "
        "channels constant, a sixth +-2 %%, a sixth +-10 %%. Sampled sessions have 12 "
        "packets. "
        "*Flowkeep* is time, size and presence together, as *RITA total*; *timing* is "
        "the intervals alone.\n",
        plan->n_negatives, plan->n_trials);
    for (GeneratorsSet set = 0; set <= GENERATORS_HELD_OUT; set++) {
        if (!plan->sets[set])
            continue;
        sections_progress("%s generators", generators_set_name(set));
        if (!run_set(plan, set, out, error))
            return false;
    }
    return true;
}
