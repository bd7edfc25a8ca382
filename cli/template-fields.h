/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TemplateFields: a template record, as it was kept, field by field with names: for
 * people.  (The collector's own reading of it is decode/template.h.) */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "element-names.h"

#define TEMPLATE_FIELD_VARIABLE 65535

typedef struct {
    uint32_t pen;    /* 0 = IANA's */
    uint16_t id;     /* without the enterprise bit; of v9 the type as it is */
    uint16_t octets; /* TEMPLATE_FIELD_VARIABLE = each record says */
    bool is_scope;
    bool is_known; /* to libfixbuf's information model, or as a type of v9 */
    char name[64]; /* of the element, or its number */
} TemplateField;

/* The fields of a template record (without its set header), as GArray of
 * TemplateField (transfer full).  A record that is cut has those before the cut. */
GArray *template_fields_parse(ElementNames *names, const uint8_t *body, size_t n_body,
                              int version, bool is_options);

/* "sourceIPv4Address, octetDeltaCount(4), ..., {meteringProcessId} samplingInterval":
 * the octets where they are not the element's own, scopes in braces (transfer full). */
char *template_fields_text(ElementNames *names, const GArray *fields);
