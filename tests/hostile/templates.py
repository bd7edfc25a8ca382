# SPDX-License-Identifier: Apache-2.0
"""Classes 22 to 56: templates and the data they are for (RFC 7011 3.4, 6.2 and 8)."""

import struct
import time

from catalogue import Case, From, Stream, bad, catalogued, refused
from packets import (GOOD, PLAIN, a_set, clock, fields, ipfix, option_templates, options, plain,
                     record, template, templates, u, v9, v9_templates, varlen)

ADDRESS = u(0x0a000001, 4)


def ipfix_t(*pairs, data=b"", n=1, number=257):
    """A message of one template and a set of its data."""
    return ipfix(templates(template(number, *pairs)), a_set(number, data), n=n)


@catalogued(22, "a template id below 256 is refused", "T")
def _():
    return [Case("1, 100 and 255",
                 [ipfix(templates(template(number, (1, 4))), plain(number), n=1)
                  for number in (1, 100, 255)], bad("template_id", "templates", 3), 3)]


@catalogued(23, "template id 0 is refused", "T")
def _():
    return [Case("in IPFIX", [ipfix(templates(template(0, (1, 4))), GOOD, n=1)],
                 bad("template_id", "templates"), 1),
            Case("in v9", [v9(v9_templates(template(0, (1, 4))), GOOD)],
                 bad("template_id", "templates"), 1)]


@catalogued(24, "a withdrawal over UDP is ignored", "I")
def _():
    return [Case("of the template in use (RFC 7011 8.4)",
                 [ipfix(templates(template(256)), plain(1), n=1)], flows=1)]


NEW = templates(template(300, (8, 4), (1, 4)))


@catalogued(25, "a withdrawal over TCP takes the template away", "A",
            note="data that follow have no template, and with the session their last "
                 "chance to get one ends.")
def _():
    known = templates(template(256, *PLAIN))
    return [
        Case("withdrawn, data, announced anew, data", [Stream([
            ipfix(known, plain(1), n=1), ipfix(templates(template(256))),
            ipfix(templates(template(256, (8, 4), (1, 4))), a_set(256, ADDRESS, u(2, 4)),
                  n=1)])], flows=2, shows=("octets", ["1", "2"])),
        Case("withdrawn, data", [Stream([
            ipfix(known, plain(1), n=1), ipfix(templates(template(256))),
            ipfix(plain(2), n=1)])], {"no_template//sets": 1}, 1),
        Case("all in one message, in order", [Stream([
            ipfix(known, plain(1), templates(template(256)), NEW,
                  a_set(300, ADDRESS, u(2, 4)), n=2)])], flows=2),
    ]


@catalogued(26, "a withdrawal of all takes all of its kind and domain over TCP only",
            "AI")
def _():
    known = ipfix(templates(template(256, *PLAIN)), NEW,
                  option_templates(options(301, 1, (10, 4), (82, 4))))
    other = ipfix(templates(template(256, *PLAIN)), domain=2)
    all_data, all_options = templates(template(2)), option_templates(template(3))
    name = a_set(301, u(5, 4), b"eth5")
    return [
        Case("id 2 over TCP", [Stream([
            known, other, ipfix(all_data), ipfix(name, n=1), ipfix(plain(1), n=1),
            ipfix(a_set(300, ADDRESS, u(2, 4)), n=1),
            ipfix(plain(3), n=1, domain=2)])], {"no_template//sets": 2}, 1,
            query=("SELECT i.name FROM flowkeep.interface i JOIN flowkeep.exporter e"
                   " ON e.id = i.exporter_id WHERE e.address = %(address)s",
                   [["eth5"]])),
        Case("id 3 over TCP", [Stream([
            known, ipfix(all_options), ipfix(plain(1), n=1), ipfix(name, n=1)])],
            {"no_template//sets": 1}, 1),
        Case("both over UDP", [ipfix(all_data), ipfix(all_options),
                               ipfix(plain(1), n=1)], flows=1),
    ]


