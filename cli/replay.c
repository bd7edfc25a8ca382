/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <errno.h>

#include "capture-file.h"
#include "clock.h"
#include "db.h"
#include "journal/journal.h"
#include "replay-leftovers.h"
#include "worker.h"

/* The journal is only a buffer between reader and worker: small files, so that what is
 * stored frees its place soon. */
#define JOURNAL_MAX_BYTES     (256 * 1024 * 1024)
#define JOURNAL_SEGMENT_BYTES (16 * 1024 * 1024)

#define FULL_PAUSE_US (5 * US_PER_MS)
#define PACE_SLICE_US (50 * US_PER_MS)
#define STUCK_US      (5 * US_PER_SEC)
#define REPORT_EVERY  256 /* datagrams */

typedef struct {
    const ReplayOptions *options;
    const ReplayRun *run;
    Settings settings; /* a copy for the worker; members are lent */
    char *collector;   /* name in the database */
    char *directory;   /* of the journal */
    Journal *journal;
    Worker *worker; /* NULL between files */
    ReplayProgress report;
    void *report_data;

    bool keep_waiting; /* for a template of the next file */
    int64_t shift_us;
    int64_t began_us;   /* monotonic */
    uint64_t n_read;    /* datagrams of this run */
    uint64_t n_stored;  /* flows, by workers that ended */
    unsigned n_session; /* of the file being read */
} Replay;

void
replay_outcome_free(ReplayOutcome *self)
{
    if (!self)
        return;

    g_array_unref(self->results);
    replay_exporters_free(self->exporters);
    g_free(self);
}

static bool
is_interrupted(const Replay *self)
{
    return self->options->interrupted && *self->options->interrupted;
}

/* --- scanning --- */

bool
replay_scan(ReplayFile *file, GError **error)
{
    g_autoptr(CaptureFile) capture =
        capture_file_open(file->path, &(IpAddress){ { 0 } }, error);
    g_autoptr(GError) cut = NULL;
    CapturePacket packet;

    if (!capture)
        return false;

    while (capture_file_next(capture, &packet, &cut) == CAPTURE_PACKET) {
        if (file->n_datagrams++ == 0)
            file->first_us = file->last_us = packet.time_us;
        file->first_us = MIN(file->first_us, packet.time_us);
        file->last_us = MAX(file->last_us, packet.time_us);
    }
    file->n_skipped = capture_file_skipped(capture);
    file->note = cut ? g_strdup(cut->message) : NULL;
    return true;
}

/* --- workers --- */

static void
start_worker(Replay *self, bool keep_waiting)
{
    const WorkerOptions options = { .settings = &self->settings,
                                    .collector = self->collector,
                                    .journal = self->journal,
                                    .until_empty = true,
                                    .growing = true,
                                    .keep_waiting = keep_waiting,
                                    .import = self->options->keep_times };

    self->worker = worker_start(&options);
}

/* Waits until all that was appended is stored, and adds what came of it. */
static bool
finish_worker(Replay *self, ReplayResult *result, GError **error)
{
    WorkerStatus status = { 0 };

    worker_complete(self->worker);
    while (!worker_ended(self->worker)) {
        self->report(result->file, self->n_read,
                     self->n_stored + worker_status(self->worker).store.rows,
                     self->report_data);
        g_usleep(10 * US_PER_MS);
    }

    const bool ok = worker_join(g_steal_pointer(&self->worker), &status, error);
    const uint64_t *from = (const uint64_t *) &status.decoder;
    uint64_t *to = (uint64_t *) &result->decoder;

    for (size_t i = 0; i < sizeof(status.decoder) / sizeof(*from); i++)
        to[i] += from[i];
    result->store.rows += status.store.rows;
    result->store.rejected += status.store.rejected;
    result->store.batches += status.store.batches;
    self->n_stored += status.store.rows;
    return ok;
}

/* The journal is full and all of it was read: data sets that wait for a template
 * hold its oldest files.  They have waited for long enough. */
static bool
give_up_waiting(Replay *self, ReplayResult *result, GError **error)
{
    if (!finish_worker(self, result, error))
        return false;

    start_worker(self, false);
    if (!finish_worker(self, result, error))
        return false;

    start_worker(self, self->keep_waiting);
    return true;
}

/* --- reading --- */

