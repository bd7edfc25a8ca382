/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/template.h"

#include <string.h>

#define FIRST_DATA_ID 256

/* Scope types of v9 (RFC 3954 6.1); beyond them some send elements as scopes. */
#define LAST_V9_SCOPE 5

#define UNKNOWN_ENTERPRISE (ELEMENT_V9_VENDOR - 1)

/* Steps over the fields of an IPFIX template. */
static void
skip_fields(Reader *reader, size_t n_fields)
{
    for (size_t i = 0; i < n_fields && reader_ok(reader); i++) {
        const bool is_enterprise = reader_uint(reader, 2) & 0x8000;

        reader_bytes(reader, is_enterprise ? 6 : 2);
    }
}

static DecodeStatus
read_v9_options(Reader *reader, TemplateRecord *record)
{
    const size_t n_scope_octets = reader_uint(reader, 2);
    const size_t n_option_octets = reader_uint(reader, 2);

    if (!reader_ok(reader))
        return DECODE_TEMPLATE_CUT;

    /* Nobody can say where the next record begins: the rest of the set goes too. */
    if (n_scope_octets + n_option_octets > UINT16_MAX) {
        record->is_overlong = true;
        reader_bytes(reader, reader->left);
        return DECODE_OK;
    }
    if (n_scope_octets % 4 != 0 || n_option_octets % 4 != 0)
        return DECODE_OPTIONS_LENGTH;

    record->n_scope = n_scope_octets / 4;
    record->n_fields = record->n_scope + n_option_octets / 4;
    reader_bytes(reader, n_scope_octets + n_option_octets);
    return reader_ok(reader) ? DECODE_OK : DECODE_OPTIONS_LENGTH;
}

static DecodeStatus
read_fields(Reader *reader, TemplateRecord *record)
{
    if (record->version == 9 && record->is_options)
        return read_v9_options(reader, record);

    record->n_fields = reader_uint(reader, 2);
    record->is_withdrawal = record->version == 10 && record->n_fields == 0;

    if (record->is_options && !record->is_withdrawal)
        record->n_scope = reader_uint(reader, 2);

    if (record->version == 9)
        reader_bytes(reader, (size_t) record->n_fields * 4);
    else
        skip_fields(reader, record->n_fields);
    return reader_ok(reader) ? DECODE_OK : DECODE_TEMPLATE_CUT;
}

DecodeStatus
template_read(Reader *reader, uint8_t version, bool is_options, TemplateRecord *record)
{
    *record = (TemplateRecord){ .body = reader->at,
                                .version = version,
                                .is_options = is_options };
    record->id = reader_uint(reader, 2);

    const DecodeStatus status = read_fields(reader, record);
    record->n_body = reader->at - record->body;
    return status;
}

static PlanField
read_field(Reader *reader, const TemplateRecord *record, bool is_scope)
{
    PlanField field = { 0 };

    field.id = reader_uint(reader, 2);
    field.n_octets = reader_uint(reader, 2);

    if (record->version == 10 && field.id & 0x8000) {
        field.id &= 0x7fff;
        field.pen = reader_uint(reader, 4);
        /* The two numbers that stand for v9's are nobody's enterprise. */
        if (field.pen >= ELEMENT_V9_VENDOR)
            field.pen = UNKNOWN_ENTERPRISE;
    } else if (record->version == 9 && is_scope && field.id <= LAST_V9_SCOPE) {
        field.pen = ELEMENT_V9_SCOPE;
    } else if (field.id & 0x8000) {
        /* nProbe's 57472 and the like: no enterprise bit, v9 has none. */
        field.pen = ELEMENT_V9_VENDOR;
    }
    return field;
}

static DecodeStatus
compile(Template *self, const TemplateRecord *record)
{
    g_autofree PlanField *fields = g_new(PlanField, record->n_fields);
    const size_t n_header = !record->is_options ? 4 : 6;
    Reader reader = reader_over(record->body + n_header, record->n_body - n_header);

    for (size_t i = 0; i < record->n_fields; i++)
        fields[i] = read_field(&reader, record, i < record->n_scope);

    switch (plan_compile(&self->plan, fields, record->n_fields,
                         record->is_options ? ELEMENT_IN_OPTIONS : ELEMENT_IN_FLOWS)) {
    case PLAN_RECORD:
        return DECODE_TEMPLATE_RECORD;
    case PLAN_FIELD:
        return DECODE_TEMPLATE_FIELD;
    case PLAN_OK:
        break;
    }

    /* RFC 5103 5: without keys nobody knows which way is the reverse one. */
    if (!record->is_options && self->plan.has_reverse && !self->plan.has_key) {
        plan_clear(&self->plan);
        return DECODE_TEMPLATE_BIFLOW;
    }
    return DECODE_OK;
}

static DecodeStatus
refusal_of(Template *self, const TemplateRecord *record, size_t max_fields)
{
    if (record->id < FIRST_DATA_ID)
        return DECODE_TEMPLATE_ID;
    if (record->is_overlong)
        return DECODE_TEMPLATE_RECORD;
    if (record->n_fields == 0)
        return DECODE_TEMPLATE_EMPTY;

    /* RFC 7011 3.4.2.2; in v9 IOS-XE sends options without a scope. */
    if (record->is_options && (record->n_scope > record->n_fields ||
                               (record->version == 10 && record->n_scope == 0)))
        return DECODE_TEMPLATE_SCOPE;
    if (record->n_fields > max_fields)
        return DECODE_TEMPLATE_FIELDS;

    return compile(self, record);
}

Template *
template_new(const TemplateRecord *record, size_t max_fields)
{
    /* The body of a refused one may be as long as a message; it is of no use. */
    Template *self = g_malloc0(sizeof(Template) + record->n_body);

    self->refs = 1;
    self->id = record->id;
    self->version = record->version;
    self->is_options = record->is_options;
    self->n_body = record->n_body;
    memcpy(self->body, record->body, record->n_body);

    self->refusal = refusal_of(self, record, max_fields);
    self->n_bytes =
        sizeof(Template) + record->n_body + self->plan.n_ops * sizeof(PlanOp);
    return self;
}

bool
template_is_same(const Template *self, const TemplateRecord *record)
{
    return self->version == record->version && self->is_options == record->is_options &&
           self->n_body == record->n_body &&
           memcmp(self->body, record->body, record->n_body) == 0;
}

void
template_unref(Template *self)
{
    if (!self || --self->refs > 0)
        return;

    plan_clear(&self->plan);
    g_free(self);
}
