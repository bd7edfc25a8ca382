/* SPDX-License-Identifier: Apache-2.0 */
#include "service-port.h"

#include <glib.h>

/* Services that networks see, TCP and UDP alike. */
static const uint16_t known[] = {
    20,    21,    22,    23,    25,    43,    49,    53,    67,    68,    69,    79,
    80,    88,    102,   110,   111,   113,   119,   123,   135,   137,   138,   139,
    143,   161,   162,   179,   194,   389,   427,   443,   445,   464,   465,   500,
    502,   512,   513,   514,   515,   520,   546,   547,   548,   554,   563,   587,
    623,   631,   636,   646,   664,   689,   749,   853,   860,   873,   902,   989,
    990,   992,   993,   995,   1080,  1194,  1433,  1434,  1443,  1494,  1521,  1645,
    1646,  1701,  1719,  1720,  1723,  1812,  1813,  1883,  1900,  1935,  2049,  2055,
    2083,  2181,  2222,  2375,  2376,  2379,  2380,  2404,  2483,  2484,  3000,  3128,
    3260,  3268,  3269,  3306,  3389,  3478,  3479,  3689,  3702,  4070,  4172,  4369,
    4433,  4443,  4444,  4500,  4505,  4506,  4646,  4739,  4784,  4789,  5000,  5004,
    5005,  5044,  5060,  5061,  5201,  5222,  5223,  5228,  5269,  5349,  5351,  5353,
    5355,  5432,  5555,  5601,  5671,  5672,  5683,  5684,  5900,  5901,  5938,  5984,
    5985,  5986,  6000,  6081,  6343,  6379,  6443,  6514,  6667,  6697,  6881,  7000,
    7001,  7946,  8000,  8008,  8080,  8081,  8086,  8088,  8123,  8140,  8200,  8300,
    8301,  8333,  8443,  8500,  8530,  8531,  8600,  8801,  8883,  8888,  9000,  9042,
    9090,  9092,  9093,  9100,  9200,  9300,  9418,  9443,  9996,  10000, 10050, 10051,
    10250, 11211, 15672, 17500, 19302, 20000, 25565, 27015, 27017, 30303, 32400, 44818,
    47808, 51820,
};

enum { TCP = 6, UDP = 17, DCCP = 33, SCTP = 132, UDP_LITE = 136 };

/* One bit a port: asked for every flow. */
static const uint64_t *
bits(void)
{
    static uint64_t words[65536 / 64];
    static gsize is_made;

    if (g_once_init_enter(&is_made)) {
        for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
            words[known[i] / 64] |= UINT64_C(1) << known[i] % 64;
        g_once_init_leave(&is_made, 1);
    }
    return words;
}

bool
service_port_is_known(uint16_t port)
{
    return (bits()[port / 64] >> port % 64 & 1) != 0;
}

bool
service_port_has_ports(uint8_t protocol)
{
    switch (protocol) {
    case TCP:
    case UDP:
    case DCCP:
    case SCTP:
    case UDP_LITE:
        return true;
    default:
        return false;
    }
}

uint16_t
service_port_pick(uint8_t protocol, uint16_t src_port, uint16_t dst_port)
{
    if (!service_port_has_ports(protocol))
        return 0;

    const uint16_t src = service_port_is_known(src_port) ? src_port : 0;
    const uint16_t dst = service_port_is_known(dst_port) ? dst_port : 0;

    return src == 0 || (dst != 0 && dst < src) ? dst : src;
}
