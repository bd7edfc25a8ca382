/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ElementTable: every information element that is kept, and where it goes.
 *
 * One table, also for the vendor types and the scope types of NetFlow v9.  Elements
 * that are not in it are stepped over.  To keep another one, add a line here and a
 * member to Flow; nothing else in this folder knows about single elements. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where an element id has its meaning, besides private enterprise numbers. */
#define ELEMENT_IANA      UINT32_C(0)
#define ELEMENT_REVERSE   UINT32_C(29305)      /* RFC 5103 */
#define ELEMENT_V9_VENDOR UINT32_C(0xfffffffe) /* v9 types above 32767 */
#define ELEMENT_V9_SCOPE  UINT32_C(0xffffffff) /* v9 scope types, RFC 3954 6.1 */

typedef enum {
    KIND_UINT, /* 1 to 8 octets; reduced size is legal (RFC 7011 6.2) */
    KIND_IPV4,
    KIND_IPV6,
    KIND_SEC,       /* dateTimeSeconds */
    KIND_MS,        /* dateTimeMilliseconds */
    KIND_NTP_US,    /* dateTimeMicroseconds: the lowest 11 bits say nothing */
    KIND_NTP_NS,    /* dateTimeNanoseconds */
    KIND_BEFORE_US, /* microseconds before the export */
    KIND_FLOAT,     /* float64, which may come as float32 */
    KIND_TEXT,
    KIND_APP,  /* applicationId: engine and selector, RFC 6759 */
    KIND_ICMP, /* type and code; the four ways to say it are united */
    KIND_ICMP_TYPE,
    KIND_ICMP_CODE,
} ElementKind;

typedef struct {
    uint32_t pen; /* enterprise number, or one of the above */
    uint16_t id;
    uint16_t to;    /* of the member in Record, in bytes */
    uint8_t kind;   /* an ElementKind */
    uint8_t native; /* octets its type has */
    uint8_t width;  /* of the member, in bytes */
    uint8_t rank;   /* of several that have one member, the lowest wins */
    uint8_t use;    /* ELEMENT_IN_FLOWS | ELEMENT_IN_OPTIONS */
    uint16_t needs; /* NEEDS_... of record.h */
    uint32_t bit;   /* of Flow.present, or 0 */
} Element;

enum { ELEMENT_IN_FLOWS = 1, ELEMENT_IN_OPTIONS = 2 };

/* NULL for an element that is not kept. */
const Element *element_table_find(uint32_t pen, uint16_t id);

/* All of them, by @pen, then @id. */
const Element *element_table_rows(size_t *n);

typedef enum {
    LENGTH_LEGAL,
    LENGTH_ODD,    /* cannot be this element: the field is stepped over */
    LENGTH_REFUSED /* RFC 7011 6.2 forbids it: so is the whole template */
} ElementLength;

/* What to make of a field of @n_octets; never 0. */
ElementLength element_table_length(const Element *self, size_t n_octets);
