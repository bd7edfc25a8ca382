/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/exfil-text.h"

#include <math.h>

char *
exfil_text_octets(double octets)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    size_t unit = 0;

    while (octets >= 999.5 && unit + 1 < G_N_ELEMENTS(units)) {
        octets /= 1000;
        unit++;
    }
    return g_strdup_printf(unit > 0 && octets < 9.95 ? "%.1f %s" : "%.0f %s", octets,
                           units[unit]);
}

char *
exfil_text_span(int64_t span_us)
{
    const double minutes = (double) span_us / 60e6;

    if (minutes < 90)
        return g_strdup_printf("%.0f minutes", minutes);
    if (minutes < 48 * 60)
        return g_strdup_printf("%.3g hours", minutes / 60);
    return g_strdup_printf("%.1f days", minutes / (24 * 60));
}

char *
exfil_text_time(int64_t unix_us)
{
    g_autoptr(GDateTime) time = NULL;

    if (unix_us > 0)
        time = g_date_time_new_from_unix_utc(unix_us / 1000000);
    return time ? g_date_time_format(time, "%a %Y-%m-%d %H:%M UTC")
                : g_strdup("an unknown time");
}

static void
add_name(GString *json, const char *name)
{
    g_string_append_printf(json, "%s\"%s\": ", json->len > 0 ? ", " : "", name);
}

void
exfil_text_number(GString *json, const char *name, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    add_name(json, name);
    g_string_append(json, isfinite(value)
                              ? g_ascii_formatd(text, sizeof(text), "%.10g", value)
                              : "null");
}

void
exfil_text_count(GString *json, const char *name, uint64_t value)
{
    add_name(json, name);
    g_string_append_printf(json, "%" G_GUINT64_FORMAT, value);
}

void
exfil_text_word(GString *json, const char *name, const char *value)
{
    add_name(json, name);
    g_string_append_printf(json, "\"%s\"", value);
}
