/* SPDX-License-Identifier: Apache-2.0 */
#include "cell.h"
#include "sections.h"
#include "table.h"

#define FIRST_NUMBER 2000

static const double timeouts_sec[] = { 60, 300, 1800 };

/* What the scores say of the same session once its records are joined. */
static void
joined_scores(double window_sec, double scores[SCORES_N])
{
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(ContactEvent));
    ContactEvent session = { GENERATORS_FROM_US + 1, 50000000 };
    ContactSeries series;

    g_array_append_val(events, session);
    series = generators_series(events, window_sec, 0, 0);
    series.longest_us = (int64_t) window_sec * G_USEC_PER_SEC - 2;
    scores_of(&series, scores);
}

bool
section_cut_run(const Plan *plan, GString *out, GError **error)
{
    static const double windows_sec[] = { 8 * 3600, 86400 };
    g_autoptr(Table) table =
        table_new("session|>cut at, s|>records|>RITA total|>found|>Flowkeep timing|"
                  ">found|>joined: RITA|>Flowkeep");

    for (size_t i = 0; i < 2 * G_N_ELEMENTS(timeouts_sec); i++) {
        double window_sec = windows_sec[i / 3], joined[SCORES_N];
        Cell cell = {
            .beacon = { .shape = GENERATORS_CUT,
                        .window_sec = window_sec,
                        .period_sec = timeouts_sec[i % 3] },
            .number = FIRST_NUMBER + i,
            .n_trials = plan->n_trials,
            .n_negatives = plan->n_negatives,
            .n_jobs = plan->n_jobs,
        };
        char rita[TABLE_RECALL_BYTES], ours[TABLE_RECALL_BYTES];
        CellResult result;

        if (!cell_measure(&cell, &result, error))
            return false;
        joined_scores(window_sec, joined);
        table_row(table, "%.0f h|%.0f|%.0f|%.2f|%s|%.1f|%s|%.0f|%.0f",
                  window_sec / 3600, timeouts_sec[i % 3], result.n_events,
                  result.score[SCORES_RITA],
                  table_recall(result.found[SCORES_RITA], rita),
                  result.score[SCORES_FLOWKEEP_TIMING],
                  table_recall(result.found[SCORES_FLOWKEEP_TIMING], ours),
                  joined[SCORES_RITA], joined[SCORES_FLOWKEEP_TIMING]);
        sections_progress("%.0f h cut at %.0f s", window_sec / 3600,
                          timeouts_sec[i % 3]);
    }
    g_string_append(
        out,
        "What joining records to sessions prevents: the records of one session, "
        "unjoined, as contacts. Median score, and the share of sessions that would "
        "be found at 1 % false alarms. Joined it is one contact, and nothing is "
        "left to score. Development generators.\n\n");
    table_write(table, out);
    return true;
}
