# SPDX-License-Identifier: Apache-2.0
"""Reads the flow records of a capture of NetFlow v5, v9 or IPFIX: a decoder as plain
as the RFCs are, for tests, independent of the one under test.

    for record in records.read("made.pcap"):
        record.exporter, record.at_us      # source address, time in the capture
        record[1], record[records.REVERSE, 1]      # by element, or enterprise and element
"""

import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "demo"))
import capture  # noqa: E402

REVERSE = 29305
OCTETS, PACKETS, PROTOCOL, FLAGS, SRC_PORT, DST_PORT = 1, 2, 4, 6, 7, 11
INPUT_IF, OUTPUT_IF, END_REASON, BIFLOW_DIRECTION = 10, 14, 136, 239
SRC_AS, DST_AS = 16, 17
ADDRESSES = {8: "src", 12: "dst", 27: "src", 28: "dst"}

V5_RECORD = struct.Struct("!4s4s4sHHIIIIHHxBBBHHBBxx")


class Record(dict):
    """Elements by number; src and dst as text; start_us and end_us since 1970."""
    exporter = at_us = src = dst = start_us = end_us = None
    options = False

    @property
    def key(self):
        return (self.src, self[SRC_PORT], self.dst, self[DST_PORT], self[PROTOCOL])


class Message:
    """Header fields and records of one packet."""

    def __init__(self, exporter, at_us, data, templates):
        self.exporter, self.at_us, self.records = exporter, at_us, []
        self.n_bytes, self.templates = len(data), templates
        self.version = struct.unpack_from("!H", data)[0]
        if self.version == 5:
            self.read_v5(data)
        elif self.version == 9:
            self.count, self.uptime, sec, self.sequence, self.domain = \
                struct.unpack_from("!HIIII", data, 2)
            self.export_us = sec * 10**6
            self.read_sets(data, 20)
        else:
            length, sec, self.sequence, self.domain = struct.unpack_from("!HIII", data, 2)
            assert length == len(data), (length, len(data))
            self.export_us, self.uptime = sec * 10**6, None
            self.read_sets(data, 16)

    def read_v5(self, data):
        (self.count, self.uptime, sec, nsec, self.sequence, self.domain,
         self.sampling) = struct.unpack_from("!HIIIIHH", data, 2)
        self.export_us = sec * 10**6 + nsec // 1000
        assert len(data) == 24 + 48 * self.count
        for n in range(self.count):
            (src, dst, _, in_if, out_if, packets, octets, first, last, src_port,
             dst_port, flags, protocol, _, src_as, dst_as, *_) = V5_RECORD.unpack_from(data, 24 + 48 * n)
            record = self.add({OCTETS: octets, PACKETS: packets, PROTOCOL: protocol,
                               FLAGS: flags, SRC_PORT: src_port, DST_PORT: dst_port,
                               INPUT_IF: in_if, OUTPUT_IF: out_if, 22: first, 21: last,
                               SRC_AS: src_as, DST_AS: dst_as})
            record.src, record.dst = socket.inet_ntoa(src), socket.inet_ntoa(dst)

    def read_sets(self, data, at):
        self.n_templates = 0
        while at < len(data):
            set_id, length = struct.unpack_from("!HH", data, at)
            body, at = data[at + 4:at + length], at + length
            assert length >= 4 and at <= len(data), (set_id, length)
            if set_id < 256:
                self.read_templates(set_id, body)
            else:
                self.read_records(self.templates[self.exporter, self.domain, set_id],
                                  body)

    def read_templates(self, set_id, body):
        at = 0
        while len(body) - at >= 4:
            template, n = struct.unpack_from("!HH", body, at)
            at += 4
            fields = []
            if set_id == 1:
                n = (n + struct.unpack_from("!H", body, at)[0]) // 4
            if set_id in (1, 3):
                at += 2
            for _ in range(n):
                element, length = struct.unpack_from("!HH", body, at)
                at += 4
                pen = 0
                if self.version == 10 and element & 0x8000:
                    pen = struct.unpack_from("!I", body, at)[0]
                    element, at = element & 0x7fff, at + 4
                fields.append(((pen, element) if pen else element, length))
            self.templates[self.exporter, self.domain, template] = \
                (set_id in (1, 3), fields)
            self.n_templates += 1

    def read_records(self, template, body):
        options, fields = template
        at, size = 0, sum(length for _, length in fields)
        while len(body) - at >= size:
            values, addresses = {}, {}
            for element, length in fields:
                raw, at = body[at:at + length], at + length
                if element in ADDRESSES and not options:
                    family = socket.AF_INET if length == 4 else socket.AF_INET6
                    addresses[ADDRESSES[element]] = socket.inet_ntop(family, raw)
                else:
                    values[element] = int.from_bytes(raw, "big")
            record = self.add(values)
            record.options = options
            record.src, record.dst = addresses.get("src"), addresses.get("dst")

    def add(self, values):
        record = Record(values)
        record.exporter, record.at_us = self.exporter, self.at_us
        if 152 in record:
            record.start_us, record.end_us = record[152] * 1000, record[153] * 1000
        elif 22 in record:
            record.start_us, record.end_us = (
                self.export_us - ((self.uptime - record[n]) % 2**32) * 1000
                for n in (22, 21))
        self.records.append(record)
        return record


def messages(path):
    templates = {}
    for at, exporter, data in capture.read(path):
        yield Message(exporter, round(at * 1e6), data, templates)


def read(path):
    """The flow records; options are left out."""
    for message in messages(path):
        yield from (record for record in message.records if not record.options)