@catalogued(27, "a withdrawal of what was never announced is ignored", "I")
def _():
    return [Case("over TCP", [Stream([
        ipfix(templates(template(256, *PLAIN), template(999)), plain(1), n=1)])],
        flows=1),
        Case("over UDP", [ipfix(templates(template(999)), plain(1), n=1)], flows=1)]


@catalogued(28, "a withdrawal that is cut discards the message", "D")
def _():
    return [Case("1, 2 and 3 octets",
                 [ipfix(GOOD, a_set(2, b"\1\0\0"[:n])) for n in (1, 2, 3)],
                 bad("template_cut", count=3))]


@catalogued(29, "a v9 template without fields is refused, and so are its data", "T",
            note="a recording of a device that does this has the data at once; they "
                 "must neither wait nor be read by what the id meant before, so they "
                 "are counted with their template.")
def _():
    return [Case("template and data in one packet",
                 [v9(v9_templates(template(257)), a_set(257, u(1, 4)), GOOD)],
                 {**bad("template_empty", "templates"), **bad("template_empty", "sets")},
                 1)]


@catalogued(30, "a field count beyond the template discards the message", "D")
def _():
    twenty = [(1, 4)] * 20
    return [Case("65535 instead of 20",
                 [ipfix(GOOD, templates(template(257, *twenty, count=65535))),
                  v9(GOOD, v9_templates(template(257, *twenty, count=65535)), n=0)],
                 bad("template_cut", count=2)),
            Case("21 instead of 20",
                 [ipfix(GOOD, templates(template(257, *twenty, count=21)))],
                 bad("template_cut"))]


@catalogued(31, "a template of more fields than the limit is refused", "L")
def _():
    wide = [(1, 1)] + [(210, 1)] * 3999  # padding
    return [Case("4000 fields of IPFIX", [ipfix(templates(template(257, *wide)), GOOD,
                                                n=1)],
                 refused("template_fields", "templates"), 1),
            Case("4000 fields of v9, and data",
                 [v9(v9_templates(template(257, *wide)), a_set(257, bytes(4000)), GOOD)],
                 {**refused("template_fields", "templates"),
                  **refused("template_fields", "sets")}, 1),
            Case("1024 fields", [ipfix(templates(template(257, *wide[:1024])),
                                       a_set(257, bytes(1024)), n=1)], flows=1)]


@catalogued(32, "a field of length 0 is as if it were not there", "A")
def _():
    return [Case("a counter, as Juniper SRX sends it",
                 [ipfix_t((8, 4), (1, 0), (2, 1), data=ADDRESS + b"\5")], flows=1,
                 shows=("coalesce(octets, -1) || ' ' || packets", ["-1 5"]))]


@catalogued(33, "records of no octets are refused", "T")
def _():
    lost = {**bad("template_record", "templates"), **bad("template_record", "sets")}
    return [Case("in IPFIX, and data", [ipfix(templates(template(257, (8, 0), (1, 0))),
                                              a_set(257, u(1, 4)), GOOD, n=1)], lost, 1),
            Case("in v9, and data", [v9(v9_templates(template(257, (8, 0), (1, 0))),
                                        a_set(257, u(1, 4)), GOOD)], lost, 1)]


@catalogued(34, "records that no message can hold are refused", "T")
def _():
    return [Case("65 532 octets", [ipfix(templates(template(257, (512, 65531), (4, 1))),
                                         GOOD, n=1)],
                 bad("template_record", "templates"), 1),
            Case("three times 32 767", [v9(v9_templates(template(257, *[(512, 32767)] * 3)),
                                           GOOD)],
                 bad("template_record", "templates"), 1),
            Case("65 531 octets, which fit",
                 [ipfix(templates(template(257, (512, 65531))), GOOD, n=1)], flows=1)]


