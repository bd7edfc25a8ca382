/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SessionKey: the two ends of a conversation, the same for both of its directions.
 *
 * The ends are in order, the smaller address (then port) being the low one; forward is
 * from the low end to the high one.  A portless protocol has port 0; with ICMP who asks
 * has port 0, and who is asked the type and code of the question, whether the record is
 * of that or of the answer.  Compared and hashed as bytes; it has no padding. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "session/flow-row.h"

typedef struct {
    IpAddress low;
    IpAddress high;
    uint16_t low_port;
    uint16_t high_port;
    uint8_t protocol;
    uint8_t zero;
} SessionKey;

_Static_assert(sizeof(SessionKey) == 38, "hashed as bytes");

/* Returns whether @row goes forward. */
bool session_key_of(const FlowRow *row, SessionKey *key);

/* True when the protocol's ports are types of messages. */
bool session_key_is_icmp(const SessionKey *key);

uint64_t session_key_hash(const SessionKey *key);

static inline bool
session_key_equal(const SessionKey *a, const SessionKey *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}
