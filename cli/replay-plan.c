/* SPDX-License-Identifier: Apache-2.0 */
#include "replay-plan.h"

#include "clock.h"

/* Captures that belong together leave no longer gap than this. */
#define MAX_GAP_US (3600 * US_PER_SEC)

static void
run_free(void *data)
{
    ReplayRun *run = data;

    g_ptr_array_unref(run->files);
    g_free(run);
}

static int
compare_first(const void *a, const void *b, void *user_data)
{
    const GArray *files = user_data;
    const unsigned i = *(const unsigned *) a, j = *(const unsigned *) b;
    const ReplayFile *x = &g_array_index(files, ReplayFile, i);
    const ReplayFile *y = &g_array_index(files, ReplayFile, j);

    if (x->first_us != y->first_us)
        return x->first_us < y->first_us ? -1 : 1;
    return i < j ? -1 : i > j;
}

/* The run that @file goes on with: the one that ended last before it began. */
static ReplayRun *
find_run(GPtrArray *runs, const ReplayFile *file)
{
    ReplayRun *found = NULL;

    for (unsigned i = 0; i < runs->len; i++) {
        ReplayRun *run = runs->pdata[i];

        if (run->last_us <= file->first_us &&
            file->first_us - run->last_us <= MAX_GAP_US &&
            (!found || run->last_us > found->last_us))
            found = run;
    }
    return found;
}

static ReplayRun *
add_run(GPtrArray *runs, const ReplayFile *file)
{
    ReplayRun *run = g_new0(ReplayRun, 1);

    run->files = g_ptr_array_new();
    run->first_us = file->first_us;
    g_ptr_array_add(runs, run);
    return run;
}

static int
compare_given(const void *a, const void *b)
{
    const ReplayRun *const *x = a, *const *y = b;
    const ReplayFile *first_of_x = (*x)->files->pdata[0];
    const ReplayFile *first_of_y = (*y)->files->pdata[0];

    return first_of_x < first_of_y ? -1 : first_of_x > first_of_y; /* of one array */
}

GPtrArray *
replay_plan(GArray *files)
{
    GPtrArray *runs = g_ptr_array_new_with_free_func(run_free);
    g_autofree unsigned *order = g_new(unsigned, files->len + 1);

    for (unsigned i = 0; i < files->len; i++)
        order[i] = i;
    g_qsort_with_data(order, (int) files->len, sizeof(*order), compare_first, files);

    for (unsigned i = 0; i < files->len; i++) {
        ReplayFile *file = &g_array_index(files, ReplayFile, order[i]);

        if (file->n_datagrams == 0)
            continue;

        ReplayRun *run = find_run(runs, file);
        if (!run)
            run = add_run(runs, file);
        g_ptr_array_add(run->files, file);
        run->last_us = file->last_us;
        run->n_datagrams += file->n_datagrams;
    }
    g_ptr_array_sort(runs, compare_given);
    return runs;
}

int64_t
replay_plan_shift_us(const ReplayRun *run, double speed, int64_t now_us)
{
    const double span_us = (double) (run->last_us - run->first_us);
    const int64_t takes_us = speed > 0 ? (int64_t) (span_us / MAX(speed, 1.0)) : 0;

    return now_us + takes_us - run->last_us;
}
