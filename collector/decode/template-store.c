/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/template-store.h"

#include <string.h>

/* As many ports may disagree about one id. */
#define MAX_VARIANTS_OF_ID 8

#define TELL_AGAIN_US (INT64_C(86400) * 1000000) /* when templates live for ever */

static TemplateVariant *
first_of(const TemplateStore *self, uint16_t id)
{
    return self->variants
               ? g_hash_table_lookup(self->variants, GUINT_TO_POINTER((guint) id))
               : NULL;
}

static void
set_first(TemplateStore *self, uint16_t id, TemplateVariant *variant)
{
    if (!self->variants)
        self->variants = g_hash_table_new(g_direct_hash, g_direct_equal);

    if (variant)
        g_hash_table_insert(self->variants, GUINT_TO_POINTER((guint) id), variant);
    else
        g_hash_table_remove(self->variants, GUINT_TO_POINTER((guint) id));
}

static void
unlink_by_use(TemplateStore *self, TemplateVariant *variant)
{
    *(variant->newer ? &variant->newer->older : &self->newest) = variant->older;
    *(variant->older ? &variant->older->newer : &self->oldest) = variant->newer;
}

static void
link_newest(TemplateStore *self, TemplateVariant *variant)
{
    variant->newer = NULL;
    variant->older = self->newest;
    *(self->newest ? &self->newest->newer : &self->oldest) = variant;
    self->newest = variant;
}

static void
touch(TemplateStore *self, TemplateVariant *variant)
{
    if (self->newest == variant)
        return;
    unlink_by_use(self, variant);
    link_newest(self, variant);
}

static size_t
bytes_of(const Template *template)
{
    return sizeof(TemplateVariant) + template->n_bytes;
}

static void
discard(TemplateStore *self, TemplateBudget *budget, TemplateVariant *variant)
{
    TemplateVariant *first = first_of(self, variant->template->id);

    if (first == variant) {
        set_first(self, variant->template->id, variant->next);
    } else {
        while (first->next != variant)
            first = first->next;
        first->next = variant->next;
    }
    unlink_by_use(self, variant);
    self->n_variants--;
    budget->n_bytes -= bytes_of(variant->template);
    template_unref(variant->template);
    g_free(variant);
}

static void
tell(const TemplateBudget *budget, TemplateVariant *variant, bool is_gone,
     void *user_data)
{
    variant->told_us = variant->announced_us;
    if (budget->tell && variant->template->refusal == DECODE_OK)
        budget->tell(variant, is_gone, user_data);
}

static void
forget(TemplateStore *self, TemplateBudget *budget, TemplateVariant *variant,
       void *user_data)
{
    tell(budget, variant, true, user_data);
    discard(self, budget, variant);
}

/* Templates of a session live as long as it does (RFC 7011 8). */
static bool
is_expired(const TemplateStore *self, const TemplateBudget *budget,
           const TemplateVariant *variant, int64_t now_us)
{
    return self->is_udp && budget->lifetime_us > 0 &&
           now_us - variant->announced_us > budget->lifetime_us;
}

static bool
has_port(const TemplateVariant *variant, uint16_t port)
{
    for (size_t i = 0; i < variant->n_ports; i++) {
        if (variant->ports[i] == port)
            return true;
    }
    return false;
}

static void
remove_port(TemplateVariant *variant, uint16_t port)
{
    size_t n = 0;

    for (size_t i = 0; i < variant->n_ports; i++) {
        if (variant->ports[i] != port)
            variant->ports[n++] = variant->ports[i];
    }
    variant->n_ports = n;
}

static void
add_port(TemplateVariant *variant, uint16_t port)
{
    if (variant->n_ports > 0 && variant->ports[0] == port)
        return;

    remove_port(variant, port);
    variant->n_ports = MIN(variant->n_ports, TEMPLATE_VARIANT_PORTS - 1);
    memmove(variant->ports + 1, variant->ports,
            variant->n_ports * sizeof(variant->ports[0]));
    variant->ports[0] = port;
    variant->n_ports++;
}

static TemplateVariant *
find_by_port(const TemplateStore *self, uint16_t id, uint16_t port)
{
    TemplateVariant *variant = first_of(self, id);

    while (variant && !has_port(variant, port))
        variant = variant->next;
    return variant;
}

static uint64_t
hash_body(const uint8_t *body, size_t n_body, bool is_options)
{
    uint64_t mixed = UINT64_C(0xcbf29ce484222325) + is_options; /* FNV-1a */

    for (size_t i = 0; i < n_body; i++)
        mixed = (mixed ^ body[i]) * UINT64_C(0x100000001b3);
    return mixed | 1; /* 0 means none */
}

