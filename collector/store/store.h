/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Store: one worker's way into PostgreSQL.
 *
 * A batch is one transaction: flow rows by binary COPY, rollup partials, losses,
 * what exporters told, and the journal position all of it came from; the position
 * is a compare-and-set, so that a batch is stored once whatever happens between
 * COMMIT and its answer, and so that two collectors of one name cannot both store.
 *
 * Rows are encoded, and sent to the server, while the batch is still being filled.
 * A batch the server refuses is bisected: the bad row goes to rejected_flow.
 *
 * After any DB_ERROR_LOST the store is spent: free it, open another, and go on from
 * the position the database then gives.  One thread; blocks. */

#include <glib.h>

#include "flow/flow.h"
#include "flow/learnt.h"
#include "flow/loss.h"
#include "network.h"

typedef enum {
    STORE_EXTRA_WATCHED,
    STORE_EXTRA_ALL,
    STORE_EXTRA_NONE
} StoreExtraPolicy;

typedef struct {
    const char *conninfo;
    unsigned connect_timeout_sec;
    const char *collector;  /* name */
    uint32_t worker;        /* 0, 1, ... */
    const char *journal_id; /* 32 hex digits */
    uint32_t batch_rows;
    StoreExtraPolicy extra;
    uint32_t partition_minutes;
    uint32_t talkers;
    bool import; /* a replay with kept times: partitions are marked as imported */
} StoreOptions;

#define STORE_N_COUNTS 4 /* the members of a JournalCounts */

/* What is committed with the rows. */
typedef struct {
    uint64_t segment; /* of the journal: all before this is stored */
    uint64_t offset;
    uint64_t seq;                    /* of the record there; 0 = not known */
    int64_t received_us;             /* receive time reached, also without traffic */
    uint64_t backlog_bytes;          /* in the journal, not stored yet; for status */
    uint64_t counts[STORE_N_COUNTS]; /* journal counts already turned into losses */
    uint64_t n_exporters;            /* known to the decoder, of so many; for status */
    uint64_t max_exporters;
    uint64_t held_bytes;     /* by the decoder; likewise */
    bool sequences_complete; /* no exporter's sequence state is newer than its row */
} StorePosition;

typedef struct Store Store;

/* Connects, checks the schema version, and reads the position (all zero when this
 * worker, or this journal of it, is new; of a journal that comes back it is where it
 * was left).  Errors: DB_ERROR. */
Store *store_open(const StoreOptions *options, StorePosition *position, GError **error);
void store_free(Store *self); /* an open batch is rolled back */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_free)

/* Calls back once for every row of this worker's exporters; exporters are added to
 * @exporters with their id.  Any callback may be NULL. */
typedef struct {
    void (*template)(const LearntTemplate *learnt, void *user_data);
    void (*option)(const LearntOption *learnt, void *user_data);
    /* As given to store_set_waiting(). */
    void (*waiting)(const uint8_t *bytes, size_t n_bytes, void *user_data);
} StoreRestore;

bool store_restore(Store *self, ExporterTable *exporters, const StoreRestore *restore,
                   void *user_data, GError **error);

/* Adds to the open batch, opening one when none is.  @app_name and the VRF names
 * may be NULL.  The flow must have been normalised. */
bool store_add_flow(Store *self, const Flow *flow, const char *app_name,
                    const char *vrf_in_name, const char *vrf_out_name, GError **error);
void store_add_loss(Store *self, const Loss *loss);
void store_add_template(Store *self, const LearntTemplate *learnt);
void store_add_option(Store *self, const LearntOption *learnt);
void store_set_waiting(Store *self, const uint8_t *bytes, size_t n_bytes);

/* Exporters that are dirty get their row written with the next commit. */
void store_add_exporter(Store *self, Exporter *exporter);

size_t store_batch_rows(const Store *self); /* rows in the open batch */

/* Ends the batch, also an empty one.  On DB_ERROR_LOST nobody knows whether it was
 * committed; see above.  DB_ERROR_REJECTED means that the compare-and-set failed:
 * another process stores for this collector and worker. */
bool store_commit(Store *self, const StorePosition *position, GError **error);

/* The newest committed position whose WAL is flushed, so that no crash of the
 * server can take it back: journal segments before it may go.  Asks the server. */
bool store_flushed(Store *self, StorePosition *position, GError **error);

typedef struct {
    uint64_t rows;
    uint64_t rejected;
    uint64_t batches;
} StoreCounters;
const StoreCounters *store_counters(const Store *self);

/* Writes talkers gathered so far with the next commit; at the end of a run. */
void store_flush_talkers(Store *self);
