/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: any bytes as a file for `flowkeep replay`: pcap, pcapng, IPFIX messages
 * back to back, or none of them.  Reading ends, what it hands out lies in memory and
 * is no longer than a datagram can be, and damage is an error that names the file. */

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "budget.h"
#include "capture-file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_packet(const CapturePacket *packet)
{
    unsigned sum = 0;

    g_assert_cmpuint(packet->n_bytes, <=, 65535);
    for (size_t i = 0; i < packet->n_bytes; i++)
        sum += packet->bytes[i]; /* all of it can be read */
    g_assert_cmpuint(sum, <=, 255 * 65535);
}

static void
read_file(const char *path, size_t size)
{
    static const uint8_t peer_v4[] = { 192, 0, 2, 1 };
    const IpAddress peer = ip_address_from_v4(peer_v4);
    g_autoptr(GError) error = NULL;
    g_autoptr(CaptureFile) file = capture_file_open(path, &peer, &error);
    CapturePacket packet;
    CaptureNext next = CAPTURE_ERROR;
    size_t n_packets = 0;

    for (; file; n_packets++) {
        next = capture_file_next(file, &packet, &error);
        if (next != CAPTURE_PACKET)
            break;
        check_packet(&packet);
        g_assert_cmpuint(n_packets, <=, size);
    }
    if (file) {
        g_assert_cmpuint(capture_file_bytes(file), ==, size);
        g_assert_cmpuint(capture_file_bytes_read(file), <=, size);
    }
    g_assert_true((next == CAPTURE_ERROR) == (error != NULL));
    if (error)
        g_assert_nonnull(strstr(error->message, path));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int fd = memfd_create("capture", MFD_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    const Budget budget = budget_begin();

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, data, size), ==, (ssize_t) size);
    read_file(path, size);
    close(fd);
    budget_check(&budget, size);
    return 0;
}