static bool
append(Replay *self, const JournalRecord *record, ReplayResult *result, GError **error)
{
    int64_t full_since_us = 0;

    for (;;) {
        switch (journal_append(self->journal, record)) {
        case JOURNAL_OK:
            return true;
        case JOURNAL_ERROR:
            g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_IO,
                                journal_error(self->journal));
            return false;
        case JOURNAL_FULL:
            break;
        }

        if (worker_ended(self->worker)) { /* with an error: it was to go on */
            const bool ended_well = finish_worker(self, result, error);

            g_assert(!ended_well);
            return false;
        }

        const int64_t now_us = clock_mono_us();
        const WorkerStatus status = worker_status(self->worker);
        if (full_since_us == 0 || status.backlog_bytes > 0 || !status.connected)
            full_since_us = now_us;
        if (now_us - full_since_us > STUCK_US) {
            if (!give_up_waiting(self, result, error))
                return false;
            full_since_us = 0;
        }
        self->report(result->file, self->n_read, self->n_stored + status.store.rows,
                     self->report_data);
        g_usleep(FULL_PAUSE_US);
    }
}

/* Sleeps until it is @time_us's turn at the pace that was asked for. */
static void
keep_pace(const Replay *self, int64_t time_us)
{
    if (self->options->speed <= 0)
        return;

    const double after_us =
        (double) (time_us - self->run->first_us) / self->options->speed;
    const int64_t turn_us = self->began_us + (int64_t) after_us;

    for (;;) {
        const int64_t left_us = turn_us - clock_mono_us();

        if (left_us <= 0 || is_interrupted(self))
            return;
        g_usleep((gulong) MIN(left_us, PACE_SLICE_US));
    }
}

static bool
take_packet(Replay *self, const CapturePacket *packet, bool is_stream,
            ReplayResult *result, GError **error)
{
    const JournalRecord record = { .kind = JOURNAL_DATAGRAM,
                                   .received_us = packet->time_us + self->shift_us,
                                   .shift_us = self->shift_us,
                                   .session = is_stream ? self->n_session : 0,
                                   .peer = packet->peer,
                                   .peer_port = packet->peer_port,
                                   .listener = self->options->listener,
                                   .bytes = packet->bytes,
                                   .n_bytes = packet->n_bytes };

    keep_pace(self, packet->time_us);
    if (packet->n_bytes > JOURNAL_MAX_DATAGRAM_BYTES)
        return true;
    if (!append(self, &record, result, error))
        return false;
    if (self->n_read++ % REPORT_EVERY == 0)
        self->report(result->file, self->n_read,
                     self->n_stored + worker_status(self->worker).store.rows,
                     self->report_data);
    return true;
}

static bool
end_session(Replay *self, const IpAddress *peer, ReplayResult *result, GError **error)
{
    const JournalRecord record = {
        .kind = JOURNAL_SESSION_END,
        .received_us = result->file->last_us + self->shift_us,
        .shift_us = self->shift_us,
        .session = self->n_session,
        .peer = *peer,
        .listener = self->options->listener,
        .bytes = (const uint8_t *) "",
    };

    return append(self, &record, result, error);
}

static bool
feed(Replay *self, CaptureFile *capture, ReplayResult *result, GError **error)
{
    const bool is_stream = capture_file_is_stream(capture);
    CapturePacket packet;

    self->n_session++;
    /* A cut file has its note from the scan. */
    while (!is_interrupted(self) &&
           capture_file_next(capture, &packet, NULL) == CAPTURE_PACKET) {
        if (!take_packet(self, &packet, is_stream, result, error))
            return false;
    }
    return !is_stream || end_session(self, &self->options->exporter, result, error);
}

static bool
play_file(Replay *self, const ReplayFile *file, GArray *results, GError **error)
{
    ReplayResult result = { .file = file };
    g_autoptr(CaptureFile) capture =
        capture_file_open(file->path, &self->options->exporter, error);

    if (!capture)
        return false;

    start_worker(self, self->keep_waiting);
    bool ok = feed(self, capture, &result, error);
    if (self->worker)
        ok = finish_worker(self, &result, ok ? error : NULL) && ok;
    g_array_append_val(results, result);
    return ok;
}

/* --- a run --- */