static TemplateVariant *
find_by_body(const TemplateStore *self, const Template *template)
{
    TemplateVariant *variant = first_of(self, template->id);

    for (; variant; variant = variant->next) {
        const Template *other = variant->template;

        if (other == template ||
            (other->is_options == template->is_options &&
             other->n_body == template->n_body &&
             memcmp(other->body, template->body, template->n_body) == 0))
            break;
    }
    return variant;
}

/* @port announces something else for @id from now on. */
static void
take_port_away(TemplateStore *self, TemplateBudget *budget, uint16_t id, uint16_t port,
               void *user_data)
{
    TemplateVariant *variant = find_by_port(self, id, port);

    if (!variant)
        return;
    remove_port(variant, port);
    if (variant->n_ports == 0)
        forget(self, budget, variant, user_data);
}

/* @to takes the place of @from. */
static void
inherit(const TemplateStore *self, const TemplateBudget *budget, TemplateVariant *to,
        const TemplateVariant *from, int64_t now_us)
{
    const bool is_recent = now_us - from->flapped_us <= TEMPLATE_STORE_FLAP_US;

    to->n_flaps = is_recent ? from->n_flaps : 0;
    to->flapped_us = from->flapped_us;
    if (to->hash == from->before) {
        to->since_us = MIN(to->since_us, from->before_since_us);
        to->n_flaps++;
        to->flapped_us = now_us;
        if (self->is_udp && budget->hold_us > 0 &&
            to->n_flaps >= TEMPLATE_STORE_FLAPS && to->since_us <= from->since_us)
            to->held_until_us = now_us + budget->hold_us;
    }
    to->before = from->hash;
    to->before_since_us = from->since_us;
}

/* True when @port announced something else before. */
static bool
refresh(TemplateStore *self, TemplateBudget *budget, TemplateVariant *variant,
        const TemplateOrigin *origin, void *user_data)
{
    const uint16_t id = variant->template->id;
    const int64_t half_us =
        budget->lifetime_us > 0 ? budget->lifetime_us / 2 : TELL_AGAIN_US;
    const TemplateVariant *from =
        has_port(variant, origin->port) ? NULL : find_by_port(self, id, origin->port);
    const bool is_change = from != NULL;

    if (is_change) {
        inherit(self, budget, variant, from, origin->now_us);
        take_port_away(self, budget, id, origin->port, user_data);
    }
    add_port(variant, origin->port);
    variant->listener = origin->listener;
    variant->announced_us = MAX(variant->announced_us, origin->now_us);
    touch(self, variant);

    if (origin->now_us - variant->told_us >= half_us)
        tell(budget, variant, false, user_data);
    return is_change;
}

/* Keeps the variants of one id few, whoever makes up ports. */
static void
bound_variants(TemplateStore *self, TemplateBudget *budget, uint16_t id,
               void *user_data)
{
    TemplateVariant *oldest = NULL;
    size_t n = 0;

    for (TemplateVariant *v = first_of(self, id); v; v = v->next, n++) {
        if (!oldest || v->announced_us < oldest->announced_us)
            oldest = v;
    }
    if (n >= MAX_VARIANTS_OF_ID)
        forget(self, budget, oldest, user_data);
}

static bool
is_held(const TemplateBudget *budget, const TemplateVariant *variant, int64_t now_us)
{
    /* A clock that was set back must not make it longer. */
    return variant->held_until_us != 0 && now_us < variant->held_until_us &&
           variant->held_until_us - now_us <= budget->hold_us;
}

DecodeStatus
template_store_check(const TemplateStore *self, const TemplateBudget *budget,
                     const TemplateRecord *record, uint16_t port, int64_t now_us)
{
    const TemplateVariant *replaced = find_by_port(self, record->id, port);

    if (replaced && template_is_same(replaced->template, record))
        return DECODE_OK;
    if (self->pins)
        return template_store_find(self, budget, record->id, port, now_us) &&
                       !template_store_find_same(self, record)
                   ? DECODE_TEMPLATE_PINNED
                   : DECODE_OK;
    return replaced && is_held(budget, replaced, now_us) ? DECODE_TEMPLATE_FLAPPING
                                                         : DECODE_OK;
}

static bool
make_room(TemplateStore *self, TemplateBudget *budget, const Template *template,
          size_t *n_evicted, void *user_data)
{
    const size_t n_more = bytes_of(template);

    if (n_more > budget->max_bytes || budget->max_templates == 0)
        return false;
    if (self->pins && self->n_variants >= budget->max_templates)
        return false;

    while (self->oldest && !self->pins &&
           (self->n_variants >= budget->max_templates ||
            budget->n_bytes > budget->max_bytes - n_more)) {
        forget(self, budget, self->oldest, user_data);
        ++*n_evicted;
    }
    return budget->n_bytes <= budget->max_bytes - n_more;
}

