/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest.h"

#include <string.h>

#include "clock.h"
#include "decode-limits.h"
#include "flow/normalise.h"
#include "log.h"
#include "wire/tls-verdict.h"

#define TICK_US US_PER_SEC /* decoder clock, journal release, report */
/* An idle worker vouches for receive times up to this long ago: what is younger may
 * still be on its way from the socket into the journal. */
#define IN_FLIGHT_US (2 * US_PER_SEC)

G_STATIC_ASSERT(sizeof(DecoderWaiting) == 32); /* kept as bytes in the database */
G_STATIC_ASSERT(sizeof(JournalCounts) == STORE_N_COUNTS * sizeof(uint64_t));

typedef struct {
    const WorkerOptions *options;
    const IngestControl *control;
    IngestReport *report;
    void *report_data;
    const Settings *settings; /* in use */
    ExporterTable *exporters;
    PrefixTable *watched;
    Decoder *decoder;
    Store *store;
    JournalReader *reader;
    Normaliser normaliser;

    StorePosition position;      /* of the open batch so far */
    DecoderCounters committed;   /* at the last commit */
    uint64_t waiting_generation; /* as last given to the store */
    uint64_t n_commits;
    GArray *needs;          /* of Need, of the flushed commit and those after it */
    uint64_t corrupt;       /* as last turned into losses */
    int64_t batch_began_us; /* monotonic */
    int64_t ticked_us;      /* likewise */
    uint64_t n_quarantines; /* since connected */
    GError *error;          /* the first of the store's: the session is over */
} Ingest;

/* From where a server that is set back to this commit needs the journal. */
typedef struct {
    JournalPosition at;   /* committed */
    JournalPosition from; /* of the oldest set that waited then, else @at */
} Need;

/* --- what the decoder tells --- */

static void
on_flow(Flow *flow, int64_t shift_us, void *user_data)
{
    Ingest *s = user_data;
    const Exporter *exporter = flow->exporter;

    if (s->error)
        return;

    normalise(&s->normaliser, flow, shift_us);
    const char *app = flow_has(flow, FLOW_APP)
                          ? decoder_app_name(s->decoder, exporter, flow->app)
                          : NULL;
    const char *vrf_in = flow_has(flow, FLOW_VRF_IN)
                             ? decoder_vrf_name(s->decoder, exporter, flow->vrf_in)
                             : NULL;
    const char *vrf_out = flow_has(flow, FLOW_VRF_OUT)
                              ? decoder_vrf_name(s->decoder, exporter, flow->vrf_out)
                              : NULL;
    store_add_flow(s->store, flow, app, vrf_in, vrf_out, &s->error);
}

static void
on_template(const LearntTemplate *learnt, void *user_data)
{
    Ingest *s = user_data;
    LearntTemplate located = *learnt;

    /* A replay has no listener of its own. */
    if (!s->options->until_empty && learnt->listener < s->settings->n_listen) {
        const ListenSettings *listen = &s->settings->listen[learnt->listener];

        located.local_port = (uint16_t) listen->port;
        ip_address_parse(listen->address, &located.local_address);
    }
    store_add_template(s->store, &located);
}

static void
on_option(const LearntOption *learnt, void *user_data)
{
    Ingest *s = user_data;

    store_add_option(s->store, learnt);
}

static void
on_loss(const Loss *loss, void *user_data)
{
    Ingest *s = user_data;

    store_add_loss(s->store, loss);
}

static Datagram
datagram_from_record(const Settings *settings, const JournalRecord *record)
{
    return (Datagram){
        .bytes = record->bytes,
        .n_bytes = record->n_bytes,
        .received_us = record->received_us,
        .shift_us = record->shift_us,
        .peer = record->peer,
        .peer_port = record->peer_port,
        .listener = record->listener,
        .session = record->session,
        .ref = { record->at.segment, record->at.offset },
        .trust_exporter_address =
            record->listener < settings->n_listen &&
            settings->listen[record->listener].trust_exporter_address,
    };
}