static bool
open_journal(Replay *self, GError **error)
{
    const JournalOptions options = {
        .directory = self->directory,
        .segment_bytes = JOURNAL_SEGMENT_BYTES,
        .max_bytes = MIN(self->settings.journal_max_bytes, JOURNAL_MAX_BYTES),
    };
    const char *parent = self->settings.journal_directory;

    if (g_mkdir_with_parents(parent, 0700) != 0) {
        const int why = errno;

        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(why),
                    "[journal] directory %s: %s", parent, g_strerror(why));
        return false;
    }
    self->journal = journal_open(&options, error);
    return self->journal != NULL;
}

/* What was given up at the end of the run had begun to wait in any of its files.
 * The newest waited the shortest: it is put down to the last files that had some. */
static void
attribute_given_up(GArray *results)
{
    uint64_t left = 0;

    for (unsigned i = 0; i < results->len; i++)
        left += g_array_index(results, ReplayResult, i).decoder.sets_given_up;
    for (unsigned i = results->len; i-- > 0;) {
        DecoderCounters *decoder = &g_array_index(results, ReplayResult, i).decoder;

        decoder->sets_given_up = i == 0 ? left : MIN(left, decoder->sets_waited);
        left -= decoder->sets_given_up;
    }
}

static bool
play_files(Replay *self, ReplayOutcome *outcome, GError **error)
{
    const GPtrArray *files = self->run->files;

    if (!open_journal(self, error))
        return false;

    self->began_us = clock_mono_us();
    for (unsigned i = 0; i < files->len && !is_interrupted(self); i++) {
        self->keep_waiting = i + 1 < files->len;
        if (!play_file(self, files->pdata[i], outcome->results, error))
            return false;
    }
    attribute_given_up(outcome->results);
    return true;
}

static PGconn *
connect_to(const Settings *settings, GError **error)
{
    return db_connect(settings->database.conninfo, "flowkeep replay", false,
                      settings->database.connect_timeout_sec, error);
}

/* The connection is not held meanwhile: a replay at its own pace takes hours. */
static bool
prepare(const Replay *self, ReplayOutcome *outcome, GError **error)
{
    g_autoptr(PGconn) conn = connect_to(&self->settings, error);

    return conn &&
           replay_leftovers_sweep(conn, self->settings.journal_directory, error) &&
           replay_exporters_begin(outcome->exporters, conn,
                                  self->run->first_us + self->shift_us,
                                  self->run->last_us + self->shift_us, error);
}

/* Whatever happened, nothing of the run's own stays behind. */
static bool
clean_up(Replay *self, bool ok, ReplayOutcome *outcome, GError **error)
{
    g_clear_pointer(&self->journal, journal_free);
    replay_leftovers_remove_directory(self->directory);

    g_autoptr(PGconn) conn = connect_to(&self->settings, ok ? error : NULL);
    if (!conn)
        return false;

    ok =
        ok && replay_exporters_finish(outcome->exporters, conn, self->collector, error);
    return replay_leftovers_forget(conn, self->collector, ok ? error : NULL) && ok;
}

ReplayOutcome *
replay_run(const ReplayOptions *options, const ReplayRun *run, unsigned nth,
           ReplayProgress report, void *user_data, GError **error)
{
    g_autofree char *name = replay_leftovers_name(nth);
    g_autofree char *directory =
        g_build_filename(options->settings->journal_directory, name, NULL);
    Replay self = { .options = options,
                    .run = run,
                    .settings = *options->settings,
                    .collector = name,
                    .directory = directory,
                    .report = report,
                    .report_data = user_data };
    g_autoptr(ReplayOutcome) outcome = g_new0(ReplayOutcome, 1);

    outcome->results = g_array_new(FALSE, TRUE, sizeof(ReplayResult));
    outcome->exporters = replay_exporters_new();
    self.settings.journal_keep_hours = 0; /* nobody will re-decode it */
    if (!options->keep_times)
        self.shift_us = replay_plan_shift_us(run, options->speed, clock_wall_us());
    if (!prepare(&self, outcome, error))
        return NULL;

    const bool ok = play_files(&self, outcome, error);
    outcome->shift_us = self.shift_us;
    outcome->interrupted = is_interrupted(&self);
    return clean_up(&self, ok, outcome, error) ? g_steal_pointer(&outcome) : NULL;
}
