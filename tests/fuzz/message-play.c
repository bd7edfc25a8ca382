/* SPDX-License-Identifier: Apache-2.0 */
#include "message-play.h"

#include "stream-play.h"

/* To three exporters, since the same message again would be dropped as a duplicate. */
#define UDP       0x00
#define UDP_LATER 0x3a /* another port, half an hour later, addresses trusted */
#define TCP       0x05
#define LATER     0x20

/* IPFIX: 256 addresses, ports, counters, times; 257 of variable length, with enterprise
 * numbers; 258 options of the selector, 259 of an interface, 260 of an application; 261
 * of reduced lengths; 262 NSEL. */
#define FIELDS_256                                                                     \
    "0008 0004 000c 0004 0007 0002 000b 0002 0004 0001 0002 0008 0001 0008"
static const char known[] =
    "000a 0000 00000000 00000000 00000000"
    "0002 003c 0100 000d" FIELDS_256 "0098 0008 0099 0008 000a 0004 000e 0004 0006 0002"
    "0088 0001"
    "0002 002c 0101 0007 001b 0010 001c 0010 0060 ffff 8001 0008 00007279 8002 0004"
    "00007279 005f ffff 0022 0004"
    "0003 001a 0102 0004 0001 012e 0004 0131 0004 0132 0004 0137 0008"
    "0003 0016 0103 0003 0001 000a 0004 0052 ffff 0053 ffff"
    "0003 0012 0104 0002 0001 005f 0004 0060 ffff"
    "0002 0024 0105 0007 0008 0004 000c 0004 0002 0003 0001 0005 000a 0002 0015 0004"
    "0016 0004"
    "0002 0030 0106 000a 0008 0004 000c 0004 0007 0002 000b 0002 0004 0001 00e9 0001"
    "0094 0004 00e7 0004 00e8 0004 0143 0008";

/* The templates of @known, as IPFIX over both transports. */
static void
put_known(GByteArray *to)
{
    uint8_t message[1024];
    size_t n_bytes = 0;

    for (const char *at = known; *at;) {
        if (*at == ' ') {
            at++;
            continue;
        }
        message[n_bytes++] =
            (uint8_t) (g_ascii_xdigit_value(at[0]) << 4 | g_ascii_xdigit_value(at[1]));
        at += 2;
    }
    message[2] = (uint8_t) (n_bytes >> 8);
    message[3] = (uint8_t) n_bytes;
    stream_play_put(to, UDP, message, n_bytes);
    stream_play_put(to, UDP_LATER & ~LATER, message, n_bytes);
    stream_play_put(to, TCP, message, n_bytes);
}

GByteArray *
message_play_stream(const uint8_t *bytes, size_t n_bytes)
{
    static const uint8_t ways[] = { UDP, TCP, UDP_LATER };
    GByteArray *stream = g_byte_array_new();

    put_known(stream);
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++)
        stream_play_put(stream, ways[i], bytes, n_bytes);
    return stream;
}
