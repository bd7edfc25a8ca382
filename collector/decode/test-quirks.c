/* SPDX-License-Identifier: Apache-2.0 */

/* What real exporters send that no standard foresees, or that several standards
 * foresee in several ways: one packet each. */

#include <string.h>

#include "clock.h"
#include "decode/decoder-fixture.h"
#include "flow/sampling.h"

#define NOW_MS (PACKET_FIXTURE_SEC * UINT64_C(1000))

#define V4_1                                                                           \
    {                                                                                  \
        0x0a000001, NULL                                                               \
    }
#define V4_2                                                                           \
    {                                                                                  \
        0x0a000002, NULL                                                               \
    }

/* Cisco ASA: counters of both ways, the totals of updates do not even rise steadily,
 * flow ids are used again. */
static void
test_nsel(void)
{
    static const PacketField nsel[] = {
        { 8, 4 },   { 12, 4 },  { 148, 4 }, { 233, 1 }, { 231, 4 },
        { 232, 4 }, { 298, 4 }, { 323, 8 }, { 152, 8 }, { 0, 0 },
    };
    static const struct {
        unsigned event, id, octets, reverse, n_octets, n_reverse;
    } events[] = {
        { 1, 7, 0, 0, 0, 0 },       { 5, 7, 100, 1000, 100, 1000 },
        { 5, 7, 90, 1500, 0, 500 }, { 5, 7, 120, 1500, 20, 0 },
        { 5, 8, 50, 60, 50, 60 },   { 2, 7, 200, 1600, 80, 100 },
        { 1, 7, 0, 0, 0, 0 },       { 2, 7, 30, 40, 30, 40 },
        { 3, 0, 0, 0, 0, 0 },       { 2, 99, 500, 600, 500, 600 },
    };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    uint64_t sum = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(events); i++) {
        const FixtureValue values[] = { V4_1,
                                        V4_2,
                                        { events[i].id, NULL },
                                        { events[i].event, NULL },
                                        { events[i].octets, NULL },
                                        { events[i].reverse, NULL },
                                        { 3, NULL },
                                        { NOW_MS - 500 + i, NULL },
                                        { NOW_MS - 9000, NULL } };

        decoder_fixture_record(f, 9, 256, nsel, values);
        const Flow *flow = decoder_fixture_last(f);
        g_assert_cmpuint(flow->octets, ==, events[i].n_octets);
        g_assert_cmpuint(flow->reverse_octets, ==, events[i].n_reverse);
        g_assert_cmpuint(flow->event, ==, events[i].event);
        g_assert_cmpint(flow->start_us, ==, (int64_t) (NOW_MS - 9000) * US_PER_MS);
        g_assert_cmpint(flow->end_us, ==, (int64_t) (NOW_MS - 500 + i) * US_PER_MS);
        sum += flow->octets;
    }
    g_assert_cmpuint(sum, ==, 200 + 50 + 30 + 500);
}

/* ASA before 8.4(5): ids 40001 to 40005; and 33002, which says less than 233. */
static void
test_asa_vendor_types(void)
{
    static const PacketField fields[] = { { 40001, 4 }, { 40003, 2 }, { 33002, 2 },
                                          { 40005, 1 }, { 57472, 4 }, { 0, 0 } };
    static const FixtureValue values[] = {
        V4_2, { 8080, NULL }, { 1001, NULL }, { 2, NULL }, { 1, NULL }
    };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

    decoder_fixture_record(f, 9, 256, fields, values);
    const IpAddress nat = decoder_fixture_v4(10, 0, 0, 2);
    g_assert_true(ip_address_equal(&decoder_fixture_last(f)->nat_src, &nat));
    g_assert_cmpuint(decoder_fixture_last(f)->nat_src_port, ==, 8080);
    g_assert_cmpuint(decoder_fixture_last(f)->event, ==, 2);
}

