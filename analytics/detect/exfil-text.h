/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Texts of exfiltration findings: numbers as people read them. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* "6.2 GB", in thousands; (transfer full), likewise below. */
char *exfil_text_octets(double octets);

/* "40 minutes", "3.2 hours", "6.0 days" */
char *exfil_text_span(int64_t span_us);

/* "Fri 2026-01-09 18:00 UTC"; "at an unknown time" for 0 and what no calendar has. */
char *exfil_text_time(int64_t unix_us);

/* A JSON object that grows; numbers in the C locale, null for NaN. */
void exfil_text_number(GString *json, const char *name, double value);
void exfil_text_count(GString *json, const char *name, uint64_t value);
void exfil_text_word(GString *json, const char *name, const char *value);
