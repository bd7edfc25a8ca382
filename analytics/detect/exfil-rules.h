/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ExfilRules: the table of rules.  Each looks at a case and returns a finding with its
 * terms and explanation, whatever its points, or NULL when it does not apply.  What
 * only that rule looks at is left in Finding.numbers, without the braces. */

#include "detect/exfil-case.h"

typedef struct {
    const char *name;  /* Finding.rule */
    const char *words; /* how the text of another rule names it */
    Finding *(*look)(const ExfilCase *exfil);
} ExfilRule;

extern const ExfilRule exfil_rules[];
extern const size_t exfil_rules_len;
