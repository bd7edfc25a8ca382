/* SPDX-License-Identifier: Apache-2.0 */
#include "time-text.h"

#include <string.h>

#include "clock.h"

#define MAX_SEC INT64_C(253402300799) /* the end of year 9999 */

static bool
parse_span(const char *text, int64_t *us)
{
    static const struct {
        char unit;
        int64_t sec;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    char *end;
    const guint64 count = g_ascii_strtoull(text, &end, 10);

    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        if (g_ascii_isdigit(text[0]) && end[0] == units[i].unit && end[1] == '\0' &&
            count <= (guint64) (MAX_SEC / units[i].sec)) {
            *us = (int64_t) count * units[i].sec * US_PER_SEC;
            return true;
        }
    }
    return false;
}

static bool
parse_relative(const char *text, int64_t now_us, int64_t *us)
{
    int64_t before_us;

    if (!parse_span(text + 1, &before_us))
        return false;

    *us = now_us - before_us;
    return true;
}

static bool
parse_epoch(const char *text, int64_t *us)
{
    char *end;
    const double sec = g_ascii_strtod(text + 1, &end);

    if (end == text + 1 || *end != '\0' || !(sec >= 0 && sec <= (double) MAX_SEC))
        return false;

    *us = (int64_t) (sec * (double) US_PER_SEC);
    return true;
}

/* GLib wants date, T and time down to the second. */
static char *
complete_iso8601(const char *text)
{
    const size_t n = strlen(text);
    GString *whole = g_string_new(text);

    if (n > 10 && whole->str[10] == ' ')
        whole->str[10] = 'T';
    if (n == 10)
        g_string_append(whole, "T00:00:00");
    else if (n >= 16 && (text[16] == '\0' || strchr("Z+-", text[16])))
        g_string_insert(whole, 16, ":00");
    return g_string_free(whole, FALSE);
}

static bool
parse_iso8601(const char *text, int64_t *us)
{
    g_autofree char *whole = complete_iso8601(text);
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) at = g_date_time_new_from_iso8601(whole, utc);

    if (!at)
        return false;

    *us = g_date_time_to_unix(at) * US_PER_SEC + g_date_time_get_microsecond(at);
    return true;
}

bool
time_text_parse(const char *text, int64_t now_us, int64_t *us, GError **error)
{
    if (g_str_equal(text, "now")) {
        *us = now_us;
        return true;
    }
    if ((text[0] == '-' && parse_relative(text, now_us, us)) ||
        (text[0] == '@' && parse_epoch(text, us)) || parse_iso8601(text, us))
        return true;

    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "\"%s\" is not a time; say \"now\", \"-15m\", \"-2h\", \"-3d\", "
                "\"2024-02-29\" or \"2024-02-29T13:05:09Z\" (UTC)",
                text);
    return false;
}

bool
time_text_parse_span(const char *text, int64_t *us, GError **error)
{
    int64_t span_us;

    if (parse_span(text, &span_us) && span_us > 0) {
        *us = span_us;
        return true;
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "\"%s\" is no span of time; say \"12h\" or \"30d\"", text);
    return false;
}
