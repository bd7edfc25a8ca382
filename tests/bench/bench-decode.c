/* SPDX-License-Identifier: Apache-2.0 */

/* bench-decode: datagrams in memory through the decoder and the clean-up, as in a
 * worker but for the journal and the store.  Prints records per CPU-second. */

#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "decode/decoder.h"
#include "decode/packet-fixture.h"
#include "flow/normalise.h"

#define N_RECORDS   25
#define N_DATAGRAMS 64 /* of different values; few enough to stay in the cache */
#define N_ROUNDS    5  /* the median counts */

#define TEMPLATE_ID 256

static int milliseconds = 600;

static const GOptionEntry options[] = {
    { "ms", 0, 0, G_OPTION_ARG_INT, &milliseconds, "CPU time of each round", "N" },
    { NULL },
};

/* As many fields as a router sends, in the order of softflowd and IOS. */
static const PacketField fixed_fields[] = {
    { 8, 4 },   { 12, 4 },  { 15, 4 }, { 10, 4 }, { 14, 4 }, { 2, 8 },   { 1, 8 },
    { 152, 8 }, { 153, 8 }, { 7, 2 },  { 11, 2 }, { 4, 1 },  { 6, 1 },   { 5, 1 },
    { 16, 4 },  { 17, 4 },  { 9, 1 },  { 13, 1 }, { 61, 1 }, { 136, 1 }, { 0, 0 },
};

static const PacketField uptime_fields[] = {
    { 8, 4 },  { 12, 4 }, { 15, 4 }, { 10, 4 }, { 14, 4 }, { 2, 4 },  { 1, 4 },
    { 22, 4 }, { 21, 4 }, { 7, 2 },  { 11, 2 }, { 4, 1 },  { 6, 1 },  { 5, 1 },
    { 16, 4 }, { 17, 4 }, { 9, 1 },  { 13, 1 }, { 61, 1 }, { 48, 1 }, { 0, 0 },
};

static const PacketField variable_fields[] = {
    { 8, 4 },   { 12, 4 },      { 15, 4 }, { 10, 4 }, { 14, 4 }, { 2, 8 },   { 1, 8 },
    { 152, 8 }, { 153, 8 },     { 7, 2 },  { 11, 2 }, { 4, 1 },  { 6, 1 },   { 5, 1 },
    { 16, 4 },  { 371, 65535 }, { 17, 4 }, { 9, 1 },  { 61, 1 }, { 136, 1 }, { 0, 0 },
};

static const PacketField ipv6_fields[] = {
    { 27, 16 }, { 28, 16 }, { 62, 16 }, { 10, 4 }, { 14, 4 }, { 2, 8 },   { 1, 8 },
    { 152, 8 }, { 153, 8 }, { 7, 2 },   { 11, 2 }, { 4, 1 },  { 6, 1 },   { 5, 1 },
    { 16, 4 },  { 17, 4 },  { 29, 1 },  { 30, 1 }, { 61, 1 }, { 136, 1 }, { 0, 0 },
};

typedef struct {
    const char *name;
    uint16_t version;
    const PacketField *fields; /* NULL for v5 */
} Kind;

static const Kind kinds[] = {
    { "flowkeep, IPFIX, 20 fields", 10, fixed_fields },
    { "flowkeep, IPFIX, 20 fields, IPv6", 10, ipv6_fields },
    { "flowkeep, IPFIX, 20 fields, one of variable length", 10, variable_fields },
    { "flowkeep, NetFlow v9, 20 fields, uptime and sampler", 9, uptime_fields },
    { "flowkeep, NetFlow v5", 5, NULL },
};

typedef struct {
    Normaliser normaliser;
    uint64_t octets; /* so that nothing is optimised away */
} Bench;

static void
on_flow(Flow *flow, int64_t shift_us, void *user_data)
{
    Bench *bench = user_data;

    normalise(&bench->normaliser, flow, shift_us);
    bench->octets += flow->octets + flow->src.bytes[15];
}

static void
put_field(PacketFixture *packet, const PacketField *field, unsigned seed)
{
    const int64_t now_ms = PACKET_FIXTURE_SEC * INT64_C(1000);

    switch (field->element) {
    case 152:
        packet_fixture_uint(packet, now_ms - 5000 - seed, 8);
        break;
    case 153:
        packet_fixture_uint(packet, now_ms - seed, 8);
        break;
    case 21:
    case 22:
        packet_fixture_uint(packet, 3590000 + 5000 * (22 - field->element) + seed, 4);
        break;
    case 4:
        packet_fixture_uint(packet, seed % 3 ? 6 : 17, 1);
        break;
    case 61:
        packet_fixture_uint(packet, 0, 1);
        break;
    case 371:
        packet_fixture_uint(packet, 8, 1);
        packet_fixture_bytes(packet, "somebody", 8);
        break;
    default:
        for (size_t i = 0; i < field->n_octets; i++)
            packet_fixture_uint(packet, i + 3 < field->n_octets ? 0 : seed * 7 + i, 1);
    }
}

