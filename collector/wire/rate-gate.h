/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* RateGate: lets so many a second pass, in all and per address; a second's worth may
 * come at once.
 *
 * Of fixed size: addresses share 1024 buckets by a hash, so that whoever comes from
 * many addresses costs no memory, and at worst shares its bucket with an honest one.
 * The hash is seeded, so that nobody can choose whose. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ip-address.h"

typedef struct RateGate RateGate;

RateGate *rate_gate_new(uint32_t per_sec, uint32_t per_sec_and_address);
void rate_gate_free(RateGate *self);

/* @mono_us never goes back.  One that is turned away counts for nothing. */
bool rate_gate_pass(RateGate *self, const IpAddress *peer, int64_t mono_us);