/* NX-OS: uptimes of 8 octets, flows of more than 49.7 days, 36 octets of padding. */
static void
test_nx_os(void)
{
    static const PacketField fields[] = { { 8, 4 },  { 12, 4 }, { 27, 16 }, { 28, 16 },
                                          { 22, 8 }, { 21, 8 }, { 1, 8 },   { 0, 0 } };
    const uint64_t wrap_ms = UINT64_C(1) << 32;
    const uint64_t end_ms = 2 * wrap_ms + 3590000; /* 10 s before the header */
    const uint64_t start_ms = end_ms - UINT64_C(50) * 86400000;
    const FixtureValue values[] = { V4_1,
                                    V4_2,
                                    { 0, NULL },
                                    { 0, NULL },
                                    { start_ms, NULL },
                                    { end_ms, NULL },
                                    { 1, NULL } };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    packet_fixture_begin(packet, 9, 1, 0);
    packet_fixture_template(packet, 256, fields);
    packet_fixture_begin_set(packet, 256);
    decoder_fixture_put(packet, fields, values);
    packet_fixture_fill(packet, 0, 36);
    packet_fixture_end_set(packet);
    decoder_fixture_send(f, packet);

    g_assert_cmpuint(f->flows->len, ==, 1);
    g_assert_cmpint(decoder_fixture_last(f)->end_us, ==, FIXTURE_US - 10 * US_PER_SEC);
    g_assert_cmpint(decoder_fixture_last(f)->end_us - decoder_fixture_last(f)->start_us,
                    ==, 50 * 86400 * US_PER_SEC);
}

/* Sampler ids of 2 octets, known by options; sampler 0 is the last one (C7600); an
 * id nobody told of has no rate; the record's own rate wins over all. */
static void
test_samplers(void)
{
    static const PacketField sampler[] = { { 1, 4 },  { 48, 2 }, { 49, 1 },
                                           { 50, 4 }, { 84, 8 }, { 0, 0 } };
    static const PacketField flow[] = { { 8, 4 }, { 48, 2 }, { 0, 0 } };
    static const PacketField own[] = { { 8, 4 }, { 48, 2 }, { 34, 4 }, { 0, 0 } };
    static const struct {
        uint64_t id;
        uint32_t rate;
    } expected[] = { { 300, 1000 }, { 301, 2000 }, { 0, 2000 }, { 77, 0 } };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

    for (unsigned i = 0; i < 2; i++)
        decoder_fixture_options(f, 9, 1, 257, sampler,
                                (const FixtureValue[]){ { 0, NULL },
                                                        { 300 + i, NULL },
                                                        { 2, NULL },
                                                        { 1000 * (i + 1), NULL },
                                                        { 0, "NETFLOW " } });
    g_assert_cmpuint(f->options->len, ==, 2);
    g_assert_cmpstr(g_array_index(f->options, LearntOption, 1).name, ==, "NETFLOW");
    g_assert_cmpuint(g_array_index(f->options, LearntOption, 1).number, ==, 2000);

    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        decoder_fixture_record(f, 9, 256, flow,
                               (const FixtureValue[]){ V4_1,
                                                       { expected[i].id, NULL } });
        g_assert_cmpuint(decoder_fixture_last(f)->sampling, ==, expected[i].rate);
    }
    g_assert_cmpuint(decoder_fixture_last(f)->exporter->sampling_source, ==,
                     SAMPLING_NONE);

    decoder_fixture_record(f, 9, 258, own,
                           (const FixtureValue[]){ V4_1, { 300, NULL }, { 64, NULL } });
    g_assert_cmpuint(decoder_fixture_last(f)->sampling, ==, 64);
    g_assert_cmpuint(decoder_fixture_last(f)->exporter->sampling_source, ==,
                     SAMPLING_RECORD);

    /* What the operator says wins over all. */
    decoder_override_sampling(f->decoder, &f->peer, 5);
    decoder_fixture_record(f, 9, 258, own,
                           (const FixtureValue[]){ V4_1, { 300, NULL }, { 64, NULL } });
    g_assert_cmpuint(decoder_fixture_last(f)->sampling, ==, 5);
    g_assert_true(decoder_fixture_last(f)->marks & FLOW_MARK_SAMPLING_ASSUMED);
    decoder_override_sampling(f->decoder, &f->peer, 0);
    decoder_fixture_record(f, 9, 256, flow,
                           (const FixtureValue[]){ V4_1, { 301, NULL } });
    g_assert_cmpuint(decoder_fixture_last(f)->sampling, ==, 2000);
    g_assert_false(decoder_fixture_last(f)->marks & FLOW_MARK_SAMPLING_ASSUMED);
}

