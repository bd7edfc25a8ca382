/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenHosts: a set of host addresses, in order, by number from 0.
 *
 * Written as addresses, ranges and networks: "10.20.0.10, 10.20.0.20-29,
 * 203.0.113.0/28".  A network is its hosts: without its first and last address where
 * it is IPv4 and has more than two.  All of one family. */

#include <glib.h>

#include "ip-address.h"

typedef struct FlowgenHosts FlowgenHosts;

/* Error: G_KEY_FILE_ERROR_INVALID_VALUE. */
FlowgenHosts *flowgen_hosts_parse(const char *text, GError **error);
FlowgenHosts *flowgen_hosts_ref(FlowgenHosts *self);
void flowgen_hosts_unref(FlowgenHosts *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FlowgenHosts, flowgen_hosts_unref)

uint32_t flowgen_hosts_count(const FlowgenHosts *self); /* at least 1 */
bool flowgen_hosts_is_v4(const FlowgenHosts *self);

/* @index: less than the count. */
IpAddress flowgen_hosts_at(const FlowgenHosts *self, uint32_t index);
