/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/intake.h"

#include <string.h>

#include "clock.h"

/* Streams an exporter may have: three versions over UDP, sessions, one to spare. */
#define STREAMS_PER_EXPORTER 8

/* Exporters whose open gaps survive a restart: half a MB.  Those of more are closed
 * by chance within seconds anyway, unless the worker ends just then. */
#define MAX_KEPT 1024

/* Who tell_template() is called for. */
typedef struct {
    Intake *intake;
    Stream *stream;
    int64_t now_us;
} Teller;

static void
tell_template(const TemplateVariant *variant, bool is_gone, void *user_data)
{
    const Teller *teller = user_data;
    const Template *template = variant->template;
    const Tally *tally = &teller->intake->tally;

    /* Those of a session die with it (RFC 7011 8). */
    if (teller->stream->key.session != 0)
        return;

    const LearntTemplate learnt = {
        .exporter = teller->stream->exporter,
        .version = template->version,
        .is_options = template->is_options,
        .id = template->id,
        .peer_port = variant->told_port,
        .listener = variant->listener,
        .body = is_gone ? NULL : template->body,
        .n_body = is_gone ? 0 : template->n_body,
        .learnt_us = variant->announced_us,
    };
    tally->sink.template(&learnt, tally->user_data);
}

void
intake_init(Intake *self, const DecoderLimits *limits, ExporterTable *exporters,
            const DecoderSink *sink, void *user_data)
{
    *self = (Intake){ .limits = *limits };
    tally_init(&self->tally, sink, user_data);
    self->templates = (TemplateBudget){
        .max_templates = limits->max_templates,
        .max_bytes = limits->max_template_bytes,
        .max_fields = limits->max_fields,
        .lifetime_us = limits->template_lifetime_sec * US_PER_SEC,
        .hold_us = limits->template_hold_sec * US_PER_SEC,
        .tell = tell_template,
    };
    self->options = (OptionsBudget){
        .max_rows = limits->max_options,
        .max_bytes = limits->max_template_bytes,
        .seed = (uint64_t) g_random_int() << 32 | g_random_int(),
    };
    self->streams =
        stream_table_new(exporters, limits->max_exporters * STREAMS_PER_EXPORTER,
                         &self->templates, &self->options);
    self->emitter = (Emitter){ .tally = &self->tally,
                               .streams = self->streams,
                               .options = &self->options };
    backlog_init(&self->backlog, limits, &self->tally, &self->emitter,
                 &self->templates);
    self->steps = message_steps_new();
}

void
intake_clear(Intake *self)
{
    message_steps_free(self->steps);
    backlog_clear(&self->backlog);
    stream_table_free(self->streams);
    nsel_free(self->emitter.nsel);
}

static void
count_message(Intake *self, DecodeStatus status, const Exporter *exporter,
              int64_t received_us)
{
    tally_status(&self->tally, status, exporter, LOSS_UNIT_MESSAGES, 1, received_us);
}

void
intake_count_malformed(Intake *self, DecodeStatus status, const Datagram *datagram,
                       uint32_t domain)
{
    count_message(self, status,
                  stream_table_exporter(self->streams, &datagram->peer, domain),
                  datagram->received_us);
}

/* What the network delivered twice is decoded once.  A session repeats nothing. */
static bool
is_repeat(Intake *self, Stream *stream, const Datagram *datagram, const uint8_t *bytes,
          size_t n)
{
    if (datagram->session != 0 ||
        !stream_is_repeat(stream, bytes, n, datagram->peer_port, datagram->received_us))
        return false;

    count_message(self, DECODE_DUPLICATE, stream->exporter, datagram->received_us);
    return true;
}

static Stream *
get_stream(Intake *self, const Datagram *datagram, uint8_t version, uint32_t domain)
{
    Stream *stream = stream_table_find(self->streams, &datagram->peer,
                                       datagram->session, version, domain);

    if (!stream)
        stream = stream_table_add(self->streams, &datagram->peer, datagram->session,
                                  version, domain);
    if (!stream)
        count_message(self, DECODE_MAX_EXPORTERS, NULL, datagram->received_us);
    return stream;
}

static void
note_exporter(const Stream *stream, const Datagram *datagram, uint32_t export_sec)
{
    Exporter *exporter = stream->exporter;

    exporter->version = stream->key.version;
    if (exporter->first_seen_us == 0)
        exporter->first_seen_us = datagram->received_us;
    exporter->last_seen_us = MAX(exporter->last_seen_us, datagram->received_us);
    exporter->clock_skew_us =
        export_sec * US_PER_SEC + datagram->shift_us - datagram->received_us;
    exporter->dirty = true;
    stream->peer->heard_us = MAX(stream->peer->heard_us, datagram->received_us);
}

