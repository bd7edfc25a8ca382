/* SPDX-License-Identifier: Apache-2.0 */
#include "capture-file.h"

#include <pcap/pcap.h>
#include <string.h>

#include "clock.h"
#include "ip-fragments.h"
#include "reader.h"

#define IPPROTO_FRAGMENT_V6 44
#define ETHERTYPE_IPV4      0x0800
#define ETHERTYPE_IPV6      0x86dd
#define ETHERTYPE_VLAN      0x8100
#define ETHERTYPE_QINQ      0x88a8
#define MAX_VLAN_TAGS       4
#define UDP_HEADER_BYTES    8

/* The end of the year 9999: the latest time there is in a capture, whose own fields
 * would reach beyond what microseconds can say. */
#define LAST_SEC INT64_C(253402300799)

#define IPFIX_VERSION      10
#define IPFIX_HEADER_BYTES 16

struct CaptureFile {
    char *path;
    uint64_t n_bytes;
    uint64_t skipped;

    pcap_t *pcap; /* NULL for a stream */
    IpFragments *fragments;

    GMappedFile *stream; /* NULL for a pcap */
    size_t at;           /* in the stream */
    IpAddress stream_peer;
};

/* --- opening --- */

static bool
looks_like_stream(GMappedFile *map)
{
    const uint8_t *bytes = (const uint8_t *) g_mapped_file_get_contents(map);

    return g_mapped_file_get_length(map) >= 4 && bytes[0] == 0 &&
           bytes[1] == IPFIX_VERSION;
}

static bool
open_pcap(CaptureFile *self, GError **error)
{
    char why[PCAP_ERRBUF_SIZE] = "";

    self->pcap =
        pcap_open_offline_with_tstamp_precision(self->path, PCAP_TSTAMP_PRECISION_MICRO,
                                                why);
    if (!self->pcap) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "%s: neither a capture (pcap, pcapng) nor IPFIX messages: %s",
                    self->path, why);
        return false;
    }
    self->fragments = ip_fragments_new();
    return true;
}

CaptureFile *
capture_file_open(const char *path, const IpAddress *stream_peer, GError **error)
{
    g_autoptr(GMappedFile) map = g_mapped_file_new(path, FALSE, error);

    if (!map)
        return NULL;

    g_autoptr(CaptureFile) self = g_new0(CaptureFile, 1);
    self->path = g_strdup(path);
    self->n_bytes = g_mapped_file_get_length(map);
    self->stream_peer = *stream_peer;
    if (looks_like_stream(map))
        self->stream = g_steal_pointer(&map);
    else if (!open_pcap(self, error))
        return NULL;
    return g_steal_pointer(&self);
}

void
capture_file_free(CaptureFile *self)
{
    if (!self)
        return;

    if (self->pcap)
        pcap_close(self->pcap);
    ip_fragments_free(self->fragments);
    g_clear_pointer(&self->stream, g_mapped_file_unref);
    g_free(self->path);
    g_free(self);
}

/* --- packets: link, network, transport --- */

/* Steps over an Ethernet type and the VLAN tags behind it. */
static void
skip_vlan_tags(Reader *r)
{
    uint64_t type = reader_uint(r, 2);

    for (int i = 0; i < MAX_VLAN_TAGS; i++) {
        if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ)
            break;
        reader_bytes(r, 2);
        type = reader_uint(r, 2);
    }
    if (type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6)
        r->spent = true;
}

/* Steps over the link layer; what is not IP spends the reader. */
static void
skip_link(Reader *r, int link_type)
{
    switch (link_type) {
    case DLT_EN10MB:
        reader_bytes(r, 12);
        skip_vlan_tags(r);
        break;
    case DLT_NULL:
    case DLT_LOOP:
        reader_bytes(r, 4);
        break;
    case DLT_LINUX_SLL:
        reader_bytes(r, 14);
        skip_vlan_tags(r);
        break;
    case DLT_LINUX_SLL2:
        reader_bytes(r, 20);
        break;
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
        break;
    default:
        r->spent = true;
    }
}

