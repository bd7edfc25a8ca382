/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenUnits: numbers with units, as people write them.
 *
 * Each function returns false, with *@to unchanged, for anything else than what it
 * says, and for what is negative or absurdly large. */

#include <stdbool.h>
#include <stdint.h>

/* "90", "90s", "1h30m", "2d", "0.5s": seconds, minutes, hours, days; bare numbers are
 * seconds. */
bool flowgen_units_duration(const char *text, int64_t *to_us);

/* "350", "20k", "1.5M", "6G": of 1000. */
bool flowgen_units_octets(const char *text, double *to);

/* "0.2" or "20%". */
bool flowgen_units_share(const char *text, double *to);

/* ISO 8601; UTC where it does not say.  Microseconds since 1970. */
bool flowgen_units_time(const char *text, int64_t *to_us);
