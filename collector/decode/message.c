/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/message.h"

#include <string.h>

#define V9_HEADER    20
#define IPFIX_HEADER 16
#define SET_HEADER   4

#define FIRST_DATA_ID 256

/* A set, a template and a withdrawal each take at least four octets. */
#define MAX_STEPS (MESSAGE_MAX_OCTETS / 4 + 1)

/* How far the clocks of two messages glued into one datagram may be apart. */
#define GLUED_SEC 3600

struct MessageSteps {
    size_t n;
    uint32_t n_records;
    uint32_t n_options;
    bool is_vague;
    size_t n_withdrawn[2]; /* steps before the newest withdrawal of all, by options */
    MessageStep steps[MAX_STEPS];
    /* By id: the newest step that defines or withdraws it, counted from 1. */
    uint16_t newest[UINT16_MAX + 1];
};

static bool
is_zero(const uint8_t *at, size_t n)
{
    /* All octets are 0 if the first is and each is like the one before. */
    return n == 0 || (at[0] == 0 && memcmp(at, at + 1, n - 1) == 0);
}

DecodeStatus
message_read_header(Message *self, const uint8_t *bytes, size_t left)
{
    Reader r = reader_over(bytes, left);

    *self = (Message){ .bytes = bytes, .n_bytes = left };
    self->version = reader_uint(&r, 2);

    if (self->version == 9) {
        self->n_header = V9_HEADER;
        reader_uint(&r, 2); /* records: many devices get it wrong, lengths decide */
        self->uptime_ms = reader_uint(&r, 4);
    } else {
        self->n_header = IPFIX_HEADER;
        self->n_bytes = reader_uint(&r, 2);
    }
    self->export_sec = reader_uint(&r, 4);
    self->sequence = reader_uint(&r, 4);
    self->domain = reader_uint(&r, 4);

    if (!reader_ok(&r))
        return DECODE_SHORT_HEADER;
    if (self->n_bytes < self->n_header || self->n_bytes > left ||
        self->n_bytes > MESSAGE_MAX_OCTETS)
        return DECODE_MESSAGE_LENGTH;
    return DECODE_OK;
}

MessageSteps *
message_steps_new(void)
{
    return g_new0(MessageSteps, 1);
}

void
message_steps_free(MessageSteps *self)
{
    if (!self)
        return;

    message_steps_clear(self);
    g_free(self);
}

void
message_steps_clear(MessageSteps *self)
{
    for (size_t i = 0; i < self->n; i++) {
        template_unref(self->steps[i].template);
        self->newest[self->steps[i].id] = 0;
    }
    self->n = 0;
    self->n_records = 0;
    self->n_options = 0;
    self->is_vague = false;
    self->n_withdrawn[false] = self->n_withdrawn[true] = 0;
}

const MessageStep *
message_steps(const MessageSteps *self, size_t *n)
{
    *n = self->n;
    return self->steps;
}

uint32_t
message_steps_records(const MessageSteps *self, uint32_t *n_options, bool *is_vague)
{
    *n_options = self->n_options;
    *is_vague = self->is_vague;
    return self->n_records;
}

static MessageStep *
add_step(MessageSteps *self, MessageStepKind kind, uint16_t id, Template *template)
{
    MessageStep *step = &self->steps[self->n++];

    *step = (MessageStep){ .kind = kind, .id = id, .template = template };
    return step;
}

/* Adds a step that says what @id means from now on. */
static MessageStep *
add_definition(MessageSteps *self, MessageStepKind kind, uint16_t id,
               Template *template)
{
    MessageStep *step = add_step(self, kind, id, template);

    self->newest[id] = self->n;
    return step;
}

/* The template that @id means at this place of the message; lent. */
static Template *
find_template(const MessageSteps *self, const MessageView *view, uint16_t id)
{
    const size_t newest = self->newest[id];
    Template *template = NULL;

    if (newest > 0)
        template = self->steps[newest - 1].template;
    else if (view->store)
        template = template_store_find(view->store, view->budget, id, view->peer_port,
                                       view->received_us);

    if (template && self->n_withdrawn[template->is_options] > newest)
        return NULL;
    return template;
}

