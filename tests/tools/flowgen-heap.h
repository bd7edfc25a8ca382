/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenHeap: things to be done, the earliest first.  Does not own them. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct FlowgenHeap FlowgenHeap;

FlowgenHeap *flowgen_heap_new(void);
void flowgen_heap_free(FlowgenHeap *self);
/* The same, and g_free() for each item that is still there. */
void flowgen_heap_free_all(FlowgenHeap *self);

void flowgen_heap_push(FlowgenHeap *self, int64_t due_us, void *item);

unsigned flowgen_heap_length(const FlowgenHeap *self);

/* When the earliest item is due; INT64_MAX without one. */
int64_t flowgen_heap_due_us(const FlowgenHeap *self);

/* The earliest item; there must be one. */
void *flowgen_heap_first(const FlowgenHeap *self);

/* The earliest item is now due at @due_us. */
void flowgen_heap_defer(FlowgenHeap *self, int64_t due_us);

/* Removes the earliest item and returns it. */
void *flowgen_heap_pop(FlowgenHeap *self);
