/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenLayout: the records of one template, and how a flow is written as one.
 *
 * A few kinds of template, as routers of several makers send them: full counters
 * and reduced ones, times as uptime, milliseconds, seconds or NTP fractions, routing
 * fields, an enterprise's own element, a string of variable length.  Any number of
 * templates is made of these by repeating them under other ids. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "flowgen-values.h"

enum {
    FLOWGEN_LAYOUT_MAX_FIELDS = 24,
    FLOWGEN_LAYOUT_MAX_RECORD_BYTES = 192,
    FLOWGEN_LAYOUT_MAX_TEMPLATE_BYTES = 4 + 8 * FLOWGEN_LAYOUT_MAX_FIELDS,
    FLOWGEN_LAYOUT_KINDS = 5,
    FLOWGEN_LAYOUT_SLACK_BYTES = 16,
    FLOWGEN_LAYOUT_SAMPLER = 1, /* number of a sampled exporter's one sampler */
};

typedef struct {
    uint16_t element;
    uint16_t n_bytes; /* 65535 = variable */
    uint32_t pen;     /* 0 = IANA's */
} FlowgenField;

typedef struct {
    uint16_t id;
    bool v6;
    size_t n_fields;
    FlowgenField fields[FLOWGEN_LAYOUT_MAX_FIELDS];
    size_t max_record_bytes;
    size_t min_record_bytes;
} FlowgenLayout;

/* The layout of @kind (modulo the number of kinds) for @version 9 or 10. */
FlowgenLayout flowgen_layout_make(unsigned version, unsigned kind, bool v6,
                                  uint16_t id);

/* What the records of a router have besides what all have. */
enum {
    FLOWGEN_LAYOUT_BACK = 1,      /* the way back: RFC 5103, version 10 */
    FLOWGEN_LAYOUT_SAMPLED = 2,   /* the number of their sampler */
    FLOWGEN_LAYOUT_DIRECTION = 4, /* element 61 */
    FLOWGEN_LAYOUT_AS = 8,        /* elements 16 and 17 */
};

/* What most routers send: one layout for each family.  @has: bits of the above. */
FlowgenLayout flowgen_layout_router(unsigned version, bool v6, unsigned has,
                                    uint16_t id);

/* Writes the template record (without a set header); returns its bytes, at most
 * FLOWGEN_LAYOUT_MAX_TEMPLATE_BYTES. */
size_t flowgen_layout_write_template(const FlowgenLayout *self, uint8_t *to);

/* Writes @flow as a data record; returns its bytes, at most max_record_bytes.  Up
 * to FLOWGEN_LAYOUT_SLACK_BYTES behind it are overwritten.
 * @boot_ms: when the exporter's uptime clock was zero. */
size_t flowgen_layout_write_record(const FlowgenLayout *self, const FlowgenFlow *flow,
                                   int64_t boot_ms, uint8_t *to);

/* Writes the low @n_bytes of @value, big-endian; returns the byte behind them. */
static inline uint8_t *
flowgen_put(uint8_t *to, uint64_t value, size_t n_bytes)
{
    const uint64_t swapped = GUINT64_TO_BE(value << (64 - 8 * n_bytes));

    memcpy(to, &swapped, n_bytes); /* 1 <= n_bytes <= 8 */
    return to + n_bytes;
}
