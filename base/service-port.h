/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ServicePort: which end of a conversation is the service, as far as its number says.
 *
 * The ports that are known are those of one table in service-port.c; docs/schema.md
 * lists them.  Rollups tell these apart and no other, so that they stay small whatever
 * ports a scanner tries; sessions take them for the end that was called when nothing
 * better is known.  Any thread. */

#include <stdbool.h>
#include <stdint.h>

/* True for a port of the table. */
bool service_port_is_known(uint16_t port);

/* Whether ports mean something in this protocol (IANA number). */
bool service_port_has_ports(uint8_t protocol);

/* The one that is known of the two ports of a conversation, the lower if both are, so
 * that both of its directions have the same; 0 = none is known, or the protocol has no
 * ports.  A port that was not reported is 0. */
uint16_t service_port_pick(uint8_t protocol, uint16_t src_port, uint16_t dst_port);
