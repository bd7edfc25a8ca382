/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Scratch: a folder of one test case, in memory where the machine has such a place, and
 * files in it. */

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

char *scratch_make(void);           /* (transfer full) */
void scratch_remove(char *scratch); /* with all that is in it, two deep; frees it */

/* Writes a file; the names before the last are folders, made when missing. */
void scratch_write(const char *scratch, const char *name, const void *bytes,
                   size_t n_bytes);