@catalogued(35, "an enterprise number that is cut off discards the message", "D")
def _():
    return [Case("behind a good field", [ipfix(GOOD, a_set(
        2, struct.pack(">HH", 257, 2), fields((1, 4)), b"\x80\1\0\4"))],
        bad("template_cut")),
        Case("alone, and half of one", [
            ipfix(GOOD, a_set(2, struct.pack(">HH", 257, 1), b"\x80\1\0\4")),
            ipfix(GOOD, a_set(2, struct.pack(">HH", 257, 1), b"\x80\1\0\4\0\0"))],
        bad("template_cut", count=2))]


@catalogued(36, "of an element that comes sixty times the first counts", "A",
            note="RFC 7011 8 demands that such templates be read, and gives their "
                 "order a meaning: the first is the outermost.")
def _():
    return [Case("a counter 60 times", [ipfix_t(
        (8, 4), *[(1, 4)] * 60,
        data=ADDRESS + b"".join(u(100 + i, 4) for i in range(60)))], flows=1,
        shows=("octets", ["100"])),
        Case("addresses in pairs", [ipfix_t(
            (8, 4), (12, 4), (8, 4), (12, 4), (1, 4),
            data=u(0x0a000001, 4) + u(0x0a000002, 4) + u(0xc0000201, 4)
            + u(0xc0000202, 4) + u(9, 4))], flows=1,
        shows=("src || '-' || dst", ["10.0.0.1/32-10.0.0.2/32"]))]


@catalogued(37, "variable lengths are read in v9 too", "A")
def _():
    return [Case("a counter of two octets, as H3C sends it",
                 [v9(v9_templates(template(257, (8, 4), (1, 65535))),
                     a_set(257, ADDRESS, varlen(u(100, 2))))], flows=1,
                 shows=("octets", ["100"]))]


@catalogued(38, "a variable length that its type cannot have skips the field", "AS")
def _():
    def sent(address):
        return [ipfix_t((8, 65535), (1, 4), data=varlen(address) + u(100, 4))]
    shows = "coalesce(host(src), 'none') || ' ' || octets"
    return [Case("an IPv4 address of 4", sent(ADDRESS), flows=1,
                 shows=(shows, ["10.0.0.1 100"])),
            Case("of 5", sent(ADDRESS + b"\1"), bad("field_length", "fields"), 1,
                 shows=(shows, ["none 100"])),
            Case("of 0", sent(b""), flows=1, shows=(shows, ["none 100"])),
            Case("of 300", sent(bytes(300)), bad("field_length", "fields"), 1,
                 shows=(shows, ["none 100"]))]


@catalogued(39, "a field longer than its type is stepped over", "S")
def _():
    return [Case("an IPv4 address of 50 octets", [ipfix_t(
        (8, 50), (27, 17), (1, 4), data=b"\xff" * 67 + u(100, 4))],
        bad("field_length", "fields", 2), 1,
        shows=("coalesce(host(src), 'none') || ' ' || octets", ["none 100"])),
        Case("of 65 000", [ipfix_t((8, 65000), (1, 4),
                                   data=b"\xff" * 65000 + u(100, 4))],
             bad("field_length", "fields"), 1)]


@catalogued(40, "an address shorter than its type is stepped over", "S")
def _():
    return [Case(what, [ipfix_t((element, n), (1, 4), data=b"\x0a" * n + u(100, 4))],
                 bad("field_length", "fields"), 1,
                 shows=("coalesce(host(src), 'none') || ' ' || octets", ["none 100"]))
            for what, element, n in (("IPv4 of 1 octet", 8, 1), ("IPv4 of 3", 8, 3),
                                     ("IPv6 of 3", 27, 3), ("IPv6 of 15", 27, 15))] + [
        Case("a hardware address of 2, which nobody keeps",
             [ipfix_t((56, 2), (1, 4), data=b"\x0a\x0a" + u(100, 4))], flows=1)]


