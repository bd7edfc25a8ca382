/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Ingest: journal -> decode -> flow -> store, for the life of one connection.
 *
 * Begins by asking the database for the position and for what the exporters told,
 * reads the journal from there, and throws all its state away at the end: so there
 * is one way to begin, after a start, a crash or a lost connection alike.  Runs in
 * the worker's thread; logs nothing, except that records of the journal were found
 * corrupt. */

#include "worker.h"

#include <stdatomic.h>

/* What others may change while it runs. */
typedef struct {
    _Atomic(const Settings *) settings; /* the newest */
    _Atomic(int64_t) stop_at_us;        /* 0 = run; else monotonic deadline */
    _Atomic(bool) complete;             /* nothing will be appended any more */
} IngestControl;

/* What this connection has done, as of its last commit. */
typedef struct {
    DecoderCounters decoder;
    StoreCounters store;
    uint64_t backlog_bytes;
} IngestProgress;

typedef void IngestReport(const IngestProgress *progress, void *user_data);

/* Runs until it was told to stop, or a replay is done (true), or the store is lost
 * (false).  @report is called after the first commit, about once a second, and once
 * at the end. */
bool ingest_run(const WorkerOptions *options, const IngestControl *control,
                IngestReport *report, void *user_data, GError **error);
