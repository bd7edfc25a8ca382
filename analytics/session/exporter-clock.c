/* SPDX-License-Identifier: Apache-2.0 */
#include "session/exporter-clock.h"

#include <glib.h>

/* A mode of fewer is chance. */
#define MIN_EVIDENCE 3

/* Counts are halved at so many. */
#define MAX_COUNTED 10000

/* The last packet comes a little before the cut: 59.2 s mean 60 s. */
#define ROUND_SEC 5

struct ExporterClocks {
    GPtrArray *clocks;
    GHashTable *by_id; /* id -> index + 1 */
    uint32_t newest;   /* index found last: rows of one exporter come together */
};

static void
free_clock(gpointer data)
{
    ExporterClock *clock = data;

    g_free(clock->counts);
    g_free(clock);
}

ExporterClocks *
exporter_clock_list_new(void)
{
    ExporterClocks *self = g_new0(ExporterClocks, 1);

    self->clocks = g_ptr_array_new_with_free_func(free_clock);
    self->by_id = g_hash_table_new(NULL, NULL);
    return self;
}

void
exporter_clock_list_free(ExporterClocks *self)
{
    if (!self)
        return;
    g_ptr_array_unref(self->clocks);
    g_hash_table_unref(self->by_id);
    g_free(self);
}

static inline ExporterClock *
at(const ExporterClocks *self, size_t i)
{
    return g_ptr_array_index(self->clocks, i);
}

const ExporterClock *
exporter_clock_list_find(const ExporterClocks *self, int32_t exporter_id)
{
    if (self->newest < self->clocks->len &&
        at(self, self->newest)->exporter_id == exporter_id)
        return at(self, self->newest);

    const guint index = GPOINTER_TO_UINT(
        g_hash_table_lookup(self->by_id, GINT_TO_POINTER(exporter_id)));

    return index > 0 ? at(self, index - 1) : NULL;
}

ExporterClock *
exporter_clock_list_get(ExporterClocks *self, int32_t exporter_id)
{
    if (self->newest < self->clocks->len &&
        at(self, self->newest)->exporter_id == exporter_id)
        return at(self, self->newest);

    guint index = GPOINTER_TO_UINT(
        g_hash_table_lookup(self->by_id, GINT_TO_POINTER(exporter_id)));
    if (index == 0) {
        ExporterClock *clock = g_new0(ExporterClock, 1);

        clock->exporter_id = exporter_id;
        clock->event_us = INT64_MIN;
        g_ptr_array_add(self->clocks, clock);
        index = self->clocks->len;
        g_hash_table_insert(self->by_id, GINT_TO_POINTER(exporter_id),
                            GUINT_TO_POINTER(index));
    }
    self->newest = index - 1;
    return at(self, index - 1);
}

size_t
exporter_clock_list_len(const ExporterClocks *self)
{
    return self->clocks->len;
}

ExporterClock *
exporter_clock_list_at(const ExporterClocks *self, size_t i)
{
    return at(self, i);
}

static uint32_t
count_at(const ExporterClock *self, int bin)
{
    return bin >= 0 && bin < EXPORTER_CLOCK_BINS ? self->counts[bin] : 0;
}

/* Each second with its neighbours, since clocks of exporters are coarse; of equal
 * ones the longest, since a flow may be sparse and never is too long. */
void
exporter_clock_judge(ExporterClock *self)
{
    uint32_t most = 0;
    int best = -1;

    for (int bin = 0; self->counts && bin < EXPORTER_CLOCK_BINS; bin++) {
        const uint32_t near =
            count_at(self, bin - 1) + count_at(self, bin) + count_at(self, bin + 1);

        if (count_at(self, bin) > 0 && near >= most) {
            most = near;
            best = bin;
        }
    }

    self->evidence = most;
    if (most < MIN_EVIDENCE) {
        self->active_timeout_sec = 0;
        return;
    }

    const uint32_t seconds = (uint32_t) (EXPORTER_CLOCK_MIN_SEC + best);
    const uint32_t rounded = (seconds + ROUND_SEC - 1) / ROUND_SEC * ROUND_SEC;
    self->active_timeout_sec =
        rounded - seconds <= 1 + seconds / 50 ? rounded : seconds;
}

static void
halve(ExporterClock *self)
{
    self->n_counted = 0;
    for (int bin = 0; bin < EXPORTER_CLOCK_BINS; bin++) {
        self->counts[bin] /= 2;
        self->n_counted += self->counts[bin];
    }
}

void
exporter_clock_restore(ExporterClock *self, uint32_t seconds, uint16_t n)
{
    if (seconds < EXPORTER_CLOCK_MIN_SEC || seconds > EXPORTER_CLOCK_MAX_SEC)
        return;
    if (!self->counts)
        self->counts = g_new0(uint16_t, EXPORTER_CLOCK_BINS);
    self->counts[seconds - EXPORTER_CLOCK_MIN_SEC] = n;
    self->n_counted += n;
}

void
exporter_clock_learn(ExporterClock *self, uint32_t duration_ms)
{
    const uint32_t seconds = (duration_ms + 500) / 1000;

    if (seconds < EXPORTER_CLOCK_MIN_SEC || seconds > EXPORTER_CLOCK_MAX_SEC)
        return;
    if (!self->counts)
        self->counts = g_new0(uint16_t, EXPORTER_CLOCK_BINS);

    self->counts[seconds - EXPORTER_CLOCK_MIN_SEC]++;
    self->n_counted++;
    self->is_dirty = true;
    if (self->n_counted >= MAX_COUNTED)
        halve(self);

    /* Often enough at first, then it is only a matter of cost. */
    if (self->n_counted < 100 || self->n_counted % 64 == 0)
        exporter_clock_judge(self);
}
