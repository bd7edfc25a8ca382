/* SPDX-License-Identifier: Apache-2.0 */
#include "crew.h"

#include <errno.h>
#include <gio/gio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_JOBS = 64 };

/* Shared by all; the results follow, from RESULTS_OFFSET. */
typedef struct {
    int next; /* trial that nobody has begun */
} Shared;

#define RESULTS_OFFSET 64

static void
labour(Shared *shared, size_t n_items, size_t result_bytes, CrewWork work,
       const void *data)
{
    char *results = (char *) shared + RESULTS_OFFSET;
    size_t item;

    while ((item = (size_t) g_atomic_int_add(&shared->next, 1)) < n_items)
        work(item, results + item * result_bytes, data);
}

static bool
start(pid_t *child, Shared *shared, size_t n_items, size_t result_bytes, CrewWork work,
      const void *data, GError **error)
{
    *child = fork();
    if (*child < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "fork: %s",
                    g_strerror(errno));
        return false;
    }
    if (*child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* an interrupted run leaves nobody behind */
        labour(shared, n_items, result_bytes, work, data);
        _exit(0);
    }
    return true;
}

static bool
finish(pid_t child, GError **error)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return true; /* cannot happen: the child is ours */
    if (status == 0)
        return true;
    if (error && *error == NULL)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                    "a process of the measurement died (%s %d)",
                    WIFSIGNALED(status) ? "signal" : "status",
                    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return false;
}

void *
crew_run(size_t n_items, unsigned n_jobs, size_t result_bytes, CrewWork work,
         const void *data, GError **error)
{
    size_t n_bytes = RESULTS_OFFSET + n_items * result_bytes;
    Shared *shared =
        mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[MAX_JOBS];
    unsigned n_started = 0;
    void *results = NULL;
    bool good = true;

    g_assert(n_items < G_MAXINT - MAX_JOBS);
    if (shared == MAP_FAILED) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "mmap: %s",
                    g_strerror(errno));
        return NULL;
    }
    while (good && n_started < CLAMP(n_jobs, 1, MAX_JOBS)) {
        good = start(&children[n_started], shared, n_items, result_bytes, work, data,
                     error);
        n_started += good;
    }
    for (unsigned i = 0; i < n_started; i++)
        if (!finish(children[i], error))
            good = false;
    if (good)
        results = g_memdup2((char *) shared + RESULTS_OFFSET, n_items * result_bytes);
    munmap(shared, n_bytes);
    return results;
}