static bool
on_fetch(const DatagramRef *ref, Datagram *datagram, void *user_data)
{
    Ingest *s = user_data;
    JournalRecord record;

    if (!journal_reader_fetch(s->reader,
                              &(JournalPosition){ ref->segment, ref->offset },
                              &record) ||
        record.kind != JOURNAL_DATAGRAM)
        return false;

    *datagram = datagram_from_record(s->settings, &record);
    return true;
}

/* Senders can be made up: a line for the first and at each doubling. */
static void
on_quarantine(const DecoderQuarantine *quarantine, void *user_data)
{
    Ingest *s = user_data;
    const uint64_t n = ++s->n_quarantines;
    char address[IP_ADDRESS_TEXT_BYTES];

    if (n & (n - 1))
        return;
    log_warning("exporter %s, port %u: %u malformed messages in a row; its datagrams "
                "are refused for %" G_GINT64_FORMAT " s (%" G_GUINT64_FORMAT
                " senders so far)",
                ip_address_format(&quarantine->peer, address), quarantine->peer_port,
                quarantine->n_malformed,
                (quarantine->until_us - quarantine->now_us) / US_PER_SEC, n);
}

/* --- what the database gives back --- */

static void
restore_template(const LearntTemplate *learnt, void *user_data)
{
    Ingest *s = user_data;

    decoder_restore_template(s->decoder, learnt);
}

static void
restore_option(const LearntOption *learnt, void *user_data)
{
    Ingest *s = user_data;

    decoder_restore_option(s->decoder, learnt);
}

static void
restore_waiting(const uint8_t *bytes, size_t n_bytes, void *user_data)
{
    Ingest *s = user_data;
    const size_t n = n_bytes / sizeof(DecoderWaiting);
    g_autofree DecoderWaiting *waiting = g_new(DecoderWaiting, n + 1);

    memcpy(waiting, bytes, n * sizeof(*waiting));
    decoder_restore_waiting(s->decoder, waiting, n);
}

/* --- settings --- */

static PrefixTable *
watched_table(const Settings *settings)
{
    PrefixTable *table = prefix_table_new();

    for (size_t i = 0; i < settings->n_watch; i++) {
        for (size_t j = 0; j < settings->watch[i].n_networks; j++)
            prefix_table_add(table, &settings->watch[i].networks[j], (uint32_t) i);
    }
    return table;
}

static void
configure_exporters(Decoder *decoder, const Settings *settings, bool remove)
{
    for (size_t i = 0; i < settings->n_exporter; i++) {
        const ExporterSettings *exporter = &settings->exporter[i];

        decoder_override_sampling(decoder, &exporter->parsed,
                                  remove ? 0 : exporter->sampling);
        decoder_pin_templates(decoder, &exporter->parsed,
                              !remove && exporter->pin_templates);
    }
}

/* Takes the newest settings when they are not those in use. */
static void
apply_settings(Ingest *s)
{
    const Settings *newest = atomic_load(&s->control->settings);

    if (newest == s->settings)
        return;

    if (s->settings)
        configure_exporters(s->decoder, s->settings, true);
    configure_exporters(s->decoder, newest, false);
    g_clear_pointer(&s->watched, prefix_table_free);
    s->watched = watched_table(newest);
    s->settings = newest;
    s->normaliser = (Normaliser){
        .watched = s->watched,
        .max_future_us = newest->max_future_sec * US_PER_SEC,
        .max_past_us = newest->max_past_days * 86400 * US_PER_SEC,
        .max_sampling = newest->max_sampling,
    };
}

/* --- begin and end --- */

static void
clear(Ingest *s)
{
    g_clear_pointer(&s->reader, journal_reader_free);
    g_clear_pointer(&s->store, store_free);
    g_clear_pointer(&s->decoder, decoder_free);
    g_clear_pointer(&s->exporters, exporter_table_free);
    g_clear_pointer(&s->watched, prefix_table_free);
    g_array_unref(s->needs);
    g_clear_error(&s->error);
}