static void
settle_stream(Intake *self, Stream *stream, int64_t settle_us, int64_t now_us)
{
    tally_gap(&self->tally, stream->key.version, stream->exporter,
              sequence_settle(&stream->sequence, settle_us), now_us);
}

static void
list_unless_plain(Intake *self, Stream *stream)
{
    if (stream->is_unsettled || sequence_is_plain(&stream->sequence))
        return;

    stream->is_unsettled = true;
    stream->next_unsettled = self->unsettled;
    self->unsettled = stream;
}

static void
note_sequence(Intake *self, Stream *stream, const SequenceSeen *seen)
{
    Exporter *exporter = stream->exporter;

    sequence_see(&stream->sequence, seen);
    if (stream->sequence.is_open || stream->sequence.n_lost > 0)
        settle_stream(self, stream, seen->received_us, seen->received_us);

    list_unless_plain(self, stream);
    /* A session's numbers end with it. */
    if (stream->key.session == 0)
        exporter->has_sequence =
            sequence_next(&stream->sequence, &exporter->next_sequence);
}

static void
take_template(Intake *self, Stream *stream, const MessageStep *step,
              const Datagram *datagram)
{
    Teller teller = { .intake = self, .stream = stream };
    Template *template = step->template;
    size_t n_evicted = 0;
    const int64_t now_us = datagram->received_us;
    const TemplateOrigin origin = { datagram->peer_port, datagram->listener, now_us };
    const TemplatePut put = template_store_put(&stream->templates, &self->templates,
                                               template, &origin, &n_evicted, &teller);

    if (put == TEMPLATE_NO_ROOM)
        n_evicted++;
    tally_status(&self->tally, DECODE_MAX_TEMPLATES, stream->exporter,
                 LOSS_UNIT_TEMPLATES, n_evicted, now_us);
    /* YAF has such templates for lists inside records, where they are harmless. */
    if (template->refusal != DECODE_TEMPLATE_BIFLOW)
        tally_status(&self->tally, template->refusal, stream->exporter,
                     LOSS_UNIT_TEMPLATES, 1, now_us);
    if (put == TEMPLATE_NO_ROOM)
        return;

    if (template->refusal == DECODE_OK)
        self->tally.counters.template_records++;
    if (put == TEMPLATE_REFRESHED && datagram->session != 0)
        self->tally.counters.templates_repeated++;
    if (put == TEMPLATE_CHANGED) {
        self->tally.counters.template_changes++;
        stream->exporter->n_template_changes++;
    }
    if (put != TEMPLATE_REFRESHED)
        tally_status(&self->tally, DECODE_FIELD_LENGTH, stream->exporter,
                     LOSS_UNIT_FIELDS, template->plan.n_odd, now_us);
    backlog_release(&self->backlog, stream, template, now_us);
}

static void
take_step(Intake *self, Stream *stream, const MessageStep *step,
          const Datagram *datagram, const Message *message)
{
    Teller teller = { .intake = self, .stream = stream };
    const size_t message_at = message->bytes - datagram->bytes;
    const int64_t now_us = datagram->received_us;
    WaitingSet set;
    DataSet data;

    switch ((MessageStepKind) step->kind) {
    case STEP_TEMPLATE:
        take_template(self, stream, step, datagram);
        break;
    case STEP_BAD_TEMPLATE:
        tally_status(&self->tally, step->status, stream->exporter, LOSS_UNIT_TEMPLATES,
                     1, now_us);
        break;
    case STEP_WITHDRAW:
        if (!template_store_withdraw(&stream->templates, &self->templates, step->id,
                                     &teller))
            self->tally.counters.withdrawals_unknown++;
        break;
    case STEP_WITHDRAW_ALL:
        template_store_withdraw_all(&stream->templates, &self->templates,
                                    step->is_options, &teller);
        break;
    case STEP_DATA:
        data = backlog_data_set(stream, datagram, message, step);
        template_store_touch(&stream->templates, step->id);
        emitter_data(&self->emitter, &data);
        break;
    case STEP_REFUSED:
        tally_status(&self->tally, step->template->refusal, stream->exporter,
                     LOSS_UNIT_SETS, 1, now_us);
        break;
    case STEP_UNKNOWN:
        set = (WaitingSet){
            .where = { datagram->ref, message_at, message_at + step->at, now_us },
            .stream = stream,
            .id = step->id,
            .peer_port = datagram->peer_port,
        };
        backlog_add(&self->backlog, &set, now_us);
        break;
    case STEP_IGNORED:
        tally_status(&self->tally, step->status, stream->exporter, LOSS_UNIT_SETS, 1,
                     now_us);
        break;
    }
}

