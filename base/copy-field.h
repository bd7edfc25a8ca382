/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CopyField: the fields of a row as binary COPY wants them (PostgreSQL manual, COPY,
 * "Binary Format"): four bytes of length, -1 for NULL, then the value in network
 * order.
 *
 * Each function writes one field at @at, where the caller has made room, and returns
 * where the next one goes.  Direct stores: this runs for every column of every flow. */

#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ip-address.h"

/* PostgreSQL counts microseconds from 2000-01-01, we count from 1970-01-01. */
#define COPY_FIELD_EPOCH_US INT64_C(946684800000000)

/* src/include/utils/inet.h of PostgreSQL: AF_INET and its successor, fixed. */
#define COPY_FIELD_INET4 2
#define COPY_FIELD_INET6 3

/* The most bytes that a field takes, its length included. */
#define COPY_FIELD_INT_BYTES     12
#define COPY_FIELD_INET_BYTES    24
#define COPY_FIELD_NUMERIC_BYTES 32

/* Before the first row (with flags and header extension 0) and after the last. */
#define COPY_FIELD_HEADER        "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"
#define COPY_FIELD_HEADER_BYTES  19
#define COPY_FIELD_TRAILER       "\377\377"
#define COPY_FIELD_TRAILER_BYTES 2

static inline uint8_t *
copy_field_put16(uint8_t *at, uint16_t value)
{
    const uint16_t big_endian = GUINT16_TO_BE(value);

    memcpy(at, &big_endian, sizeof(big_endian));
    return at + sizeof(big_endian);
}

static inline uint8_t *
copy_field_put32(uint8_t *at, uint32_t value)
{
    const uint32_t big_endian = GUINT32_TO_BE(value);

    memcpy(at, &big_endian, sizeof(big_endian));
    return at + sizeof(big_endian);
}

static inline uint8_t *
copy_field_put64(uint8_t *at, uint64_t value)
{
    const uint64_t big_endian = GUINT64_TO_BE(value);

    memcpy(at, &big_endian, sizeof(big_endian));
    return at + sizeof(big_endian);
}

/* What each row begins with. */
static inline uint8_t *
copy_field_row(uint8_t *at, uint16_t n_fields)
{
    return copy_field_put16(at, n_fields);
}

static inline uint8_t *
copy_field_null(uint8_t *at)
{
    return copy_field_put32(at, UINT32_MAX);
}

static inline uint8_t *
copy_field_int2(uint8_t *at, int16_t value)
{
    return copy_field_put16(copy_field_put32(at, 2), (uint16_t) value);
}

static inline uint8_t *
copy_field_int4(uint8_t *at, int32_t value)
{
    return copy_field_put32(copy_field_put32(at, 4), (uint32_t) value);
}

static inline uint8_t *
copy_field_int8(uint8_t *at, int64_t value)
{
    return copy_field_put64(copy_field_put32(at, 8), (uint64_t) value);
}

/* @unix_us: microseconds since 1970.  Unsigned, so that an absurd time wraps instead
 * of being undefined. */
static inline uint8_t *
copy_field_timestamptz(uint8_t *at, int64_t unix_us)
{
    return copy_field_put64(copy_field_put32(at, 8),
                            (uint64_t) unix_us - (uint64_t) COPY_FIELD_EPOCH_US);
}

static inline uint8_t *
copy_field_inet(uint8_t *at, IpAddress addr)
{
    /* family, prefix length (a whole address), is_cidr, bytes of address */
    if (ip_address_is_v4(&addr)) {
        at = copy_field_put32(at, 8);
        at = copy_field_put32(at, COPY_FIELD_INET4 << 24 | 32 << 16 | 4);
        memcpy(at, addr.bytes + 12, 4);
        return at + 4;
    }

    at = copy_field_put32(at, 20);
    at = copy_field_put32(at, COPY_FIELD_INET6 << 24 | 128 << 16 | 16);
    memcpy(at, addr.bytes, 16);
    return at + 16;
}

/* @n_bytes + 4 bytes of room. */
static inline uint8_t *
copy_field_text(uint8_t *at, const char *text, size_t n_bytes)
{
    at = copy_field_put32(at, n_bytes);
    memcpy(at, text, n_bytes);
    return at + n_bytes;
}

/* A whole number.  numeric_recv() of PostgreSQL: number of digits to base 10000,
 * weight of the first, sign, scale, then the digits. */
static inline uint8_t *
copy_field_numeric(uint8_t *at, unsigned __int128 value)
{
    uint16_t digits[10]; /* 2^128 has 39 decimals */
    uint16_t n = 0;

    for (; value != 0; value /= 10000)
        digits[n++] = (uint16_t) (value % 10000);

    at = copy_field_put32(at, 8 + 2 * n);
    at = copy_field_put16(at, n);
    at = copy_field_put16(at, n > 0 ? n - 1 : 0);
    at = copy_field_put32(at, 0); /* positive, no decimals */
    while (n > 0)
        at = copy_field_put16(at, digits[--n]);
    return at;
}
