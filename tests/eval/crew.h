/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Crew: many independent trials, done by a few processes.
 *
 * Processes, not threads: what is measured need not be safe for threads, and a crash
 * in it ends the run with an error that says so.  Results do not depend on the number
 * of processes. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Does trial number @item and writes its result, which was all zero. */
typedef void (*CrewWork)(size_t item, void *result, const void *data);

/* Does the trials 0 .. @n_items - 1 in @n_jobs processes.  Returns their results, one
 * after the other, @result_bytes each (transfer full: g_free), or NULL when a process
 * could not be made or died. */
void *crew_run(size_t n_items, unsigned n_jobs, size_t result_bytes, CrewWork work,
               const void *data, GError **error);
