/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Budget: bounded time for every byte of input, as a property that a target asserts.
 *
 * Counts the time of the thread on a processor, so that a busy machine is no finding.
 * The bounds are some ten times what the slowest honest input takes under the
 * sanitizers; what they find is work that grows faster than its input. */

#include <glib.h>
#include <stdint.h>
#include <time.h>

#define BUDGET_FIXED_US 500000 /* whatever the input */
#define BUDGET_BYTE_US  40     /* and for each byte of it */

typedef struct {
    int64_t begun_us;
} Budget;

static inline int64_t
budget_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline Budget
budget_begin(void)
{
    return (Budget){ budget_now_us() };
}

static inline void
budget_check(const Budget *self, size_t n_bytes)
{
    const int64_t used_us = budget_now_us() - self->begun_us;

    g_assert_cmpint(used_us, <=, BUDGET_FIXED_US + BUDGET_BYTE_US * (int64_t) n_bytes);
}
