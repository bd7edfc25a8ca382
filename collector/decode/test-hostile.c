/* SPDX-License-Identifier: Apache-2.0 */

/* Bad input by class (the numbers are those of the catalogue in
 * the test plan): what becomes of the message, that nothing else suffers,
 * that no message costs much time and none much memory. */

#include <string.h>

#include "clock.h"
#include "decode/decoder-fixture.h"

#define RECORD "0a000001 0a000002 0400 01bb 06 00000001 0000000000000064 "
#define GOOD   "0100 001d " RECORD

/* Template 257 of an address and one more field; of an address and a counter. */
#define ADDRESS_AND(field)       "0002 0010 0101 0002 0008 0004 " field " "
#define FIELD_AND_COUNTER(field) "0002 0010 0101 0002 " field " 0001 0004 "
#define TEXT                     "0173 ffff" /* userName, which nobody keeps */

typedef struct {
    unsigned class;
    const char *why;
    uint16_t version;
    const char *body; /* hexadecimal, behind the header; IPFIX lengths are filled in */
    DecodeStatus status;
    uint64_t n_status;
    size_t n_flows;
} Case;

static const Case cases[] = {
    { 7, "set length 0", 10, GOOD "0100 0000", DECODE_SET_LENGTH, 1, 0 },
    { 7, "set length 0", 9, GOOD "0100 0000", DECODE_SET_LENGTH, 1, 0 },
    { 7, "set id and length 0, then more", 9, GOOD "0000 0000 0001", DECODE_SET_LENGTH,
      1, 0 },
    { 8, "set length 1", 10, GOOD "0100 0001", DECODE_SET_LENGTH, 1, 0 },
    { 8, "set length 3", 9, GOOD "0100 0003", DECODE_SET_LENGTH, 1, 0 },
    { 9, "set past the end", 10, GOOD "0100 001e " RECORD, DECODE_SET_LENGTH, 1, 0 },
    { 9, "set past the end", 9, GOOD "0100 ffff " RECORD, DECODE_SET_LENGTH, 1, 0 },
    { 10, "set header of 1 octet", 10, GOOD "01", DECODE_SET_HEADER, 1, 0 },
    { 10, "set header of 3 octets", 9, GOOD "0100 00 01", DECODE_SET_LENGTH, 1, 0 },
    { 10, "set header of 2 octets", 9, GOOD "0100", DECODE_SET_HEADER, 1, 0 },
    { 10, "padding is none", 10, GOOD "0000 00", DECODE_OK, 0, 1 },
    { 11, "reserved set 0", 10, GOOD "0000 0008 00000000", DECODE_SET_ID, 1, 0 },
    { 11, "reserved set 1", 10, GOOD "0001 0004", DECODE_SET_ID, 1, 0 },
    { 11, "reserved set 4", 10, GOOD "0004 0004", DECODE_SET_ID, 1, 0 },
    { 11, "reserved set 255", 10, GOOD "00ff 0005 01", DECODE_SET_ID, 1, 0 },
    { 11, "v9 ignores set 2", 9, "0002 0008 00000000 " GOOD, DECODE_SET_ID, 1, 1 },
    { 11, "v9 ignores set 255", 9, "00ff 0004 " GOOD, DECODE_SET_ID, 1, 1 },
    { 13, "empty sets", 10, "0100 0004 0002 0004 0003 0004 0190 0004 " GOOD, DECODE_OK,
      0, 1 },
    { 20, "rubbish", 10, "dead beef cafe f00d", DECODE_SET_LENGTH, 1, 0 },

    { 22, "template id 255", 10, "0002 000c 00ff 0001 0001 0004 " GOOD,
      DECODE_TEMPLATE_ID, 1, 1 },
    { 23, "template id 0", 9, "0000 000c 0000 0001 0001 0004 " GOOD, DECODE_TEMPLATE_ID,
      1, 1 },
    { 24, "withdrawal over UDP", 10, "0002 0008 0100 0000 " GOOD, DECODE_OK, 0, 1 },
    { 26, "withdrawal of all over UDP", 10, "0002 0008 0002 0000 " GOOD, DECODE_OK, 0,
      1 },
    { 27, "withdrawal of nothing", 10, "0002 0008 0999 0000 " GOOD, DECODE_OK, 0, 1 },
    { 28, "withdrawal cut", 10, GOOD "0002 0006 0100", DECODE_TEMPLATE_CUT, 1, 0 },
    { 28, "withdrawal of 1 octet", 10, GOOD "0002 0005 01", DECODE_TEMPLATE_CUT, 1, 0 },
    { 29, "v9 template without fields, and its data", 9,
      "0000 0008 0101 0000 0101 0008 00000001 " GOOD, DECODE_TEMPLATE_EMPTY, 2, 1 },
    { 30, "65535 fields said, one there", 10, GOOD "0002 000c 0101 ffff 0001 0004",
      DECODE_TEMPLATE_CUT, 1, 0 },
    { 30, "the same in v9", 9, GOOD "0000 000c 0101 ffff 0001 0004",
      DECODE_TEMPLATE_CUT, 1, 0 },
    { 32, "a field of length 0", 10, ADDRESS_AND("0001 0000") "0101 0008 0a000001",
      DECODE_OK, 0, 1 },
    { 33, "all of length 0, and its data", 10,
      "0002 0010 0101 0002 0008 0000 0001 0000 0101 0008 00000001 " GOOD,
      DECODE_TEMPLATE_RECORD, 2, 1 },
    { 34, "records longer than any message", 10,
      "0002 0014 0101 0003 0200 7fff 0200 7fff 0200 7fff " GOOD, DECODE_TEMPLATE_RECORD,
      1, 1 },
    { 34, "one octet too long", 10, "0002 0010 0101 0002 0200 fffb 0200 0001 " GOOD,
      DECODE_TEMPLATE_RECORD, 1, 1 },
    { 34, "as long as can be", 10, "0002 000c 0101 0001 0200 fffb " GOOD, DECODE_OK, 0,
      1 },
    { 35, "enterprise number cut off", 10, GOOD "0002 000c 0101 0001 8001 0004",
      DECODE_TEMPLATE_CUT, 1, 0 },
    { 37, "variable length in v9", 9,
      "0000 0010 0101 0002 0008 0004 0001 ffff 0101 000b 0a000001 02 0064", DECODE_OK,
      0, 1 },
    { 38, "address of variable length", 10,
      FIELD_AND_COUNTER("0008 ffff") "0101 000d 04 0a000001 00000064", DECODE_OK, 0,
      1 },
    { 38, "the same, of 5 octets", 10,
      FIELD_AND_COUNTER("0008 ffff") "0101 000e 05 0a00000102 00000064",
      DECODE_FIELD_LENGTH, 1, 1 },
    { 39, "IPv4 address of 50 octets", 10,
      FIELD_AND_COUNTER("0008 0032") "0100 0004 " GOOD, DECODE_FIELD_LENGTH, 1, 1 },
    { 40, "IPv4 address of 1 octet", 10,
      FIELD_AND_COUNTER("0008 0001") "0101 0009 0a 00000064", DECODE_FIELD_LENGTH, 1,
      1 },
    { 40, "IPv6 address of 3 octets", 10,
      FIELD_AND_COUNTER("001b 0003") "0101 000b 0a0b0c 00000064", DECODE_FIELD_LENGTH,
      1, 1 },
    { 41, "counter of 3 octets", 10,
      ADDRESS_AND("0001 0003") "0101 000b 0a000001 000064", DECODE_OK, 0, 1 },
    { 41, "counter of 9 octets", 10, ADDRESS_AND("0001 0009") GOOD,
      DECODE_TEMPLATE_FIELD, 1, 1 },
    { 41, "counter of 16 octets, and data", 10,
      ADDRESS_AND("0001 0010") "0101 0018 0a000001 00000000000000000000000000000064",
      DECODE_TEMPLATE_FIELD, 2, 0 },
    { 42, "milliseconds of 4 octets", 10, ADDRESS_AND("0098 0004") GOOD,
      DECODE_TEMPLATE_FIELD, 1, 1 },
    { 42, "a float of 2 octets", 10,
      "0003 0012 0101 0002 0001 000a 0004 0137 0002 " GOOD, DECODE_TEMPLATE_FIELD, 1,
      1 },
    { 51, "3 octets behind a template", 10,
      "0002 000f 0101 0001 0008 0004 aabbcc 0101 0008 0a000001", DECODE_OK, 0, 1 },
    { 51, "zeros behind a template", 10,
      "0002 0014 0101 0001 0008 0004 0000000000000000 " GOOD, DECODE_OK, 0, 1 },
    { 52, "7 octets of padding", 10, "0100 0024 " RECORD "01020304050607", DECODE_OK, 0,
      1 },
    { 52, "padding as long as a record is one", 10,
      "0100 0036 " RECORD "00000000000000000000000000000000000000000000000000",
      DECODE_OK, 0, 2 },
    { 53, "records of 1 octet are not padding", 10,
      "0002 000c 0101 0001 0004 0001 0101 0008 06000000", DECODE_OK, 0, 4 },
    { 54, "data before its template", 10,
      "0101 0008 0a000001 0002 000c 0101 0001 0008 0004", DECODE_OK, 0, 1 },

    { 57, "options without scope", 10, "0003 000e 0101 0001 0000 0022 0004 " GOOD,
      DECODE_TEMPLATE_SCOPE, 1, 1 },
    { 57, "IOS-XE sends them in v9", 9, "0001 000e 0101 0000 0004 0022 0004 " GOOD,
      DECODE_OK, 0, 1 },
    { 58, "more scope than fields", 10, "0003 000e 0101 0001 0002 0022 0004 " GOOD,
      DECODE_TEMPLATE_SCOPE, 1, 1 },
    { 58, "65535 scope fields", 10, "0003 000e 0101 0001 ffff 0022 0004 " GOOD,
      DECODE_TEMPLATE_SCOPE, 1, 1 },
    { 58, "and their data", 10, "0003 000e 0101 0001 ffff 0022 0004 0101 0008 00000001",
      DECODE_TEMPLATE_SCOPE, 2, 0 },
    { 59, "option lengths of 3", 9, GOOD "0001 0012 0101 0003 0004 0001 0004 0022 0004",
      DECODE_OPTIONS_LENGTH, 1, 0 },
    { 59, "option lengths past the set", 9,
      GOOD "0001 0012 0101 0004 0008 0001 0004 0022 0004", DECODE_OPTIONS_LENGTH, 1,
      0 },
    { 60, "option lengths above 65535", 9,
      "0001 0012 0101 fffc fffc 0001 0004 0022 0004 " GOOD, DECODE_TEMPLATE_RECORD, 1,
      1 },
    { 61, "options header of v9 in IPFIX", 10,
      GOOD "0003 0012 0101 0004 0004 0001 0004 0022 0004", DECODE_TEMPLATE_CUT, 1, 0 },

    { 76, "structured data is stepped over", 10,
      ADDRESS_AND("0123 ffff") "0101 000d 0a000001 04 ffffffff", DECODE_OK, 0, 1 },
    { 77, "so is a list of its own template", 10,
      ADDRESS_AND("0124 ffff") "0101 000c 0a000001 03 030101", DECODE_OK, 0, 1 },
    { 78, "and one with lengths that lie", 10,
      ADDRESS_AND("0125 ffff") "0101 000e 0a000001 05 03 0101 0000", DECODE_OK, 0, 1 },
    { 79, "reverse counters and no key, in a template for lists", 10,
      "0002 0010 0101 0001 8001 0004 00007279 " GOOD, DECODE_OK, 0, 1 },
    { 79, "and in records", 10,
      "0002 0010 0101 0001 8001 0004 00007279 0101 0008 00000001 " GOOD,
      DECODE_TEMPLATE_BIFLOW, 1, 1 },

    { 80, "length 0", 10, ADDRESS_AND(TEXT) "0101 0009 0a000001 00", DECODE_OK, 0, 1 },
    { 80, "long form for a short one", 10,
      ADDRESS_AND(TEXT) "0101 000d 0a000001 ff 0002 6162", DECODE_OK, 0, 1 },
    { 80, "past the set", 10, ADDRESS_AND(TEXT) "0101 000a 0a000001 02 61",
      DECODE_VARLEN, 1, 0 },
    { 80, "long form past the set", 10,
      GOOD ADDRESS_AND(TEXT) "0101 000c 0a000001 ff ffff 61", DECODE_VARLEN, 1, 0 },
    { 80, "no octet of the long form", 10, ADDRESS_AND(TEXT) "0101 0009 0a000001 ff",
      DECODE_VARLEN, 1, 0 },
    { 80, "one octet of the long form", 10,
      ADDRESS_AND(TEXT) "0101 000a 0a000001 ff 00", DECODE_VARLEN, 1, 0 },
    { 80, "the second record, after a good set", 10,
      GOOD ADDRESS_AND(TEXT) "0101 000f 0a000001 01 61 0a000001 05", DECODE_VARLEN, 1,
      0 },
    { 80, "a template of the same message decides", 9,
      GOOD "0000 0010 0101 0002 0008 0004 " TEXT " 0101 0009 0a000001 05",
      DECODE_VARLEN, 1, 0 },
};

