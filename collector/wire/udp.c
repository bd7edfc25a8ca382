/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/udp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/listen-address.h"

/* Spreads addresses that differ in a few bits: 2^32 divided by the golden ratio. */
#define HASH_FACTOR UINT32_C(0x9e3779b1)
#define HASH_SHIFT  16

/* The third word of ::ffff:a.b.c.d */
#define MAPPED_WORD 0xffff

unsigned
udp_worker_of(const IpAddress *peer, unsigned n_workers)
{
    uint32_t words[4];

    memcpy(words, peer->bytes, sizeof(words));
    const uint32_t folded = GUINT32_FROM_BE(words[0] ^ words[1] ^ words[2] ^ words[3]);
    return (folded * HASH_FACTOR >> HASH_SHIFT) % MAX(n_workers, 1);
}

/* The kernel asks this program which socket of the group a datagram is for.  An IPv4
 * source is folded as its IPv4-mapped form would be. */
static bool
attach_program(int fd, unsigned n_workers)
{
    const uint32_t net = (uint32_t) SKF_NET_OFF;
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, net), /* version, header length */
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, net + 12), /* IPv4 source */
        BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, MAPPED_WORD),
        BPF_STMT(BPF_JMP | BPF_JA, 10),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, net + 8), /* IPv6 source, four words */
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, net + 12),
        BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, net + 16),
        BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, net + 20),
        BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
        BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, HASH_FACTOR),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, HASH_SHIFT),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n_workers),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    const struct sock_fprog wrapped = { G_N_ELEMENTS(program), program };

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &wrapped,
                      sizeof(wrapped)) == 0;
}

/* With the capability for it the system's limit does not count. */
static uint32_t
raise_receive_buffer(int fd, uint32_t want_bytes)
{
    const int want = (int) MIN(want_bytes, (uint32_t) INT_MAX / 2);
    int granted = 0;
    socklen_t n_bytes = sizeof(granted);

    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &want, sizeof(want)) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &want, sizeof(want));
    getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &n_bytes);
    return (uint32_t) granted / 2; /* the kernel doubles for its bookkeeping */
}

static bool
set_options(const UdpOptions *options, const ListenAddress *address, int fd,
            uint32_t *granted_bytes, GError **error)
{
    const int on = 1;
    const uint32_t granted = raise_receive_buffer(fd, options->receive_buffer_bytes);

    if (granted_bytes)
        *granted_bytes = granted;
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)) != 0)
        return listen_address_set_error(address, "cannot set socket options", error);
    return true;
}

static int
open_one(const UdpOptions *options, ListenAddress *address, uint32_t *granted_bytes,
         GError **error)
{
    const int on = 1;
    const int fd = listen_address_socket(address, SOCK_DGRAM, error);

    if (fd < 0)
        return -1;

    if (options->n_workers > 1 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
        listen_address_set_error(address, "cannot share the port", error);
    else if (set_options(options, address, fd, granted_bytes, error) &&
             listen_address_bind(address, fd, error))
        return fd;

    close(fd);
    return -1;
}

bool
udp_open(const UdpOptions *options, int *fds, uint32_t *granted_bytes, GError **error)
{
    ListenAddress address;
    unsigned n = 0;

    if (!listen_address_init(&address, "UDP", options->address, options->port, error))
        return false;

    /* A socket's place in the group is the order of binding. */
    for (; n < MAX(options->n_workers, 1); n++) {
        fds[n] = open_one(options, &address, granted_bytes, error);
        if (fds[n] < 0)
            break;
        listen_address_adopt_port(&address, fds[n]);
    }
    if (n == MAX(options->n_workers, 1)) {
        if (n == 1 || attach_program(fds[0], n))
            return true;
        listen_address_set_error(&address, "cannot share out among workers", error);
    }

    while (n > 0)
        close(fds[--n]);
    return false;
}

bool
udp_adopt(const UdpOptions *options, int fd, uint32_t *granted_bytes, GError **error)
{
    ListenAddress address;

    if (!listen_address_init(&address, "UDP", options->address, options->port, error))
        return false;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return listen_address_set_error(&address, "cannot set file flags", error);
    if (!set_options(options, &address, fd, granted_bytes, error))
        return false;
    if (options->n_workers > 1 && !attach_program(fd, options->n_workers))
        return listen_address_set_error(&address, "cannot share out among workers",
                                        error);
    return true;
}