/* What an IP header says, of either version. */
typedef struct {
    IpFragment fragment; /* its bytes are the payload */
    bool is_fragment;
    uint64_t protocol;
} IpPacket;

static bool
read_ipv4(Reader *r, IpPacket *packet)
{
    const size_t header_bytes = (reader_uint(r, 1) & 0x0f) * 4;

    reader_bytes(r, 1);
    const size_t total_bytes = reader_uint(r, 2);
    packet->fragment.id = (uint32_t) reader_uint(r, 2);
    const uint64_t flags = reader_uint(r, 2);
    reader_bytes(r, 1);
    packet->protocol = reader_uint(r, 1);
    reader_bytes(r, 2);
    const uint8_t *src = reader_bytes(r, 4);
    const uint8_t *dst = reader_bytes(r, 4);
    if (!reader_ok(r) || header_bytes < 20 || total_bytes < header_bytes)
        return false;

    reader_bytes(r, header_bytes - 20);
    packet->fragment.src = ip_address_from_v4(src);
    packet->fragment.dst = ip_address_from_v4(dst);
    packet->fragment.offset = (flags & 0x1fff) * 8;
    packet->fragment.more = (flags & 0x2000) != 0;
    packet->is_fragment = packet->fragment.more || packet->fragment.offset > 0;
    packet->fragment.n_bytes = total_bytes - header_bytes;
    packet->fragment.bytes = reader_bytes(r, packet->fragment.n_bytes);
    return reader_ok(r);
}

static bool
read_ipv6(Reader *r, IpPacket *packet)
{
    reader_bytes(r, 4);
    size_t n_bytes = reader_uint(r, 2);
    packet->protocol = reader_uint(r, 1);
    reader_bytes(r, 1);
    const uint8_t *src = reader_bytes(r, 16);
    const uint8_t *dst = reader_bytes(r, 16);
    if (!reader_ok(r))
        return false;

    packet->fragment.src = ip_address_from_v6(src);
    packet->fragment.dst = ip_address_from_v6(dst);
    if (packet->protocol == IPPROTO_FRAGMENT_V6 && n_bytes >= 8) {
        packet->protocol = reader_uint(r, 1);
        reader_bytes(r, 1);
        const uint64_t flags = reader_uint(r, 2);
        packet->fragment.id = (uint32_t) reader_uint(r, 4);
        packet->fragment.offset = flags & 0xfff8;
        packet->fragment.more = (flags & 1) != 0;
        packet->is_fragment = true;
        n_bytes -= 8;
    }
    packet->fragment.n_bytes = n_bytes;
    packet->fragment.bytes = reader_bytes(r, n_bytes);
    return reader_ok(r);
}

static bool
read_ip(Reader *r, IpPacket *packet)
{
    if (!reader_ok(r) || r->left == 0)
        return false;

    switch (r->at[0] >> 4) {
    case 4:
        return read_ipv4(r, packet);
    case 6:
        return read_ipv6(r, packet);
    default:
        return false;
    }
}

/* The UDP datagram in one captured frame.  False when there is none, or none yet. */
static bool
read_frame(CaptureFile *self, const struct pcap_pkthdr *header, const uint8_t *bytes,
           CapturePacket *packet)
{
    Reader r = reader_over(bytes, header->caplen);
    IpPacket ip = { 0 };

    skip_link(&r, pcap_datalink(self->pcap));
    if (!read_ip(&r, &ip) || ip.protocol != IPPROTO_UDP) {
        self->skipped++;
        return false;
    }
    if (ip.is_fragment) {
        ip.fragment.bytes =
            ip_fragments_add(self->fragments, &ip.fragment, &ip.fragment.n_bytes);
        if (!ip.fragment.bytes)
            return false;
    }

    Reader udp = reader_over(ip.fragment.bytes, ip.fragment.n_bytes);
    packet->peer = ip.fragment.src;
    packet->peer_port = (uint16_t) reader_uint(&udp, 2);
    reader_bytes(&udp, 2);
    const size_t udp_bytes = reader_uint(&udp, 2);
    reader_bytes(&udp, 2);
    packet->n_bytes = udp_bytes >= UDP_HEADER_BYTES ? udp_bytes - UDP_HEADER_BYTES : 0;
    packet->bytes = reader_bytes(&udp, packet->n_bytes);
    packet->time_us = CLAMP((int64_t) header->ts.tv_sec, 0, LAST_SEC) * US_PER_SEC +
                      header->ts.tv_usec;
    if (!reader_ok(&udp))
        self->skipped++;
    return reader_ok(&udp);
}

