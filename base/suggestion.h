/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Suggestion: which of the known words was probably meant by an unknown one. */

/* Makes @candidate the @best so far (NULL to begin with) when it is like @word, and
 * more so than @best.  Both are lent. */
void suggestion_consider(const char *word, const char *candidate, const char **best);
