/* SPDX-License-Identifier: Apache-2.0 */
#include "human.h"

#include <math.h>

#include "clock.h"

/* Three figures of @value in the largest of @units it fills. */
static char *
scaled(double value, double step, const char *const *units, size_t n_units)
{
    size_t unit = 0;

    while (unit + 1 < n_units && fabs(value) >= step) {
        value /= step;
        unit++;
    }
    if (unit == 0 && value == floor(value))
        return g_strdup_printf("%.0f%s", value, units[0]);

    const int n_decimals = fabs(value) >= 100 ? 0 : fabs(value) >= 10 ? 1 : 2;
    return g_strdup_printf("%.*f%s", n_decimals, value, units[unit]);
}

char *
human_count(double count)
{
    static const char *const units[] = { "", " k", " M", " G", " T", " P" };

    return scaled(count, 1000, units, G_N_ELEMENTS(units));
}

char *
human_bytes(uint64_t n_bytes)
{
    static const char *const units[] = { " B", " KiB", " MiB", " GiB", " TiB", " PiB" };

    return scaled((double) n_bytes, 1024, units, G_N_ELEMENTS(units));
}

char *
human_duration(int64_t us)
{
    const char *sign = us < 0 ? "-" : "";
    const uint64_t all_us = us < 0 ? -(uint64_t) us : (uint64_t) us;
    const uint64_t sec = all_us / US_PER_SEC;

    if (all_us == 0)
        return g_strdup("0 s");
    if (sec < 10)
        return g_strdup_printf("%s%.1f s", sign, (double) all_us / US_PER_SEC);
    if (sec < 60)
        return g_strdup_printf("%s%u s", sign, (unsigned) sec);
    if (sec < 3600)
        return g_strdup_printf("%s%u min %u s", sign, (unsigned) sec / 60,
                               (unsigned) sec % 60);
    if (sec < 86400)
        return g_strdup_printf("%s%u h %u min", sign, (unsigned) sec / 3600,
                               (unsigned) sec / 60 % 60);
    return g_strdup_printf("%s%" G_GUINT64_FORMAT " d %u h", sign, sec / 86400,
                           (unsigned) (sec / 3600 % 24));
}

char *
human_ago(int64_t at_us, int64_t now_us)
{
    if (at_us == 0)
        return g_strdup("never");

    /* The server's clock and ours may differ by a moment. */
    const int64_t us = MAX(now_us - at_us, 0);
    if (us < 60 * US_PER_SEC)
        return g_strdup_printf("%u s ago", (unsigned) (us / US_PER_SEC));

    g_autofree char *span = human_duration(us);
    return g_strdup_printf("%s ago", span);
}

static char *
format_time(int64_t at_us, const char *format)
{
    g_autoptr(GDateTime) epoch = g_date_time_new_from_unix_utc(0);
    g_autoptr(GDateTime) at = g_date_time_add(epoch, at_us);

    return at ? g_date_time_format(at, format) : g_strdup("-");
}

char *
human_time(int64_t at_us)
{
    return at_us == 0 ? g_strdup("-") : format_time(at_us, "%Y-%m-%d %H:%M:%S");
}

char *
human_time_iso(int64_t at_us)
{
    return format_time(at_us, "%Y-%m-%dT%H:%M:%S.%fZ");
}

char *
human_version(int version)
{
    return version == 10 ? g_strdup("IPFIX")
           : version > 0 ? g_strdup_printf("v%d", version)
                         : g_strdup("");
}