static SequenceSeen
seen_of(const Intake *self, const Datagram *datagram, const Message *message)
{
    SequenceSeen seen = { .number = message->sequence,
                          .n_units = 1,
                          .received_us = datagram->received_us,
                          .boot_us = SEQUENCE_UNKNOWN_BOOT };

    if (message->version == 9) {
        const Uptime uptime =
            uptime_from_header(message->uptime_ms, message->export_sec, 0,
                               datagram->received_us - datagram->shift_us);

        seen.boot_us = uptime_boot_us(&uptime);
    } else {
        seen.n_units =
            message_steps_records(self->steps, &seen.n_options, &seen.is_vague);
    }
    return seen;
}

/* What @stream knew was void before @since_us. */
static void
forget_before(Intake *self, Stream *stream, int64_t since_us, int64_t now_us)
{
    Teller teller = { .intake = self, .stream = stream };

    template_store_forget_before(&stream->templates, &self->templates, since_us,
                                 &teller);
    backlog_give_up_before(&self->backlog, stream, since_us, now_us);
    self->tally.counters.restarts++;
    stream->exporter->n_restarts++;
}

/* A v9 exporter that started anew knows nothing of the templates it once announced
 * (RFC 3954 9): @message, which was checked by them, is checked without.  That cannot
 * fail: what is unknown is checked less. */
static void
heed_restart(Intake *self, Stream *stream, Message *message, const MessageView *known,
             const SequenceSeen *seen)
{
    const RestartVerdict verdict =
        restart_see(&stream->restart, &stream->sequence, seen, message->uptime_ms);
    MessageView view = *known;

    if (verdict == RESTART_NONE || stream->templates.pins)
        return;
    if (verdict == RESTART_CERTAIN)
        forget_before(self, stream, stream->restart.since_us, seen->received_us);
    view.store = verdict == RESTART_CERTAIN ? &stream->templates : NULL;
    message_steps_clear(self->steps);
    message_check(message, &view, self->steps);
}

static void
take_message(Intake *self, Stream *stream, const Datagram *datagram, Message *message,
             const MessageView *view)
{
    const SequenceSeen seen = seen_of(self, datagram, message);
    size_t n_steps;

    if (message->version == 9)
        heed_restart(self, stream, message, view, &seen);
    note_sequence(self, stream, &seen);
    note_exporter(stream, datagram, message->export_sec);

    const MessageStep *steps = message_steps(self->steps, &n_steps);
    for (size_t i = 0; i < n_steps; i++)
        take_step(self, stream, &steps[i], datagram, message);
}

DecodeStatus
intake_message(Intake *self, const Datagram *datagram, Message *message)
{
    Stream *stream =
        stream_table_find(self->streams, &datagram->peer, datagram->session,
                          message->version, message->domain);
    const MessageView view = {
        .store = stream ? &stream->templates : NULL,
        .budget = &self->templates,
        .received_us = datagram->received_us,
        .peer_port = datagram->peer_port,
        .can_withdraw = datagram->session != 0,
    };
    DecodeStatus status = message_check(message, &view, self->steps);
    size_t n_steps;

    if (status != DECODE_OK) {
        intake_count_malformed(self, status, datagram, message->domain);
        return status;
    }

    /* A message without anything in it makes no exporter. */
    message_steps(self->steps, &n_steps);
    if (!stream && n_steps > 0)
        stream = get_stream(self, datagram, message->version, message->domain);

    if (stream &&
        !is_repeat(self, stream, datagram, message->bytes, message->n_bytes)) {
        self->tally.counters.messages++;
        take_message(self, stream, datagram, message, &view);
    } else if (!stream && n_steps == 0) {
        self->tally.counters.messages++;
    }
    message_steps_clear(self->steps);
    return DECODE_OK;
}

static void
take_netflow5(Intake *self, Stream *stream, const Datagram *datagram,
              const Netflow5 *message)
{
    Tally *tally = &self->tally;
    const Options *options = datagram->trust_exporter_address
                                 ? stream_options(stream, datagram->peer_port)
                                 : stream->options;
    const Flow common =
        emitter_common(&self->emitter, options, message->rate, datagram->received_us);
    const SequenceSeen seen = { .number = message->sequence,
                                .n_units = message->n_records,
                                .received_us = datagram->received_us,
                                .boot_us = uptime_boot_us(&message->uptime) };

    note_sequence(self, stream, &seen);
    note_exporter(stream, datagram, message->export_sec);
    for (uint32_t i = 0; i < message->n_records; i++) {
        Flow flow = common;

        netflow5_read_record(message, i, &flow);
        tally->sink.flow(&flow, datagram->shift_us, tally->user_data);
    }
    tally->counters.flow_records += message->n_records;
}

void
intake_netflow5(Intake *self, const Datagram *datagram, const uint8_t *bytes,
                const Netflow5 *message)
{
    Stream *stream = get_stream(self, datagram, 5, message->engine);

    if (!stream || is_repeat(self, stream, datagram, bytes, message->n_bytes))
        return;
    self->tally.counters.messages++;
    take_netflow5(self, stream, datagram, message);
}

