/* SPDX-License-Identifier: Apache-2.0 */
#include "replay-plan.h"

#include "clock.h"

#define MIN_US (60 * US_PER_SEC)

/* @times: first and last minute of each file, -1 -1 = empty.  The runs as text:
 * files by number, runs divided by "|". */
static char *
plan_text(const int (*times)[2], size_t n)
{
    g_autoptr(GArray) files = g_array_new(FALSE, TRUE, sizeof(ReplayFile));
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < n; i++) {
        const ReplayFile file = { .first_us = times[i][0] * MIN_US,
                                  .last_us = times[i][1] * MIN_US,
                                  .n_datagrams = times[i][0] < 0 ? 0 : 1 };

        g_array_append_val(files, file);
    }

    g_autoptr(GPtrArray) runs = replay_plan(files);
    for (unsigned i = 0; i < runs->len; i++) {
        const ReplayRun *run = runs->pdata[i];

        g_assert_cmpuint(run->n_datagrams, ==, run->files->len);
        for (unsigned j = 0; j < run->files->len; j++) {
            const ReplayFile *file = run->files->pdata[j];

            g_string_append_printf(text, "%s%d",
                                   j   ? " "
                                   : i ? "|"
                                       : "",
                                   (int) (file - (ReplayFile *) files->data));
        }
    }
    return g_string_free(text, FALSE);
}

#define CHECK_PLAN(expected, ...)                                                      \
    do {                                                                               \
        const int times[][2] = { __VA_ARGS__ };                                        \
        g_autofree char *text = plan_text(times, G_N_ELEMENTS(times));                 \
        g_assert_cmpstr(text, ==, expected);                                           \
    } while (0)

static void
test_runs(void)
{
    CHECK_PLAN("0", { 0, 5 });
    CHECK_PLAN("0 1 2", { 0, 5 }, { 5, 10 }, { 11, 15 });
    CHECK_PLAN("2 1 0", { 11, 15 }, { 5, 10 }, { 0, 5 });
    CHECK_PLAN("0|1", { 0, 5 }, { 4, 10 });
    CHECK_PLAN("0|1", { 0, 5 }, { 0, 5 });
    CHECK_PLAN("0|1", { 0, 5 }, { 66, 70 });
    CHECK_PLAN("0|1", { 100000, 100005 }, { 0, 5 });
    CHECK_PLAN("0 2|1 3", { 0, 5 }, { 1, 6 }, { 5, 10 }, { 6, 11 });
    CHECK_PLAN("0 2", { 0, 5 }, { -1, -1 }, { 5, 6 });
    CHECK_PLAN("", { -1, -1 });
}

static void
test_shift(void)
{
    const ReplayRun run = { .first_us = 1000 * US_PER_SEC,
                            .last_us = 1600 * US_PER_SEC };
    const int64_t now_us = 5000 * US_PER_SEC;

    /* at once: the last packet is now */
    g_assert_cmpint(run.last_us + replay_plan_shift_us(&run, 0, now_us), ==, now_us);
    /* at its own pace: the first is now, and the last will be */
    g_assert_cmpint(run.first_us + replay_plan_shift_us(&run, 1, now_us), ==, now_us);

    static const double speeds[] = { 0.5, 1, 2, 1000 };
    for (size_t i = 0; i < G_N_ELEMENTS(speeds); i++) {
        const int64_t shift_us = replay_plan_shift_us(&run, speeds[i], now_us);

        for (int64_t sec = 1000; sec <= 1600; sec += 100) {
            const double played_us =
                (double) now_us + (double) (sec - 1000) * US_PER_SEC / speeds[i];

            g_assert_cmpfloat((double) (sec * US_PER_SEC + shift_us), <=,
                              played_us + 1);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/replay-plan/files-that-follow-are-one-run", test_runs);
    g_test_add_func("/replay-plan/nothing-is-in-the-future", test_shift);
    return g_test_run();
}
