/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Plan: a template made into a list of operations, one for each field that is kept.
 *
 * A record is decoded by running the list.  Positions count from the end of the last
 * variable-length field before them, so a template of fixed fields (nearly all are)
 * needs no arithmetic, and one loop serves both.  Immutable once compiled; knows
 * neither sets nor messages. */

#include <glib.h>

#include "decode/element-table.h"
#include "decode/record.h"

#define VARIABLE_LENGTH 65535 /* as a field's length: RFC 7011 7 */

typedef struct {
    const Element *element; /* NULL: stepped over */
    uint16_t at;            /* octets after the last variable field, or the start */
    uint16_t n_octets;      /* VARIABLE_LENGTH for a variable one */
    uint16_t to;            /* offset in Record */
    uint8_t kind;           /* private to plan.c */
} PlanOp;

typedef struct {
    PlanOp *ops;
    size_t n_ops;
    size_t n_variable;  /* variable fields; 0 = all records have min_octets */
    size_t min_octets;  /* of a record; 0 = no plan at all */
    size_t tail_octets; /* of a record, after its last variable field */
    size_t n_odd;       /* fields stepped over for a length they cannot have */
    uint32_t present;   /* bits that every record's flow gets */
    uint16_t needs;     /* NEEDS_... */
    uint8_t twins;      /* TWIN_... */
    bool has_reverse;   /* RFC 5103 elements ... */
    bool has_key;       /* ... and an address or port to tell the directions by */
} Plan;

typedef struct {
    uint32_t pen; /* as for element_table_find() */
    uint16_t id;
    uint16_t n_octets;
} PlanField;

typedef enum {
    PLAN_OK,
    PLAN_RECORD, /* records would have no octet, or more than fit into a message */
    PLAN_FIELD,  /* a length its element must not have */
} PlanResult;

/* Compiles @fields for @use (ELEMENT_IN_FLOWS or ELEMENT_IN_OPTIONS).  Of several
 * fields with one meaning the best is taken, of the same element the first.  On
 * failure @self is empty. */
PlanResult plan_compile(Plan *self, const PlanField *fields, size_t n_fields, int use);
void plan_clear(Plan *self);

/* What values mean depends on. */
typedef struct {
    int64_t received_us; /* decides the era of 32-bit seconds */
    int64_t export_us;   /* what "before the export" counts from */
    uint64_t n_odd;      /* counts variable fields whose length was not legal */
} PlanContext;

/* The octets of the record at @at, or 0 when it is not whole: @left octets are
 * there.  Never reads past them. */
size_t plan_measure(const Plan *self, const uint8_t *at, size_t left);

/* Decodes the record at @at, which plan_measure() has found whole, into @record,
 * which the caller has zeroed. */
void plan_run(const Plan *self, const uint8_t *at, size_t n_octets, Record *record,
              PlanContext *context);

/* Where every record has the member at @to as an unsigned number; false when it is
 * not there, or not always at the same place. */
bool plan_find_fixed(const Plan *self, size_t to, size_t *at, size_t *n_octets);