/* What stays open stays listed. */
void
intake_settle(Intake *self, int64_t settle_us, int64_t now_us)
{
    Stream **link = &self->unsettled;

    while (*link) {
        Stream *stream = *link;

        settle_stream(self, stream, settle_us, now_us);
        if (!sequence_is_plain(&stream->sequence)) {
            link = &stream->next_unsettled;
            continue;
        }
        stream->is_unsettled = false;
        *link = stream->next_unsettled;
        if (stream->key.session == 0)
            exporter_set_undecided(stream->exporter, NULL);
    }
}

/* What is missing may still come for some seconds.  If that were forgotten when a
 * worker goes on after a crash, nobody would ever count it. */
void
intake_keep_sequences(Intake *self)
{
    size_t n_kept = 0;

    for (Stream *stream = self->unsettled; stream; stream = stream->next_unsettled) {
        Exporter *exporter = stream->exporter;

        if (stream->key.session != 0 || stream->key.version != exporter->version)
            continue;
        exporter_set_undecided(exporter, n_kept++ < MAX_KEPT
                                             ? sequence_keep(&stream->sequence)
                                             : NULL);
    }
}

void
intake_restore_sequence(Intake *self, const Exporter *exporter)
{
    Stream *stream = stream_table_find(self->streams, &exporter->address, 0,
                                       exporter->version, exporter->domain);

    if (!stream)
        stream = stream_table_add(self->streams, &exporter->address, 0,
                                  exporter->version, exporter->domain);
    if (stream && sequence_restore(&stream->sequence, exporter->undecided))
        list_unless_plain(self, stream);
}

static void
sweep_stream(Stream *stream, void *user_data)
{
    Teller *teller = user_data;

    teller->stream = stream;
    template_store_sweep(&stream->templates, &teller->intake->templates, teller->now_us,
                         teller);
}

void
intake_sweep(Intake *self, int64_t now_us)
{
    Teller teller = { .intake = self, .now_us = now_us };

    stream_table_foreach(self->streams, 0, sweep_stream, &teller);
}

static void
end_stream(Stream *stream, void *user_data)
{
    const Teller *teller = user_data;
    Intake *self = teller->intake;

    backlog_end_stream(&self->backlog, stream, teller->now_us);
    for (Stream **link = &self->unsettled; *link; link = &(*link)->next_unsettled) {
        if (*link != stream)
            continue;
        *link = stream->next_unsettled;
        break;
    }
    settle_stream(self, stream, INT64_MAX, teller->now_us);
}

void
intake_end_session(Intake *self, uint64_t session, int64_t now_us)
{
    Teller teller = { .intake = self, .now_us = now_us };

    stream_table_foreach(self->streams, session, end_stream, &teller);
    stream_table_end_session(self->streams, session);
}

void
intake_restore_template(Intake *self, const LearntTemplate *learnt)
{
    Reader r = reader_over(learnt->body, learnt->n_body);
    TemplateRecord record;
    size_t n_evicted = 0;

    if (!learnt->body || (learnt->version != 9 && learnt->version != 10) ||
        template_read(&r, learnt->version, learnt->is_options, &record) != DECODE_OK ||
        r.left > 0 || record.is_withdrawal || record.id != learnt->id)
        return;

    const Exporter *exporter = learnt->exporter;
    Stream *stream = stream_table_find(self->streams, &exporter->address, 0,
                                       learnt->version, exporter->domain);
    if (!stream)
        stream = stream_table_add(self->streams, &exporter->address, 0, learnt->version,
                                  exporter->domain);

    g_autoptr(Template) template = template_new(&record, self->limits.max_fields);
    if (!stream || template->refusal != DECODE_OK)
        return;

    /* The database knows it already. */
    const TemplateBudget before = self->templates;
    self->templates.tell = NULL;
    Teller teller = { .intake = self, .stream = stream };
    const TemplateOrigin origin = { learnt->peer_port, learnt->listener,
                                    learnt->learnt_us };
    template_store_put(&stream->templates, &self->templates, template, &origin,
                       &n_evicted, &teller);
    self->templates.tell = before.tell;
}

void
intake_restore_waiting(Intake *self, const DecoderWaiting *waiting)
{
    WaitingSet set = { .where = *waiting };
    Datagram datagram;
    Message message;
    MessageStep step = { 0 };
    Stream *stream = NULL;

    if (backlog_find(&self->backlog, waiting, &datagram, &message, &step))
        stream = get_stream(self, &datagram, message.version, message.domain);
    if (!stream) {
        tally_given_up(&self->tally, DECODE_OK, NULL, waiting->received_us);
        return;
    }

    set.stream = stream;
    set.id = step.id;
    set.peer_port = datagram.peer_port;
    backlog_add(&self->backlog, &set, waiting->received_us);
}