static void
put_hex(PacketFixture *packet, const char *hex)
{
    for (; *hex; hex++) {
        if (*hex == ' ')
            continue;
        packet_fixture_uint(packet,
                            (unsigned) g_ascii_xdigit_value(hex[0]) << 4 |
                                (unsigned) g_ascii_xdigit_value(hex[1]),
                            1);
        hex++;
    }
}

static void
send_templates(DecoderFixture *f)
{
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    f->now_us += 10 * US_PER_SEC; /* else it would be the network's repetition */

    for (uint16_t version = 9; version <= 10; version++) {
        packet_fixture_begin(packet, version, 1, 0);
        packet_fixture_template(packet, 256, decoder_fixture_plain);
        packet_fixture_end(packet);
        decoder_fixture_send(f, packet);
    }
}

static DecoderFixture *
new_fixture(void)
{
    DecoderFixture *f = decoder_fixture_new(NULL);

    f->peer = decoder_fixture_v4(192, 0, 2, 99); /* the neighbour */
    send_templates(f);
    f->peer = decoder_fixture_v4(192, 0, 2, 1);
    send_templates(f);
    return f;
}

static void
assert_still_decodes(DecoderFixture *f, uint8_t peer, uint32_t sequence)
{
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    const guint before = f->flows->len;

    f->peer = decoder_fixture_v4(192, 0, 2, peer);
    packet_fixture_begin(packet, 10, 1, sequence);
    put_hex(packet, GOOD);
    packet_fixture_end(packet);
    packet_fixture_begin(packet, 9, 1, sequence);
    put_hex(packet, GOOD);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);
    g_assert_cmpuint(f->flows->len, ==, before + 2);
}

