/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Worker: journal -> decode -> flow -> store, in one thread.
 *
 * There is one way to begin, after a start, a crash or a lost connection alike:
 * connect, ask the database for the position and for what the exporters told, and
 * read the journal from there.  While the database is away the journal grows. */

#include <glib.h>

#include "decode/decoder.h"
#include "journal/journal.h"
#include "settings.h"
#include "store/store.h"

typedef struct {
    const Settings *settings; /* lent; must outlive the worker */
    const char *collector;    /* name in ingest_position */
    uint32_t index;
    Journal *journal;  /* lent */
    bool until_empty;  /* a replay: end when the journal is read, giving up all that
                        * waits; else run until worker_stop() */
    bool growing;      /* with until_empty: the journal is still being written to, and
                        * is not read to its end before worker_complete() */
    bool keep_waiting; /* with until_empty: what waits is not given up but stays for
                        * the next worker of this journal */
    bool import;       /* times are kept: see StoreOptions */
} WorkerOptions;

typedef struct {
    DecoderCounters decoder;
    StoreCounters store;
    uint64_t backlog_bytes;
    int64_t beat_us; /* monotonic time of its last sign of life */
    bool connected;
} WorkerStatus;

typedef struct Worker Worker;

Worker *worker_start(const WorkerOptions *options);

/* Asks it to store what the journal holds within @deadline_ms and to end. */
void worker_stop(Worker *self, unsigned deadline_ms);

/* All that a growing journal will hold was appended. */
void worker_complete(Worker *self);

/* True once its thread has nothing more to do: worker_join() will not wait. */
bool worker_ended(const Worker *self);

/* Waits for its end and frees it.  Returns false, with @error, when a replay could
 * not be stored. */
bool worker_join(Worker *self, WorkerStatus *status, GError **error);

/* New settings (watch groups, sampling overrides), taken between two datagrams.
 * @settings is lent like the first. */
void worker_reload(Worker *self, const Settings *settings);

/* A copy of its counters, at most a second old.  Any thread. */
WorkerStatus worker_status(Worker *self);
