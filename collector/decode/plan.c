/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/plan.h"

#include <string.h>

#include "clock.h"

/* The largest record that can stand in a message with its two headers. */
#define MAX_RECORD_OCTETS (65535 - 4)

/* Seconds from 1900, where NTP counts from, to 1970. */
#define NTP_TO_UNIX_SEC UINT32_C(2208988800)

/* A time that no sum of ours can carry out of range. */
#define LATEST_US (INT64_C(1) << 61)

typedef enum {
    OP_SKIP_VARIABLE,
    OP_VARIABLE,
    OP_ANY, /* whatever has no operation of its own */
    OP_8_TO_8,
    OP_8_TO_16,
    OP_16_TO_16,
    OP_16_TO_32,
    OP_32_TO_32,
    OP_32_TO_64,
    OP_64_TO_64,
    OP_IPV4,
    OP_IPV6,
    OP_MS,
} OpKind;

static inline uint16_t
load_16(const uint8_t *at)
{
    uint16_t value;

    memcpy(&value, at, sizeof(value));
    return GUINT16_FROM_BE(value);
}

static inline uint32_t
load_32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return GUINT32_FROM_BE(value);
}

static inline uint64_t
load_64(const uint8_t *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return GUINT64_FROM_BE(value);
}

/* 1 to 8 octets. */
static uint64_t
load(const uint8_t *at, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | at[i];
    return value;
}

/* False, with the member unchanged, for a value it cannot hold. */
static bool
store(Record *record, size_t to, size_t width, uint64_t value)
{
    uint8_t *member = (uint8_t *) record + to;
    const uint8_t v8 = value;
    const uint16_t v16 = value;
    const uint32_t v32 = value;

    switch (width) {
    case 1:
        memcpy(member, &v8, sizeof(v8));
        return value == v8;
    case 2:
        memcpy(member, &v16, sizeof(v16));
        return value == v16;
    case 4:
        memcpy(member, &v32, sizeof(v32));
        return value == v32;
    default:
        memcpy(member, &value, sizeof(value));
        return true;
    }
}

static int64_t
us_from_ms(uint64_t ms)
{
    return ms < LATEST_US / US_PER_MS ? (int64_t) ms * US_PER_MS : LATEST_US;
}

/* 32-bit seconds that may have wrapped (2106; NTP: 2036), in the era that is
 * nearest to the receive time (RFC 7011 5.2). */
static int64_t
sec_near(uint32_t sec, int64_t received_us)
{
    const int64_t received_sec = received_us / US_PER_SEC;

    return received_sec + (int32_t) (sec - (uint32_t) received_sec);
}

static int64_t
us_from_ntp(uint64_t ntp, int64_t received_us)
{
    const int64_t sec = sec_near((uint32_t) (ntp >> 32) - NTP_TO_UNIX_SEC, received_us);

    return sec * US_PER_SEC +
           (int64_t) ((ntp & UINT32_MAX) * (uint64_t) US_PER_SEC >> 32);
}

static double
load_float(const uint8_t *at, size_t n)
{
    double wide;
    float narrow;

    if (n == 4) {
        const uint32_t bits = load_32(at);

        memcpy(&narrow, &bits, sizeof(narrow));
        return narrow;
    }

    const uint64_t bits = load_64(at);
    memcpy(&wide, &bits, sizeof(wide));
    return wide;
}

/* The engine goes into the top byte, the selector to the other end.  FortiOS sends
 * nine octets; no selector is that large. */
static uint64_t
load_app(const uint8_t *at, size_t n)
{
    const size_t n_selector = n - 1;
    const size_t n_kept = MIN(n_selector, 7);

    return (uint64_t) at[0] << 56 | load(at + n - n_kept, n_kept);
}