/* What the sets that wait at this commit need of the journal. */
static void
remember_need(Ingest *s)
{
    size_t n_waiting;
    const DecoderWaiting *waiting = decoder_waiting(s->decoder, &n_waiting, NULL);
    Need need = { .at = { s->position.segment, s->position.offset } };

    need.from = need.at;
    for (size_t i = 0; i < n_waiting; i++) {
        const JournalPosition ref = { waiting[i].ref.segment, waiting[i].ref.offset };

        if (journal_position_compare(&ref, &need.from) < 0)
            need.from = ref;
    }
    g_array_append_val(s->needs, need);
}

static bool
open_store(Ingest *s, GError **error)
{
    const WorkerOptions *options = s->options;
    const Settings *settings = options->settings;
    const StoreOptions store_options = {
        .conninfo = settings->database.conninfo,
        .connect_timeout_sec = settings->database.connect_timeout_sec,
        .collector = options->collector,
        .worker = options->index,
        .journal_id = journal_id(options->journal),
        .batch_rows = settings->batch_rows,
        .extra = settings->extra == EXTRA_ALL    ? STORE_EXTRA_ALL
                 : settings->extra == EXTRA_NONE ? STORE_EXTRA_NONE
                                                 : STORE_EXTRA_WATCHED,
        .partition_minutes = settings->partition_minutes,
        .talkers = settings->talkers,
        .import = options->import,
    };

    s->store = store_open(&store_options, &s->position, error);
    return s->store != NULL;
}

/* Everything as it was when the database's position was committed. */
static bool
begin(Ingest *s, GError **error)
{
    static const DecoderSink sink = { on_flow, on_template, on_option,
                                      on_loss, on_fetch,    on_quarantine };
    static const StoreRestore restore = { restore_template, restore_option,
                                          restore_waiting };
    const DecoderLimits limits = decode_limits_from_settings(s->options->settings);
    size_t n_waiting;

    if (!open_store(s, error))
        return false;

    s->exporters = exporter_table_new(limits.max_exporters);
    s->decoder = decoder_new(&limits, s->exporters, &sink, s);
    apply_settings(s);
    s->reader = journal_reader_new(s->options->journal,
                                   &(JournalPosition){ s->position.segment,
                                                       s->position.offset },
                                   s->position.seq, error);
    if (!s->reader || !store_restore(s->store, s->exporters, &restore, s, error))
        return false;
    for (size_t i = 0; i < exporter_table_len(s->exporters); i++)
        decoder_restore_sequence(s->decoder, exporter_table_at(s->exporters, i));

    decoder_waiting(s->decoder, &n_waiting, &s->waiting_generation);
    remember_need(s);
    s->batch_began_us = s->ticked_us = clock_mono_us();
    return true;
}

static void
count_delta(Ingest *s, size_t which, uint64_t total, LossReason reason,
            const char *class, int64_t received_us)
{
    uint64_t *known = &s->position.counts[which];

    if (total <= *known)
        return;

    store_add_loss(s->store, &(Loss){ .reason = reason,
                                      .unit = LOSS_UNIT_DATAGRAMS,
                                      .class = class,
                                      .count = total - *known,
                                      .received_us = received_us });
    *known = total;
}

/* Journal counts are running totals, so that each is turned into losses once. */
static void
take_counts(Ingest *s, const JournalRecord *record)
{
    JournalCounts totals;
    const int64_t at_us = record->received_us;

    if (record->n_bytes != sizeof(totals))
        return;

    memcpy(&totals, record->bytes, sizeof(totals));
    count_delta(s, 0, totals.kernel_drops, LOSS_KERNEL_DROP, "", at_us);
    count_delta(s, 1, totals.refused, LOSS_REFUSED, "not_allowed", at_us);
    count_delta(s, 2, totals.journal_full, LOSS_JOURNAL_FULL, "", at_us);
    count_delta(s, 3, totals.tcp_malformed, LOSS_MALFORMED, "tcp_framing", at_us);
}

