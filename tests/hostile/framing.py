# SPDX-License-Identifier: Apache-2.0
"""Classes 1 to 21: headers, lengths, sets (RFC 7011 3 and 9.1)."""

import random

from catalogue import Case, bad, catalogued
from packets import (GOOD, PLAIN, a_set, ipfix, plain, template, templates, v5, v9,
                     v9_templates)


NAMES = {ipfix: "IPFIX", v9: "v9"}


@catalogued(1, "a datagram without an octet is discarded", "D")
def _():
    return [Case("nothing", [b""], bad("empty"))]


@catalogued(2, "a datagram of one octet is discarded", "D")
def _():
    return [Case("one octet", [b"\0", b"\x0a", b"\xff"], bad("short_header", count=3))]


@catalogued(3, "a message that ends in its header is discarded", "D")
def _():
    return [Case(f"{name} of each length below its header",
                 [whole[:n] for n in range(2, len(whole))],
                 bad("short_header", count=len(whole) - 2))
            for name, whole in (("v5", v5(1)[:24]), ("v9", v9()), ("IPFIX", ipfix()))]


@catalogued(4, "an IPFIX length beyond the datagram discards the message", "D")
def _():
    return [Case("one octet more", [ipfix(GOOD, length=46)], bad("message_length")),
            Case("65535", [ipfix(GOOD, length=65535)], bad("message_length"))]


@catalogued(5, "an IPFIX length below its header discards the message", "D")
def _():
    return [Case("lengths 0, 1 and 15",
                 [ipfix(GOOD, length=length) for length in (0, 1, 15)],
                 bad("message_length", count=3))]


@catalogued(6, "what follows a message in its datagram is read if it is one", "AD")
def _():
    half = ipfix(GOOD)[:20]
    return [
        Case("zeros (PAN-OS)", [ipfix(GOOD, n=1) + bytes(6), v9(GOOD) + bytes(10)],
             flows=2),
        Case("another message", [ipfix(GOOD, n=1) + ipfix(plain(8), seq=1)], flows=2),
        Case("rubbish", [ipfix(GOOD, n=1) + b"\xde\xad\xbe\xef"], bad("trailing"), 1),
        Case("half of another message", [ipfix(GOOD, n=1) + half], bad("trailing"), 1),
        Case("a malformed message", [ipfix(GOOD, n=1) + ipfix(a_set(256, length=0))],
             bad("set_length"), 1),
    ]


@catalogued(7, "a set of length 0 discards the message", "D")
def _():
    return [Case("behind a good set, in IPFIX", [ipfix(GOOD, a_set(256, length=0))],
                 bad("set_length")),
            Case("in v9", [v9(GOOD, a_set(256, length=0), n=0)], bad("set_length")),
            Case("as id and length 0, and then more",
                 [v9(GOOD, b"\0\0\0\0\0\1", n=0)], bad("set_length"))]


@catalogued(8, "a set of length 1 to 3 discards the message", "D")
def _():
    return [Case(f"{NAMES[maker]} with 1, 2 and 3",
                 [maker(GOOD, a_set(256, length=n), n=0) for n in (1, 2, 3)],
                 bad("set_length", count=3)) for maker in (ipfix, v9)]


@catalogued(9, "a set past the end of its message discards it", "D")
def _():
    return [Case(f"{NAMES[maker]}, by one octet and by 65535",
                 [maker(GOOD, a_set(256, bytes(25), length=30), n=0),
                  maker(GOOD, a_set(256, bytes(25), length=65535), n=0)],
                 bad("set_length", count=2)) for maker in (ipfix, v9)]


@catalogued(10, "a set header that is cut discards the message", "D",
            note="one to three octets of zeros there are padding.")
def _():
    return [Case("1, 2 and 3 octets", [ipfix(GOOD, bytes([1] * n)) for n in (1, 2, 3)],
                 bad("set_header", count=3)),
            Case("in v9", [v9(GOOD, b"\1\0", n=0)], bad("set_header")),
            Case("zeros", [ipfix(GOOD, b"\0\0\0", n=1)], flows=1)]


@catalogued(11, "reserved set ids discard a message of IPFIX, and in v9 their set", "DS")
def _():
    ipfix_ids, v9_ids = (0, 1, 4, 9, 255), (2, 3, 9, 255)
    return [Case("ids 0, 1, 4, 9 and 255 of IPFIX",
                 [ipfix(GOOD, a_set(number, bytes(4))) for number in ipfix_ids],
                 bad("set_id", count=len(ipfix_ids))),
            Case("ids 2, 3, 9 and 255 of v9",
                 [v9(a_set(number, bytes(4)), plain(number)) for number in v9_ids],
                 bad("set_id", "sets", len(v9_ids)), len(v9_ids))]


@catalogued(12, "an unknown version is discarded", "D")
def _():
    versions = (0, 1, 2, 3, 4, 6, 7, 8, 11, 0x0109, 65535)
    return [Case("versions 0 to 4, 6 to 8, 11, 265 and 65535",
                 [version.to_bytes(2, "big") + ipfix(GOOD)[2:] for version in versions],
                 bad("version", count=len(versions)))]


