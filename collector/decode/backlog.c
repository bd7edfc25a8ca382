/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/backlog.h"

#define SET_HEADER 4

/* What waits for @id of @stream may be decoded by @template. */
typedef struct {
    Stream *stream;
    Template *template; /* a reference: a later one is not what these waited for */
} Ready;

void
backlog_init(Backlog *self, const DecoderLimits *limits, Tally *tally, Emitter *emitter,
             const TemplateBudget *templates)
{
    *self = (Backlog){ .waiting = waiting_new(),
                       .tally = tally,
                       .emitter = emitter,
                       .templates = templates,
                       .max_sets = limits->max_waiting,
                       .max_sets_of_stream = limits->max_waiting_per_exporter };
    g_queue_init(&self->ready);
}

static void
free_ready(gpointer at)
{
    Ready *ready = at;

    template_unref(ready->template);
    g_free(ready);
}

void
backlog_clear(Backlog *self)
{
    g_queue_clear_full(&self->ready, free_ready);
    waiting_free(self->waiting);
}

static void
give_up(Backlog *self, WaitingSet *set, DecodeStatus status, int64_t now_us)
{
    const Stream *stream = set->stream;

    tally_given_up(self->tally, status, stream->exporter, now_us);
    g_free(set);
}

void
backlog_add(Backlog *self, const WaitingSet *set, int64_t now_us)
{
    const Stream *stream = set->stream;
    const size_t n_of_stream = waiting_len(self->waiting, stream);
    const bool is_full = waiting_len(self->waiting, NULL) >= self->max_sets ||
                         n_of_stream >= self->max_sets_of_stream;

    self->tally->counters.sets_waited++;
    if (is_full && n_of_stream == 0) {
        tally_given_up(self->tally, DECODE_MAX_WAITING, stream->exporter, now_us);
        return;
    }
    if (is_full)
        give_up(self, waiting_take_oldest(self->waiting, stream), DECODE_MAX_WAITING,
                now_us);
    waiting_add(self->waiting, set);
}

static bool
fetch(const Backlog *self, const DecoderWaiting *where, Datagram *datagram)
{
    const Tally *tally = self->tally;

    if (self->feeding && self->feeding->ref.segment == where->ref.segment &&
        self->feeding->ref.offset == where->ref.offset &&
        self->feeding->received_us == where->received_us) {
        *datagram = *self->feeding;
        return true;
    }
    return tally->sink.fetch(&where->ref, datagram, tally->user_data);
}

bool
backlog_find(const Backlog *self, const DecoderWaiting *where, Datagram *datagram,
             Message *message, MessageStep *step)
{
    return fetch(self, where, datagram) && where->message_at < datagram->n_bytes &&
           where->set_at >= where->message_at &&
           message_find_set(message, datagram->bytes + where->message_at,
                            datagram->n_bytes - where->message_at,
                            where->set_at - where->message_at, step);
}

DataSet
backlog_data_set(Stream *stream, const Datagram *datagram, const Message *message,
                 const MessageStep *step)
{
    return (DataSet){
        .stream = stream,
        .template = step->template,
        .content = message->bytes + step->at + SET_HEADER,
        .n_octets = step->n_octets,
        .n_records = step->n_records,
        .uptime_ms = message->uptime_ms,
        .export_sec = message->export_sec,
        .received_us = datagram->received_us,
        .shift_us = datagram->shift_us,
        .peer_port = datagram->peer_port,
        .trust_exporter_address = datagram->trust_exporter_address,
    };
}

/* Decodes @set, which is freed, checking all of it as if it were new.  Returns the
 * records it had. */
