/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TimeText: a moment as the operator types it.
 *
 *   now                      -90s  -15m  -2h  -3d     before now
 *   2024-02-29               2024-02-29T13:05   2024-02-29 13:05:09.5
 *   2024-02-29T13:05:09Z     ...+02:00           @1709211909  (seconds since 1970)
 *
 * Without an offset it is UTC, as all times of this program. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* @us is unchanged on failure; errors: G_OPTION_ERROR_BAD_VALUE. */
bool time_text_parse(const char *text, int64_t now_us, int64_t *us, GError **error);

/* How long: "90s", "15m", "12h", "30d"; more than nothing.  Likewise. */
bool time_text_parse_span(const char *text, int64_t *us, GError **error);
