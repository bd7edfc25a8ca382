/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-heap.h"

typedef struct {
    int64_t due_us;
    void *item;
} Due;

/* A binary heap: the parent of i is (i - 1) / 2, and is due no later. */
struct FlowgenHeap {
    GArray *dues;
};

static Due *
dues(const FlowgenHeap *self)
{
    return (Due *) self->dues->data;
}

FlowgenHeap *
flowgen_heap_new(void)
{
    FlowgenHeap *self = g_new(FlowgenHeap, 1);

    self->dues = g_array_new(FALSE, FALSE, sizeof(Due));
    return self;
}

void
flowgen_heap_free(FlowgenHeap *self)
{
    if (!self)
        return;

    g_array_unref(self->dues);
    g_free(self);
}

void
flowgen_heap_free_all(FlowgenHeap *self)
{
    for (unsigned i = 0; self && i < self->dues->len; i++)
        g_free(dues(self)[i].item);
    flowgen_heap_free(self);
}

void
flowgen_heap_push(FlowgenHeap *self, int64_t due_us, void *item)
{
    const Due due = { due_us, item };
    unsigned at = self->dues->len;

    g_array_append_val(self->dues, due);
    Due *all = dues(self);
    for (; at > 0 && due_us < all[(at - 1) / 2].due_us; at = (at - 1) / 2)
        all[at] = all[(at - 1) / 2];
    all[at] = due;
}

unsigned
flowgen_heap_length(const FlowgenHeap *self)
{
    return self->dues->len;
}

int64_t
flowgen_heap_due_us(const FlowgenHeap *self)
{
    return self->dues->len > 0 ? dues(self)[0].due_us : INT64_MAX;
}

void *
flowgen_heap_first(const FlowgenHeap *self)
{
    g_assert(self->dues->len > 0);
    return dues(self)[0].item;
}

/* Puts @due where the earliest was. */
static void
replace_first(FlowgenHeap *self, Due due)
{
    Due *all = dues(self);
    unsigned at = 0;

    for (unsigned child = 1; child < self->dues->len; child = 2 * at + 1) {
        if (child + 1 < self->dues->len && all[child + 1].due_us < all[child].due_us)
            child++;
        if (due.due_us <= all[child].due_us)
            break;
        all[at] = all[child];
        at = child;
    }
    all[at] = due;
}

void
flowgen_heap_defer(FlowgenHeap *self, int64_t due_us)
{
    replace_first(self, (Due){ due_us, flowgen_heap_first(self) });
}

void *
flowgen_heap_pop(FlowgenHeap *self)
{
    void *first = flowgen_heap_first(self);
    const Due last = dues(self)[self->dues->len - 1];

    g_array_set_size(self->dues, self->dues->len - 1);
    if (self->dues->len > 0)
        replace_first(self, last);
    return first;
}
