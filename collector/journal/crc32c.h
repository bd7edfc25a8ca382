/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Crc32c: the Castagnoli checksum (RFC 3720 B.4), as storage and CPUs use it.
 *
 * Pure; the processor's own instruction where there is one, else a small table. */

#include <stddef.h>
#include <stdint.h>

/* The checksum of what @crc already covers (0 = nothing) followed by @n_bytes of
 * @bytes: crc32c(crc32c(0, a), b) is that of a and b joined. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n_bytes);

/* The same without the processor's instruction, for the tests to compare. */
uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t n_bytes);
