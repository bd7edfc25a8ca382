# SPDX-License-Identifier: Apache-2.0
"""Export packets made by hand, good and bad.  Whatever is wrong about one is said where
it is made; everything else is as a careful exporter would send it.

Messages are bytes with a note how many units of sequence numbers they take (IPFIX: data
records, v9: packets, v5: flows), so that the sender can number them."""

import struct

# Export time of all packets; set before any is made.
clock = {"now": 1700000000}

PLAIN = ((8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (2, 4), (1, 8))  # template 256
LAST_WORD = 999999999  # octets of the flow that ends each case

SEQUENCE_AT = {5: 16, 9: 12, 10: 8}


class Message(bytes):
    """@units: what it adds to the sequence number; None = it has no place for one."""
    units = None

    @classmethod
    def of(cls, data, units):
        made = cls(data)
        made.units = units
        return made

    def numbered(self, sequence):
        version = struct.unpack_from(">H", self)[0]
        at = SEQUENCE_AT.get(version)
        if at is None:
            return self
        return self[:at] + struct.pack(">I", sequence % 2**32) + self[at + 4:]


def ipfix(*sets, n=0, domain=1, length=None, sec=None, seq=None):
    """@n: the data records in it that are well formed."""
    body = b"".join(sets)
    made = struct.pack(">HHIII", 10, 16 + len(body) if length is None else length,
                       clock["now"] if sec is None else sec, seq or 0, domain) + body
    return Message.of(made, n) if seq is None else made


def v9(*sets, n=1, domain=1, count=None, uptime=3600000, sec=None, seq=None):
    """@n: 0 for one that will be discarded."""
    made = struct.pack(">HHIIII", 9, len(sets) if count is None else count, uptime,
                       clock["now"] if sec is None else sec, seq or 0, domain)
    made += b"".join(sets)
    return Message.of(made, n) if seq is None else made


def v5(n_records, count=None, version=5, sampling=0, engine=0, octets=1, uptime=1000000,
       first=990000, last=995000):
    count = n_records if count is None else count
    made = struct.pack(">HHIIIIHH", version, count, uptime, clock["now"], 0, 0, engine,
                       sampling)
    for i in range(n_records):
        made += struct.pack(">IIIHHIIIIHHBBBBHHBBH", 0x0a000001, 0x0a000002, 0, 1, 2,
                            1, octets + i, first, last, i, 443, 0, 0x1b, 6, 0, 0, 0, 24,
                            24, 0)
    return Message.of(made, n_records if count == n_records and version == 5 else 0)


def a_set(number, *bodies, length=None):
    body = b"".join(bodies)
    return struct.pack(">HH", number, 4 + len(body) if length is None else length) + body


def fields(*pairs):
    """(element, length), or (element, length, enterprise number)."""
    return b"".join(struct.pack(">HH", *pair) if len(pair) == 2 else
                    struct.pack(">HHI", pair[0] | 0x8000, *pair[1:]) for pair in pairs)


def template(number, *pairs, count=None):
    return struct.pack(">HH", number, len(pairs) if count is None else count) \
        + fields(*pairs)


def options(number, n_scope, *pairs, count=None):
    """IPFIX's: field count, scope count."""
    return struct.pack(">HHH", number, len(pairs) if count is None else count, n_scope) \
        + fields(*pairs)


def v9_options(number, scope, option, scope_octets=None, option_octets=None):
    """v9's: octets of the scope fields, octets of the others."""
    return struct.pack(">HHH", number,
                       4 * len(scope) if scope_octets is None else scope_octets,
                       4 * len(option) if option_octets is None else option_octets) \
        + fields(*scope, *option)


def templates(*records):
    return a_set(2, *records)


def v9_templates(*records):
    return a_set(0, *records)


def option_templates(*records):
    return a_set(3, *records)


def record(number):
    """By template PLAIN; its octets are the number."""
    return struct.pack(">IIHHBIQ", 0x0a000001, 0x0a000002, number % 65536, 443, 6,
                       number % 997 + 1, number)


def plain(*numbers):
    """A set of such records."""
    return a_set(256, *(record(number) for number in numbers))


def varlen(content, long_form=False):
    if len(content) < 255 and not long_form:
        return bytes([len(content)]) + content
    return b"\xff" + struct.pack(">H", len(content)) + content


def u(value, n_octets):
    return value.to_bytes(n_octets, "big")


GOOD = plain(7)  # beside something bad in the same message


def hello(domain=1):
    """What an exporter says before its case: its templates of both versions."""
    return [ipfix(templates(template(256, *PLAIN)), domain=domain),
            v9(v9_templates(template(256, *PLAIN)), domain=domain)]


def last_word(domain=1):
    """And after it: whatever happened, this must be stored."""
    return ipfix(templates(template(256, *PLAIN)), plain(LAST_WORD), n=1, domain=domain)