static PacketFixture *
make_data(const Kind *kind, unsigned number)
{
    PacketFixture *packet = packet_fixture_new();

    if (!kind->fields) {
        packet_fixture_v5(packet, N_RECORDS, 0, 0);
        return packet;
    }

    packet_fixture_begin(packet, kind->version, 1, 0);
    packet_fixture_begin_set(packet, TEMPLATE_ID);
    for (unsigned i = 0; i < N_RECORDS; i++) {
        for (const PacketField *field = kind->fields; field->n_octets; field++)
            put_field(packet, field, number * N_RECORDS + i);
    }
    packet_fixture_end_set(packet);
    packet_fixture_end(packet);
    return packet;
}

static Datagram
datagram_of(const PacketFixture *packet)
{
    return (Datagram){ .bytes = packet->bytes->data,
                       .n_bytes = packet->bytes->len,
                       .received_us = PACKET_FIXTURE_SEC * US_PER_SEC,
                       .peer = ip_address_from_v4((const uint8_t[]){ 192, 0, 2, 1 }),
                       .peer_port = 2055 };
}

/* A message of its own each time, as its sequence number says. */
static void
number_message(const Kind *kind, PacketFixture *packet, uint32_t n)
{
    const size_t at = kind->version == 5 ? 16 : kind->version == 9 ? 12 : 8;

    packet_fixture_set(packet, at, kind->version == 9 ? n : n * N_RECORDS, 4);
}

static void
feed_template(Decoder *decoder, const Kind *kind)
{
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    if (!kind->fields)
        return;
    packet_fixture_begin(packet, kind->version, 1, 0);
    packet_fixture_template(packet, TEMPLATE_ID, kind->fields);
    packet_fixture_end(packet);

    const Datagram datagram = datagram_of(packet);
    decoder_feed(decoder, &datagram);
}

static double
run_round(Decoder *decoder, const Kind *kind, PacketFixture **packets, uint32_t *n)
{
    const int64_t start_us = clock_read_us(CLOCK_PROCESS_CPUTIME_ID);
    const uint32_t before = *n;
    int64_t spent_us;

    do {
        for (unsigned i = 0; i < 1000; i++) {
            PacketFixture *packet = packets[*n % N_DATAGRAMS];

            number_message(kind, packet, ++*n);
            const Datagram datagram = datagram_of(packet);
            decoder_feed(decoder, &datagram);
        }
        spent_us = clock_read_us(CLOCK_PROCESS_CPUTIME_ID) - start_us;
    } while (spent_us < milliseconds * US_PER_MS);

    return (double) (*n - before) * N_RECORDS / spent_us;
}

static int
compare(const void *a, const void *b)
{
    const double left = *(const double *) a, right = *(const double *) b;

    return (left > right) - (left < right);
}

static void
run(const Kind *kind)
{
    static const DecoderLimits limits = {
        .max_exporters = 100,
        .max_templates = 100,
        .max_fields = 1024,
        .max_template_bytes = 1 << 20,
        .max_options = 100,
        .max_waiting = 100,
        .max_waiting_per_exporter = 100,
    };
    static const DecoderSink sink = { .flow = on_flow };
    Bench bench = { .normaliser = { .max_future_us = 3600 * US_PER_SEC,
                                    .max_past_us = 86400 * US_PER_SEC,
                                    .max_sampling = 100000 } };
    g_autoptr(ExporterTable) exporters = exporter_table_new(100);
    g_autoptr(Decoder) decoder = decoder_new(&limits, exporters, &sink, &bench);
    PacketFixture *packets[N_DATAGRAMS];
    double rates[N_ROUNDS];
    uint32_t n = 0;

    for (unsigned i = 0; i < N_DATAGRAMS; i++)
        packets[i] = make_data(kind, i);
    feed_template(decoder, kind);
    for (unsigned i = 0; i < N_ROUNDS; i++)
        rates[i] = run_round(decoder, kind, packets, &n);

    qsort(rates, N_ROUNDS, sizeof(rates[0]), compare);
    g_assert_cmpuint(decoder_counters(decoder)->flow_records, ==,
                     (uint64_t) n * N_RECORDS);
    printf("%s: %.1f M\n", kind->name, rates[N_ROUNDS / 2]);
    for (unsigned i = 0; i < N_DATAGRAMS; i++)
        packet_fixture_free(packets[i]);
}

int
main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "bench-decode: %s\n", error->message);
        return 2;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        run(&kinds[i]);
    return 0;
}
