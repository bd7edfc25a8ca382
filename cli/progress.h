/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Progress: one line on a terminal that says how far a long command is.  Nothing is
 * written where stderr is no terminal, and no more than five times a second. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool on;
    bool shown;
    int64_t said_us; /* monotonic */
} Progress;

Progress progress_begin(void);

/* True when it is time to say something again; else save the work. */
bool progress_is_due(const Progress *self);
void progress_say(Progress *self, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Wipes the line. */
void progress_end(Progress *self);
