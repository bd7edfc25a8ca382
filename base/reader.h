/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reader: a cursor over bytes we do not trust.
 *
 * Every read is bounds-checked.  The first read past the end spends the reader:
 * that read and all later ones yield 0, and reader_ok() turns false for good.
 * A parser therefore reads a section in one straight line and asks once. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *at;
    size_t left; /* bytes */
    bool spent;
} Reader;

static inline Reader
reader_over(const uint8_t *bytes, size_t n_bytes)
{
    return (Reader){ .at = bytes, .left = n_bytes };
}

static inline bool
reader_ok(const Reader *r)
{
    return !r->spent;
}

/* Steps over the next @n bytes and returns them, or NULL if there are fewer. */
static inline const uint8_t *
reader_bytes(Reader *r, size_t n)
{
    if (r->spent || n > r->left) {
        r->spent = true;
        return NULL;
    }

    const uint8_t *bytes = r->at;
    r->at += n;
    r->left -= n;
    return bytes;
}

/* Next @n bytes as a big-endian integer, 1 <= n <= 8. */
static inline uint64_t
reader_uint(Reader *r, size_t n)
{
    const uint8_t *bytes = reader_bytes(r, n);
    uint64_t value = 0;

    for (size_t i = 0; bytes && i < n; i++)
        value = value << 8 | bytes[i];

    return value;
}
