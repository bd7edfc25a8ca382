/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/udp.h"

#include <arpa/inet.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_WORKERS 4
#define N_SENDERS 64

static uint16_t
port_of(int fd)
{
    struct sockaddr_storage addr;
    socklen_t length = sizeof(addr);
    IpAddress unused;
    uint16_t port;

    g_assert_cmpint(getsockname(fd, (struct sockaddr *) &addr, &length), ==, 0);
    g_assert_true(ip_address_from_sockaddr((struct sockaddr *) &addr, &unused, &port));
    return port;
}

/* A port that is free now; the kernel does not hand it out again at once. */
static uint16_t
free_port(void)
{
    UdpOptions options = { .address = "127.0.0.1",
                           .receive_buffer_bytes = 65536,
                           .n_workers = 1 };
    uint32_t granted;
    int fd;

    g_assert_true(udp_open(&options, &fd, &granted, NULL));
    const uint16_t port = port_of(fd);
    close(fd);
    return port;
}

static void
send_from(const char *source, const char *target, uint16_t port)
{
    const bool v4 = strchr(source, ':') == NULL;
    const int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in from4 = { .sin_family = AF_INET };
    struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

    if (v4) {
        inet_pton(AF_INET, source, &from4.sin_addr);
        inet_pton(AF_INET, target, &to4.sin_addr);
        g_assert_cmpint(bind(fd, (struct sockaddr *) &from4, sizeof(from4)), ==, 0);
        g_assert_cmpint(sendto(fd, "x", 1, 0, (struct sockaddr *) &to4, sizeof(to4)),
                        ==, 1);
    } else {
        inet_pton(AF_INET6, target, &to6.sin6_addr);
        g_assert_cmpint(sendto(fd, "x", 1, 0, (struct sockaddr *) &to6, sizeof(to6)),
                        ==, 1);
    }
    close(fd);
}

/* The peer of the next datagram on @fd; false when there is none. */
static bool
next_peer(int fd, IpAddress *peer)
{
    struct sockaddr_storage addr;
    socklen_t length = sizeof(addr);
    char byte;
    uint16_t port;

    if (recvfrom(fd, &byte, 1, MSG_DONTWAIT, (struct sockaddr *) &addr, &length) != 1)
        return false;
    return ip_address_from_sockaddr((struct sockaddr *) &addr, peer, &port);
}

static void
test_one_address_one_worker(void)
{
    UdpOptions options = { .address = "::",
                           .port = free_port(),
                           .receive_buffer_bytes = 1 << 20,
                           .n_workers = N_WORKERS };
    int fds[N_WORKERS];
    unsigned received[N_WORKERS] = { 0 };
    uint32_t granted;
    g_autoptr(GError) error = NULL;

    g_assert_true(udp_open(&options, fds, &granted, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(granted, >, 0);
    for (unsigned i = 0; i < N_SENDERS; i++) {
        g_autofree char *source = g_strdup_printf("127.0.%u.%u", i % 3, i + 1);

        send_from(source, "127.0.0.1", options.port);
    }
    send_from("::1", "::1", options.port);

    for (unsigned worker = 0; worker < N_WORKERS; worker++) {
        IpAddress peer;

        while (next_peer(fds[worker], &peer)) {
            g_assert_cmpuint(udp_worker_of(&peer, N_WORKERS), ==, worker);
            received[worker]++;
        }
        g_assert_cmpuint(received[worker], >, 0); /* 64 addresses spread over 4 */
        close(fds[worker]);
    }
    g_assert_cmpuint(received[0] + received[1] + received[2] + received[3], ==,
                     N_SENDERS + 1);
}

static void
test_clear_errors(void)
{
    UdpOptions options = { .address = "127.0.0.1",
                           .port = free_port(),
                           .receive_buffer_bytes = 65536,
                           .n_workers = 1 };
    UdpOptions nonsense = { .address = "localhost", .n_workers = 1 };
    g_autoptr(GError) busy = NULL;
    g_autoptr(GError) name = NULL;
    uint32_t granted;
    int fd;
    int second;

    g_assert_true(udp_open(&options, &fd, &granted, NULL));
    g_assert_false(udp_open(&options, &second, &granted, &busy));
    g_assert_error(busy, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
    g_assert_nonnull(strstr(busy->message, "127.0.0.1 port"));
    g_assert_false(udp_open(&nonsense, &second, &granted, &name));
    g_assert_nonnull(strstr(name->message, "not a numeric address"));
    close(fd);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/udp/one-address-one-worker", test_one_address_one_worker);
    g_test_add_func("/udp/clear-errors", test_clear_errors);
    return g_test_run();
}
