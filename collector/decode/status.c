/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/status.h"

#include <glib.h>

static const char *const classes[DECODE_N_STATUS] = {
    [DECODE_OK] = "",
    [DECODE_EMPTY] = "empty",
    [DECODE_SHORT_HEADER] = "short_header",
    [DECODE_VERSION] = "version",
    [DECODE_MESSAGE_LENGTH] = "message_length",
    [DECODE_RECORD_COUNT] = "record_count",
    [DECODE_SET_LENGTH] = "set_length",
    [DECODE_SET_HEADER] = "set_header",
    [DECODE_SET_ID] = "set_id",
    [DECODE_TEMPLATE_CUT] = "template_cut",
    [DECODE_OPTIONS_LENGTH] = "options_length",
    [DECODE_VARLEN] = "varlen",
    [DECODE_TRAILING] = "trailing",
    [DECODE_DUPLICATE] = "duplicate",
    [DECODE_TEMPLATE_ID] = "template_id",
    [DECODE_TEMPLATE_EMPTY] = "template_empty",
    [DECODE_TEMPLATE_RECORD] = "template_record",
    [DECODE_TEMPLATE_FIELD] = "template_field",
    [DECODE_TEMPLATE_SCOPE] = "template_scope",
    [DECODE_TEMPLATE_BIFLOW] = "template_biflow",
    [DECODE_TEMPLATE_FIELDS] = "template_fields",
    [DECODE_FIELD_LENGTH] = "field_length",
    [DECODE_FIELD_STRING] = "field_string",
    [DECODE_MAX_EXPORTERS] = "max_exporters",
    [DECODE_MAX_TEMPLATES] = "max_templates",
    [DECODE_MAX_OPTIONS] = "max_options",
    [DECODE_MAX_WAITING] = "max_waiting",
    [DECODE_QUARANTINED] = "quarantined",
    [DECODE_TEMPLATE_PINNED] = "template_pinned",
    [DECODE_TEMPLATE_FLAPPING] = "template_flapping",
};

const char *
decode_status_class(DecodeStatus status)
{
    g_assert(status < DECODE_N_STATUS);
    return classes[status];
}

LossReason
decode_status_reason(DecodeStatus status)
{
    switch (status) {
    case DECODE_DUPLICATE:
    case DECODE_TEMPLATE_FIELDS:
    case DECODE_MAX_EXPORTERS:
    case DECODE_MAX_TEMPLATES:
    case DECODE_MAX_OPTIONS:
    case DECODE_QUARANTINED:
    case DECODE_TEMPLATE_PINNED:
    case DECODE_TEMPLATE_FLAPPING:
        return LOSS_REFUSED;
    case DECODE_MAX_WAITING:
        return LOSS_NO_TEMPLATE;
    default:
        return LOSS_MALFORMED;
    }
}