static void
assert_others_are_well(DecoderFixture *f)
{
    f->session = 0;
    assert_still_decodes(f, 99, 1000); /* the neighbour */
    assert_still_decodes(f, 1, 1000);  /* and the exporter itself */
    g_assert_cmpuint(decoder_bytes(f->decoder), <=,
                     2 * f->limits.max_template_bytes + 512 * f->limits.max_waiting);
}

static void
test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Case *c = &cases[i];
        g_autoptr(DecoderFixture) f = new_fixture();
        g_autoptr(PacketFixture) packet = packet_fixture_new();

        g_test_message("%u: %s", c->class, c->why);
        packet_fixture_begin(packet, c->version, 1, 0);
        put_hex(packet, c->body);
        packet_fixture_end(packet);
        decoder_fixture_send(f, packet);

        g_assert_cmpuint(f->flows->len, ==, c->n_flows);
        g_assert_cmpuint(decoder_fixture_status(f, c->status), ==, c->n_status);
        g_assert_cmpuint(decoder_fixture_n_bad(f), ==, c->n_status);
        if (c->status != DECODE_OK)
            g_assert_cmpuint(decoder_fixture_lost(f, decode_status_reason(c->status),
                                                  decode_status_class(c->status)),
                             ==, c->n_status);
        assert_others_are_well(f);
    }
}

