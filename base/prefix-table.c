/* SPDX-License-Identifier: Apache-2.0 */
#include "prefix-table.h"

/* A trie that takes eight bits a step.  Within a node a prefix is written into
 * every slot it covers, unless a longer one is there already; so the answer is the
 * last value met on the way down.  A node takes 2.3 kB, and a prefix brings at most
 * one node for each byte of its length. */

#define IPV4_BYTES 12 /* before an IPv4 address in its sixteen-byte form */

typedef struct {
    uint32_t value[256];
    uint32_t child[256]; /* index of a node; 0 = none, for the root is no child */
    uint8_t bits[256];   /* length of the prefix that gave the value */
} Node;

/* The two roots.  IPv4 has its own, or each look-up would walk the twelve bytes
 * that all its addresses share. */
enum { ROOT_V6, ROOT_V4, N_ROOTS };

struct PrefixTable {
    GPtrArray *nodes;  /* Node */
    uint32_t v4_value; /* of the longest prefix that covers all of IPv4 */
    unsigned v4_bits;
};

static uint32_t
add_node(PrefixTable *self)
{
    Node *node = g_new0(Node, 1);

    for (size_t i = 0; i < G_N_ELEMENTS(node->value); i++)
        node->value[i] = PREFIX_TABLE_NONE;
    g_ptr_array_add(self->nodes, node);
    return self->nodes->len - 1;
}

PrefixTable *
prefix_table_new(void)
{
    PrefixTable *self = g_new0(PrefixTable, 1);

    self->nodes = g_ptr_array_new_with_free_func(g_free);
    self->v4_value = PREFIX_TABLE_NONE;
    for (int i = 0; i < N_ROOTS; i++)
        add_node(self);
    return self;
}

void
prefix_table_free(PrefixTable *self)
{
    if (!self)
        return;

    g_ptr_array_unref(self->nodes);
    g_free(self);
}

/* Writes a prefix that ends at bit @bits of the byte of this node. */
static void
fill(Node *node, uint8_t first, unsigned bits, uint8_t total_bits, uint32_t value)
{
    const unsigned end = first + (1u << (8 - bits));

    for (unsigned i = first; i < end; i++) {
        if (node->value[i] != PREFIX_TABLE_NONE && node->bits[i] > total_bits)
            continue;
        node->value[i] = value;
        node->bits[i] = total_bits;
    }
}

static void
add_below(PrefixTable *self, uint32_t root, size_t at, const Network *network,
          uint32_t value)
{
    Node *node = g_ptr_array_index(self->nodes, root);

    for (; network->bits > (at + 1) * 8; at++) {
        uint32_t *child = &node->child[network->address.bytes[at]];

        if (*child == 0)
            *child = add_node(self);
        node = g_ptr_array_index(self->nodes, *child);
    }
    fill(node, network->address.bytes[at], network->bits - at * 8, network->bits,
         value);
}

void
prefix_table_add(PrefixTable *self, const Network *network, uint32_t value)
{
    const IpAddress any_v4 = { .bytes = { [10] = 0xff, [11] = 0xff } };

    g_assert(value != PREFIX_TABLE_NONE && network->bits <= 128);

    if (network->bits > IPV4_BYTES * 8 && ip_address_is_v4(&network->address)) {
        add_below(self, ROOT_V4, IPV4_BYTES, network, value);
        return;
    }

    if (network_contains(network, &any_v4) &&
        (self->v4_value == PREFIX_TABLE_NONE || network->bits >= self->v4_bits)) {
        self->v4_value = value;
        self->v4_bits = network->bits;
    }
    add_below(self, ROOT_V6, 0, network, value);
}

uint32_t
prefix_table_find(const PrefixTable *self, const IpAddress *addr)
{
    const bool is_v4 = ip_address_is_v4(addr);
    const Node *node = g_ptr_array_index(self->nodes, is_v4 ? ROOT_V4 : ROOT_V6);
    uint32_t found = is_v4 ? self->v4_value : PREFIX_TABLE_NONE;

    for (size_t at = is_v4 ? IPV4_BYTES : 0; at < sizeof(addr->bytes); at++) {
        const uint8_t byte = addr->bytes[at];

        if (node->value[byte] != PREFIX_TABLE_NONE)
            found = node->value[byte];
        if (node->child[byte] == 0)
            break;
        node = g_ptr_array_index(self->nodes, node->child[byte]);
    }
    return found;
}
