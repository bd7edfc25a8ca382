/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CopyExtra: what few exporters report of a flow, as the JSON of flow.extra.
 *
 * Pure.  The keys are documented in docs/schema.md; whatever text comes in, valid
 * JSON of valid UTF-8 goes out. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/flow.h"

/* Names that options gave; NULL = none known. */
typedef struct {
    const char *app;
    const char *vrf_in;
    const char *vrf_out;
} CopyExtraNames;

/* At most COPY_EXTRA_NAME_BYTES of a name are taken. */
#define COPY_EXTRA_NAME_BYTES 255
#define COPY_EXTRA_MAX_BYTES  8192

/* Writes the object at @at, where COPY_EXTRA_MAX_BYTES of room are, and returns its
 * length; 0 = there is nothing to say.  Unless @all, only what would be missed:
 * interface numbers above 2^31-1, an event, a translation, the counters of the way
 * back, marks. */
size_t copy_extra_put(uint8_t *at, const Flow *flow, const CopyExtraNames *names,
                      bool all);
