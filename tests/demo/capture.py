# SPDX-License-Identifier: Apache-2.0
"""Capture files of UDP export packets: as much of pcap as the demo needs.

Frames are Ethernet with IPv4 or IPv6, without VLAN tags, options or fragments."""

import socket
import struct

MAGIC_US, ETHERNET = 0xa1b2c3d4, 1


def write(path, frames):
    """`frames`: (seconds since 1970, bytes), in order."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", MAGIC_US, 2, 4, 0, 0, 65535, ETHERNET))
        for at, frame in frames:
            seconds = int(at)
            out.write(struct.pack("<IIII", seconds, int((at - seconds) * 1e6),
                                  len(frame), len(frame)))
            out.write(frame)


def udp_frame(address, src_port, dst_port, payload):
    """One UDP datagram from `address` to the loopback address of its family."""
    udp = struct.pack("!HHHH", src_port, dst_port, 8 + len(payload), 0)
    if ":" in address:
        header = struct.pack("!IHBB", 6 << 28, len(udp) + len(payload), 17, 64)
        header += socket.inet_pton(socket.AF_INET6, address)
        header += socket.inet_pton(socket.AF_INET6, "::1")
        return bytes(12) + b"\x86\xdd" + header + udp + payload
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp) + len(payload), 0, 0, 64,
                         17, 0)
    header += socket.inet_aton(address) + socket.inet_aton("127.0.0.1")
    return bytes(12) + b"\x08\x00" + header + udp + payload


def read(path):
    """(seconds, source address, UDP payload) of each datagram."""
    with open(path, "rb") as file:
        data = file.read()
    if struct.unpack_from("<I", data)[0] != MAGIC_US:
        raise ValueError(f"{path}: not a capture file of the kind written here")
    at = 24
    while at + 16 <= len(data):
        seconds, us, length, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        if frame[12:14] == b"\x86\xdd":
            source = socket.inet_ntop(socket.AF_INET6, frame[22:38])
            payload = frame[14 + 40 + 8:]
        else:
            source = socket.inet_ntoa(frame[26:30])
            payload = frame[14 + 20 + 8:]
        yield seconds + us / 1e6, source, payload
