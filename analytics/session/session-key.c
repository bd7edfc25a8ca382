/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session-key.h"

#include "service-port.h"

enum { ICMP = 1, ICMP6 = 58 };

bool
session_key_is_icmp(const SessionKey *key)
{
    return key->protocol == ICMP || key->protocol == ICMP6;
}

/* Types that answer another (RFC 792, 950, 4443). */
static uint16_t
question_of(uint8_t protocol, uint16_t type_code)
{
    static const uint8_t answers[][3] = {
        { ICMP, 0, 8 },   { ICMP, 14, 13 },    { ICMP, 16, 15 },
        { ICMP, 18, 17 }, { ICMP6, 129, 128 },
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        if (answers[i][0] == protocol && answers[i][1] == type_code >> 8)
            return (uint16_t) (answers[i][2] << 8 | (type_code & 0xff));
    }
    return type_code;
}

bool
session_key_of(const FlowRow *row, SessionKey *key)
{
    const bool is_icmp = row->protocol == ICMP || row->protocol == ICMP6;
    const bool has_ports = service_port_has_ports(row->protocol);
    const uint16_t type = is_icmp ? question_of(row->protocol, row->dst_port) : 0;
    const bool is_answer = is_icmp && type != row->dst_port;
    const uint16_t src_port = has_ports ? row->src_port : is_answer ? type : 0;
    const uint16_t dst_port = has_ports ? row->dst_port : is_answer ? 0 : type;
    const int order = memcmp(&row->src, &row->dst, sizeof(row->src));
    const bool forward = order < 0 || (order == 0 && src_port <= dst_port);

    *key = (SessionKey){
        .low = forward ? row->src : row->dst,
        .high = forward ? row->dst : row->src,
        .low_port = forward ? src_port : dst_port,
        .high_port = forward ? dst_port : src_port,
        .protocol = row->protocol,
    };
    return forward;
}

static inline uint64_t
mix(uint64_t a, uint64_t b)
{
    const unsigned __int128 product = (unsigned __int128) a * b;

    return (uint64_t) product ^ (uint64_t) (product >> 64);
}

uint64_t
session_key_hash(const SessionKey *key)
{
    uint64_t words[4], rest = 0;

    memcpy(words, key, sizeof(words));
    memcpy(&rest, (const uint8_t *) key + sizeof(words), sizeof(*key) - sizeof(words));

    /* Multiply and fold, as wyhash does; the constants are odd and well mixed. */
    const uint64_t a = mix(words[0] ^ UINT64_C(0xa0761d6478bd642f),
                           words[1] ^ UINT64_C(0xe7037ed1a0b428db));
    const uint64_t b = mix(words[2] ^ UINT64_C(0x8ebc6af09c88c6e3),
                           words[3] ^ UINT64_C(0x589965cc75374cc3));

    return mix(a ^ rest ^ UINT64_C(0x1d8e4e27c47d124f),
               b ^ UINT64_C(0xeb44accab455d165));
}