/* Whole datagrams, header and all. */
static const struct {
    unsigned class;
    const char *why;
    const char *bytes;
    DecodeStatus status;
    size_t n_flows;
} datagrams[] = {
    { 1, "nothing", "", DECODE_EMPTY, 0 },
    { 2, "1 octet", "00", DECODE_SHORT_HEADER, 0 },
    { 3, "v5 header cut", "0005 0001 00000000 00000000 00000000 00000000 0000 00",
      DECODE_SHORT_HEADER, 0 },
    { 3, "v9 header cut", "0009 0001 00000000 00000000 00000000 000000",
      DECODE_SHORT_HEADER, 0 },
    { 3, "IPFIX header cut", "000a 0010 00000000 00000000 000000", DECODE_SHORT_HEADER,
      0 },
    { 4, "IPFIX length beyond the datagram", "000a 0011 00000000 00000000 00000001",
      DECODE_MESSAGE_LENGTH, 0 },
    { 5, "IPFIX length 0", "000a 0000 00000000 00000000 00000001",
      DECODE_MESSAGE_LENGTH, 0 },
    { 5, "IPFIX length 15", "000a 000f 00000000 00000000 00000001",
      DECODE_MESSAGE_LENGTH, 0 },
    { 6, "zeros behind it", "000a 002d 00000000 00000000 00000001 " GOOD "000000000000",
      DECODE_OK, 1 },
    { 6, "another behind it",
      "000a 002d 00000000 00000000 00000001 " GOOD
      "000a 002d 00000000 00000001 00000001 " GOOD,
      DECODE_OK, 2 },
    { 6, "rubbish behind it", "000a 002d 00000000 00000000 00000001 " GOOD "deadbeef",
      DECODE_TRAILING, 1 },
    { 6, "half of another behind it",
      "000a 002d 00000000 00000000 00000001 " GOOD
      "000a 002d 00000000 00000001 00000001 0100",
      DECODE_TRAILING, 1 },
    { 6, "a bad one behind it",
      "000a 002d 00000000 00000000 00000001 " GOOD
      "000a 0014 00000000 00000001 00000001 0100 0000",
      DECODE_SET_LENGTH, 1 },
    { 6, "v9 filled with zeros",
      "0009 0001 0036ee80 6553f100 00000001 00000001 " GOOD "00000000000000000000",
      DECODE_OK, 1 },
    { 12, "version 0", "0000 0010 00000000 00000000 00000001", DECODE_VERSION, 0 },
    { 12, "version 8", "0008 0010 00000000 00000000 00000001", DECODE_VERSION, 0 },
    { 12, "version 11", "000b 0010 00000000 00000000 00000001", DECODE_VERSION, 0 },
    { 12, "version 65535", "ffff 0010 00000000 00000000 00000001", DECODE_VERSION, 0 },
    { 12, "version 265 is not 9", "0109 0001 00000000 00000000 00000000 00000001",
      DECODE_VERSION, 0 },
    { 14, "v9 count 0", "0009 0000 0036ee80 6553f100 00000001 00000001 " GOOD,
      DECODE_OK, 1 },
    { 14, "v9 count 65535", "0009 ffff 0036ee80 6553f100 00000001 00000001 " GOOD,
      DECODE_OK, 1 },
};

