/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The two clocks of the machine, in the units of the program. */

#include <stdint.h>
#include <time.h>

#define US_PER_SEC INT64_C(1000000)
#define US_PER_MS  INT64_C(1000)

static inline int64_t
clock_read_us(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return now.tv_sec * US_PER_SEC + now.tv_nsec / 1000;
}

/* Microseconds since 1970-01-01 UTC; may step. */
static inline int64_t
clock_wall_us(void)
{
    return clock_read_us(CLOCK_REALTIME);
}

/* Microseconds since some moment in the past; never steps. */
static inline int64_t
clock_mono_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC);
}
