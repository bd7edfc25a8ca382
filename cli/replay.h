/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Replay: captures through the very path that live datagrams take: into a journal
 * (a temporary one) and from there, by a worker, into the database.
 *
 * The journal is bounded: when it is full, reading waits for the worker.  Runs beside
 * a collector or without one, under a collector name of its own that is forgotten at
 * the end, so that its position holds nobody up.  One thread besides the worker's. */

#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "decode/decoder.h"
#include "ip-address.h"
#include "replay-exporters.h"
#include "replay-plan.h"
#include "settings.h"
#include "store/store.h"

#define REPLAY_NO_LISTENER UINT16_MAX /* none: no exporter address is trusted */

typedef struct {
    const Settings *settings; /* lent */
    double speed;             /* times capture pace; 0 = as fast as possible */
    bool keep_times;
    IpAddress exporter; /* whose messages an .ipfix file has */
    uint16_t listener;  /* index of the [listen] section to imitate */
    const volatile sig_atomic_t *interrupted; /* stop reading, store what was read */
} ReplayOptions;

/* What came of a file. */
typedef struct {
    const ReplayFile *file;
    DecoderCounters decoder;
    StoreCounters store;
} ReplayResult;

/* Called from time to time; @flows were stored of this run so far. */
typedef void (*ReplayProgress)(const ReplayFile *file, uint64_t n_datagrams_read,
                               uint64_t flows, void *user_data);

typedef struct {
    GArray *results; /* of ReplayResult, one per file in the order of reading */
    ReplayExporters *exporters;
    int64_t shift_us;
    bool interrupted;
} ReplayOutcome;

void replay_outcome_free(ReplayOutcome *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReplayOutcome, replay_outcome_free)

/* Finds out how many datagrams @file has and from when to when.  A file that is cut
 * is no error but has a note. */
bool replay_scan(ReplayFile *file, GError **error);

/* Reads all files of @run and waits until they are stored.  @nth makes its collector
 * name differ from those of other runs.  NULL on error; what was stored by then
 * stays. */
ReplayOutcome *replay_run(const ReplayOptions *options, const ReplayRun *run,
                          unsigned nth, ReplayProgress report, void *user_data,
                          GError **error);
