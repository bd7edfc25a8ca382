/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ServiceMemory: ends that were called, as sessions have shown: an address and port
 * that at least three peers talked to within 24 hours.
 *
 * Helps where the number of a port says nothing.  Of fixed size: an end that is seen
 * pushes out the one with the fewest peers, then the oldest, of the four that share its
 * place.  What it knows depends on what it was told and in which order only, and it
 * goes through a checkpoint unchanged. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ip-address.h"
#include "reader.h"

#define SERVICE_MEMORY_PEERS 3

typedef struct ServiceMemory ServiceMemory;

ServiceMemory *service_memory_new(void);
void service_memory_free(ServiceMemory *self);

/* @peer talked to this end at @at_us. */
void service_memory_see(ServiceMemory *self, const IpAddress *address, uint16_t port,
                        uint8_t protocol, const IpAddress *peer, int64_t at_us);

/* Whether three peers did within the 24 hours before @at_us. */
bool service_memory_knows(const ServiceMemory *self, const IpAddress *address,
                          uint16_t port, uint8_t protocol, int64_t at_us);

/* True once after each change. */
bool service_memory_take_changed(ServiceMemory *self);

void service_memory_encode(const ServiceMemory *self, GByteArray *bytes);

/* Into an empty one; false when the bytes are not of encode(). */
bool service_memory_decode(ServiceMemory *self, Reader *r);