static void
take_refusal(Ingest *s, const JournalRecord *record)
{
    const TlsVerdict why =
        tls_verdict_from_class((const char *) record->bytes, record->n_bytes);

    store_add_loss(s->store, &(Loss){ .reason = LOSS_REFUSED,
                                      .unit = LOSS_UNIT_DATAGRAMS,
                                      .class = tls_verdict_class(why),
                                      .count = 1,
                                      .received_us = record->received_us });
}

static void
take_record(Ingest *s, const JournalRecord *record)
{
    switch (record->kind) {
    case JOURNAL_DATAGRAM: {
        const Datagram datagram = datagram_from_record(s->settings, record);

        decoder_feed(s->decoder, &datagram);
        break;
    }
    case JOURNAL_SESSION_END:
        decoder_end_session(s->decoder, record->session, record->received_us);
        break;
    case JOURNAL_COUNTS:
        take_counts(s, record);
        break;
    case JOURNAL_SESSION_REFUSED:
        take_refusal(s, record);
        break;
    }
    s->position.received_us = MAX(s->position.received_us, record->received_us);
}

static void
take_corruption(Ingest *s)
{
    const uint64_t corrupt = journal_reader_corrupt(s->reader);

    if (corrupt == s->corrupt)
        return;

    log_error("journal %s: %" G_GUINT64_FORMAT " corrupt records skipped",
              s->settings->journal_directory, corrupt - s->corrupt);
    store_add_loss(s->store, &(Loss){ .reason = LOSS_MALFORMED,
                                      .unit = LOSS_UNIT_DATAGRAMS,
                                      .class = "journal_corrupt",
                                      .count = corrupt - s->corrupt,
                                      .received_us = s->position.received_us });
    s->corrupt = corrupt;
}

static void
report(Ingest *s)
{
    const IngestProgress progress = { .decoder = s->committed,
                                      .store = *store_counters(s->store),
                                      .backlog_bytes = s->position.backlog_bytes };

    s->report(&progress, s->report_data);
}

/* All that goes with the rows into the transaction. */
static void
gather(Ingest *s)
{
    const size_t n_exporters = exporter_table_len(s->exporters);
    uint64_t generation;
    size_t n_waiting;

    decoder_keep_sequences(s->decoder);
    for (size_t i = 0; i < n_exporters; i++) {
        Exporter *exporter = exporter_table_at(s->exporters, i);

        if (exporter->dirty)
            store_add_exporter(s->store, exporter);
    }

    const DecoderWaiting *waiting =
        decoder_waiting(s->decoder, &n_waiting, &generation);
    if (generation != s->waiting_generation)
        store_set_waiting(s->store, (const uint8_t *) waiting,
                          n_waiting * sizeof(*waiting));
    s->waiting_generation = generation;
    take_corruption(s);
}

static bool
commit(Ingest *s, bool idle, GError **error)
{
    const JournalPosition at = journal_reader_position(s->reader);
    const int64_t vouched_us = clock_wall_us() - IN_FLIGHT_US;

    gather(s);
    s->position.segment = at.segment;
    s->position.offset = at.offset;
    s->position.seq = journal_reader_seq(s->reader);
    s->position.backlog_bytes = journal_bytes_after(s->options->journal, &at);
    s->position.n_exporters = exporter_table_len(s->exporters);
    s->position.max_exporters = s->options->settings->max_exporters;
    s->position.held_bytes = decoder_bytes(s->decoder);
    if (idle && !s->options->until_empty)
        s->position.received_us = MAX(s->position.received_us, vouched_us);

    if (!store_commit(s->store, &s->position, error))
        return false;

    const bool first = s->n_commits++ == 0;
    remember_need(s);
    s->committed = *decoder_counters(s->decoder);
    s->batch_began_us = clock_mono_us();
    if (first)
        report(s);
    return true;
}

