/* SPDX-License-Identifier: Apache-2.0 */
#include "suggestion.h"

#include <glib.h>
#include <limits.h>
#include <string.h>

#define MAX_WORD_BYTES 64 /* longer ones are like nothing */

/* How many letters to change, add or take away to get from @a to @b. */
static unsigned
distance(const char *a, const char *b)
{
    unsigned row[MAX_WORD_BYTES + 1];
    const size_t n_b = strlen(b);

    if (n_b > MAX_WORD_BYTES || strlen(a) > MAX_WORD_BYTES)
        return UINT_MAX;

    for (size_t j = 0; j <= n_b; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        unsigned diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < n_b; j++) {
            const unsigned replaced = diagonal + (a[i] != b[j]);

            diagonal = row[j + 1];
            row[j + 1] = MIN(replaced, MIN(row[j], diagonal) + 1);
        }
    }
    return row[n_b];
}

void
suggestion_consider(const char *word, const char *candidate, const char **best)
{
    const unsigned limit = (strlen(word) + 2) / 3;
    const unsigned off = distance(word, candidate);

    if (off <= limit && (!*best || off < distance(word, *best)))
        *best = candidate;
}
