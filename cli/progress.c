/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "printable.h"

#define PERIOD_US     (200 * US_PER_MS)
#define WIPE_THE_LINE "\r\x1b[K"

Progress
progress_begin(void)
{
    return (Progress){ .on = isatty(STDERR_FILENO) };
}

bool
progress_is_due(const Progress *self)
{
    return self->on && clock_mono_us() - self->said_us >= PERIOD_US;
}

void
progress_say(Progress *self, const char *format, ...)
{
    va_list args;

    if (!progress_is_due(self))
        return;

    va_start(args, format);
    g_autofree char *said = g_strdup_vprintf(format, args);
    va_end(args);

    g_autofree char *shown = printable(said);
    fprintf(stderr, WIPE_THE_LINE "%s", shown);
    fflush(stderr);
    self->said_us = clock_mono_us();
    self->shown = true;
}

void
progress_end(Progress *self)
{
    if (self->shown)
        fputs(WIPE_THE_LINE, stderr);
    self->shown = false;
}
