# SPDX-License-Identifier: Apache-2.0
"""Classes 66 to 75: numbers, times and texts that are not what they should be."""

import struct

from catalogue import Case, bad, catalogued, refused
from packets import (LAST_WORD, PLAIN, a_set, clock, ipfix, option_templates, options,
                     plain, record, template, templates, u, v9, v9_templates, varlen)

ADDRESS = u(0x0a000001, 4)
LARGEST = 2**63 - 1
MARKS = "coalesce(extra->'marks', '[]')"
FLOW_OF = " FROM flowkeep.flow f JOIN flowkeep.exporter e ON e.id = f.exporter_id" \
    " WHERE e.address = %(address)s"


def ipfix_t(*pairs, data=b"", n=1, number=257):
    return ipfix(templates(template(number, *pairs)), a_set(number, data), n=n)


@catalogued(66, "a counter above 2^63-1 is stored as that, and marked", "A",
            note="the column is a bigint, and one value beyond it would cost the whole "
                 "batch.")
def _():
    def sent(octets, packets=1):
        return [ipfix_t((8, 4), (2, 8), (1, 8),
                        data=ADDRESS + u(packets, 8) + u(octets, 8))]
    shows = "octets || ' ' || packets || ' ' || (" + MARKS + " ? 'counter_clamped')"
    clamped = 'true'
    sampled = [ipfix(option_templates(options(258, 1, (144, 4), (34, 4))),
                     a_set(258, u(1, 4), u(1000, 4)), n=1)]
    return [Case("2^63-1", sent(LARGEST), flows=1, shows=(shows, [f"{LARGEST} 1 false"])),
            Case("2^63", sent(2**63), flows=1,
                 shows=(shows, [f"{LARGEST} 1 {clamped}"])),
            Case("2^64-1 of both", sent(2**64 - 1, 2**64 - 1), flows=1,
                 shows=(shows, [f"{LARGEST} {LARGEST} {clamped}"])),
            Case("2^60 of one packet in 1000", sampled + sent(2**60), flows=1,
                 shows=(shows, [f"{LARGEST} 1000 {clamped}"])),
            Case("2^64-1 on the way back", [ipfix_t(
                (8, 4), (1, 8), (1, 8, 29305),
                data=ADDRESS + u(5, 8) + u(2**64 - 1, 8))], flows=1,
                shows=("octets || ' ' || (extra->>'reverse_octets') || ' ' || ("
                       + MARKS + " ? 'counter_clamped')",
                       [f"5 {LARGEST} {clamped}"]))]


@catalogued(67, "sums of such counters do not overflow", "A")
def _():
    n = 100
    data = b"".join(u(0x0a000001 + i, 4) + u(0x0a010001, 4) + b"\6" + u(LARGEST, 8)
                    for i in range(n))
    total = n * LARGEST + LAST_WORD
    return [Case("100 flows of 2^63-1 octets",
                 [ipfix_t((8, 4), (12, 4), (4, 1), (1, 8), data=data, n=n)], flows=n,
                 query=("SELECT sum(octets) FROM flowkeep.traffic_1m t"
                        " JOIN flowkeep.exporter e ON e.id = t.exporter_id"
                        " WHERE e.address = %(address)s", [[str(total)]]))]


def timed(start_ms, end_ms, octets=1):
    return ipfix_t((8, 4), (1, 4), (152, 8), (153, 8),
                   data=ADDRESS + u(octets, 4) + u(start_ms, 8) + u(end_ms, 8))


@catalogued(68, "absurd times become the time of receipt, and are marked", "A",
            note="decode.max_past_days is 60, and not 30, since there are devices with "
                 "flows of 50 days.  Rows are kept by the time of receipt, so none is "
                 "without its partition.")