@catalogued(41, "a counter has 1 to 8 octets", "AT")
def _():
    short = range(1, 9)
    return [Case("1 to 8", [ipfix_t((8, 4), (1, n), data=ADDRESS + u(200, n),
                                    number=256 + n) for n in short], flows=8,
                 shows=("octets", ["200"] * 8))] + [
        Case(f"{n} octets, and data", [ipfix(
            templates(template(257, (8, 4), (1, n))), a_set(257, ADDRESS, u(200, n)),
            GOOD, n=1)],
            {**bad("template_field", "templates"), **bad("template_field", "sets")}, 1)
        for n in (9, 16)]


@catalogued(42, "times and floats of a length they cannot have refuse the template", "T")
def _():
    def message(element, n):
        return ipfix(templates(template(257, (8, 4), (element, n))), GOOD, n=1)
    return [Case("seconds of 3, milliseconds of 4, micro- and nanoseconds of 7",
                 [message(*pair) for pair in ((150, 3), (152, 4), (154, 7), (156, 7))],
                 bad("template_field", "templates", 4), 4),
            Case("a float of 2, in options", [ipfix(option_templates(
                options(257, 1, (10, 4), (311, 2))), GOOD, n=1)],
                bad("template_field", "templates"), 1)]


@catalogued(43, "a template redefined within a message counts from there on", "A")
def _():
    def message():
        return ipfix(
            templates(template(257, (8, 4), (1, 4))), a_set(257, ADDRESS, u(1, 4)),
            templates(template(257, (1, 4), (8, 4))), a_set(257, u(2, 4), ADDRESS), n=2)
    shows = ("host(src) || ' ' || octets", ["10.0.0.1 1", "10.0.0.1 2"])
    return [Case("over UDP", [message()], flows=2, shows=shows),
            Case("over TCP", [Stream([message()])], flows=2, shows=shows)]


@catalogued(44, "an id may become an options template and back", "A")
def _():
    return [Case("within a message and over three", [
        ipfix(templates(template(257, (8, 4), (1, 4))), a_set(257, ADDRESS, u(1, 4)),
              option_templates(options(257, 1, (10, 4), (82, 4))),
              a_set(257, u(3, 4), b"eth3"),
              templates(template(257, (1, 4), (8, 4))), a_set(257, u(2, 4), ADDRESS),
              n=3),
        ipfix(option_templates(options(257, 1, (10, 4), (82, 4)))),
        ipfix(a_set(257, u(4, 4), b"eth4"), n=1),
        ipfix(templates(template(257, (8, 4), (1, 4)))),
        ipfix(a_set(257, ADDRESS, u(3, 4)), n=1)], flows=3,
        shows=("octets", ["1", "2", "3"]),
        query=("SELECT i.if_index, i.name FROM flowkeep.interface i"
               " JOIN flowkeep.exporter e ON e.id = i.exporter_id"
               " WHERE e.address = %(address)s ORDER BY 1",
               [["3", "eth3"], ["4", "eth4"]]))]


@catalogued(45, "an options template replaced fifty times while in use is harmless", "A")
def _():
    def sets(i):
        return option_templates(options(257, 1, (10, 2 + i % 3), (82, 4 + i))) \
            + a_set(257, u(i, 2 + i % 3), (b"if%02d" % i).ljust(4 + i, b"\0"))
    names = [[str(i), "if%02d" % i] for i in range(50)]
    query = ("SELECT i.if_index, i.name FROM flowkeep.interface i"
             " JOIN flowkeep.exporter e ON e.id = i.exporter_id"
             " WHERE e.address = %(address)s ORDER BY 1", names)
    return [Case("in one message", [ipfix(*map(sets, range(50)), GOOD, n=51)], flows=1,
                 query=query),
            Case("in fifty", [ipfix(sets(i), n=1) for i in range(50)], query=query),
            Case("in fifty over TCP",
                 [Stream([ipfix(sets(i), n=1) for i in range(50)])], query=query)]


