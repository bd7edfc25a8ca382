/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-sender.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flowgen-layout.h"

enum {
    ETHERNET_BYTES = 14,
    IPV4_BYTES = 20,
    UDP_BYTES = 8,
    FRAME_BYTES = ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES,
    SEND_TIMEOUT_MS = 60000, /* a TCP receiver that reads nothing for so long is dead */
};

struct FlowgenSender {
    FlowgenSenderOptions options;
    int udp;
    int *tcp; /* of each exporter; -1 = not connected yet */
    pcap_t *pcap;
    pcap_dumper_t *capture;
    FILE *messages;
    struct mmsghdr headers[FLOWGEN_SENDER_BATCH];
    struct iovec vectors[FLOWGEN_SENDER_BATCH];
    struct {
        _Alignas(struct cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } controls[FLOWGEN_SENDER_BATCH];
    uint8_t frame[FRAME_BYTES + FLOWGEN_MAX_PACKET_BYTES];
};

static bool
fail(GError **error, const char *doing)
{
    const int code = errno;

    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(code), "%s: %s", doing,
                g_strerror(code));
    return false;
}

static bool
usage_error(GError **error, const char *text)
{
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
    return false;
}

/* "127.0.0.1:2055" or "[::1]:2055" */
bool
flowgen_sender_set_target(FlowgenSenderOptions *options, const char *text,
                          GError **error)
{
    if (!text)
        text = FLOWGEN_SENDER_TARGET;

    const char *colon = strrchr(text, ':');
    struct sockaddr_in *v4 = (struct sockaddr_in *) &options->target;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) &options->target;
    guint64 port;

    if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &port, NULL))
        return usage_error(error, "--target is HOST:PORT, or [HOST]:PORT for IPv6");

    const bool brackets = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
    g_autofree char *host = brackets ? g_strndup(text + 1, colon - text - 2)
                                     : g_strndup(text, colon - text);
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        if (ntohl(v4->sin_addr.s_addr) >> 24 == 127)
            return true;
    } else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        if (IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr))
            return true;
    }
    return usage_error(error, "--target is not a numeric loopback address");
}

bool
flowgen_sender_set_source(FlowgenSenderOptions *options, const char *text,
                          GError **error)
{
    struct in_addr first;

    if (inet_pton(AF_INET, text ? text : FLOWGEN_SENDER_SOURCE, &first) != 1 ||
        ntohl(first.s_addr) >> 24 != 127 ||
        (uint64_t) ntohl(first.s_addr) + options->n_exporters > UINT64_C(0x7fffffff))
        return usage_error(error,
                           "--first-source is in 127.0.0.0/8, with room for all");
    if (options->target.ss_family == AF_INET6 &&
        (options->n_exporters > 1 || options->file))
        return usage_error(error,
                           "IPv6 loopback has one address: one exporter, no --out");

    options->first_source = ntohl(first.s_addr);
    return true;
}

static struct in_addr
source_of(const FlowgenSender *self, uint32_t exporter)
{
    return (struct in_addr){ htonl(self->options.first_source + exporter) };
}

static bool
open_udp(FlowgenSender *self, GError **error)
{
    const int family = self->options.target.ss_family;
    struct sockaddr_in from4 = { .sin_family = AF_INET,
                                 .sin_port = htons(self->options.source_port) };
    struct sockaddr_in6 from6 = { .sin6_family = AF_INET6,
                                  .sin6_port = htons(self->options.source_port) };
    const int one = 1;

    self->udp = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (self->udp < 0)
        return fail(error, "UDP socket");
    setsockopt(self->udp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (family == AF_INET
            ? bind(self->udp, (struct sockaddr *) &from4, sizeof(from4)) != 0
            : bind(self->udp, (struct sockaddr *) &from6, sizeof(from6)) != 0)
        return fail(error, "UDP source port");

    for (size_t i = 0; i < FLOWGEN_SENDER_BATCH; i++) {
        struct msghdr *header = &self->headers[i].msg_hdr;
        header->msg_name = &self->options.target;
        header->msg_namelen = family == AF_INET ? sizeof(from4) : sizeof(from6);
        header->msg_iov = &self->vectors[i];
        header->msg_iovlen = 1;
        if (family == AF_INET6)
            continue;
        header->msg_control = &self->controls[i];
        header->msg_controllen = sizeof(self->controls[i]);
        struct cmsghdr *control = CMSG_FIRSTHDR(header);
        control->cmsg_level = IPPROTO_IP;
        control->cmsg_type = IP_PKTINFO;
        control->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
    }
    return true;
}

static bool
open_tcp(FlowgenSender *self, GError **error)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < self->options.n_exporters + 16u) {
        errno = EMFILE;
        return fail(error, "a TCP connection for each exporter");
    }
    self->tcp = g_new(int, self->options.n_exporters);
    for (uint32_t i = 0; i < self->options.n_exporters; i++)
        self->tcp[i] = -1;
    return true;
}

