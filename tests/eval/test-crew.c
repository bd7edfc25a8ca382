/* SPDX-License-Identifier: Apache-2.0 */
#include "crew.h"

#include <unistd.h>

static void
square(size_t item, void *result, const void *data)
{
    *(size_t *) result = item * item + *(const size_t *) data;
}

static void
die_at_seven(size_t item, void *result, G_GNUC_UNUSED const void *data)
{
    *(size_t *) result = item;
    if (item == 7)
        _exit(3);
}

static void
test_results(void)
{
    for (unsigned n_jobs = 1; n_jobs <= 3; n_jobs++) {
        size_t add = 5;
        g_autoptr(GError) error = NULL;
        g_autofree size_t *results =
            crew_run(1000, n_jobs, sizeof(size_t), square, &add, &error);

        g_assert_no_error(error);
        for (size_t i = 0; i < 1000; i++)
            g_assert_cmpuint(results[i], ==, i * i + 5);
    }
}

static void
test_death(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(crew_run(20, 2, sizeof(size_t), die_at_seven, NULL, &error));
    g_assert_nonnull(error);
    g_assert_nonnull(g_strstr_len(error->message, -1, "status 3"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/crew/every-trial-is-done-once", test_results);
    g_test_add_func("/crew/a-death-is-an-error", test_death);
    return g_test_run();
}
