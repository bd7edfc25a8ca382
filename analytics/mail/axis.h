/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Axis: where the ticks of an axis stand and what is written there; pure numbers.
 *
 * Times are microseconds since 1970 UTC and shown in UTC, octets have SI units
 * (1 kB = 1000 bytes), spans are in seconds.  All texts (transfer full). */

#include <glib.h>
#include <stdint.h>

/* The step of about @n_wanted ticks from 0 to @max: 1, 2 or 5 times a power of ten.
 * Above 0 for every @max that is. */
double axis_step(double max, unsigned n_wanted);

/* The same for a span of time: a step people count in (1, 2, 5, 10 min, ... 1 h, ...
 * 1 d, 7 d), of which at most @n_max fit into @span_us. */
int64_t axis_time_step_us(int64_t span_us, unsigned n_max);

/* First multiple of @step_us at or after @us. */
int64_t axis_time_first_us(int64_t us, int64_t step_us);

char *axis_octets(double octets); /* "0 B", "349 B", "1.2 MB" */
char *axis_span(double sec);      /* "0.5 s", "27.1 s", "5 min", "1.5 h" */
char *axis_count(double count);   /* "0", "3 188", "1.2 M" */
char *axis_clock(int64_t us);     /* "18:40" */
char *axis_date(int64_t us);      /* "Fri 20 Nov" */
char *axis_moment(int64_t us);    /* "Fri 20 Nov 18:38" */