static void
add_withdrawal(MessageSteps *self, const MessageView *view,
               const TemplateRecord *record)
{
    const uint16_t all_of_kind = record->is_options ? 3 : 2;

    if (!view->can_withdraw)
        return;

    if (record->id >= FIRST_DATA_ID) {
        add_definition(self, STEP_WITHDRAW, record->id, NULL);
    } else if (record->id == all_of_kind) {
        add_step(self, STEP_WITHDRAW_ALL, record->id, NULL)->is_options =
            record->is_options;
        self->n_withdrawn[record->is_options] = self->n;
    } else {
        add_step(self, STEP_BAD_TEMPLATE, record->id, NULL)->status =
            DECODE_TEMPLATE_ID;
    }
}

static void
add_template(MessageSteps *self, const MessageView *view, const TemplateRecord *record)
{
    Template *known =
        view->store ? template_store_find_same(view->store, record) : NULL;
    const DecodeStatus refusal =
        view->store ? template_store_check(view->store, view->budget, record,
                                           view->peer_port, view->received_us)
                    : DECODE_OK;

    if (refusal != DECODE_OK) {
        add_step(self, STEP_BAD_TEMPLATE, record->id, NULL)->status = refusal;
        return;
    }

    Template *template =
        known ? template_ref(known) : template_new(record, view->budget->max_fields);

    if (template->refusal == DECODE_TEMPLATE_ID) {
        add_step(self, STEP_BAD_TEMPLATE, record->id, NULL)->status = template->refusal;
        template_unref(template);
        return;
    }
    add_definition(self, STEP_TEMPLATE, record->id, template);
}

static DecodeStatus
check_templates(MessageSteps *self, const MessageView *view, uint8_t version,
                bool is_options, Reader set)
{
    const uint8_t *const first = set.at;

    while (set.left > 0) {
        /* Padding (RFC 7011 3.3.1); but where no template is, one was cut off. */
        if (set.left < 4 && set.at > first)
            break;
        if (set.left >= 4 && is_zero(set.at, 4) && is_zero(set.at, set.left))
            break;

        TemplateRecord record;
        const DecodeStatus status = template_read(&set, version, is_options, &record);

        if (status != DECODE_OK)
            return status;
        if (record.is_withdrawal)
            add_withdrawal(self, view, &record);
        else
            add_template(self, view, &record);
    }
    return DECODE_OK;
}

DecodeStatus
message_count_records(const Template *template, const uint8_t *content, size_t n_octets,
                      uint32_t *n_records)
{
    const Plan *plan = &template->plan;
    size_t done = 0;

    if (plan->n_variable == 0) {
        *n_records = n_octets / plan->min_octets;
        return DECODE_OK;
    }

    *n_records = 0;
    while (n_octets - done >= plan->min_octets) {
        const size_t n = plan_measure(plan, content + done, n_octets - done);

        /* So little behind whole records is padding, though it is not zero. */
        if (n == 0)
            return *n_records > 0 && n_octets - done < 4 ? DECODE_OK : DECODE_VARLEN;
        done += n;
        ++*n_records;
    }
    return DECODE_OK;
}

static DecodeStatus
check_data(MessageSteps *self, const MessageView *view, uint16_t id,
           const uint8_t *content, size_t n_octets)
{
    Template *template = find_template(self, view, id);
    MessageStepKind kind = STEP_DATA;
    uint32_t n_records = 0;

    if (!template)
        kind = STEP_UNKNOWN;
    else if (template->refusal != DECODE_OK)
        kind = STEP_REFUSED;

    if (kind == STEP_DATA) {
        const DecodeStatus status =
            message_count_records(template, content, n_octets, &n_records);

        if (status != DECODE_OK)
            return status;
    }
    if (kind == STEP_DATA ? n_records == 0 : n_octets == 0)
        return DECODE_OK;

    add_step(self, kind, id, template ? template_ref(template) : NULL)->n_records =
        n_records;
    self->n_records += n_records;
    if (template && template->is_options)
        self->n_options += n_records;
    self->is_vague |= kind != STEP_DATA;
    return DECODE_OK;
}

