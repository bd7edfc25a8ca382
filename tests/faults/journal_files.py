# SPDX-License-Identifier: Apache-2.0
"""A journal's files, read and damaged by a hand that knows their format
(collector/journal/segment.h) from its description alone."""

import glob
import os
import struct
from dataclasses import dataclass

HEADER_BYTES = 128
RECORD = struct.Struct("<IIIHHQqqQ16sH6x")
RECORD_MAGIC = 0x4A52464B
SUFFIX = ".journal"


@dataclass(frozen=True)
class Record:
    segment: int
    offset: int
    n_bytes: int  # header and datagram, without what fills them up
    seq: int


def records_of(path):
    """Those of one segment, in order."""
    number = int(os.path.basename(path).removesuffix(SUFFIX), 16)
    with open(path, "rb") as file:
        data = file.read()
    at, found = HEADER_BYTES, []
    while at + RECORD.size <= len(data):
        magic, _, n_bytes, _, _, seq, *_ = RECORD.unpack_from(data, at)
        if magic != RECORD_MAGIC:
            break
        found.append(Record(number, at, RECORD.size + n_bytes, seq))
        at += (RECORD.size + n_bytes + 7) & ~7
    return found


class Damage:
    """Of a journal nobody has open.  @folder: of one worker; @position: (segment,
    offset) up to which it is stored."""

    def __init__(self, folder, position, chance):
        self.chance = chance
        self.destroyed = set()  # seqs of records that were not stored yet
        self.waiting = {}  # path -> records not stored yet
        for path in sorted(glob.glob(os.path.join(folder, "*" + SUFFIX))):
            records = [r for r in records_of(path) if (r.segment, r.offset) >= position]
            if records:
                self.waiting[path] = records

    def any_file(self):
        return self.chance.choice(list(self.waiting))

    def destroy(self, records):
        self.destroyed |= {r.seq for r in records}

    def truncate(self):
        """One segment is cut somewhere."""
        path = self.any_file()
        size = self.chance.randrange(HEADER_BYTES, os.path.getsize(path))
        os.truncate(path, size)
        self.destroy(r for r in self.waiting[path] if r.offset + r.n_bytes > size)

    def remove(self):
        path = self.any_file()
        os.unlink(path)
        self.destroy(self.waiting[path])

    def remove_all(self):
        for path, records in self.waiting.items():
            os.unlink(path)
            self.destroy(records)

    def flip(self):
        """Bits here and there; one in a segment's own header costs all of it."""
        for _ in range(self.chance.randint(1, 20)):
            path = self.any_file()
            record = self.chance.choice(self.waiting[path])
            self.flip_bit(path, self.chance.randrange(record.offset,
                                                      record.offset + record.n_bytes))
            self.destroy([record])

    def flip_header(self):
        path = self.any_file()
        self.flip_bit(path, self.chance.randrange(HEADER_BYTES))
        self.destroy(self.waiting[path])

    def flip_bit(self, path, at):
        with open(path, "r+b") as file:
            file.seek(at)
            old = file.read(1)[0]
            file.seek(at)
            file.write(bytes([old ^ 1 << self.chance.randrange(8)]))
