/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* StatusProblems: what is wrong, told from the facts, and what to do about it.
 * Pure: reads no database and no clock. */

#include <glib.h>

#include "status-facts.h"

/* Sentences, the noun first, the worst first (transfer full; char *); empty when all
 * is well. */
GPtrArray *status_problems(const StatusFacts *facts);
