/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* DecoderFixture: a decoder with a sink that remembers, for tests.
 *
 * Datagrams are kept, each in memory of its very size, so that the sanitizer sees
 * the first byte too many, and so that those that wait can be fetched. */

#include "decode/decoder.h"
#include "decode/packet-fixture.h"

#define FIXTURE_US (PACKET_FIXTURE_SEC * INT64_C(1000000))

typedef struct {
    DecoderLimits limits;
    ExporterTable *exporters;
    Decoder *decoder;
    GArray *flows;        /* of Flow */
    GArray *losses;       /* of Loss */
    GArray *options;      /* of LearntOption */
    GArray *templates;    /* of LearntTemplate; bodies are copies */
    GPtrArray *datagrams; /* of Datagram, with their bytes behind them */

    unsigned n_quarantines;
    DecoderQuarantine quarantine; /* the newest */

    /* As the next datagrams have them. */
    IpAddress peer;
    uint16_t port;
    uint64_t session;
    int64_t now_us;
    int64_t shift_us;
    bool trust_exporter_address;
    bool cannot_fetch;
} DecoderFixture;

/* @limits may be NULL: roomy ones. */
DecoderFixture *decoder_fixture_new(const DecoderLimits *limits);
void decoder_fixture_free(DecoderFixture *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DecoderFixture, decoder_fixture_free)

extern const DecoderLimits decoder_fixture_limits;

void decoder_fixture_feed(DecoderFixture *self, const void *bytes, size_t n_bytes);

/* Feeds the packet and starts it anew. */
void decoder_fixture_send(DecoderFixture *self, PacketFixture *packet);

/* Another decoder with an empty memory and the same past: its exporters, and the
 * templates, options and waiting sets it was told of, are given back. */
void decoder_fixture_restart(DecoderFixture *self);

const Flow *decoder_fixture_flow(const DecoderFixture *self, size_t index);

/* The sum of losses for @reason; of @class unless NULL. */
uint64_t decoder_fixture_lost(const DecoderFixture *self, LossReason reason,
                              const char *class);

uint64_t decoder_fixture_status(const DecoderFixture *self, DecodeStatus status);

/* The sum over all classes. */
uint64_t decoder_fixture_n_bad(const DecoderFixture *self);

IpAddress decoder_fixture_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);

/* One value of a record: a number, or the octets of a field that is none. */
typedef struct {
    uint64_t value;
    const char *octets;
} FixtureValue;

/* Writes @values as @fields say; a field of more than 8 octets and no octets is 0. */
void decoder_fixture_put(PacketFixture *packet, const PacketField *fields,
                         const FixtureValue *values);
void decoder_fixture_put_set(PacketFixture *packet, uint16_t id,
                             const PacketField *fields, const FixtureValue *values);

/* Sends a message of domain 1 with a template and one record of it. */
void decoder_fixture_record(DecoderFixture *self, uint16_t version, uint16_t id,
                            const PacketField *fields, const FixtureValue *values);

/* The same of options, whose first field is the scope. */
void decoder_fixture_options(DecoderFixture *self, uint16_t version, uint32_t domain,
                             uint16_t id, const PacketField *fields,
                             const FixtureValue *values);

const Flow *decoder_fixture_last(const DecoderFixture *self); /* flow */

/* A template of addresses, ports, protocol and counters; 25 octets a record: TCP from
 * 10.0.0.1:1024 to 10.0.0.2:443, 100 octets a packet. */
extern const PacketField decoder_fixture_plain[];
void decoder_fixture_put_plain(PacketFixture *packet, uint32_t n_packets);
void decoder_fixture_put_data(PacketFixture *packet, uint16_t id, uint32_t n_packets);

/* Messages of domain 1 with one template, or one such record. */
void decoder_fixture_send_template(DecoderFixture *f, PacketFixture *packet,
                                   uint16_t version, uint32_t sequence, uint16_t id,
                                   const PacketField *fields);
void decoder_fixture_send_data(DecoderFixture *f, PacketFixture *packet,
                               uint16_t version, uint32_t sequence, uint16_t id,
                               uint32_t n_packets);
