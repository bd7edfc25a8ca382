/* SPDX-License-Identifier: Apache-2.0 */
#include "sections.h"

#include <stdarg.h>
#include <stdio.h>

size_t
sections_all(const Section **sections)
{
    static const Section all[] = {
        { "beacon", "Command channels: recall at 1 % false alarms",
          section_beacon_run },
        { "calibration", "False alarms by kind of source", section_calibration_run },
        { "surrogates", "Against redrawings of itself", section_surrogates_run },
        { "cut", "One long session, cut by an active timeout", section_cut_run },
        { "exfil", "Volumes: what is found, and what is not told", section_exfil_run },
        { "traffic", "Recorded traffic", section_traffic_run },
    };

    *sections = all;
    return G_N_ELEMENTS(all);
}

void
sections_progress(const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fprintf(stderr, "  %s\n", text);
}