/* The ways to tell a rate by options, for the whole exporter. */
static void
test_sampling_options(void)
{
    static const struct {
        const char *why;
        uint16_t version;
        PacketField fields[5];
        FixtureValue values[4];
        uint32_t rate;
    } cases[] = {
        { "Juniper: element 34",
          9,
          { { 1, 4 }, { 34, 4 } },
          { { 0 }, { 1024 } },
          1024 },
        { "Juniper: a scope of length 0",
          9,
          { { 1, 0 }, { 34, 4 } },
          { { 0 }, { 512 } },
          512 },
        { "MikroTik: in its own byte order",
          9,
          { { 1, 4 }, { 34, 4 } },
          { { 0 }, { 0x64000000 } },
          100 },
        { "softflowd: 305 and 306",
          10,
          { { 149, 4 }, { 304, 2 }, { 305, 4 }, { 306, 4 } },
          { { 0 }, { 1 }, { 1 }, { 99 } },
          100 },
        { "Nokia: 305 and 306 the other way round",
          10,
          { { 149, 4 }, { 305, 4 }, { 306, 4 } },
          { { 0 }, { 999 }, { 1 } },
          1000 },
        { "IOS-XR: 305 without 306, 309 and 310",
          10,
          { { 302, 4 }, { 305, 4 }, { 309, 4 }, { 310, 4 } },
          { { 0 }, { 1 }, { 1 }, { 256 } },
          256 },
        { "305 alone", 10, { { 149, 4 }, { 305, 4 } }, { { 0 }, { 128 } }, 128 },
        { "a probability",
          10,
          { { 149, 4 }, { 311, 8 } },
          { { 0 }, { UINT64_C(0x3fa0000000000000) } },
          32 },
        { "Fortinet: nothing, said at length",
          9,
          { { 1, 4 }, { 34, 4 }, { 35, 1 } },
          { { 0 }, { 0 }, { 0 } },
          0 },
        { "ipt_NETFLOW: of flows, not of packets",
          10,
          { { 149, 4 }, { 390, 1 }, { 396, 4 }, { 397, 4 } },
          { { 0 }, { 1 }, { 1 }, { 9 } },
          0 },
    };
    static const PacketField flow[] = { { 8, 4 }, { 0, 0 } };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

        g_test_message("%s", cases[i].why);
        decoder_fixture_options(f, cases[i].version, 1, 257, cases[i].fields,
                                cases[i].values);
        decoder_fixture_record(f, cases[i].version, 256, flow,
                               (const FixtureValue[]){ V4_1 });
        g_assert_cmpuint(decoder_fixture_last(f)->sampling, ==, cases[i].rate);
        g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
    }
}

/* Options told in domain 0 are the whole device's. */
static void
test_options_of_device(void)
{
    static const PacketField sampler[] = {
        { 302, 4 }, { 309, 4 }, { 310, 4 }, { 0, 0 }
    };
    static const PacketField flow[] = { { 8, 4 }, { 302, 8 }, { 0, 0 } };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

    decoder_fixture_options(f, 10, 0, 257, sampler,
                            (const FixtureValue[]){
                                { 9, NULL }, { 1, NULL }, { 50, NULL } });
    decoder_fixture_record(f, 10, 256, flow,
                           (const FixtureValue[]){ V4_1, { 9, NULL } });
    g_assert_cmpuint(decoder_fixture_last(f)->sampling, ==, 50);
}