static DecodeStatus
check_set(MessageSteps *self, const MessageView *view, const Message *message,
          size_t at, uint16_t id, size_t n_octets)
{
    const uint8_t *content = message->bytes + at + SET_HEADER;
    const uint16_t template_id = message->version == 9 ? 0 : 2;
    const size_t n_before = self->n;
    DecodeStatus status = DECODE_OK;

    if (id >= FIRST_DATA_ID)
        status = check_data(self, view, id, content, n_octets);
    else if (id == template_id || id == template_id + 1)
        status = check_templates(self, view, message->version, id != template_id,
                                 reader_over(content, n_octets));
    else if (message->version == 9)
        add_step(self, STEP_IGNORED, id, NULL)->status = DECODE_SET_ID;
    else
        status = DECODE_SET_ID;

    for (size_t i = n_before; i < self->n; i++) {
        self->steps[i].at = at;
        self->steps[i].n_octets = n_octets;
    }
    return status;
}

/* v9 has no length: another message of the same exporter may begin where a set
 * should.  What would be its set id, 9, is reserved. */
static bool
is_glued(const Message *message, size_t at)
{
    Message other;

    return message->version == 9 &&
           message_read_header(&other, message->bytes + at, message->n_bytes - at) ==
               DECODE_OK &&
           other.version == 9 && other.bytes[0] == 0 &&
           other.domain == message->domain &&
           other.export_sec - message->export_sec + GLUED_SEC <= 2 * GLUED_SEC;
}

static DecodeStatus
check_sets(Message *message, const MessageView *view, MessageSteps *steps)
{
    size_t at = message->n_header;

    while (message->n_bytes - at >= SET_HEADER) {
        const size_t left = message->n_bytes - at;
        Reader r = reader_over(message->bytes + at, SET_HEADER);
        const uint16_t id = reader_uint(&r, 2);
        const size_t n_set = reader_uint(&r, 2);

        if (id == 9 && is_glued(message, at)) {
            message->n_bytes = at;
            return DECODE_OK;
        }
        /* PAN-OS fills its packets with zeros. */
        if (message->version == 9 && id == 0 && n_set == 0 &&
            is_zero(message->bytes + at, left))
            return DECODE_OK;
        if (n_set < SET_HEADER || n_set > left)
            return DECODE_SET_LENGTH;

        const DecodeStatus status =
            check_set(steps, view, message, at, id, n_set - SET_HEADER);
        if (status != DECODE_OK)
            return status;
        at += n_set;
    }
    return is_zero(message->bytes + at, message->n_bytes - at) ? DECODE_OK
                                                               : DECODE_SET_HEADER;
}

DecodeStatus
message_check(Message *message, const MessageView *view, MessageSteps *steps)
{
    const DecodeStatus status = check_sets(message, view, steps);

    if (status != DECODE_OK)
        message_steps_clear(steps);
    return status;
}

bool
message_find_set(Message *self, const uint8_t *bytes, size_t left, size_t set_at,
                 MessageStep *step)
{
    if (left < 2 || bytes[0] != 0 || (bytes[1] != 9 && bytes[1] != 10) ||
        message_read_header(self, bytes, left) != DECODE_OK ||
        set_at < self->n_header || set_at > self->n_bytes)
        return false;

    Reader r = reader_over(bytes + set_at, self->n_bytes - set_at);
    const uint16_t id = reader_uint(&r, 2);
    const size_t n_set = reader_uint(&r, 2);

    if (!reader_ok(&r) || n_set < SET_HEADER || n_set - SET_HEADER > r.left)
        return false;
    *step = (MessageStep){ .id = id, .at = set_at, .n_octets = n_set - SET_HEADER };
    return true;
}
