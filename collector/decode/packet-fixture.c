/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/packet-fixture.h"

#include <string.h>

#define UPTIME_MS UINT32_C(3600000)

PacketFixture *
packet_fixture_new(void)
{
    PacketFixture *self = g_new0(PacketFixture, 1);

    self->bytes = g_byte_array_new();
    return self;
}

void
packet_fixture_free(PacketFixture *self)
{
    if (!self)
        return;

    g_byte_array_unref(self->bytes);
    g_free(self);
}

static void
put(uint8_t *to, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = value >> 8 * (n - 1 - i);
}

void
packet_fixture_uint(PacketFixture *self, uint64_t value, size_t n)
{
    uint8_t bytes[8];

    put(bytes, value, n);
    g_byte_array_append(self->bytes, bytes, n);
}

void
packet_fixture_bytes(PacketFixture *self, const void *bytes, size_t n)
{
    g_byte_array_append(self->bytes, bytes, n);
}

void
packet_fixture_fill(PacketFixture *self, uint8_t octet, size_t n)
{
    for (size_t i = 0; i < n; i++)
        g_byte_array_append(self->bytes, &octet, 1);
}

void
packet_fixture_set(PacketFixture *self, size_t at, uint64_t value, size_t n)
{
    g_assert_cmpuint(at + n, <=, self->bytes->len);
    put(self->bytes->data + at, value, n);
}

void
packet_fixture_begin(PacketFixture *self, uint16_t version, uint32_t domain,
                     uint32_t sequence)
{
    self->message_at = self->bytes->len;
    self->version = version;

    packet_fixture_uint(self, version, 2);
    packet_fixture_uint(self, 0, 2); /* count or length */
    if (version == 9)
        packet_fixture_uint(self, UPTIME_MS, 4);
    packet_fixture_uint(self, PACKET_FIXTURE_SEC, 4);
    packet_fixture_uint(self, sequence, 4);
    packet_fixture_uint(self, domain, 4);
}

void
packet_fixture_end(PacketFixture *self)
{
    if (self->version == 10)
        packet_fixture_set(self, self->message_at + 2,
                           self->bytes->len - self->message_at, 2);
}

void
packet_fixture_begin_set(PacketFixture *self, uint16_t id)
{
    self->set_at = self->bytes->len;
    packet_fixture_uint(self, id, 2);
    packet_fixture_uint(self, 0, 2);
}

void
packet_fixture_end_set(PacketFixture *self)
{
    packet_fixture_set(self, self->set_at + 2, self->bytes->len - self->set_at, 2);
}

static size_t
count_fields(const PacketField *fields)
{
    size_t n = 0;

    while (fields[n].element != 0 || fields[n].n_octets != 0)
        n++;
    return n;
}

static void
put_fields(PacketFixture *self, const PacketField *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t enterprise = fields[i].element >> 16;

        packet_fixture_uint(self,
                            enterprise ? fields[i].element | 0x8000 : fields[i].element,
                            2);
        packet_fixture_uint(self, fields[i].n_octets, 2);
        if (enterprise)
            packet_fixture_uint(self, enterprise, 4);
    }
}

void
packet_fixture_template(PacketFixture *self, uint16_t id, const PacketField *fields)
{
    const size_t n = count_fields(fields);

    packet_fixture_begin_set(self, self->version == 9 ? 0 : 2);
    packet_fixture_uint(self, id, 2);
    packet_fixture_uint(self, n, 2);
    put_fields(self, fields, n);
    packet_fixture_end_set(self);
}

void
packet_fixture_options(PacketFixture *self, uint16_t id, size_t n_scope,
                       const PacketField *fields)
{
    const size_t n = count_fields(fields);

    packet_fixture_begin_set(self, self->version == 9 ? 1 : 3);
    packet_fixture_uint(self, id, 2);
    packet_fixture_uint(self, self->version == 9 ? n_scope * 4 : n, 2);
    packet_fixture_uint(self, self->version == 9 ? (n - n_scope) * 4 : n_scope, 2);
    put_fields(self, fields, n);
    packet_fixture_end_set(self);
}

void
packet_fixture_v5(PacketFixture *self, uint16_t n_records, uint32_t sequence,
                  uint16_t sampling)
{
    packet_fixture_uint(self, 5, 2);
    packet_fixture_uint(self, n_records, 2);
    packet_fixture_uint(self, UPTIME_MS, 4);
    packet_fixture_uint(self, PACKET_FIXTURE_SEC, 4);
    packet_fixture_uint(self, 0, 4);
    packet_fixture_uint(self, sequence, 4);
    packet_fixture_uint(self, 0, 2);
    packet_fixture_uint(self, sampling, 2);

    for (unsigned i = 0; i < n_records; i++) {
        packet_fixture_uint(self, 0x0a000001 + i, 4); /* 10.0.0.1 */
        packet_fixture_uint(self, 0x0a000101, 4);     /* 10.0.1.1 */
        packet_fixture_uint(self, 0x0a0000fe, 4);     /* 10.0.0.254 */
        packet_fixture_uint(self, 1, 2);
        packet_fixture_uint(self, 2, 2);
        packet_fixture_uint(self, i + 1, 4);
        packet_fixture_uint(self, 100 * (i + 1), 4);
        packet_fixture_uint(self, UPTIME_MS - 2000, 4);
        packet_fixture_uint(self, UPTIME_MS - 1000, 4);
        packet_fixture_uint(self, 40000 + i, 2);
        packet_fixture_uint(self, 443, 2);
        packet_fixture_uint(self, 0x001b, 2); /* padding, flags */
        packet_fixture_uint(self, 0x0600, 2); /* TCP, tos */
        packet_fixture_uint(self, 64500, 2);
        packet_fixture_uint(self, 64501, 2);
        packet_fixture_fill(self, 0, 4);
    }
}
