/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/text.h"

#include <glib.h>
#include <string.h>

bool
text_copy(char *text, size_t size, const uint8_t *bytes, size_t n_bytes)
{
    const char *from = (const char *) bytes;
    size_t n = n_bytes > 0 ? strnlen(from, n_bytes) : 0;

    text[0] = '\0';
    if (n == 0)
        return true;
    if (!g_utf8_validate_len(from, n, NULL))
        return false;

    if (n >= size) {
        n = size - 1;
        while (n > 0 && ((uint8_t) from[n] & 0xc0) == 0x80)
            n--;
    }
    while (n > 0 && from[n - 1] == ' ')
        n--;

    memcpy(text, from, n);
    text[n] = '\0';
    return true;
}
