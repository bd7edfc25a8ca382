/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ServicePort: which end of a conversation is the service.
 *
 * The ports that rollups tell apart are those of one table in service-port.c, so that
 * the rollup stays small whatever ports a scanner tries; docs/schema.md lists them. */

#include <stdbool.h>
#include <stdint.h>

#include "flow/flow.h"

/* The known port of @flow, the lower if both are, so that both directions of a
 * conversation have the same; 0 = none is known, or the protocol has no ports. */
uint16_t service_port_of(const Flow *flow);

/* True for a port of the table. */
bool service_port_is_known(uint16_t port);
