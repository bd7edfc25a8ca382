/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* PacketFixture: export packets made by hand, for tests and benchmarks.
 *
 * A message is begun, its sets are added, and it is ended, which fills in the
 * lengths; everything can be bent afterwards, being bytes. */

#include <glib.h>
#include <stdint.h>

#define PACKET_FIXTURE_SEC UINT32_C(1700000000) /* export time of all packets */

typedef struct {
    GByteArray *bytes;
    size_t message_at; /* of the message that is open */
    size_t set_at;
    uint16_t version;
} PacketFixture;

PacketFixture *packet_fixture_new(void);
void packet_fixture_free(PacketFixture *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PacketFixture, packet_fixture_free)

/* @version 9 or 10; v9's uptime is 1 h.  One after the other they are glued. */
void packet_fixture_begin(PacketFixture *self, uint16_t version, uint32_t domain,
                          uint32_t sequence);
void packet_fixture_end(PacketFixture *self);

void packet_fixture_begin_set(PacketFixture *self, uint16_t id);
void packet_fixture_end_set(PacketFixture *self);

/* A whole set of template @id; fields are pairs of element and length, ended by
 * 0, 0.  Options templates have @n_scope of them as scope. */
typedef struct {
    uint32_t element; /* enterprise number << 16 | id */
    uint16_t n_octets;
} PacketField;

void packet_fixture_template(PacketFixture *self, uint16_t id,
                             const PacketField *fields);
void packet_fixture_options(PacketFixture *self, uint16_t id, size_t n_scope,
                            const PacketField *fields);

/* The @n low octets of @value, at the end. */
void packet_fixture_uint(PacketFixture *self, uint64_t value, size_t n);
void packet_fixture_bytes(PacketFixture *self, const void *bytes, size_t n);
void packet_fixture_fill(PacketFixture *self, uint8_t octet, size_t n);

/* A packet of v5 with @n_records, the i-th with i + 1 packets. */
void packet_fixture_v5(PacketFixture *self, uint16_t n_records, uint32_t sequence,
                       uint16_t sampling);

/* Overwrites the @n octets at @at. */
void packet_fixture_set(PacketFixture *self, size_t at, uint64_t value, size_t n);