static void
test_datagrams(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(datagrams); i++) {
        g_autoptr(DecoderFixture) f = new_fixture();
        g_autoptr(PacketFixture) packet = packet_fixture_new();

        g_test_message("%u: %s", datagrams[i].class, datagrams[i].why);
        put_hex(packet, datagrams[i].bytes);
        decoder_fixture_send(f, packet);

        g_assert_cmpuint(f->flows->len, ==, datagrams[i].n_flows);
        g_assert_cmpuint(decoder_fixture_n_bad(f), ==,
                         datagrams[i].status != DECODE_OK);
        if (datagrams[i].status != DECODE_OK)
            g_assert_cmpuint(decoder_fixture_status(f, datagrams[i].status), ==, 1);
        assert_others_are_well(f);
    }
}

/* 15: v5 whose count lies, and 16: whose sampling field has a mode. */
static void
test_v5_counts(void)
{
    static const struct {
        uint16_t n_records; /* there are */
        uint16_t count;     /* the header says */
        unsigned n_extra;   /* octets behind them */
        size_t n_flows;
    } v5[] = {
        { 3, 3, 0, 3 },     { 3, 0, 0, 0 },   { 3, 31, 0, 0 },
        { 3, 65535, 0, 0 }, { 3, 4, 0, 0 },   { 3, 3, 47, 3 },
        { 30, 30, 0, 30 },  { 31, 31, 0, 0 }, { 3, 2, 0, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(v5); i++) {
        g_autoptr(DecoderFixture) f = new_fixture();
        g_autoptr(PacketFixture) packet = packet_fixture_new();

        packet_fixture_v5(packet, v5[i].n_records, 0, 0xc000 | 100);
        packet_fixture_set(packet, 2, v5[i].count, 2);
        packet_fixture_fill(packet, 0, v5[i].n_extra);
        decoder_fixture_send(f, packet);

        g_assert_cmpuint(f->flows->len, ==, v5[i].n_flows);
        g_assert_cmpuint(decoder_fixture_status(f, DECODE_RECORD_COUNT), ==,
                         v5[i].n_flows == 0);
        if (v5[i].n_flows > 0)
            g_assert_cmpuint(decoder_fixture_flow(f, 0)->sampling, ==, 100);
        assert_others_are_well(f);
    }
}

/* 17: as large as UDP allows. */
static void
test_jumbo(void)
{
    g_autoptr(DecoderFixture) f = new_fixture();
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    packet_fixture_begin(packet, 10, 1, 0);
    packet_fixture_begin_set(packet, 256);
    while (packet->bytes->len + 25 <= 65507)
        put_hex(packet, RECORD);
    packet_fixture_end_set(packet);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);
    g_assert_cmpuint(f->flows->len, ==, (65507 - 20) / 25);
}

