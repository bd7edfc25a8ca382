/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* UnitWord: where a text must not break: "20 %", "27.1 s" stay together. */

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* Whether the text behind a number and a blank begins with a unit: "%", or up to three
 * letters.  A short word that is none costs a line a few characters. */
static inline bool
unit_word_begins(const char *text)
{
    size_t n = 0;

    if (text[0] == '%')
        return true;
    while (n < 4 && g_ascii_isalpha(text[n]))
        n++;
    return n > 0 && n < 4 && !g_ascii_isdigit(text[n]);
}
