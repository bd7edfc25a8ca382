/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Template: one template record off the wire, its body and the plan made of it.
 *
 * Immutable and counted: the store that keeps it and the message that is just being
 * decoded with it both hold it, so one that is replaced in mid-message lives on
 * until that message is done.
 *
 * A template that had to be refused is kept as such, without a plan: its data must
 * neither be decoded by the template it replaced nor wait for a better one. */

#include <glib.h>
#include <stdbool.h>

#include "decode/plan.h"
#include "decode/status.h"
#include "reader.h"

/* One template record as it lies in its set; borrowed. */
typedef struct {
    const uint8_t *body;
    size_t n_body;
    uint16_t id;
    uint16_t n_fields; /* scope fields included */
    uint16_t n_scope;
    uint8_t version; /* 9 or 10 */
    bool is_options;
    bool is_withdrawal; /* IPFIX, no fields: id 2 or 3 withdraws all (RFC 7011 8.1) */
    bool is_overlong;   /* v9 options lengths that no record can have */
} TemplateRecord;

/* Steps over one record of a (options) template set.  Returns DECODE_OK, or, with
 * @reader spent or not, why the message is to be discarded. */
DecodeStatus template_read(Reader *reader, uint8_t version, bool is_options,
                           TemplateRecord *record);

typedef struct {
    guint refs;
    DecodeStatus refusal; /* DECODE_OK, or why it has no plan */
    Plan plan;
    uint16_t id;
    uint8_t version;
    bool is_options;
    size_t n_bytes; /* of memory, all of it */
    size_t n_body;
    uint8_t body[];
} Template;

/* Never NULL; see @refusal.  @record is not a withdrawal. */
Template *template_new(const TemplateRecord *record, size_t max_fields);

/* True when @self was made of the very same record. */
bool template_is_same(const Template *self, const TemplateRecord *record);

static inline Template *
template_ref(Template *self)
{
    self->refs++;
    return self;
}

void template_unref(Template *self); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Template, template_unref)