static uint64_t
decode(Backlog *self, WaitingSet *set, Stream *stream, Template *template,
       int64_t now_us)
{
    Datagram datagram;
    Message message;
    MessageStep step;

    if (!backlog_find(self, &set->where, &datagram, &message, &step) ||
        step.id != set->id) {
        give_up(self, set, DECODE_OK, now_us);
        return 0;
    }

    step.template = template;
    DecodeStatus status = template->refusal;
    if (status == DECODE_OK)
        status = message_count_records(template, message.bytes + step.at + SET_HEADER,
                                       step.n_octets, &step.n_records);
    if (status == DECODE_OK && step.n_records > 0) {
        DataSet data = backlog_data_set(stream, &datagram, &message, &step);

        data.received_us = set->where.received_us;
        emitter_data(self->emitter, &data);
    }
    tally_status(self->tally, status, stream->exporter, LOSS_UNIT_SETS, 1, now_us);
    g_free(set);
    return step.n_records;
}

static void
use_up(Backlog *self, uint64_t n_records)
{
    /* A set without records costs its fetching. */
    self->allowance -= MIN(self->allowance, n_records + 1);
}

void
backlog_release(Backlog *self, Stream *stream, Template *template, int64_t now_us)
{
    if (waiting_len(self->waiting, NULL) == 0 ||
        !waiting_has(self->waiting, stream, template->id))
        return;

    Ready *ready = g_new(Ready, 1);
    *ready = (Ready){ .stream = stream, .template = template_ref(template) };
    g_queue_push_tail(&self->ready, ready);
    backlog_go_on(self, self->allowance, now_us);
}

/* Where two ports disagree about an id, each set is its own port's. */
static Template *
template_for(const Backlog *self, const Ready *ready, const WaitingSet *set,
             int64_t now_us)
{
    const TemplateStore *store = &ready->stream->templates;
    Template *template = NULL;

    if (template_store_is_contested(store, set->id))
        template = template_store_find(store, self->templates, set->id, set->peer_port,
                                       now_us);
    return template ? template : ready->template;
}

void
backlog_go_on(Backlog *self, uint64_t allowance, int64_t now_us)
{
    self->allowance = allowance;

    while (self->allowance > 0 && !g_queue_is_empty(&self->ready)) {
        Ready *ready = g_queue_peek_head(&self->ready);
        WaitingSet *set =
            waiting_take(self->waiting, ready->stream, ready->template->id);

        if (!set) {
            free_ready(g_queue_pop_head(&self->ready));
            continue;
        }
        g_autoptr(Template) template =
            template_ref(template_for(self, ready, set, now_us));
        use_up(self, decode(self, set, ready->stream, template, now_us));
    }
}

void
backlog_expire(Backlog *self, int64_t before_us, int64_t now_us)
{
    const WaitingSet *oldest;

    while ((oldest = waiting_oldest(self->waiting, NULL)) &&
           oldest->where.received_us < before_us) {
        Stream *stream = (Stream *) oldest->stream;
        Template *known = template_store_find(&stream->templates, self->templates,
                                              oldest->id, oldest->peer_port, now_us);
        WaitingSet *set = waiting_take_oldest(self->waiting, NULL);

        /* Restored after its template, or still in line when its time was up. */
        if (known) {
            g_autoptr(Template) template = template_ref(known);

            decode(self, set, stream, template, now_us);
        } else {
            give_up(self, set, DECODE_OK, now_us);
        }
    }
}

void
backlog_give_up_before(Backlog *self, const Stream *stream, int64_t before_us,
                       int64_t now_us)
{
    const WaitingSet *oldest;

    while ((oldest = waiting_oldest(self->waiting, stream)) &&
           oldest->where.received_us < before_us)
        give_up(self, waiting_take_oldest(self->waiting, stream), DECODE_OK, now_us);
}

void
backlog_end_stream(Backlog *self, const Stream *stream, int64_t now_us)
{
    WaitingSet *set;
    GList *next;

    for (GList *link = self->ready.head; link; link = next) {
        next = link->next;
        if (((Ready *) link->data)->stream != stream)
            continue;
        free_ready(link->data);
        g_queue_delete_link(&self->ready, link);
    }
    while ((set = waiting_take_oldest(self->waiting, stream)))
        give_up(self, set, DECODE_OK, now_us);
}
