/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What became of one message, template or set.  Bad input is daily bread here, so
 * it is counted, not reported: decoders allocate no GError and never log.  Each
 * value but DECODE_OK is one class of loss (reason malformed, or refused for the
 * limits), named by decode_status_class(). */

#include <stdbool.h>

#include "flow/loss.h"

typedef enum {
    DECODE_OK,
    /* the whole message is discarded (RFC 7011 9.1) */
    DECODE_EMPTY,          /* no byte at all */
    DECODE_SHORT_HEADER,   /* ends inside its message header */
    DECODE_VERSION,        /* not 5, 9 or 10 */
    DECODE_MESSAGE_LENGTH, /* IPFIX length below 16 or beyond the datagram */
    DECODE_RECORD_COUNT,   /* v5: count 0, above 30 or beyond the datagram */
    DECODE_SET_LENGTH,     /* below 4 or past the end of the message */
    DECODE_SET_HEADER,     /* 1..3 octets that are not padding where a set begins */
    DECODE_SET_ID,         /* reserved set id */
    DECODE_TEMPLATE_CUT,   /* a template ends inside itself */
    DECODE_OPTIONS_LENGTH, /* v9 option lengths that lie */
    DECODE_VARLEN,         /* a variable length beyond its set */
    DECODE_TRAILING,       /* rubbish behind the last message of a datagram */
    DECODE_DUPLICATE,      /* the very same message came moments ago */
    /* only the template is refused */
    DECODE_TEMPLATE_ID,     /* below 256 */
    DECODE_TEMPLATE_EMPTY,  /* no fields */
    DECODE_TEMPLATE_RECORD, /* records of length 0 or beyond any message */
    DECODE_TEMPLATE_FIELD,  /* a length its element cannot have */
    DECODE_TEMPLATE_SCOPE,  /* scope count 0 or above the field count */
    DECODE_TEMPLATE_BIFLOW, /* data with reverse elements and no key (RFC 5103) */
    DECODE_TEMPLATE_FIELDS, /* more fields than decode.max_fields */
    /* only the field is skipped */
    DECODE_FIELD_LENGTH, /* variable length that its type cannot have */
    DECODE_FIELD_STRING, /* ill-formed UTF-8 */
    /* limits */
    DECODE_MAX_EXPORTERS,
    DECODE_MAX_TEMPLATES,
    DECODE_MAX_OPTIONS,
    DECODE_MAX_WAITING,
    /* protection */
    DECODE_QUARANTINED,       /* a datagram of a sender of nothing but rubbish */
    DECODE_TEMPLATE_PINNED,   /* differs from the one that is pinned */
    DECODE_TEMPLATE_FLAPPING, /* differs from the one that is held for a while */
    DECODE_N_STATUS
} DecodeStatus;

/* The class as in the column loss.class: "short_header" and so on. */
const char *decode_status_class(DecodeStatus status);

/* How its loss is accounted for: for limits and protection refused, else malformed. */
LossReason decode_status_reason(DecodeStatus status);

/* True when the message it happened to is discarded as a whole. */
static inline bool
decode_status_is_fatal(DecodeStatus status)
{
    return status > DECODE_OK && status < DECODE_TEMPLATE_ID;
}
