/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SqlTime: a moment as a parameter of SQL's to_timestamp(), exact to the
 * microsecond. */

#include <glib.h>
#include <stdint.h>

#include "clock.h"

/* Seconds since 1970; @us is not before that (transfer full). */
static inline char *
sql_time(int64_t us)
{
    return g_strdup_printf("%" G_GINT64_FORMAT ".%06d", us / US_PER_SEC,
                           (int) (us % US_PER_SEC));
}