/* VMware fills both families, one of them with zeros. */
static void
test_twins(void)
{
    static const PacketField fields[] = { { 8, 4 },  { 12, 4 },  { 27, 16 }, { 28, 16 },
                                          { 15, 4 }, { 62, 16 }, { 0, 0 } };
    static const char six[] = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1";
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    const IpAddress v4 = decoder_fixture_v4(10, 0, 0, 1);
    const IpAddress v6 = ip_address_from_v6((const uint8_t *) six);

    decoder_fixture_record(f, 10, 256, fields,
                           (const FixtureValue[]){
                               V4_1, V4_2, { 0 }, { 0 }, { 0 }, { 0, six } });
    g_assert_true(ip_address_equal(&decoder_fixture_last(f)->src, &v4));
    g_assert_true(ip_address_equal(&decoder_fixture_last(f)->next_hop, &v6));
    g_assert_cmpuint(decoder_fixture_last(f)->marks, ==, 0);

    decoder_fixture_record(f, 10, 256, fields,
                           (const FixtureValue[]){
                               { 0 }, { 0 }, { 0, six }, { 0, six }, { 0 }, { 0 } });
    g_assert_true(ip_address_equal(&decoder_fixture_last(f)->src, &v6));
    g_assert_true(ip_address_equal(&decoder_fixture_last(f)->dst, &v6));
    g_assert_cmpuint(decoder_fixture_last(f)->marks, ==, 0);

    decoder_fixture_record(f, 10, 256, fields,
                           (const FixtureValue[]){
                               V4_1, V4_2, { 0, six }, { 0, six }, V4_1, { 0 } });
    g_assert_true(ip_address_equal(&decoder_fixture_last(f)->src, &v4));
    g_assert_cmpuint(decoder_fixture_last(f)->marks, ==, FLOW_MARK_DUAL_STACK);
}

/* Of several counts of one thing the most direct one, wherever it stands. */
static void
test_counters(void)
{
    static const struct {
        const char *why;
        PacketField fields[4];
        uint64_t octets;
        uint64_t reverse;
    } cases[] = {
        { "delta", { { 1, 4 } }, 1, 0 },
        { "delta before total", { { 85, 4 }, { 1, 4 } }, 2, 0 },
        { "total", { { 85, 8 } }, 1, 0 },
        { "initiator and responder", { { 231, 4 }, { 232, 4 } }, 1, 2 },
        { "the way out, where it is all there is", { { 23, 4 } }, 1, 0 },
        { "not beside the way in", { { 23, 4 }, { 1, 4 } }, 2, 0 },
        { "layer 2", { { 352, 8 } }, 1, 0 },
        { "reverse (RFC 5103)", { { 8, 4 }, { 1, 4 }, { 29305u << 16 | 1, 4 } }, 2, 3 },
        { "the first of several", { { 1, 4 }, { 1, 8 } }, 1, 0 },
    };
    static const FixtureValue values[] = { { 1, NULL }, { 2, NULL }, { 3, NULL } };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

        g_test_message("%s", cases[i].why);
        decoder_fixture_record(f, 10, 256, cases[i].fields, values);
        g_assert_cmpuint(decoder_fixture_last(f)->octets, ==, cases[i].octets);
        g_assert_cmpuint(decoder_fixture_last(f)->reverse_octets, ==, cases[i].reverse);
        g_assert_cmpint(flow_has(decoder_fixture_last(f), FLOW_REVERSE_OCTETS), ==,
                        cases[i].reverse != 0);
    }
}

/* Fortinet's applications have nine octets; the standard's have four. */
static void
test_applications(void)
{
    static const PacketField names[] = {
        { 1, 4 }, { 95, 4 }, { 96, 8 }, { 94, 12 }, { 0, 0 }
    };
    static const PacketField four[] = { { 8, 4 }, { 95, 4 }, { 0, 0 } };
    static const PacketField nine[] = { { 8, 4 }, { 95, 9 }, { 0, 0 } };
    const uint64_t http = UINT64_C(3) << 56 | 80;
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

    decoder_fixture_options(f, 9, 1, 257, names,
                            (const FixtureValue[]){ { 0 },
                                                    { 0, "\3\0\0\x50" },
                                                    { 0, "http\0\0\0\0" },
                                                    { 0, "World Wide  " } });
    decoder_fixture_record(f, 9, 256, four,
                           (const FixtureValue[]){ V4_1, { 0, "\3\0\0\x50" } });
    g_assert_cmpuint(decoder_fixture_last(f)->app, ==, http);
    decoder_fixture_record(f, 9, 258, nine,
                           (const FixtureValue[]){ V4_1,
                                                   { 0, "\3\0\0\0\0\0\0\0\x50" } });
    g_assert_cmpuint(decoder_fixture_last(f)->app, ==, http);

    const Exporter *exporter = decoder_fixture_last(f)->exporter;
    g_assert_cmpstr(decoder_app_name(f->decoder, exporter, http), ==, "http");
    g_assert_null(decoder_app_name(f->decoder, exporter, http + 1));
    g_assert_cmpstr(g_array_index(f->options, LearntOption, 0).description, ==,
                    "World Wide");
}

