/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Chart: the three pictures of an incident: when it called, how far apart the calls
 * are, and how much was sent.
 *
 * Pure: plain numbers in, a PNG out, 640 CSS pixels wide and drawn at twice that.
 * Times are UTC, octets have SI units. */

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    CHART_CONTACTS,  /* a strip: one lane an hour or a day, a tick a contact */
    CHART_INTERVALS, /* histogram of the gaps, with the period marked */
    CHART_VOLUMES,   /* octets sent each hour, before what is usual */
} ChartKind;
#define CHART_N_KINDS (CHART_VOLUMES + 1)

typedef struct {
    int64_t hour_us;
    double out_octets;
    double low_octets; /* what is usual; NaN = not known */
    double high_octets;
} ChartHour;

/* All lent. */
typedef struct {
    int64_t from_us; /* the window */
    int64_t to_us;
    const int64_t *starts_us; /* contacts, rising */
    size_t n_starts;
    double period_sec;      /* 0 = none was found */
    const ChartHour *hours; /* rising */
    size_t n_hours;
} ChartData;

/* NULL when there is too little to draw (transfer full). */
GBytes *chart_draw(ChartKind kind, const ChartData *data);

/* "contacts": for file names and ids; static. */
const char *chart_name(ChartKind kind);

/* What stands for the picture where it is not shown (transfer full). */
char *chart_alt(ChartKind kind, const ChartData *data);