@catalogued(46, "four thousand templates in one message cost only their sender", "L",
            note="decode.max_templates is 1024: the least recently used go.")
def _():
    many = [template(1000 + i, (8, 4), (1, 4)) for i in range(4000)]
    # One was there before; one comes with the last word.
    lost = refused("max_templates", "templates", 1 + 4000 - 1024 + 1)
    return [Case("IPFIX", [ipfix(templates(*many), a_set(4999, ADDRESS, u(5, 4)), n=1)],
                 lost, 1, shows=("octets", ["5"])),
            Case("v9", [v9(v9_templates(*many), a_set(4999, ADDRESS, u(5, 4)))],
                 refused("max_templates", "templates", 1 + 4000 - 1024), 1)]


TEMPLATE_CHANGES = "SELECT s.template_changes FROM flowkeep.exporter_state s" \
    " JOIN flowkeep.exporter e ON e.id = s.exporter_id WHERE e.address = %(address)s"
PINNED = "127.48.3.1"  # the third case's; its collector has it as pinned


@catalogued(48, "a forged template is noticed, undone by the true one, or refused", "AL",
            note="nobody can tell a forged datagram from a true one.  Changes are counted "
                 "(exporter_state.template_changes); where ports differ each has the "
                 "templates it announced; a definition that comes back four times is "
                 "held for decode.template_hold_sec; pin_templates lets none be "
                 "replaced.")
def _():
    true, forged = ((8, 4), (1, 4)), ((1, 4), (8, 4))

    seconds = iter(range(clock["now"] - 600, clock["now"]))

    def announced(layout):  # no two are alike, or they would be repetitions
        return ipfix(templates(template(300, *layout)), sec=next(seconds))

    def data(i):
        return ipfix(a_set(300, ADDRESS, u(i, 4)), n=1)

    def to_and_fro(n):
        return [announced(layout) for _ in range(n) for layout in (forged, true)]
    shows = "host(src) || ' ' || octets"
    return [Case("from another port", [
        From(announced(true), 4001), From(data(1), 4001), From(announced(forged), 4002),
        From(data(2), 4001)], flows=2, shows=(shows, ["10.0.0.1 1", "10.0.0.1 2"]),
        query=(TEMPLATE_CHANGES, [["1"]])),
        Case("from the same port, until the true one comes again", [
            announced(true), data(1), announced(forged), data(2), announced(true),
            data(3)], flows=3,
            shows=(shows, ["10.0.0.1 1", "0.0.0.2 167772161", "10.0.0.1 3"]),
            query=(TEMPLATE_CHANGES, [["2"]])),
        Case("of one whose templates are pinned", [
            announced(true), data(1), announced(forged), data(2),
            From(announced(forged), 4003), data(3)],
            refused("template_pinned", "templates", 2), 3,
            shows=(shows, [f"10.0.0.1 {i}" for i in (1, 2, 3)]),
            query=(TEMPLATE_CHANGES, [["0"]])),
        Case("twenty times to and fro", [
            announced(true), *to_and_fro(3), announced(forged), data(1),
            *to_and_fro(16), data(2)],
            refused("template_flapping", "templates", 17), 2,
            shows=(shows, ["10.0.0.1 1", "10.0.0.1 2"]),
            query=(TEMPLATE_CHANGES, [["6"]]))]


@catalogued(49, "exporters and domains do not share their templates", "A")
def _():
    def message(domain, *pairs, data):
        return ipfix(templates(template(300, *pairs)), domain=domain), \
            ipfix(a_set(300, data), n=1, domain=domain)
    a = message(1, (8, 4), (1, 4), data=ADDRESS + u(1, 4))
    b = message(2, (1, 4), (8, 4), data=u(2, 4) + ADDRESS)
    c = message(1, (1, 2), (8, 4), data=u(3, 2) + ADDRESS)
    return [Case("two domains of one exporter", [a[0], b[0], a[1], b[1]], flows=2,
                 shows=("octets", ["1", "2"])),
            Case("two exporters", [a[0], From(c[0], host=1), a[1], From(c[1], host=1)],
                 flows=1, shows=("octets", ["1"]),
        query=("SELECT f.octets FROM flowkeep.flow f JOIN flowkeep.exporter e ON e.id ="
               " f.exporter_id WHERE e.address = %(address)s + 1", [["3"]]))]


