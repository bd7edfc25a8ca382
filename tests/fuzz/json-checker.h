/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* JsonChecker: whether PostgreSQL would take bytes as jsonb: an object as RFC 8259 has
 * it, in UTF-8, without what jsonb cannot hold: \u0000 and halves of surrogate pairs.
 */

#include <stddef.h>

/* NULL when it would; else what is wrong. */
const char *json_checker_fault(const char *text, size_t n_bytes);
