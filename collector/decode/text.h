/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Text off the wire: checked, cut to size, made a C string. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies @bytes into @text, which holds @size bytes:
 * up to the first NUL (devices pad with them), without spaces at the end, cut before
 * a character that does not fit.  Returns false, with @text "", for what is not
 * UTF-8 (RFC 7011 6.1.6: to be detected and ignored). */
bool text_copy(char *text, size_t size, const uint8_t *bytes, size_t n_bytes);
