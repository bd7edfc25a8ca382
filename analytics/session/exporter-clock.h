/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ExporterClock: what is learnt of each exporter from the flows it reports: how far
 * its time has come, and after how long it cuts a flow that goes on.
 *
 * That active timeout is the most frequent duration of records of 30 s and more which
 * have an immediate successor.  Counts are by the second and are halved now and then,
 * so that a change of configuration is noticed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORTER_CLOCK_MIN_SEC 30
#define EXPORTER_CLOCK_MAX_SEC 3630
#define EXPORTER_CLOCK_BINS    (EXPORTER_CLOCK_MAX_SEC - EXPORTER_CLOCK_MIN_SEC + 1)

typedef struct {
    int32_t exporter_id;
    uint32_t active_timeout_sec; /* 0 = not known */
    uint32_t evidence;           /* records that were cut so, of those counted */
    uint32_t n_counted;
    int64_t event_us; /* newest end of a flow, not after it was received */
    uint16_t *counts; /* EXPORTER_CLOCK_BINS by second; NULL = none yet */
    bool is_dirty;    /* since the last checkpoint */
} ExporterClock;

typedef struct ExporterClocks ExporterClocks;

ExporterClocks *exporter_clock_list_new(void);
void exporter_clock_list_free(ExporterClocks *self);

/* That of an exporter, made when it is new; valid until the next call. */
ExporterClock *exporter_clock_list_get(ExporterClocks *self, int32_t exporter_id);

/* NULL where there is none. */
const ExporterClock *exporter_clock_list_find(const ExporterClocks *self,
                                              int32_t exporter_id);

size_t exporter_clock_list_len(const ExporterClocks *self);
ExporterClock *exporter_clock_list_at(const ExporterClocks *self, size_t i);

/* A record of @duration_ms had an immediate successor. */
void exporter_clock_learn(ExporterClock *self, uint32_t duration_ms);

/* Counts @n times as many seconds; for a checkpoint. */
void exporter_clock_restore(ExporterClock *self, uint32_t seconds, uint16_t n);

/* Finds the timeout in the counts. */
void exporter_clock_judge(ExporterClock *self);
