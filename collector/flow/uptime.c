/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/uptime.h"

#include "clock.h"

#define US_PER_YEAR (INT64_C(366) * 86400 * US_PER_SEC)

/* Milliseconds that are a date and no uptime: 2001-09-09, or 31 years of uptime. */
#define FIRST_DATE_MS UINT64_C(1000000000000)

/* How old a stamp may be by an uptime in seconds: twice the half hour that is the
 * longest usual active timeout; and how far ahead of it. */
#define SECONDS_SLACK_SEC 3600
#define SECONDS_AHEAD_SEC 60

/* A stamp so little ahead of the uptime says nothing about the unit. */
#define SECONDS_AHEAD_MS 60000

Uptime
uptime_from_header(uint32_t uptime_ms, uint32_t export_sec, uint32_t export_nsec,
                   int64_t received_us)
{
    /* MikroTik and others put rubbish into the nanoseconds of v5. */
    const uint32_t nsec = export_nsec < 1000000000 ? export_nsec : 0;
    const int64_t export_us = export_sec * US_PER_SEC + nsec / 1000;
    int64_t off_us;

    if (__builtin_sub_overflow(export_us, received_us, &off_us) ||
        off_us > US_PER_YEAR || off_us < -US_PER_YEAR)
        return (Uptime){ .export_us = received_us, .uptime_ms = uptime_ms };

    return (Uptime){ .export_us = export_us, .uptime_ms = uptime_ms };
}

Uptime
uptime_from_boot(uint64_t boot_ms, int64_t export_us)
{
    /* Unsigned, so that rubbish wraps around instead of overflowing. */
    return (Uptime){ .export_us = export_us,
                     .uptime_ms = (uint64_t) (export_us / US_PER_MS) - boot_ms };
}

/* @export_us less @age_ms, at the ends of the range if need be. */
static int64_t
before(int64_t export_us, int64_t age_ms)
{
    int64_t age_us, at_us;

    if (__builtin_mul_overflow(age_ms, US_PER_MS, &age_us) ||
        __builtin_sub_overflow(export_us, age_us, &at_us))
        return age_ms > 0 ? INT64_MIN : INT64_MAX;
    return at_us;
}

int64_t
uptime_boot_us(const Uptime *self)
{
    return before(self->export_us, self->uptime_ms);
}

/* Milliseconds from @stamp_ms to the export; below 0 when it is ahead. */
static int64_t
age_of(uint32_t uptime_ms, uint32_t stamp_ms)
{
    const uint32_t age_ms = uptime_ms - stamp_ms; /* modulo 2^32 */

    return age_ms > UINT32_MAX - UPTIME_AHEAD_MS ? (int64_t) age_ms - (1ll << 32)
                                                 : age_ms;
}

/* True when @stamp_ms lies ahead of the uptime, yet about where it would be if the
 * uptime were in seconds. */
static bool
is_uptime_in_seconds(uint32_t uptime, uint32_t stamp_ms)
{
    const int64_t off_sec = (int64_t) uptime - stamp_ms / 1000;

    return stamp_ms > uptime && off_sec > -SECONDS_AHEAD_SEC &&
           off_sec < SECONDS_SLACK_SEC;
}

int64_t
uptime_resolve(const Uptime *self, uint32_t stamp_ms)
{
    const int64_t age_ms = age_of(self->uptime_ms, stamp_ms);

    /* Only where the plain reading is a flow of weeks or one from the future. */
    if ((age_ms < -SECONDS_AHEAD_MS || age_ms > UINT32_MAX / 2) &&
        is_uptime_in_seconds(self->uptime_ms, stamp_ms))
        return before(self->export_us, self->uptime_ms * INT64_C(1000) - stamp_ms);

    return before(self->export_us, age_ms);
}

int64_t
uptime_resolve_wide(const Uptime *self, uint64_t stamp_ms, uint64_t newest_ms)
{
    if (stamp_ms >= FIRST_DATE_MS)
        return stamp_ms > INT64_MAX / 1000 ? INT64_MAX : (int64_t) stamp_ms * US_PER_MS;

    const int64_t newest_age_ms = age_of(self->uptime_ms, newest_ms);
    uint64_t back_ms = newest_ms > stamp_ms ? newest_ms - stamp_ms : 0;

    if (back_ms > FIRST_DATE_MS)
        back_ms = FIRST_DATE_MS;
    return before(self->export_us, newest_age_ms + (int64_t) back_ms);
}