def _():
    now, day = clock["now"] * 1000, 86400 * 1000
    shows = (MARKS + "::text || (abs(extract(epoch FROM received_at - end_at)) < 60)"
             " || (end_at >= start_at) || (start_at > received_at - interval '61 days')")
    clamped = '["time_clamped"]truetruetrue'
    cases = [("no trouble", now - 5000, now - 1000, "[]truetruetrue"),
             ("a flow of 50 days", now - 50 * day, now, "[]truetruetrue"),
             ("its end before its start", now - 1000, now - 9000,
              '["time_swapped"]truetruetrue'),
             ("start 0", 0, now - 1000, clamped), ("both 0", 0, 0, clamped),
             ("2^64-1", 2**64 - 1, 2**64 - 1, clamped),
             ("2^63", 2**63, 2**63 + 1, clamped),
             ("two hours ahead", now + 7200000, now + 7200000, clamped),
             ("61 days ago", now - 61 * day, now - 61 * day, clamped),
             ("start 2^64-1 and end 0", 2**64 - 1, 0, None)]
    return [Case(what, [timed(start, end)], flows=1,
                 shows=(shows, [shown]) if shown else None,
                 query=("SELECT count(*) FROM flowkeep.flow_default", [["0"]]))
            for what, start, end, shown in cases]


def uptimes(uptime, first, last, sec=None, n=1):
    return v9(v9_templates(template(257, (8, 4), (1, 4), (22, 4), (21, 4))),
              a_set(257, ADDRESS, u(n, 4), u(first, 4), u(last, 4)), uptime=uptime,
              sec=sec)


RECENT = "abs(extract(epoch FROM received_at - end_at)) < 60"
LASTS = "extract(epoch FROM end_at - start_at)::numeric(9, 1)"


@catalogued(69, "an export time of 1970, 2038 or 2106 is that of a clock never set", "A")
def _():
    far = {"0": 0, "2^31": 2**31, "2^32-1": 2**32 - 1}
    return [Case(f"{name} in v9", [uptimes(3600000, 3590000, 3599000, sec)], flows=1,
                 shows=(f"({RECENT}) || ' ' || {LASTS}", ["true 9.0"]))
            for name, sec in far.items()] + [
        Case(f"{name} in IPFIX", [ipfix(plain(1), sec=sec, n=1)], flows=1,
             shows=(f"({RECENT})", ["t"])) for name, sec in far.items()]


@catalogued(70, "uptimes that wrapped, or are ahead of the header, are read modulo 2^32",
            "A")
def _():
    return [Case("the flow started before the wrap",
                 [uptimes(5000, 2**32 - 5000, 4000)], flows=1,
                 shows=(f"({RECENT}) || ' ' || {LASTS}", ["true 9.0"])),
            Case("it ended before the wrap", [uptimes(500, 2**32 - 9000, 2**32 - 1000)],
                 flows=1, shows=(f"({RECENT}) || ' ' || {LASTS}", ["true 8.0"])),
            Case("half a second ahead", [uptimes(1000000, 1000400, 1000500)], flows=1,
                 shows=(f"({RECENT}) || ' ' || {LASTS}", ["true 0.1"]))]


def ntp(sec, fraction):
    return u((sec + 2208988800) % 2**32, 4) + u(fraction, 4)


@catalogued(71, "NTP times of any era and fraction are read", "A",
            note="the bottom 11 bits of microseconds are ignored (RFC 7011 6.1.9).")
def _():
    now = clock["now"] - 10

    def sent(kind, *ends):
        return [ipfix(templates(template(257, (8, 4), (1, 4), (kind, 8), (kind + 1, 8))),
                      a_set(257, *(ADDRESS + u(i, 4) + start + end
                                   for i, (start, end) in enumerate(ends))),
                      n=len(ends))]
    fraction = "(extract(microseconds FROM start_at)::bigint % 1000000)::text"
    return [
        Case("microseconds that differ in 11 bits",
             sent(154, (ntp(now, 0x80000000), ntp(now + 1, 0)),
                  (ntp(now, 0x800007ff), ntp(now + 1, 0x7ff))), flows=2,
             shows=(fraction, ["500000", "500000"])),
        Case("the largest fractions",
             sent(156, (ntp(now, 2**32 - 1), ntp(now + 1, 2**32 - 1))), flows=1,
             shows=(fraction, ["999999"])),
        Case("all zeros, and all ones",
             sent(156, (bytes(8), bytes(8)), (b"\xff" * 8, b"\xff" * 8)), flows=2,
             shows=(f"({RECENT}) || {MARKS}::text", ['true["time_clamped"]'] * 2)),
    ]


def numbered_v9(sequence, octets=None, uptime=3600000):
    """With its template, since order is what is tried here."""
    return v9(v9_templates(template(256, *PLAIN)),
              plain(sequence % 1000 if octets is None else octets), uptime=uptime,
              seq=sequence)