static bool
open_file(FlowgenSender *self, GError **error)
{
    if (g_str_has_suffix(self->options.file, ".ipfix")) {
        self->messages = fopen(self->options.file, "we");
        return self->messages || fail(error, self->options.file);
    }
    self->pcap = pcap_open_dead(DLT_EN10MB, 65535);
    self->capture = self->pcap ? pcap_dump_open(self->pcap, self->options.file) : NULL;
    if (self->capture)
        return true;

    g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                        self->pcap ? pcap_geterr(self->pcap)
                                   : "no memory for a capture");
    return false;
}

FlowgenSender *
flowgen_sender_new(const FlowgenSenderOptions *options, GError **error)
{
    g_autoptr(FlowgenSender) self = g_new0(FlowgenSender, 1);

    self->options = *options;
    self->udp = -1;
    if (options->file  ? open_file(self, error)
        : options->tcp ? open_tcp(self, error)
                       : open_udp(self, error))
        return g_steal_pointer(&self);
    return NULL;
}

void
flowgen_sender_free(FlowgenSender *self)
{
    if (!self)
        return;

    if (self->udp >= 0)
        close(self->udp);
    for (uint32_t i = 0; self->tcp && i < self->options.n_exporters; i++) {
        if (self->tcp[i] >= 0)
            close(self->tcp[i]);
    }
    g_free(self->tcp);
    if (self->capture)
        pcap_dump_close(self->capture);
    if (self->pcap)
        pcap_close(self->pcap);
    if (self->messages)
        fclose(self->messages);
    g_free(self);
}

static bool
send_udp(FlowgenSender *self, const FlowgenPacket *packets, size_t n, GError **error)
{
    unsigned n_ready = 0;

    for (size_t i = 0; i < n; i++) {
        if (packets[i].withheld)
            continue;
        self->vectors[n_ready].iov_base = packets[i].bytes;
        self->vectors[n_ready].iov_len = packets[i].n_bytes;
        struct cmsghdr *control = CMSG_FIRSTHDR(&self->headers[n_ready].msg_hdr);
        if (control) {
            const struct in_pktinfo info = { .ipi_spec_dst =
                                                 source_of(self, packets[i].exporter) };
            memcpy(CMSG_DATA(control), &info, sizeof(info));
        }
        n_ready++;
    }
    for (unsigned done = 0; done < n_ready;) {
        const int sent = sendmmsg(self->udp, self->headers + done, n_ready - done, 0);
        if (sent > 0)
            done += sent;
        else if (errno == ENOBUFS || errno == EAGAIN)
            g_usleep(1000);
        else if (errno != EINTR)
            return fail(error, "UDP send");
    }
    return true;
}

static bool
connect_exporter(FlowgenSender *self, uint32_t exporter, GError **error)
{
    const bool v4 = self->options.target.ss_family == AF_INET;
    const struct sockaddr_in from = { .sin_family = AF_INET,
                                      .sin_addr = source_of(self, exporter) };
    const int fd =
        socket(self->options.target.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return fail(error, "TCP socket");
    self->tcp[exporter] = fd;
    if (v4 && bind(fd, (const struct sockaddr *) &from, sizeof(from)) != 0)
        return fail(error, "TCP source address");
    if (connect(fd, (const struct sockaddr *) &self->options.target,
                v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)) != 0)
        return fail(error, "TCP connect");
    return true;
}

