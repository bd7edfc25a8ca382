/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-units.h"

#include <glib.h>
#include <math.h>

#include "clock.h"

#define LONGEST_SEC (100 * 366 * 86400.0)
#define MOST_OCTETS 1e15

/* A number that is not negative; @end: what follows it. */
static bool
read_number(const char *text, double *number, const char **end)
{
    char *after;

    if (!g_ascii_isdigit(text[0]))
        return false;
    *number = g_ascii_strtod(text, &after);
    *end = after;
    return isfinite(*number);
}

static double
sec_of(char unit)
{
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

bool
flowgen_units_duration(const char *text, int64_t *to_us)
{
    double number, sum_sec = 0;
    const char *end;

    if (!read_number(text, &number, &end))
        return false;
    if (*end == '\0') {
        sum_sec = number;
    } else {
        while (sec_of(*end) > 0) {
            sum_sec += number * sec_of(*end);
            if (end[1] == '\0')
                break;
            if (!read_number(end + 1, &number, &end))
                return false;
        }
        if (sec_of(*end) == 0)
            return false;
    }
    if (sum_sec > LONGEST_SEC)
        return false;

    *to_us = llround(sum_sec * US_PER_SEC);
    return true;
}

bool
flowgen_units_octets(const char *text, double *to)
{
    double number;
    const char *end;

    if (!read_number(text, &number, &end))
        return false;
    if (*end != '\0') {
        const double factor = *end == 'k'   ? 1e3
                              : *end == 'M' ? 1e6
                              : *end == 'G' ? 1e9
                                            : 0;
        if (factor == 0 || end[1] != '\0')
            return false;
        number *= factor;
    }
    if (number > MOST_OCTETS)
        return false;

    *to = number;
    return true;
}

bool
flowgen_units_share(const char *text, double *to)
{
    double number;
    const char *end;

    if (!read_number(text, &number, &end))
        return false;
    if (*end == '%') {
        number /= 100;
        end++;
    }
    if (*end != '\0' || number > 1)
        return false;

    *to = number;
    return true;
}

bool
flowgen_units_time(const char *text, int64_t *to_us)
{
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, utc);

    if (!time)
        return false;

    *to_us = g_date_time_to_unix(time) * US_PER_SEC + g_date_time_get_microsecond(time);
    return true;
}