static bool
store_value(Record *record, const PlanOp *op, const uint8_t *at, size_t n,
            const PlanContext *context)
{
    const Element *element = op->element;
    uint8_t *member = (uint8_t *) record + op->to;
    IpAddress addr;
    int64_t us = 0;

    switch ((ElementKind) element->kind) {
    case KIND_UINT:
        return store(record, op->to, element->width, load(at, n));
    case KIND_IPV4:
    case KIND_IPV6:
        addr = n == 4 ? ip_address_from_v4(at) : ip_address_from_v6(at);
        memcpy(member, &addr, sizeof(addr));
        return true;
    case KIND_SEC:
        us = sec_near(load_32(at), context->received_us) * US_PER_SEC;
        break;
    case KIND_MS:
        us = us_from_ms(load_64(at));
        break;
    case KIND_NTP_US: /* RFC 7011 6.1.9: the bottom 11 bits are to be ignored */
        us = us_from_ntp(load_64(at) & ~UINT64_C(0x7ff), context->received_us);
        break;
    case KIND_NTP_NS:
        us = us_from_ntp(load_64(at), context->received_us);
        break;
    case KIND_BEFORE_US:
        us = context->export_us - (int64_t) MIN(load(at, n), (uint64_t) LATEST_US);
        break;
    case KIND_FLOAT:
        memcpy(member, &(double){ load_float(at, n) }, sizeof(double));
        return true;
    case KIND_TEXT:
        memcpy(member, &(Span){ at, n }, sizeof(Span));
        return true;
    case KIND_APP:
        return store(record, op->to, element->width, load_app(at, n));
    case KIND_ICMP:
        record->flow.icmp |= load(at, n);
        return true;
    case KIND_ICMP_TYPE:
        record->flow.icmp |= load(at, n) << 8;
        return true;
    case KIND_ICMP_CODE:
        record->flow.icmp |= load(at, n) & 0xff;
        return true;
    }

    memcpy(member, &us, sizeof(us));
    return true;
}

/* The octets of a variable field's length prefix and content; false when they are
 * not all there. */
static inline bool
measure_variable(const uint8_t *at, size_t left, size_t *n_prefix, size_t *n)
{
    *n_prefix = 1;
    if (left < 1)
        return false;

    *n = at[0];
    if (*n == 255) {
        *n_prefix = 3;
        if (left < 3)
            return false;
        *n = load_16(at + 1);
    }
    return *n <= left - *n_prefix;
}

size_t
plan_measure(const Plan *self, const uint8_t *at, size_t left)
{
    size_t done = 0, n_prefix, n;

    if (self->min_octets > left)
        return 0;
    if (self->n_variable == 0)
        return self->min_octets;

    for (size_t i = 0; i < self->n_ops; i++) {
        const PlanOp *op = &self->ops[i];

        if (op->n_octets != VARIABLE_LENGTH)
            continue;
        if (op->at > left - done)
            return 0;
        done += op->at;
        if (!measure_variable(at + done, left - done, &n_prefix, &n))
            return 0;
        done += n_prefix + n;
    }
    return self->tail_octets <= left - done ? done + self->tail_octets : 0;
}

static void
run_any(const PlanOp *op, const uint8_t *at, size_t n, Record *record,
        const PlanContext *context)
{
    if (store_value(record, op, at, n, context))
        record->flow.present |= op->element->bit;
}

/* Returns where the next fields are counted from. */
static const uint8_t *
run_variable(const PlanOp *op, const uint8_t *at, const uint8_t *end, Record *record,
             PlanContext *context)
{
    size_t n_prefix, n;

    if (op->at > end - at ||
        !measure_variable(at + op->at, end - at - op->at, &n_prefix, &n))
        return end;

    const uint8_t *content = at + op->at + n_prefix;
    if (op->kind == OP_VARIABLE && n > 0) {
        if (element_table_length(op->element, n) == LENGTH_LEGAL)
            run_any(op, content, n, record, context);
        else
            context->n_odd++;
    }
    return content + n;
}

#define PUT(type, value)                                                               \
    do {                                                                               \
        const type put_value = (value);                                                \
        memcpy((uint8_t *) record + op->to, &put_value, sizeof(put_value));            \
    } while (0)

