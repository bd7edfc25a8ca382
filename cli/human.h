/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Human: numbers as somebody reads them at a glance.  Three figures and a unit;
 * scripts ask for --json and get the number itself.  All results (transfer full). */

#include <glib.h>
#include <stdint.h>

char *human_count(double count);     /* "0", "950", "1.23 k", "45.6 M" */
char *human_bytes(uint64_t n_bytes); /* "950 B", "1.23 KiB" */

/* A span of time: "0.4 s", "12 s", "3 min 20 s", "5 h 12 min", "3 d 4 h". */
char *human_duration(int64_t us);

/* How long before @now_us: "12 s ago"; "never" for 0. */
char *human_ago(int64_t at_us, int64_t now_us);

/* "2024-02-29 13:05:09" in UTC; "-" for 0. */
char *human_time(int64_t at_us);

/* The same as ISO 8601 with microseconds and Z, as JSON has it. */
char *human_time_iso(int64_t at_us);

/* What an exporter speaks: "v5", "v9", "IPFIX"; "" when @version is 0. */
char *human_version(int version);
