#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a capture of made-up traffic whose flows are known.

    make-traffic.py [--sessions N] [--seed N] [--start SECONDS] FILE.pcap

TCP sessions from SYN to FIN, UDP questions and answers, ICMP echoes, over IPv4 and
IPv6, all with right checksums, within one minute.  For flow probes that read
captures (softflowd -r, pmacctd with pcap_savefile).  Prints the flows as JSON: one
for each direction of each session, octets of layer 3.  The same options give the
same file."""

import argparse
import ipaddress
import json
import random
import struct
import sys

TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
FIN, SYN, PSH, ACK = 0x01, 0x02, 0x08, 0x10
FIRST_SECOND = 1700000000  # an arbitrary moment, the same in every file
SPREAD_SEC = 40  # sessions begin within this
ETHERNET = bytes.fromhex("020000000001020000000002")


def internet_checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def with_checksum(src, dst, protocol, segment, at):
    """The segment with its checksum, over the pseudo header of either family."""
    pseudo = src.packed + dst.packed
    if src.version == 4:
        pseudo += struct.pack(">BBH", 0, protocol, len(segment))
    else:
        pseudo += struct.pack(">II", len(segment), protocol)
    if protocol == ICMP:
        pseudo = b""
    value = internet_checksum(pseudo + segment)
    if protocol == UDP:
        value = value or 0xffff
    return segment[:at] + struct.pack(">H", value) + segment[at + 2:]


def frame(src, dst, protocol, segment):
    """An Ethernet frame, and its octets of layer 3."""
    if src.version == 4:
        header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000, 64,
                             protocol, 0) + src.packed + dst.packed
        header = header[:10] + struct.pack(">H", internet_checksum(header)) + header[12:]
        kind = b"\x08\x00"
    else:
        header = struct.pack(">IHBB", 6 << 28, len(segment), protocol, 64)
        header += src.packed + dst.packed
        kind = b"\x86\xdd"
    packet = header + segment
    return ETHERNET + kind + packet, len(packet)


class Traffic:
    def __init__(self, seed, start):
        self.random = random.Random(seed)
        self.start_us = start * 1000000
        self.packets = []  # (time in us, frame)
        self.flows = {}
        self.next_port = {4: 33000, 6: 33000}

    def hosts(self, version):
        n = self.random.randrange(1, 200)
        if version == 4:
            return (ipaddress.ip_address(f"10.20.0.{n}"),
                    ipaddress.ip_address(f"198.18.{n % 8}.{n}"))
        return (ipaddress.ip_address(f"2001:db8:20::{n:x}"),
                ipaddress.ip_address(f"2001:db8:ffff::{n:x}"))

    def port(self, version):
        """Never the same twice: so no two sessions share a flow."""
        self.next_port[version] += 1
        return self.next_port[version]

    def send(self, at_us, src, dst, protocol, sport, dport, segment, flags=0):
        data, octets = frame(src, dst, protocol, segment)
        self.packets.append((at_us, data))
        flow = self.flows.setdefault((str(src), str(dst), protocol, sport, dport),
                                     {"octets": 0, "packets": 0, "tcp_flags": 0,
                                      "start_us": at_us, "end_us": at_us})
        flow["octets"] += octets
        flow["packets"] += 1
        flow["tcp_flags"] |= flags
        flow["end_us"] = at_us

    def tcp(self, version):
        client, server = self.hosts(version)
        ports = self.port(version), self.random.choice([22, 25, 80, 443, 5432])
        sequence = [self.random.randrange(1 << 31), self.random.randrange(1 << 31)]
        at_us = self.begin()
        talk = [(0, SYN, 0), (1, SYN | ACK, 0), (0, ACK, 0)]
        for _ in range(self.random.randrange(1, 12)):
            talk.append((self.random.randrange(2), PSH | ACK,
                         self.random.randrange(1, 1400)))
        talk += [(0, FIN | ACK, 0), (1, FIN | ACK, 0), (0, ACK, 0)]
        for side, flags, n_bytes in talk:
            src, dst = (client, server) if side == 0 else (server, client)
            sport, dport = ports if side == 0 else ports[::-1]
            header = struct.pack(">HHIIBBHHH", sport, dport, sequence[side],
                                 sequence[1 - side] if flags & ACK else 0, 0x50, flags,
                                 65535, 0, 0)
            segment = header + self.random.randbytes(n_bytes)
            self.send(at_us, src, dst, TCP, sport, dport,
                      with_checksum(src, dst, TCP, segment, 16), flags)
            sequence[side] += n_bytes + bool(flags & (SYN | FIN))
            at_us += self.random.randrange(200, 90000)

    def udp(self, version):
        client, server = self.hosts(version)
        ports = self.port(version), self.random.choice([53, 123, 161, 443])
        at_us = self.begin()
        for i in range(self.random.choice([1, 2, 2, 2, 4, 8])):
            src, dst = (client, server) if i % 2 == 0 else (server, client)
            sport, dport = ports if i % 2 == 0 else ports[::-1]
            data = self.random.randbytes(self.random.randrange(20, 1200))
            segment = struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data
            self.send(at_us, src, dst, UDP, sport, dport,
                      with_checksum(src, dst, UDP, segment, 6))
            at_us += self.random.randrange(500, 200000)

    def icmp(self, version, number):
        """Echoes; each session between hosts of its own, since ICMP has no ports."""
        protocol = ICMP if version == 4 else ICMP6
        prefix = ("10.20.1.", "198.18.9.") if version == 4 else ("2001:db8:20:1::",
                                                                "2001:db8:ffff:1::")
        digits = str(number + 1) if version == 4 else f"{number + 1:x}"
        ends = [ipaddress.ip_address(p + digits) for p in prefix]
        at_us = self.begin()
        for i in range(self.random.randrange(1, 6)):
            data = self.random.randbytes(56)
            for side in (0, 1):
                src, dst = ends[side], ends[1 - side]
                kind = (8, 0)[side] if version == 4 else (128, 129)[side]
                segment = struct.pack(">BBHHH", kind, 0, 0, 4711, i) + data
                self.send(at_us, src, dst, protocol, 0, kind << 8,
                          with_checksum(src, dst, protocol, segment, 2))
                at_us += 1500
            at_us += 800000

    def begin(self):
        return self.start_us + self.random.randrange(SPREAD_SEC * 1000000)

    def write(self, path):
        with open(path, "wb") as out:
            out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
            for at_us, data in sorted(self.packets, key=lambda packet: packet[0]):
                out.write(struct.pack("<IIII", at_us // 1000000, at_us % 1000000,
                                      len(data), len(data)))
                out.write(data)


def make(path, sessions=200, seed=1, start=FIRST_SECOND):
    """Writes the file; returns its flows as a list of dictionaries."""
    traffic = Traffic(seed, start)
    n_icmp = 0
    for _ in range(sessions):
        version = 6 if traffic.random.random() < 0.3 else 4
        kind = traffic.random.random()
        if kind < 0.5:
            traffic.tcp(version)
        elif kind < 0.92 or n_icmp >= 200:
            traffic.udp(version)
        else:
            traffic.icmp(version, n_icmp)
            n_icmp += 1
    traffic.write(path)
    names = ("src", "dst", "protocol", "src_port", "dst_port")
    return [dict(zip(names, key), **flow) for key, flow in sorted(traffic.flows.items())]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=FIRST_SECOND)
    parser.add_argument("file")
    args = parser.parse_args()
    json.dump(make(args.file, args.sessions, args.seed, args.start), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