static CaptureNext
next_in_pcap(CaptureFile *self, CapturePacket *packet, GError **error)
{
    for (;;) {
        struct pcap_pkthdr *header;
        const u_char *bytes;

        switch (pcap_next_ex(self->pcap, &header, &bytes)) {
        case 1:
            if (read_frame(self, header, bytes, packet))
                return CAPTURE_PACKET;
            break;
        case PCAP_ERROR_BREAK:
            return CAPTURE_END;
        default:
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_IO, "%s: %s", self->path,
                        pcap_geterr(self->pcap));
            return CAPTURE_ERROR;
        }
    }
}

/* --- streams of messages --- */

static bool
is_message_header(const uint8_t *bytes, size_t n_bytes)
{
    return n_bytes >= 4 && bytes[0] == 0 && bytes[1] == IPFIX_VERSION &&
           (bytes[2] << 8 | bytes[3]) >= IPFIX_HEADER_BYTES;
}

/* After rubbish: the next place where a message begins, and one more, or the end of
 * the file, follows it. */
static void
resynchronise(CaptureFile *self, const uint8_t *bytes)
{
    self->skipped++;
    for (self->at++; self->at < self->n_bytes; self->at++) {
        const uint8_t *here = bytes + self->at;
        const size_t left = self->n_bytes - self->at;

        if (!is_message_header(here, left))
            continue;

        const size_t length = (size_t) (here[2] << 8 | here[3]);
        if (length == left ||
            (length < left && is_message_header(here + length, left - length)))
            return;
    }
}

static CaptureNext
next_in_stream(CaptureFile *self, CapturePacket *packet)
{
    const uint8_t *bytes = (const uint8_t *) g_mapped_file_get_contents(self->stream);

    if (self->at < self->n_bytes &&
        !is_message_header(bytes + self->at, self->n_bytes - self->at))
        resynchronise(self, bytes);
    if (self->at >= self->n_bytes)
        return CAPTURE_END;

    Reader r = reader_over(bytes + self->at, self->n_bytes - self->at);
    reader_bytes(&r, 2);
    const size_t length = reader_uint(&r, 2);
    const int64_t export_sec = (int64_t) reader_uint(&r, 4);

    /* A message that is longer than the file is handed out as it is: that it is cut
     * is for the decoder to count. */
    packet->bytes = bytes + self->at;
    packet->n_bytes = MIN(length, self->n_bytes - self->at);
    packet->time_us = export_sec * US_PER_SEC;
    packet->peer = self->stream_peer;
    packet->peer_port = 0;
    self->at += packet->n_bytes;
    return CAPTURE_PACKET;
}

CaptureNext
capture_file_next(CaptureFile *self, CapturePacket *packet, GError **error)
{
    return self->stream ? next_in_stream(self, packet)
                        : next_in_pcap(self, packet, error);
}

bool
capture_file_is_stream(const CaptureFile *self)
{
    return self->stream != NULL;
}

uint64_t
capture_file_skipped(const CaptureFile *self)
{
    return self->skipped;
}

uint64_t
capture_file_bytes_read(const CaptureFile *self)
{
    if (self->stream)
        return self->at;

    const long at = ftell(pcap_file(self->pcap));
    return at > 0 ? (uint64_t) at : 0;
}

uint64_t
capture_file_bytes(const CaptureFile *self)
{
    return self->n_bytes;
}