TemplatePut
template_store_put(TemplateStore *self, TemplateBudget *budget, Template *template,
                   const TemplateOrigin *origin, size_t *n_evicted, void *user_data)
{
    TemplateVariant *variant = find_by_body(self, template);

    if (variant)
        return refresh(self, budget, variant, origin, user_data) ? TEMPLATE_CHANGED
                                                                 : TEMPLATE_REFRESHED;

    const bool is_change = first_of(self, template->id) != NULL;
    const TemplateVariant *from = find_by_port(self, template->id, origin->port);
    TemplateVariant fresh = {
        .template = template,
        .announced_us = origin->now_us,
        .listener = origin->listener,
        .told_port = origin->port,
        .hash = hash_body(template->body, template->n_body, template->is_options),
        .since_us = origin->now_us,
    };

    if (from)
        inherit(self, budget, &fresh, from, origin->now_us);
    take_port_away(self, budget, template->id, origin->port, user_data);
    bound_variants(self, budget, template->id, user_data);
    if (!make_room(self, budget, template, n_evicted, user_data))
        return TEMPLATE_NO_ROOM;

    variant = g_memdup2(&fresh, sizeof(fresh));
    template_ref(template);
    variant->next = first_of(self, template->id);
    add_port(variant, origin->port);
    set_first(self, template->id, variant);
    link_newest(self, variant);
    self->n_variants++;
    budget->n_bytes += bytes_of(template);
    tell(budget, variant, false, user_data);
    return is_change ? TEMPLATE_CHANGED : TEMPLATE_ADDED;
}

Template *
template_store_find(const TemplateStore *self, const TemplateBudget *budget,
                    uint16_t id, uint16_t port, int64_t now_us)
{
    const TemplateVariant *newest = NULL;

    for (TemplateVariant *v = first_of(self, id); v; v = v->next) {
        if (is_expired(self, budget, v, now_us))
            continue;
        if (!v->next && !newest)
            return v->template; /* the usual case: there is but one */
        if (has_port(v, port))
            return v->template;
        if (!newest || v->announced_us > newest->announced_us)
            newest = v;
    }
    return newest ? newest->template : NULL;
}

bool
template_store_is_contested(const TemplateStore *self, uint16_t id)
{
    const TemplateVariant *first = first_of(self, id);

    return first && first->next;
}

Template *
template_store_find_same(const TemplateStore *self, const TemplateRecord *record)
{
    for (TemplateVariant *v = first_of(self, record->id); v; v = v->next) {
        if (template_is_same(v->template, record))
            return v->template;
    }
    return NULL;
}

void
template_store_touch(TemplateStore *self, uint16_t id)
{
    TemplateVariant *variant = first_of(self, id);

    if (variant)
        touch(self, variant);
}

bool
template_store_withdraw(TemplateStore *self, TemplateBudget *budget, uint16_t id,
                        void *user_data)
{
    TemplateVariant *variant;
    bool is_known = false;

    for (; (variant = first_of(self, id)); is_known = true)
        forget(self, budget, variant, user_data);
    return is_known;
}

void
template_store_withdraw_all(TemplateStore *self, TemplateBudget *budget,
                            bool is_options, void *user_data)
{
    TemplateVariant *older;

    for (TemplateVariant *v = self->newest; v; v = older) {
        older = v->older;
        if (v->template->is_options == is_options)
            forget(self, budget, v, user_data);
    }
}

void
template_store_sweep(TemplateStore *self, TemplateBudget *budget, int64_t now_us,
                     void *user_data)
{
    TemplateVariant *older;

    for (TemplateVariant *v = self->newest; v; v = older) {
        older = v->older;
        if (is_expired(self, budget, v, now_us))
            forget(self, budget, v, user_data);
    }
}

void
template_store_forget_before(TemplateStore *self, TemplateBudget *budget,
                             int64_t before_us, void *user_data)
{
    TemplateVariant *older;

    for (TemplateVariant *v = self->newest; v; v = older) {
        older = v->older;
        if (v->announced_us < before_us)
            forget(self, budget, v, user_data);
    }
}

void
template_store_clear(TemplateStore *self, TemplateBudget *budget)
{
    while (self->newest)
        discard(self, budget, self->newest);

    g_clear_pointer(&self->variants, g_hash_table_unref);
}
