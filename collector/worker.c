/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include "clock.h"
#include "ingest.h"
#include "log.h"

#define BACKOFF_MIN_US (100 * US_PER_MS)
#define BACKOFF_MAX_US (5 * US_PER_SEC)
/* A replay has somebody waiting for it: it gives up sooner than a daemon. */
#define REPLAY_MAX_FAILURES 5
#define LOG_EVERY           12 /* failures, after the first */

struct Worker {
    WorkerOptions options;
    GThread *thread;
    IngestControl control;
    _Atomic(bool) ended;

    IngestProgress before;  /* of connections that ended */
    IngestProgress current; /* of this one */
    bool progressed;        /* this one has committed */

    GMutex status_lock; /* for the copy below alone, once a second */
    WorkerStatus status;
    GError *error; /* why a replay failed; read after the thread ended */
};

/* All members of IngestProgress are counters. */
static void
add_progress(IngestProgress *sum, const IngestProgress *more)
{
    uint64_t *to = (uint64_t *) sum;
    const uint64_t *from = (const uint64_t *) more;

    for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
        to[i] += from[i];
}

static void
on_progress(const IngestProgress *progress, void *user_data)
{
    Worker *self = user_data;
    IngestProgress all = self->before;

    self->current = *progress;
    self->progressed = true;
    add_progress(&all, progress);
    g_mutex_lock(&self->status_lock);
    self->status = (WorkerStatus){ .decoder = all.decoder,
                                   .store = all.store,
                                   .backlog_bytes = progress->backlog_bytes,
                                   .beat_us = clock_mono_us(),
                                   .connected = true };
    g_mutex_unlock(&self->status_lock);
}

static void
mark_disconnected(Worker *self)
{
    g_mutex_lock(&self->status_lock);
    self->status.connected = false;
    self->status.beat_us = clock_mono_us();
    g_mutex_unlock(&self->status_lock);
}

/* Sleeps, but not past the moment the worker is told to stop. */
static void
back_off(Worker *self, int64_t pause_us)
{
    const int64_t until_us = clock_mono_us() + pause_us;

    while (clock_mono_us() < until_us && !self->control.stop_at_us) {
        mark_disconnected(self);
        g_usleep(50 * US_PER_MS);
    }
}

static void
report_failure(const Worker *self, const GError *error, unsigned n_failures)
{
    if (n_failures == 1 || n_failures % LOG_EVERY == 0)
        log_warning("worker %u: %s; the journal keeps what arrives, trying again",
                    self->options.index, error->message);
}

/* One connection. */
static bool
run_once(Worker *self, GError **error)
{
    self->progressed = false;
    const bool done =
        ingest_run(&self->options, &self->control, on_progress, self, error);

    self->current.backlog_bytes = 0; /* not a sum */
    add_progress(&self->before, &self->current);
    self->current = (IngestProgress){ 0 };
    return done;
}

static gpointer
run_worker(gpointer user_data)
{
    Worker *self = user_data;
    unsigned n_failures = 0;
    int64_t pause_us = BACKOFF_MIN_US;

    while (!self->control.stop_at_us) {
        g_autoptr(GError) error = NULL;

        if (run_once(self, &error))
            break;
        if (self->progressed) {
            n_failures = 0;
            pause_us = BACKOFF_MIN_US;
        }
        report_failure(self, error, ++n_failures);
        mark_disconnected(self);
        if (self->options.until_empty && n_failures >= REPLAY_MAX_FAILURES) {
            self->error = g_steal_pointer(&error);
            break;
        }
        back_off(self, pause_us);
        pause_us = MIN(pause_us * 2, BACKOFF_MAX_US);
    }
    self->ended = true;
    return NULL;
}

Worker *
worker_start(const WorkerOptions *options)
{
    Worker *self = g_new0(Worker, 1);
    g_autofree char *name = g_strdup_printf("worker-%u", options->index);

    self->options = *options;
    self->control.settings = options->settings;
    self->control.complete = !options->growing;
    self->status.beat_us = clock_mono_us();
    g_mutex_init(&self->status_lock);
    self->thread = g_thread_new(name, run_worker, self);
    return self;
}

void
worker_stop(Worker *self, unsigned deadline_ms)
{
    const int64_t stop_at_us = clock_mono_us() + deadline_ms * US_PER_MS;

    self->control.stop_at_us = stop_at_us;
    journal_wake(self->options.journal);
}

void
worker_complete(Worker *self)
{
    self->control.complete = true;
    journal_wake(self->options.journal);
}

bool
worker_ended(const Worker *self)
{
    return self->ended;
}

bool
worker_join(Worker *self, WorkerStatus *status, GError **error)
{
    g_thread_join(self->thread);
    if (status)
        *status = self->status;

    const bool ok = self->error == NULL;
    if (!ok)
        g_propagate_error(error, self->error);
    g_mutex_clear(&self->status_lock);
    g_free(self);
    return ok;
}

void
worker_reload(Worker *self, const Settings *settings)
{
    self->control.settings = settings;
    journal_wake(self->options.journal);
}

WorkerStatus
worker_status(Worker *self)
{
    g_mutex_lock(&self->status_lock);
    const WorkerStatus status = self->status;
    g_mutex_unlock(&self->status_lock);
    return status;
}
