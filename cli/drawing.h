/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Drawing: the pictures of an incident, as text for a terminal.
 *
 * Pure: the width and the characters to draw with come from the caller, times are UTC,
 * every line ends in a newline and none is longer than the width (of which
 * DRAWING_MIN_COLUMNS at least are used).  Blocks of an eighth where UTF-8 can be
 * shown, else ASCII.  Results (transfer full); "" when there is too little to draw. */

#include <stdbool.h>
#include <stddef.h>

#include "detect/finding.h"

enum { DRAWING_MIN_COLUMNS = 40, DRAWING_MAX_COLUMNS = 200 };

typedef struct {
    unsigned columns;
    bool is_utf8;
} DrawingStyle;

/* When contacts were: time runs along a row and on in the next; the height of a mark
 * says how many there were.  @events by start, rising. */
char *drawing_contacts(const ContactEvent *events, size_t n_events, int64_t from_us,
                       int64_t to_us, const DrawingStyle *style);

/* How long the waits between them were: a row a class, classes that grow by a
 * factor. */
char *drawing_intervals(const ContactEvent *events, size_t n_events,
                        const DrawingStyle *style);

/* What was sent by the hour, as columns; the learnt band behind them. */
char *drawing_volume(const FindingHour *hours, size_t n_hours,
                     const DrawingStyle *style);