void
plan_run(const Plan *self, const uint8_t *at, size_t n_octets, Record *record,
         PlanContext *context)
{
    const uint8_t *const end = at + n_octets;
    const PlanOp *const last = self->ops + self->n_ops;

    for (const PlanOp *op = self->ops; op < last; op++) {
        const uint8_t *from = at + op->at;

        switch ((OpKind) op->kind) {
        case OP_SKIP_VARIABLE:
        case OP_VARIABLE:
            at = run_variable(op, at, end, record, context);
            break;
        case OP_ANY:
            run_any(op, from, op->n_octets, record, context);
            break;
        case OP_8_TO_8:
            PUT(uint8_t, *from);
            break;
        case OP_8_TO_16:
            PUT(uint16_t, *from);
            break;
        case OP_16_TO_16:
            PUT(uint16_t, load_16(from));
            break;
        case OP_16_TO_32:
            PUT(uint32_t, load_16(from));
            break;
        case OP_32_TO_32:
            PUT(uint32_t, load_32(from));
            break;
        case OP_32_TO_64:
            PUT(uint64_t, load_32(from));
            break;
        case OP_64_TO_64:
            PUT(uint64_t, load_64(from));
            break;
        case OP_IPV4:
            PUT(IpAddress, ip_address_from_v4(from));
            break;
        case OP_IPV6:
            memcpy((uint8_t *) record + op->to, from, 16);
            break;
        case OP_MS:
            PUT(int64_t, us_from_ms(load_64(from)));
            break;
        }
    }
    record->flow.present |= self->present;
}

static OpKind
op_kind(const Element *element, size_t n_octets)
{
    if (element->kind == KIND_IPV4)
        return OP_IPV4;
    if (element->kind == KIND_IPV6)
        return OP_IPV6;
    if (element->kind == KIND_MS)
        return OP_MS;
    if (element->kind != KIND_UINT)
        return OP_ANY;

    switch (n_octets * 10 + element->width) {
    case 11:
        return OP_8_TO_8;
    case 12:
        return OP_8_TO_16;
    case 22:
        return OP_16_TO_16;
    case 24:
        return OP_16_TO_32;
    case 44:
        return OP_32_TO_32;
    case 48:
        return OP_32_TO_64;
    case 88:
        return OP_64_TO_64;
    default:
        return OP_ANY;
    }
}

/* Elements compete for a member; those of the two families do not, since one of
 * them moves to the twin, nor do the parts of ICMP's type and code. */
static unsigned
arena_of(const Element *element)
{
    switch (element->kind) {
    case KIND_IPV6:
        return KIND_IPV6;
    case KIND_ICMP:
    case KIND_ICMP_TYPE:
    case KIND_ICMP_CODE:
        return element->id;
    default:
        return 0;
    }
}

static PlanOp *
find_rival(GArray *ops, const Element *element)
{
    for (guint i = 0; i < ops->len; i++) {
        PlanOp *op = &g_array_index(ops, PlanOp, i);

        if (op->element && op->element->to == element->to &&
            arena_of(op->element) == arena_of(element))
            return op;
    }
    return NULL;
}

/* The element @field is kept as, or NULL: it is stepped over. */
static const Element *
kept_element(Plan *self, GArray *ops, const PlanField *field, int use)
{
    const Element *element = element_table_find(field->pen, field->id);

    if (!element || !(element->use & use) || field->n_octets == 0)
        return NULL;

    if (field->n_octets != VARIABLE_LENGTH &&
        element_table_length(element, field->n_octets) != LENGTH_LEGAL) {
        self->n_odd++;
        return NULL;
    }

    PlanOp *rival = find_rival(ops, element);
    if (!rival)
        return element;
    if (rival->element->rank <= element->rank)
        return NULL;

    rival->element = NULL;
    rival->kind = OP_SKIP_VARIABLE;
    return element;
}

static void
note_biflow(Plan *self, const PlanField *field)
{
    static const uint16_t keys[] = { 7,  8,  11,  12,  27,  28,  44,  45,
                                     56, 80, 169, 170, 180, 181, 182, 183 };

    if (field->pen == ELEMENT_REVERSE)
        self->has_reverse = true;

    for (size_t i = 0; field->pen == ELEMENT_IANA && i < G_N_ELEMENTS(keys); i++) {
        if (field->id == keys[i])
            self->has_key = true;
    }
}

