/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/crc32c.h"

#include <string.h>

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

uint32_t
crc32c_by_table(uint32_t crc, const void *bytes, size_t n_bytes)
{
    /* The remainder of each half byte for the reflected polynomial 0x82f63b78. */
    static const uint32_t remainder[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const uint8_t *at = bytes;

    crc = ~crc;
    for (size_t i = 0; i < n_bytes; i++) {
        crc ^= at[i];
        crc = crc >> 4 ^ remainder[crc & 15];
        crc = crc >> 4 ^ remainder[crc & 15];
    }
    return ~crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, const void *bytes, size_t n_bytes)
{
    const uint8_t *at = bytes;
    uint64_t sum = (uint32_t) ~crc;

    for (; n_bytes >= sizeof(uint64_t); n_bytes -= sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, at, sizeof(word));
        sum = _mm_crc32_u64(sum, word);
        at += sizeof(word);
    }
    for (; n_bytes > 0; n_bytes--)
        sum = _mm_crc32_u8((uint32_t) sum, *at++);
    return ~(uint32_t) sum;
}
#endif

uint32_t
crc32c(uint32_t crc, const void *bytes, size_t n_bytes)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("sse4.2"))
        return by_instruction(crc, bytes, n_bytes);
#endif
    return crc32c_by_table(crc, bytes, n_bytes);
}
