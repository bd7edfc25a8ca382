/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Uptime: a device's clock that counts from its boot, and what it says in UTC.
 *
 * NetFlow v5 and v9 stamp flows with the device's uptime in milliseconds (elements
 * 21 and 22), a 32-bit count that wraps every 49.7 days.  A message also carries the
 * uptime and the UTC time at which it was sent; the age of a stamp is the difference
 * of the uptimes modulo 2^32, so no wrap is ever seen (RFC 3954 5.1 and 8).  In
 * IPFIX element 160 gives the time of boot instead.
 *
 * Pure; whatever the input, no overflow; absurd times are left for normalise(). */

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t export_us;  /* microseconds since 1970-01-01 UTC, when it was sent */
    uint32_t uptime_ms; /* at that moment, modulo 2^32 */
} Uptime;

/* A stamp up to this much later than the message's own uptime is taken for what it
 * says (devices read their clocks in odd order); a later one is a wrapped one. */
#define UPTIME_AHEAD_MS UINT32_C(3600000)

/* From a v5 or v9 header; @export_nsec is 0 for v9.  An export time more than a
 * year from @received_us (0, the uptime again, a clock that was never set) is not
 * believed: the message is taken to have been sent when it was received. */
Uptime uptime_from_header(uint32_t uptime_ms, uint32_t export_sec, uint32_t export_nsec,
                          int64_t received_us);

/* From element 160, and the export time of the message. */
Uptime uptime_from_boot(uint64_t boot_ms, int64_t export_us);

/* The boot of the device in microseconds UTC, as this message has it; right but for
 * whole wraps.  A jump forward from one message to the next is a reboot. */
int64_t uptime_boot_us(const Uptime *self);

/* A 32-bit stamp in microseconds UTC.  When it can only be understood so, the
 * uptime of the message is taken to be in seconds (SonicWall). */
int64_t uptime_resolve(const Uptime *self, uint32_t stamp_ms);

/* An 8-byte stamp (NX-OS), which does not wrap and may be further back than one
 * wrap.  @newest_ms is the later one of the record's two stamps; only it says where
 * in the message's wrapped uptime they belong.  A number that can only be a
 * date (ms since 1970) is taken as one. */
int64_t uptime_resolve_wide(const Uptime *self, uint64_t stamp_ms, uint64_t newest_ms);