/* Interfaces by element or by v9's scope type; VRFs; a row that says nothing new is
 * not told again. */
static void
test_names(void)
{
    static const PacketField by_scope[] = { { 2, 4 }, { 82, 8 }, { 83, 8 }, { 0, 0 } };
    static const PacketField vrf[] = { { 234, 4 }, { 236, 32 }, { 0, 0 } };
    static const char name[32] = "customer-7";
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

    for (unsigned i = 0; i < 3; i++) {
        decoder_fixture_options(f, 9, 1, 257, by_scope,
                                (const FixtureValue[]){ { 11, NULL },
                                                        { 0, "Te0/1\0\0\0" },
                                                        { 0, "uplink\0\0" } });
        decoder_fixture_options(f, 9, 1, 258, vrf,
                                (const FixtureValue[]){ { 0x60000001, NULL },
                                                        { 0, name } });
    }
    g_assert_cmpuint(f->options->len, ==, 2);
    const LearntOption *interface = &g_array_index(f->options, LearntOption, 0);
    g_assert_cmpint(interface->kind, ==, LEARNT_INTERFACE);
    g_assert_cmpuint(interface->key, ==, 11);
    g_assert_cmpstr(interface->name, ==, "Te0/1");
    g_assert_cmpstr(interface->description, ==, "uplink");
    g_assert_cmpstr(decoder_vrf_name(f->decoder, interface->exporter, 0x60000001), ==,
                    "customer-7");
}

/* Behind a load balancer or NAT the exporter is whom elements 130 and 131 name, if
 * the listener says so. */
static void
test_named_exporter(void)
{
    static const PacketField options[] = { { 149, 4 }, { 130, 4 }, { 0, 0 } };
    static const PacketField plain[] = { { 8, 4 }, { 0, 0 } };
    static const PacketField own[] = { { 8, 4 }, { 130, 4 }, { 131, 16 }, { 0, 0 } };
    const IpAddress named = decoder_fixture_v4(10, 0, 0, 2);
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

    for (unsigned trust = 0; trust <= 1; trust++) {
        f->trust_exporter_address = trust;
        f->port = 1000;
        decoder_fixture_options(f, 10, 1, 257, options,
                                (const FixtureValue[]){ { 1, NULL }, V4_2 });
        f->port = 2000; /* the one that is known, from another port */
        decoder_fixture_record(f, 10, 256, plain, (const FixtureValue[]){ V4_1 });
        g_assert_cmpint(ip_address_equal(&decoder_fixture_last(f)->exporter->address,
                                         &named),
                        ==, trust);
        decoder_fixture_record(f, 10, 258, own,
                               (const FixtureValue[]){ V4_1, V4_2, { 0 } });
        g_assert_cmpint(ip_address_equal(&decoder_fixture_last(f)->exporter->address,
                                         &named),
                        ==, trust);
    }

    /* Two behind one address: by port, and neither for a port unheard of. */
    const IpAddress second = decoder_fixture_v4(10, 0, 0, 1);
    f->port = 1001;
    decoder_fixture_options(f, 10, 1, 257, options,
                            (const FixtureValue[]){ { 1, NULL }, V4_1 });
    decoder_fixture_record(f, 10, 256, plain, (const FixtureValue[]){ V4_1 });
    g_assert_true(
        ip_address_equal(&decoder_fixture_last(f)->exporter->address, &second));
    f->port = 1000;
    decoder_fixture_record(f, 10, 256, plain, (const FixtureValue[]){ V4_1 });
    g_assert_true(
        ip_address_equal(&decoder_fixture_last(f)->exporter->address, &named));
    f->port = 3000;
    decoder_fixture_record(f, 10, 256, plain, (const FixtureValue[]){ V4_1 });
    g_assert_true(
        ip_address_equal(&decoder_fixture_last(f)->exporter->address, &f->peer));
}

