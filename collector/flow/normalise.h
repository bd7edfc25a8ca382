/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Normalise: makes any decoded flow fit to be stored.
 *
 * The contract with the store: whatever leaves here, PostgreSQL accepts; one
 * absurd value never costs its batch.  Pure: knows no bytes on the wire, no SQL,
 * no clock but the flow's own received_us. */

#include "flow/flow.h"
#include "prefix-table.h"

typedef struct {
    const PrefixTable *watched; /* value: index of the watch group; lent */
    int64_t max_future_us;      /* an end later than received + this is clamped */
    int64_t max_past_us;        /* a start earlier than received - this likewise */
    uint32_t max_sampling;      /* a larger rate is marked, not applied */
} Normaliser;

/* In this order: shifts all times by @shift_us (a replay; the caller has shifted
 * received_us already), times (missing, swapped, absurd: clamped and marked),
 * sampling multiplied into all four counters with saturation at 2^63-1, ICMP type
 * and code into dst_port, ports dropped where the protocol has none, watched. */
void normalise(const Normaliser *self, Flow *flow, int64_t shift_us);