@catalogued(72, "sequence numbers that wrap, jump, restart, repeat or overtake", "A",
            note="a jump that nothing confirms is no loss; a message that is the very "
                 "same as one of the last five seconds is stored once.")
def _():
    new = {"greets": False}
    shuffled = [(i * 19) % 32 for i in range(32)]  # 19 and 32 have no common divisor
    return [
        Case("from 2^32-1 to 0", [numbered_v9((2**32 - 3 + i) % 2**32, 10 + i)
                                  for i in range(6)], flows=6, **new),
        Case("2^31 ahead, once", [numbered_v9(n, 10 + i) for i, n in
                                  enumerate((5, 6, 7 + 2**31, 7, 8))], flows=5, **new),
        Case("back to 0 after a restart",
             [numbered_v9(1000 + i, 10 + i, 3600000 + i) for i in range(4)]
             + [numbered_v9(i, 20 + i, 1000 + i) for i in range(4)], flows=8, **new),
        Case("twice the same", [numbered_v9(5, 10), numbered_v9(5, 10),
                                numbered_v9(6, 11)],
             refused("duplicate"), 2, **new),
        Case("32 in another order", [numbered_v9(100)]
             + [numbered_v9(101 + i, 200 + i) for i in shuffled], flows=33, **new),
        Case("five packets of v9 missing", [numbered_v9(5), numbered_v9(6),
                                            numbered_v9(12)],
             {"sequence_gap//datagrams": 5}, 3, **new),
        Case("seven records of IPFIX missing",
             [ipfix(plain(1), seq=0), ipfix(plain(2), seq=8),
              ipfix(plain(3), seq=9)], {"sequence_gap//flows": 7}, 3, parts=False),
    ]


def v6(text):
    import socket
    return socket.inet_pton(socket.AF_INET6, text)


@catalogued(73, "an IPv4 address in IPv6's clothes is stored as IPv4", "A")
def _():
    pairs = ((27, 16), (28, 16), (1, 4))
    shows = "host(src) || ' ' || host(dst)"
    addresses = [("::ffff:192.0.2.1", "::ffff:10.1.2.3", "192.0.2.1 10.1.2.3"),
                 ("::192.0.2.1", "2001:db8::1", "::192.0.2.1 2001:db8::1"),
                 ("fe80::1", "ff02::1", "fe80::1 ff02::1"),
                 ("::", "::ffff:0.0.0.0", ":: 0.0.0.0"),
                 ("::ffff:1:0:0", "::1", "::ffff:1:0:0 ::1")]
    sends = [ipfix_t(*pairs, data=v6(src) + v6(dst) + u(1, 4))
             for src, dst, _ in addresses]
    return [Case(f"{src} and {dst}", [message], flows=1, shows=(shows, [shown]))
            for (src, dst, shown), message in zip(addresses, sends)]