@catalogued(13, "sixteen thousand empty sets in one datagram cost little", "A")
def _():
    sets = [a_set(number) for number in (256, 2, 3, 400)] * 4000
    return [Case("16 000 empty sets of IPFIX", [ipfix(*sets, GOOD, n=1)], flows=1),
            Case("16 000 empty sets of v9",
                 [v9(*[a_set(n) for n in (256, 0, 1, 400)] * 4000, GOOD)], flows=1)]


@catalogued(14, "the count of a v9 header is not believed", "A")
def _():
    return [Case("0, 65535 and 1 instead of 2",
                 [v9(plain(1), plain(2), count=0), v9(plain(3), plain(4), count=65535),
                  v9(plain(5), plain(6), count=1)], flows=6)]


@catalogued(15, "a v5 count that is not that of its records discards the message", "D")
def _():
    return [Case("counts 0, 2, 4, 31 and 65535 for 3 records",
                 [v5(3, count=count) for count in (0, 2, 4, 31, 65535)],
                 bad("record_count", count=5)),
            Case("31 records", [bytes(v5(31))], bad("record_count")),
            Case("zeros behind the records", [v5(3) + bytes(47)], flows=3)]


@catalogued(16, "v1, v7 and v8 are not taken for v5, and a sampling mode not for a rate",
            "DA", note="the upper two bits of v5's sampling field are its mode.")
def _():
    return [Case("v5 that calls itself 1, 7 and 8",
                 [v5(2, version=version) for version in (1, 7, 8)],
                 bad("version", count=3)),
            Case("mode 3 and 1 in 100", [v5(1, sampling=0xc000 | 100, octets=5)],
                 flows=1, shows=("sampling || ' ' || octets", ["100 500"])),
            Case("mode 1 and no rate", [v5(1, sampling=0x4000, octets=5)], flows=1,
                 shows=("coalesce(sampling, 0) || ' ' || octets", ["0 5"]))]


@catalogued(17, "a datagram as large as UDP allows is read to its end", "A")
def _():
    n_ipfix, n_v9 = (65507 - 20) // 25, (65507 - 24) // 25
    return [Case("65 507 octets of IPFIX", [ipfix(plain(*range(1, n_ipfix + 1)),
                                                  n=n_ipfix)], flows=n_ipfix),
            Case("65 507 octets of v9", [v9(plain(*range(1, n_v9 + 1)))], flows=n_v9)]


@catalogued(20, "random octets behind a valid version are discarded", "D")
def _():
    dice = random.Random(20)

    def rubbish(version):
        return version.to_bytes(2, "big") + dice.randbytes(dice.randrange(60, 400))
    return [
        Case("40 of v5", [rubbish(5) for _ in range(40)], bad("record_count", count=40)),
        Case("40 of v9", [rubbish(9) for _ in range(40)], {"malformed/*/messages": 40}),
        Case("40 of IPFIX", [rubbish(10) for _ in range(40)],
             {"malformed/*/messages": 40}),
    ]


def mutations(n=20000, seed=3954):
    """@n datagrams, made of all there are in the catalogue and good ones."""
    from catalogue import load
    dice = random.Random(seed)
    bases = [bytes(v5(3)), bytes(v9(v9_templates(template(256, *PLAIN)), plain(1, 2))),
             bytes(ipfix(templates(template(256, *PLAIN)), plain(3, 4)))]
    for hostile in load():
        if hostile.number != 21:
            bases += [bytes(sent) for case in hostile.cases()
                      for sent in case.datagrams() if 2 < len(sent) <= 1400]
    for _ in range(n):
        data = bytearray(dice.choice(bases))
        for _ in range(dice.randrange(1, 5)):
            kind, at = dice.randrange(5), dice.randrange(len(data))
            if kind == 0:
                data[at] ^= 1 << dice.randrange(8)
            elif kind == 1:
                data[at] = dice.choice((0, 1, 3, 4, 0x7f, 0x80, 0xfe, 0xff))
            elif kind == 2 and len(data) > 4:
                del data[at:at + dice.randrange(1, 5)]
            elif kind == 3:
                data[at:at] = data[:dice.randrange(40)]
            else:
                other = dice.choice(bases)
                data[at:] = other[dice.randrange(len(other)):]
            data = data or bytearray(1)
        yield bytes(data[:1400])


def run_mutations(test, fire):
    rows_before = fire.sql.number("SELECT count(*) FROM flowkeep.rejected_flow")
    sent = 0
    for i, data in enumerate(mutations()):
        fire.send(data, fire.address(21, 1 + i % 20))
        sent += 1
        if i % 100 == 0:
            fire.neighbour(21)
        if i % 2000 == 0:
            fire.settle(21)
    fire.settle(21)
    test.assertEqual(sent, 20000)
    test.assertEqual(fire.sql.number("SELECT count(*) FROM flowkeep.rejected_flow"),
                     rows_before)
    # Each was stored, or counted, or is a message of no data; most are bad.
    test.assertGreater(fire.sql.number(
        "SELECT sum(count) FROM flowkeep.loss l JOIN flowkeep.exporter e"
        " ON e.id = l.exporter_id WHERE e.address <<= '127.21.0.0/16'"), 1000)
    return sent


@catalogued(21, "twenty thousand mutations harm nobody", "DA", run=run_mutations,
            inputs="20 000 mutations of the packets of all classes",
            losses="whatever is wrong with each")
def _():
    return [Case("mutation", list(mutations(12, 7)))]
