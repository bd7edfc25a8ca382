/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/axis.h"

#include <math.h>
#include <string.h>

#include "clock.h"

#define MIN_US  (60 * US_PER_SEC)
#define HOUR_US (60 * MIN_US)
#define DAY_US  (24 * HOUR_US)

double
axis_step(double max, unsigned n_wanted)
{
    const double wanted = (max > 0 ? max : 1) / n_wanted;
    const double power = pow(10, floor(log10(wanted)));
    const double factor = wanted / power;

    if (factor <= 1)
        return power;
    if (factor <= 2)
        return 2 * power;
    return factor <= 5 ? 5 * power : 10 * power;
}

int64_t
axis_time_step_us(int64_t span_us, unsigned n_max)
{
    static const int64_t steps[] = {
        US_PER_SEC,   10 * US_PER_SEC, MIN_US,      2 * MIN_US,
        5 * MIN_US,   10 * MIN_US,     15 * MIN_US, 30 * MIN_US,
        HOUR_US,      2 * HOUR_US,     3 * HOUR_US, 6 * HOUR_US,
        12 * HOUR_US, DAY_US,          2 * DAY_US,  7 * DAY_US,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        if (span_us / steps[i] <= n_max)
            return steps[i];
    }
    return (span_us / n_max / DAY_US + 1) * DAY_US;
}

int64_t
axis_time_first_us(int64_t us, int64_t step_us)
{
    const int64_t below = us / step_us * step_us;

    return below < us ? below + step_us : below;
}

/* Three figures at most, no zeros behind the point that say nothing: "1.2", "349". */
static char *
three_figures(double number)
{
    const int n_decimals = number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
    char *text = g_strdup_printf("%.*f", n_decimals, number);

    if (strchr(text, '.')) {
        char *end = text + strlen(text);

        while (end[-1] == '0')
            *--end = '\0';
        if (end[-1] == '.')
            end[-1] = '\0';
    }
    return text;
}

char *
axis_octets(double octets)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    unsigned unit = 0;

    if (!(octets > 0))
        return g_strdup("0 B");
    octets = unit == 0 && octets < 999.5 ? round(octets) : octets;
    while (octets >= 999.5 && unit + 1 < G_N_ELEMENTS(units)) {
        octets /= 1000;
        unit++;
    }

    g_autofree char *figures = three_figures(octets);
    return g_strdup_printf("%s %s", figures, units[unit]);
}

char *
axis_span(double sec)
{
    static const struct {
        double sec;
        const char *unit;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };

    if (!(sec >= 0))
        return g_strdup("?");
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        /* Up to 120 s and the like the smaller unit says more. */
        if (sec >= 2 * units[i].sec || units[i].sec == 1 ||
            (sec >= units[i].sec && fmod(sec, units[i].sec) == 0)) {
            g_autofree char *figures = three_figures(sec / units[i].sec);

            return g_strdup_printf("%s %s", figures, units[i].unit);
        }
    }
    g_assert_not_reached();
}

char *
axis_count(double count)
{
    static const char *const units[] = { "", " k", " M", " G", " T" };
    unsigned unit = 0;

    if (!(count > 0))
        return g_strdup("0");
    if (count < 9999.5 && count >= 999.5) /* a thin gap between the thousands */
        return g_strdup_printf("%.0f\u202f%03.0f", floor(round(count) / 1000),
                               fmod(round(count), 1000));
    while (count >= 999.5 && unit + 1 < G_N_ELEMENTS(units)) {
        count /= 1000;
        unit++;
    }

    g_autofree char *figures = three_figures(count);
    return g_strdup_printf("%s%s", figures, units[unit]);
}

/* Names of days and months in English whatever the locale: the mail is. */
static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

char *
axis_clock(int64_t us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(us / US_PER_SEC);

    return time ? g_date_time_format(time, "%H:%M") : g_strdup("?");
}

char *
axis_date(int64_t us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(us / US_PER_SEC);

    if (!time)
        return g_strdup("?");
    return g_strdup_printf("%s %d %s", days[g_date_time_get_day_of_week(time) - 1],
                           g_date_time_get_day_of_month(time),
                           months[g_date_time_get_month(time) - 1]);
}

char *
axis_moment(int64_t us)
{
    g_autofree char *date = axis_date(us);
    g_autofree char *clock = axis_clock(us);

    return g_strdup_printf("%s %s", date, clock);
}