/* 21: mutations of good packets, which the sanitizers watch. */
static void
test_mutations(void)
{
    g_autoptr(DecoderFixture) f = new_fixture();
    g_autoptr(GRand) random = g_rand_new_with_seed(3954);
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    const unsigned n = g_test_slow() ? 2000000 : 20000;

    for (unsigned i = 0; i < n; i++) {
        const Case *c = &cases[g_rand_int_range(random, 0, G_N_ELEMENTS(cases))];
        const unsigned n_wrong = g_rand_int_range(random, 0, 4);

        packet_fixture_begin(packet, c->version, g_rand_int_range(random, 1, 4), i);
        put_hex(packet, c->body);
        put_hex(packet, cases[g_rand_int_range(random, 0, G_N_ELEMENTS(cases))].body);
        packet_fixture_end(packet);
        for (unsigned k = 0; k < n_wrong; k++)
            packet_fixture_set(packet, g_rand_int_range(random, 0, packet->bytes->len),
                               g_rand_int(random), 1);
        f->session = g_rand_int_range(random, 0, 3);
        f->now_us += 1000;
        f->trust_exporter_address = g_rand_boolean(random);
        decoder_fixture_send(f, packet);
        if (i % 1000 == 0) {
            decoder_tick(f->decoder, f->now_us);
            decoder_end_session(f->decoder, 2, f->now_us);
        }
    }
    f->trust_exporter_address = false;
    send_templates(f);
    f->peer = decoder_fixture_v4(192, 0, 2, 99);
    f->session = 0;
    send_templates(f);
    assert_others_are_well(f);
}

/* A refused template: its data neither wait nor are taken for the old one's. */
static void
test_refused_replaces(void)
{
    g_autoptr(DecoderFixture) f = new_fixture();
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    packet_fixture_begin(packet, 10, 1, 0);
    put_hex(packet, "0002 0010 0100 0002 0008 0004 0001 0009 " GOOD);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);
    g_assert_cmpuint(f->flows->len, ==, 0);
    g_assert_cmpuint(decoder_fixture_status(f, DECODE_TEMPLATE_FIELD), ==, 2);
    const LearntTemplate *last =
        &g_array_index(f->templates, LearntTemplate, f->templates->len - 1);
    g_assert_null(last->body);
    g_assert_cmpuint(last->id, ==, 256);

    send_templates(f); /* 48: after a genuine refresh all is well again */
    assert_others_are_well(f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hostile/messages", test_cases);
    g_test_add_func("/hostile/datagrams", test_datagrams);
    g_test_add_func("/hostile/v5-counts", test_v5_counts);
    g_test_add_func("/hostile/jumbo-datagram", test_jumbo);
    g_test_add_func("/hostile/mutations", test_mutations);
    g_test_add_func("/hostile/a-refused-template-replaces", test_refused_replaces);
    return g_test_run();
}
