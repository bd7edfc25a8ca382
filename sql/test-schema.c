/* SPDX-License-Identifier: Apache-2.0 */
/* The files inside, which only a connection would reach otherwise. */
#include "schema.c"

#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_PROCESSES 200
#define N_THREADS   8

static int n_waiting; /* threads that are ready to begin */

static gpointer
ask(gpointer unused)
{
    (void) unused;
    g_atomic_int_add(&n_waiting, -1);
    while (g_atomic_int_get(&n_waiting) > 0)
        ;
    return GINT_TO_POINTER(read_file("", "grants.sql") != NULL);
}

/* In a process of its own, since only the first time is interesting. */
static bool
all_threads_know(void)
{
    GThread *threads[N_THREADS];
    bool all = true;

    n_waiting = N_THREADS;
    for (size_t i = 0; i < N_THREADS; i++)
        threads[i] = g_thread_new("ask", ask, NULL);
    for (size_t i = 0; i < N_THREADS; i++)
        all &= g_thread_join(threads[i]) != NULL;
    return all;
}

/* Both daemons ended by a segmentation fault, once in some hundred starts. */
static void
test_threads_may_ask_at_once(void)
{
    for (size_t i = 0; i < N_PROCESSES; i++) {
        const pid_t child = fork();
        int status = 0;

        if (child == 0)
            _exit(all_threads_know() ? 0 : 1);
        g_assert_cmpint(child, >, 0);
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_cmpint(status, ==, 0);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/schema/threads-may-ask-at-once", test_threads_may_ask_at_once);
    return g_test_run();
}