static PlanResult
add_field(Plan *self, GArray *ops, const PlanField *field, int use)
{
    const bool is_variable = field->n_octets == VARIABLE_LENGTH;
    const Element *known = element_table_find(field->pen, field->id);

    if (known && (known->use & use) && field->n_octets > 0 && !is_variable &&
        element_table_length(known, field->n_octets) == LENGTH_REFUSED)
        return PLAN_FIELD;

    note_biflow(self, field);
    self->min_octets += is_variable ? 1 : field->n_octets;
    if (self->min_octets > MAX_RECORD_OCTETS)
        return PLAN_RECORD;

    const Element *element = kept_element(self, ops, field, use);
    if (element || is_variable) {
        const PlanOp op = {
            .element = element,
            .at = self->tail_octets,
            .n_octets = field->n_octets,
            .to = element ? element->to : 0,
            .kind = !element      ? OP_SKIP_VARIABLE
                    : is_variable ? OP_VARIABLE
                                  : op_kind(element, field->n_octets),
        };
        g_array_append_val(ops, op);
    }

    if (is_variable) {
        self->n_variable++;
        self->tail_octets = 0;
    } else {
        self->tail_octets += field->n_octets;
    }
    return PLAN_OK;
}

static const struct {
    size_t to;
    size_t twin;
    unsigned bit;
} twins[] = {
    { offsetof(Record, flow.src), offsetof(Record, src_twin), TWIN_SRC },
    { offsetof(Record, flow.dst), offsetof(Record, dst_twin), TWIN_DST },
    { offsetof(Record, flow.next_hop), offsetof(Record, next_hop_twin), TWIN_NEXT_HOP },
    { offsetof(Record, flow.nat_src), offsetof(Record, nat_src_twin), TWIN_NAT_SRC },
    { offsetof(Record, flow.nat_dst), offsetof(Record, nat_dst_twin), TWIN_NAT_DST },
    { offsetof(Record, exporter_address), offsetof(Record, exporter_twin),
      TWIN_EXPORTER },
};

/* Where a record has both families of one address, sends IPv6 to the twin. */
static void
separate_twins(Plan *self)
{
    for (size_t t = 0; t < G_N_ELEMENTS(twins); t++) {
        PlanOp *v4 = NULL, *v6 = NULL;

        for (size_t i = 0; i < self->n_ops; i++) {
            PlanOp *op = &self->ops[i];

            if (op->element && op->element->to == twins[t].to)
                *(op->element->kind == KIND_IPV4 ? &v4 : &v6) = op;
        }
        if (v4 && v6) {
            v6->to = twins[t].twin;
            self->twins |= twins[t].bit;
            self->needs |= NEEDS_TWINS;
        }
    }
}

/* Leaves out what lost its element; what is variable must still be stepped over. */
static void
take_ops(Plan *self, const GArray *ops)
{
    self->ops = g_new(PlanOp, ops->len + 1); /* never NULL */

    for (guint i = 0; i < ops->len; i++) {
        const PlanOp *op = &g_array_index(ops, PlanOp, i);

        if (!op->element && op->n_octets != VARIABLE_LENGTH)
            continue;

        self->ops[self->n_ops++] = *op;
        if (!op->element)
            continue;
        self->needs |= op->element->needs;
        if (op->kind != OP_ANY && op->kind != OP_VARIABLE)
            self->present |= op->element->bit;
    }
    self->ops = g_renew(PlanOp, self->ops, self->n_ops + 1);
}

PlanResult
plan_compile(Plan *self, const PlanField *fields, size_t n_fields, int use)
{
    g_autoptr(GArray) ops = g_array_new(FALSE, FALSE, sizeof(PlanOp));
    PlanResult result = PLAN_OK;

    *self = (Plan){ 0 };
    for (size_t i = 0; i < n_fields && result == PLAN_OK; i++)
        result = add_field(self, ops, &fields[i], use);

    if (result == PLAN_OK && self->min_octets == 0)
        result = PLAN_RECORD;
    if (result != PLAN_OK) {
        *self = (Plan){ 0 };
        return result;
    }

    take_ops(self, ops);
    separate_twins(self);
    return PLAN_OK;
}

void
plan_clear(Plan *self)
{
    g_free(self->ops);
    *self = (Plan){ 0 };
}

bool
plan_find_fixed(const Plan *self, size_t to, size_t *at, size_t *n_octets)
{
    for (size_t i = 0; self->n_variable == 0 && i < self->n_ops; i++) {
        const PlanOp *op = &self->ops[i];

        if (op->to != to || op->element->kind != KIND_UINT)
            continue;
        *at = op->at;
        *n_octets = op->n_octets;
        return true;
    }
    return false;
}