@catalogued(50, "two devices behind one address are told apart by their ports", "A")
def _():
    a = ((8, 4), (1, 4)), ADDRESS + u(1, 4)
    b = ((1, 2), (8, 4)), u(2, 2) + ADDRESS
    return [Case("one id, two layouts, two ports", [
        From(ipfix(templates(template(300, *a[0]))), 4001),
        From(ipfix(templates(template(300, *b[0]))), 4002),
        From(ipfix(a_set(300, a[1]), n=1), 4001),
        From(ipfix(a_set(300, b[1]), n=1), 4002),
        From(ipfix(a_set(300, a[1][:-1] + b"\3"), n=1), 4001)], flows=3,
        shows=("host(src) || ' ' || octets", ["10.0.0.1 1", "10.0.0.1 2",
                                              "10.0.0.1 3"]))]


@catalogued(51, "one to three octets behind a template are padding", "A")
def _():
    def message(padding):
        return ipfix(a_set(2, template(257, (8, 4), (1, 4)), padding),
                     a_set(257, ADDRESS, u(len(padding), 4)), n=1)
    return [Case("1, 2 and 3", [message(b"\xaa\xbb\xcc"[:n]) for n in (1, 2, 3)],
                 flows=3, shows=("octets", ["1", "2", "3"])),
            Case("8 octets of zeros", [message(bytes(8))], flows=1)]


@catalogued(52, "padding shorter than a record is none, longer padding is records", "A",
            note="nobody can tell a record of zeros from padding as long as one; "
                 "exporters must not send it (RFC 7011 3.3.1).")
def _():
    return [Case("1 to 7 octets", [ipfix(a_set(256, record(n), bytes(range(1, n + 1))),
                                         n=1) for n in range(1, 8)], flows=7,
                 shows=("octets", [str(n) for n in range(1, 8)])),
            Case("as long as a record", [ipfix(a_set(256, record(1), bytes(25)), n=2)],
                 flows=2, shows=("octets", ["0", "1"]))]


@catalogued(53, "behind records of one octet nothing is padding", "A",
            note="every octet is a record then; where it matters an exporter must not "
                 "pad.")
def _():
    return [Case("three zeros behind one record",
                 [ipfix_t((4, 1), data=b"\6\0\0\0", n=4)], flows=4,
                 shows=("protocol", ["0", "0", "0", "6"]))]


@catalogued(54, "data before their template wait for it", "A")
def _():
    announced = templates(template(300, (8, 4), (1, 4)))

    def data(i):
        return a_set(300, ADDRESS, u(i, 4))
    return [Case("in the same message", [ipfix(data(1), announced, n=1)], flows=1),
            Case("three messages before", [*(ipfix(data(i), n=1) for i in (1, 2, 3)),
                                           ipfix(announced)], flows=3,
                 shows=("octets", ["1", "2", "3"])),
            Case("in v9", [*(v9(data(i)) for i in (1, 2)),
                           v9(v9_templates(template(300, (8, 4), (1, 4))))], flows=2),
            Case("over TCP", [Stream([ipfix(data(1), n=1), ipfix(announced)])],
                 flows=1)]


@catalogued(55, "data of two thousand templates nobody announced wait within a limit",
            "L", note="decode.max_waiting_per_exporter is 1000: the oldest are given up "
                      "at once, the others after decode.wait_sec.")