static bool
send_tcp(FlowgenSender *self, const FlowgenPacket *packet, GError **error)
{
    int *fd = &self->tcp[packet->exporter];

    if (*fd < 0 && !connect_exporter(self, packet->exporter, error))
        return false;

    for (size_t done = 0; done < packet->n_bytes;) {
        struct pollfd ready = { .fd = *fd, .events = POLLOUT };
        const int n_ready = poll(&ready, 1, SEND_TIMEOUT_MS);
        if (n_ready == 0) {
            errno = ETIMEDOUT;
            return fail(error, "TCP send");
        }
        const ssize_t sent = send(*fd, packet->bytes + done, packet->n_bytes - done,
                                  MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            done += sent;
        else if (sent < 0 && errno != EINTR && errno != EAGAIN)
            return fail(error, "TCP send");
    }
    return true;
}

/* RFC 1071 */
static uint16_t
checksum(const uint8_t *bytes, size_t n_bytes)
{
    uint32_t sum = 0;

    for (size_t i = 0; i + 1 < n_bytes; i += 2)
        sum += bytes[i] << 8 | bytes[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum;
}

/* As if an Ethernet port had heard it; without a UDP checksum, which IPv4 allows. */
static void
write_frame(FlowgenSender *self, const FlowgenPacket *packet, int64_t now_us)
{
    const struct sockaddr_in *to = (const struct sockaddr_in *) &self->options.target;
    const size_t n_udp = UDP_BYTES + packet->n_bytes;
    const size_t n_frame = FRAME_BYTES + packet->n_bytes;
    const struct in_addr from = source_of(self, packet->exporter);
    const struct pcap_pkthdr header = { .ts = { now_us / 1000000, now_us % 1000000 },
                                        .caplen = n_frame,
                                        .len = n_frame };
    uint8_t *ip = self->frame + ETHERNET_BYTES;

    flowgen_put(self->frame, UINT64_C(0x020000000001), 6);
    flowgen_put(self->frame + 6, UINT64_C(0x020000000002), 6);
    flowgen_put(self->frame + 12, 0x0800, 2);
    flowgen_put(ip, 0x45000000 | (IPV4_BYTES + n_udp), 4);
    flowgen_put(ip + 4, 0x00004000, 4);                   /* do not fragment */
    flowgen_put(ip + 8, 64 << 24 | IPPROTO_UDP << 16, 4); /* TTL, no checksum yet */
    memcpy(ip + 12, &from, 4);
    memcpy(ip + 16, &to->sin_addr, 4);
    flowgen_put(ip + 10, checksum(ip, IPV4_BYTES), 2);
    flowgen_put(ip + 20, self->options.source_port ? self->options.source_port : 40000,
                2);
    flowgen_put(ip + 22, ntohs(to->sin_port), 2);
    flowgen_put(ip + 24, n_udp, 2);
    flowgen_put(ip + 26, 0, 2);
    memcpy(self->frame + FRAME_BYTES, packet->bytes, packet->n_bytes);
    pcap_dump((uint8_t *) self->capture, &header, self->frame);
}

static bool
write_file(FlowgenSender *self, const FlowgenPacket *packet, int64_t now_us,
           GError **error)
{
    if (self->capture) {
        write_frame(self, packet, now_us);
        return !ferror(pcap_dump_file(self->capture)) ||
               fail(error, self->options.file);
    }
    return fwrite(packet->bytes, packet->n_bytes, 1, self->messages) == 1 ||
           fail(error, self->options.file);
}

bool
flowgen_sender_send(FlowgenSender *self, const FlowgenPacket *packets, size_t n,
                    int64_t now_us, GError **error)
{
    g_assert(n <= FLOWGEN_SENDER_BATCH);

    if (self->udp >= 0)
        return send_udp(self, packets, n, error);
    for (size_t i = 0; i < n; i++) {
        if (packets[i].withheld)
            continue;
        if (!(self->tcp ? send_tcp(self, &packets[i], error)
                        : write_file(self, &packets[i], now_us, error)))
            return false;
    }
    return true;
}