/* ICMP's type and code in its own elements, in their four spellings. */
static void
test_icmp(void)
{
    static const struct {
        PacketField fields[3];
        FixtureValue values[2];
        uint16_t icmp;
    } cases[] = {
        { { { 32, 2 } }, { { 0x0301, NULL } }, 0x0301 },
        { { { 139, 2 } }, { { 0x8000, NULL } }, 0x8000 },
        { { { 177, 1 }, { 176, 1 } }, { { 1, NULL }, { 3, NULL } }, 0x0301 },
        { { { 32, 2 }, { 139, 2 } }, { { 0, NULL }, { 0x8000, NULL } }, 0x8000 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

        decoder_fixture_record(f, 10, 256, cases[i].fields, cases[i].values);
        g_assert_true(flow_has(decoder_fixture_last(f), FLOW_ICMP));
        g_assert_cmpuint(decoder_fixture_last(f)->icmp, ==, cases[i].icmp);
    }
}

/* H3C and others: variable length and element 0 in v9, 4 octets of forwardingStatus,
 * strings where others have numbers (WLC 147, 371), elements above 127. */
static void
test_odd_fields(void)
{
    static const PacketField fields[] = { { 0, 3 },   { 89, 4 },  { 147, 33 },
                                          { 371, 5 }, { 244, 1 }, { 56701, 4 },
                                          { 8, 4 },   { 1, 5 },   { 0, 0 } };
    static const FixtureValue values[] = { { 9, NULL }, { 0x40000000, NULL },
                                           { 0 },       { 0, "alice" },
                                           { 1, NULL }, { 0, "web!" },
                                           V4_1,        { 1234, NULL } };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

    decoder_fixture_record(f, 9, 256, fields, values);
    g_assert_cmpuint(decoder_fixture_last(f)->octets, ==, 1234);
    g_assert_cmpuint(decoder_fixture_last(f)->present, ==, FLOW_SRC | FLOW_OCTETS);
    g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
}

/* A flow need not have counters: a denied connection is one. */
static void
test_event_without_counters(void)
{
    static const PacketField fields[] = { { 8, 4 }, { 233, 1 }, { 0, 0 } };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

    decoder_fixture_record(f, 9, 256, fields,
                           (const FixtureValue[]){ V4_1, { 3, NULL } });
    g_assert_cmpuint(decoder_fixture_last(f)->event, ==, 3);
    g_assert_cmpuint(decoder_counters(f->decoder)->flow_records, ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/quirks/nsel-totals-become-increments", test_nsel);
    g_test_add_func("/quirks/asa-vendor-types", test_asa_vendor_types);
    g_test_add_func("/quirks/nx-os-wide-uptimes", test_nx_os);
    g_test_add_func("/quirks/samplers", test_samplers);
    g_test_add_func("/quirks/sampling-options", test_sampling_options);
    g_test_add_func("/quirks/options-of-domain-0-are-the-device-s",
                    test_options_of_device);
    g_test_add_func("/quirks/both-families-in-one-record", test_twins);
    g_test_add_func("/quirks/every-kind-of-counter", test_counters);
    g_test_add_func("/quirks/applications", test_applications);
    g_test_add_func("/quirks/interface-and-vrf-names", test_names);
    g_test_add_func("/quirks/named-exporter", test_named_exporter);
    g_test_add_func("/quirks/icmp-in-four-spellings", test_icmp);
    g_test_add_func("/quirks/odd-fields-are-stepped-over", test_odd_fields);
    g_test_add_func("/quirks/an-event-needs-no-counters", test_event_without_counters);
    return g_test_run();
}