def _():
    unknown = [a_set(1000 + i, b"\1") for i in range(2000)]
    return [Case("2000 in one message", [ipfix(*unknown, n=2000)],
                 {"no_template/max_waiting/sets": 1000, "no_template//sets": 1000}),
            Case("2000 in twenty of v9", [v9(*unknown[i:i + 100])
                                          for i in range(0, 2000, 100)],
                 {"no_template/max_waiting/sets": 1000, "no_template//sets": 1000})]


def run_flood(test, fire):
    """Of the collector with small limits: 1 MB of templates, 300 exporters."""
    before = fire.lost_by_nobody()
    n_sent, ids = 0, [template(256 + i, *PLAIN) for i in range(100)]
    for sender in range(600):
        for domain in (1, 2):
            fire.send(ipfix(templates(*ids), domain=domain),
                      f"127.47.{1 + sender // 200}.{1 + sender % 200}")
            n_sent += 1
        fire.neighbour(47)
    fire.settle(47)
    lost = fire.lost_by_nobody() - before
    n_known = fire.sql.number("SELECT count(*) FROM flowkeep.exporter"
                              " WHERE address <<= '127.47.0.0/16'"
                              " AND host(address) NOT LIKE '127.47.25%'")
    test.assertLess(n_known, 300)
    test.assertEqual(lost, n_sent - n_known, "messages of exporters beyond the limit")
    evicted = fire.sql.number(
        "SELECT sum(count) FROM flowkeep.loss l JOIN flowkeep.exporter e"
        " ON e.id = l.exporter_id WHERE e.address <<= '127.47.0.0/16'"
        " AND l.class = 'max_templates' AND l.reason = 'refused'")
    # Of each sender 64 of its 100 may stay, and less when the memory is full.
    test.assertGreaterEqual(evicted, n_known * 36)
    kept = fire.sql.number("SELECT count(*) FROM flowkeep.exporter_template t"
                           " JOIN flowkeep.exporter e ON e.id = t.exporter_id"
                           " WHERE e.address <<= '127.47.0.0/16'")
    test.assertEqual(n_known * 100 + 1 - evicted, kept, "templates kept and evicted")
    return n_sent


@catalogued(47, "a flood of templates is bounded, and hurts its senders only", "L",
            profile="small", run=run_flood,
            inputs="100 templates from each of 1200 spoofed exporters and domains, with "
                   "decode.max_exporters 300, max_templates 64, max_template_bytes 1M",
            losses="`refused/max_exporters/messages`<br>"
                   "`refused/max_templates/templates`")
def _():
    return [Case("100 templates", [ipfix(templates(*[template(256 + i, *PLAIN)
                                                     for i in range(100)]))])]


def run_expiry(test, fire):
    """Of the collector whose templates live for a second, and sets wait for one."""
    address, layout = fire.address(56, 1), ((8, 4), (1, 4))
    fire.send(ipfix(templates(template(300, *layout)), a_set(300, ADDRESS, u(1, 4)),
                    seq=0), address)
    fire.settle(56)
    time.sleep(1.5)
    fire.send(ipfix(a_set(300, ADDRESS, u(2, 4)), seq=1), address)
    fire.settle(56)
    time.sleep(2.5)
    fire.send(ipfix(templates(template(300, *layout)), a_set(300, ADDRESS, u(3, 4)),
                    seq=2), address)
    fire.settle(56)
    test.assertEqual(fire.sql.rows(
        "SELECT f.octets FROM flowkeep.flow f JOIN flowkeep.exporter e"
        f" ON e.id = f.exporter_id WHERE e.address = '{address}' ORDER BY 1"),
        [["1"], ["3"]], "decoded by an expired template")
    fire.expect(test, address, {"no_template//sets": 1})
    return 3


@catalogued(56, "data are not decoded by a template that has expired", "A",
            profile="brief", run=run_expiry,
            inputs="data after the lifetime of their template, then the template again",
            losses="`no_template//sets`",
            note="RFC 3954 9. The data wait decode.wait_sec for a fresh one.")
def _():
    return [Case("data", [ipfix(a_set(300, ADDRESS, u(2, 4)))])]