# What an interface calls itself, and what is stored of it (None: nothing).
TEXTS = [
    ("plain", b"Gi0/0/1", "Gi0/0/1"),
    ("cut at NUL", b"eth0\0rubbish\xff", "eth0"),
    ("NUL first", b"\0eth0", None),
    ("not UTF-8", b"eth\xff", None),
    ("overlong", b"\xc0\xaf", None),
    ("a surrogate", b"\xed\xa0\x80", None),
    ("beyond Unicode", b"\xf4\x90\x80\x80", None),
    ("cut in a character", b"eth\xe2\x82", None),
    ("a byte order mark", b"\xef\xbb\xbfeth0", "\ufeffeth0"),
    ("right to left", "eth\u202e0".encode(), "eth\u202e0"),
    ("a format", b"%n%s%x", "%n%s%x"),
    ("a terminal's command", b"\x1b[2J\x1b]0;x\x07", "\x1b[2J\x1b]0;x\x07"),
    ("line ends", b"a\r\nb", "a\r\nb"),
    ("markup", b"<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("SQL", b"'; DROP TABLE flowkeep.flow; --", "'; DROP TABLE flowkeep.flow; --"),
    ("the end of a COPY", b"\\.", "\\."),
    ("backslashes and tabs", b"\\N\\copy\t\\\\", "\\N\\copy\t\\\\"),
    ("blanks at the end", b"eth0   ", "eth0"),
    ("of 300 octets", b"x" * 300, None),
    ("of 65 000 octets", b"y" * 65000, None),
]
KEPT = 255  # octets of a name


def run_doctor(test, fire):
    """A terminal that shows such a name is not commanded by it."""
    which = [what for what, _, _ in TEXTS].index("a terminal's command")
    said = fire.c.flowkeep("doctor", fire.address(74, 1 + which), check=False).stdout
    test.assertIn("\\x1b[2J", said)
    test.assertNotIn("\x1b", said)


@catalogued(74, "texts are stored as they are, cut, or skipped when they are none", "AS",
            after=run_doctor, note="the command line shows what is no letter escaped.")
def _():
    def sent(text):
        return [ipfix(option_templates(options(257, 1, (10, 4), (82, 65535))),
                      a_set(257, u(5, 4), varlen(text)), n=1)]
    query = ("SELECT encode(convert_to(i.name, 'UTF8'), 'hex') FROM flowkeep.interface i"
             " JOIN flowkeep.exporter e ON e.id = i.exporter_id"
             " WHERE e.address = %(address)s")
    cases = []
    for what, text, stored in TEXTS:
        if len(text) > KEPT:
            stored = text[:KEPT].decode()
        is_text = stored is not None or text[:1] == b"\0"
        cases.append(Case(
            what, sent(text), {} if is_text else bad("field_string", "fields"),
            query=(query, [[stored.encode().hex()]] if stored else [])))
    name = "\\\"'\x01\x1b\x7f\t\n\U0001f600\u2028"
    cases.append(Case("of an application, in the flow's extra", [
        ipfix(option_templates(options(257, 1, (95, 4), (96, 65535))),
              a_set(257, u(0x0d000001, 4), varlen(name.encode())), n=1),
        ipfix(templates(template(258, (8, 4), (95, 4), (1, 4))),
              a_set(258, ADDRESS, u(0x0d000001, 4), u(1, 4)), n=1)], flows=1,
        shows=("encode(convert_to(extra->>'app', 'UTF8'), 'hex')",
               [name.encode().hex()])))
    return cases


@catalogued(75, "values outside their range are stored where there is room for them", "A")
def _():
    return [
        Case("protocol 255 has no ports", [ipfix_t(
            (8, 4), (4, 1), (7, 2), (1, 4), data=ADDRESS + b"\xff" + u(7, 2) + u(1, 4))],
            flows=1, shows=("protocol || ' ' || coalesce(src_port, -1)", ["255 -1"])),
        Case("TCP flags of one and of two octets", [
            ipfix_t((8, 4), (6, 1), (1, 4), data=ADDRESS + b"\xff" + u(1, 4)),
            ipfix_t((8, 4), (6, 2), (1, 4), data=ADDRESS + b"\xff\xff" + u(2, 4))],
            flows=2, shows=("tcp_flags", ["255", "4095"])),
        Case("VLAN 4095 and 65535", [
            ipfix_t((8, 4), (58, 2), (1, 4), data=ADDRESS + u(4095, 2) + u(1, 4)),
            ipfix_t((8, 4), (58, 2), (1, 4), data=ADDRESS + u(65535, 2) + u(2, 4))],
            flows=2, shows=("extra->>'vlan'", ["4095", "65535"])),
        Case("an interface above 2^31", [ipfix_t(
            (8, 4), (10, 4), (1, 4), data=ADDRESS + u(2**32 - 1, 4) + u(1, 4))],
            flows=1, shows=("coalesce(input_if, -1) || ' ' || (extra->>'input_if')",
                            ["-1 4294967295"])),
        Case("booleans of 0 and 255, group hardware addresses", [ipfix_t(
            (8, 4), (276, 1), (56, 6), (276, 1), (1, 4),
            data=ADDRESS + b"\0" + b"\xff" * 6 + b"\xff" + u(1, 4))], flows=1,
            shows=("octets", ["1"])),
        Case("direction and end reason 255", [ipfix_t(
            (8, 4), (61, 1), (136, 1), (1, 4), data=ADDRESS + b"\xff\xff" + u(1, 4))],
            flows=1, shows=("coalesce(extra->>'direction', 'none')", ["none"])),
        Case("a direction of 5 octets and a port of 8, too large for both", [ipfix_t(
            (8, 4), (7, 8), (61, 5), (1, 4),
            data=ADDRESS + b"\xff" * 8 + b"\xff" * 5 + u(1, 4))], flows=1,
            shows=("coalesce(src_port, -1)", ["-1"])),
    ]
