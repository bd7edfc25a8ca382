/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* PrefixTable: longest-prefix match from an address to a number.
 *
 * Built once, then read by any number of threads.  A look-up costs a handful of
 * dependent loads; memory is bounded by the prefixes that were added, which come
 * from the configuration, never from the wire. */

#include <glib.h>

#include "network.h"

typedef struct PrefixTable PrefixTable;

PrefixTable *prefix_table_new(void);
void prefix_table_free(PrefixTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PrefixTable, prefix_table_free)

/* @value must not be PREFIX_TABLE_NONE.  The same prefix again replaces it. */
#define PREFIX_TABLE_NONE UINT32_MAX
void prefix_table_add(PrefixTable *self, const Network *network, uint32_t value);

/* The value of the longest prefix that holds @addr, or PREFIX_TABLE_NONE. */
uint32_t prefix_table_find(const PrefixTable *self, const IpAddress *addr);