/* Segments may go when no crash of the server can make anybody need them: they are
 * before the flushed position, and before all that waited there or has waited since. */
static bool
release_journal(Ingest *s, GError **error)
{
    StorePosition flushed;
    guint n_past = 0;

    if (!store_flushed(s->store, &flushed, error))
        return false;

    JournalPosition keep = { flushed.segment, flushed.offset };
    const Need *needs = (const Need *) s->needs->data;
    while (n_past + 1 < s->needs->len &&
           journal_position_compare(&needs[n_past + 1].at, &keep) <= 0)
        n_past++;
    g_array_remove_range(s->needs, 0, n_past);

    needs = (const Need *) s->needs->data;
    for (guint i = 0; i < s->needs->len; i++) {
        if (journal_position_compare(&needs[i].from, &keep) < 0)
            keep = needs[i].from;
    }
    journal_release(s->options->journal, &keep, s->settings->journal_keep_hours * 3600);
    return true;
}

static bool
tick(Ingest *s, bool idle, GError **error)
{
    const int64_t now_us = clock_mono_us();

    if (now_us - s->ticked_us < TICK_US)
        return true;

    s->ticked_us = now_us;
    apply_settings(s);
    if (!s->options->until_empty)
        decoder_tick(s->decoder, idle ? clock_wall_us() : s->position.received_us);
    report(s);
    return release_journal(s, error);
}

/* @complete: as it was before the journal was found empty, if it was. */
static bool
must_end(const Ingest *s, bool idle, bool complete)
{
    const int64_t stop_at_us = atomic_load(&s->control->stop_at_us);

    if (stop_at_us == 0)
        return idle && complete && s->options->until_empty;
    return idle || clock_mono_us() >= stop_at_us;
}

static bool
finish(Ingest *s, GError **error)
{
    if (s->options->until_empty && !s->options->keep_waiting)
        decoder_give_up(s->decoder, s->position.received_us);
    else
        decoder_settle(s->decoder, s->position.received_us);
    store_flush_talkers(s->store);
    if (s->error) {
        g_propagate_error(error, g_steal_pointer(&s->error));
        return false;
    }
    if (!commit(s, true, error))
        return false;

    report(s);
    return release_journal(s, error);
}

/* Runs until the worker must end (true) or the store is lost (false). */
static bool
run(Ingest *s, GError **error)
{
    const Settings *fixed = s->options->settings;
    const int64_t batch_us = fixed->batch_ms * US_PER_MS;

    for (;;) {
        JournalRecord record;
        const bool complete = atomic_load(&s->control->complete);
        const bool idle = journal_reader_next(s->reader, &record) == JOURNAL_READ_EMPTY;

        if (!idle)
            take_record(s, &record);
        if (s->error) {
            g_propagate_error(error, g_steal_pointer(&s->error));
            return false;
        }
        if (must_end(s, idle, complete))
            return finish(s, error);

        const int64_t age_us = clock_mono_us() - s->batch_began_us;
        if ((store_batch_rows(s->store) >= fixed->batch_rows || age_us >= batch_us) &&
            !commit(s, idle, error))
            return false;
        if (!tick(s, idle, error))
            return false;
        if (idle)
            journal_reader_wait(s->reader,
                                (unsigned) (MAX(batch_us - age_us, 0) / US_PER_MS) + 1);
    }
}

bool
ingest_run(const WorkerOptions *options, const IngestControl *control,
           IngestReport *report_to, void *user_data, GError **error)
{
    Ingest s = { .options = options,
                 .control = control,
                 .report = report_to,
                 .report_data = user_data,
                 .needs = g_array_new(FALSE, FALSE, sizeof(Need)) };
    const bool done = begin(&s, error) && run(&s, error);

    if (s.n_commits > 0)
        report(&s);
    clear(&s);
    return done;
}
