/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Restart: notices that a NetFlow v9 exporter has started anew, and so knows nothing
 * of the templates it once announced (RFC 3954 section 9).
 *
 * A message claims it when its device booted later than that of the stream's own
 * track, its uptime is below the last one seen, and its sequence number is below the
 * one expected.  A late datagram has an old uptime but the old boot; a clock that is
 * set has another boot but no lower uptime; an uptime that wraps after 49.7 days goes
 * with a sequence that goes on.
 *
 * Anybody can forge one message.  So the first claim only casts doubt: what was
 * announced before it is not used for that one message.  The second one that agrees
 * with it makes it certain, unless a message of the old boot came in between.
 *
 * Plain memory; knows no clock but the times it is given. */

#include "decode/sequence.h"

typedef enum {
    RESTART_NONE,
    RESTART_CLAIMED, /* templates from before are not to be used for this message */
    RESTART_CERTAIN, /* templates from before restart_since_us() are void; said once */
} RestartVerdict;

typedef struct {
    int64_t boot_us;    /* that was claimed */
    int64_t since_us;   /* receive time of the first claim */
    uint32_t uptime_ms; /* of the newest message that claimed nothing */
    bool has_uptime;
    bool is_claimed;
    bool is_certain; /* that boot has been dealt with */
} Restart;

/* @seen is a well-formed message that @sequence has not seen yet. */
RestartVerdict restart_see(Restart *self, const Sequence *sequence,
                           const SequenceSeen *seen, uint32_t uptime_ms);
