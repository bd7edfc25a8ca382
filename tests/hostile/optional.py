# SPDX-License-Identifier: Apache-2.0
"""Classes 57 to 65: options templates and what exporters tell of themselves by them."""

import struct

from catalogue import Case, bad, catalogued, refused
from packets import (GOOD, a_set, ipfix, option_templates, options, plain, template,
                     templates, u, v9, v9_options)

SAMPLING = "SELECT o.key, o.number FROM flowkeep.exporter_option o" \
    " JOIN flowkeep.exporter e ON e.id = o.exporter_id" \
    " WHERE e.address = %(address)s AND o.kind = 'sampling' ORDER BY 1"
INTERFACES = "SELECT i.if_index, i.name FROM flowkeep.interface i" \
    " JOIN flowkeep.exporter e ON e.id = i.exporter_id" \
    " WHERE e.address = %(address)s ORDER BY 1"
FACTORED = "coalesce(sampling, 0) || ' ' || octets" \
    " || CASE WHEN extra->'marks' ? 'sampling_suspect' THEN ' sampling_suspect'" \
    " ELSE '' END"


@catalogued(57, "an options template without a scope is refused", "T",
            note="in v9 some routers send options without a scope, which are read.")
def _():
    return [Case("scope count 0, and data", [ipfix(
        option_templates(options(257, 0, (34, 4))), a_set(257, u(100, 4)), GOOD, n=1)],
        {**bad("template_scope", "templates"), **bad("template_scope", "sets")}, 1),
        Case("in v9", [v9(a_set(1, v9_options(257, [], [(34, 4)])),
                          a_set(257, u(100, 4))), v9(plain(7))], flows=1,
             shows=("sampling || ' ' || octets", ["100 700"]))]


@catalogued(58, "a scope count greater than the field count is refused", "T")
def _():
    return [Case(f"{n_scope} of 1, and data", [ipfix(
        option_templates(options(257, n_scope, (34, 4))), a_set(257, u(100, 4)), GOOD,
        n=1)],
        {**bad("template_scope", "templates"), **bad("template_scope", "sets")}, 1)
        for n_scope in (2, 256, 32768, 65535)]


@catalogued(59, "v9 option lengths that lie discard the message", "D")
def _():
    def message(scope_octets, option_octets):
        return v9(GOOD, a_set(1, v9_options(257, [(1, 4)], [(34, 4)], scope_octets,
                                            option_octets)), n=0)
    return [Case("3 octets of scope", [message(3, 4)], bad("options_length")),
            Case("5 octets of options", [message(4, 5)], bad("options_length")),
            Case("8 octets of scope, past the set", [message(8, 4)],
                 bad("options_length")),
            Case("40 000 octets of options", [message(4, 40000)],
                 bad("options_length"))]


@catalogued(60, "v9 option lengths that no record can have are refused", "T")
def _():
    return [Case("65 532 and 65 532", [v9(a_set(1, v9_options(
        257, [(1, 4)], [(34, 4)], 65532, 65532)), GOOD)],
        bad("template_record", "templates"), 1)]


@catalogued(61, "the options header is that of the version", "D")
def _():
    return [Case("v9's in IPFIX", [ipfix(GOOD, a_set(3, v9_options(
        257, [(1, 4)], [(34, 4)])))], bad("template_cut")),
        Case("IPFIX's in v9", [v9(GOOD, a_set(1, options(257, 1, (1, 4), (34, 4))),
                                  n=0)], bad("options_length"))]


def told(element, value, n_octets, *more):
    """A rate for the whole exporter by one element, then a flow of 10 octets."""
    fields = ((144, 4), (element, n_octets), *((pair[0], pair[2]) for pair in more))
    data = u(1, 4) + value + b"".join(u(pair[1], pair[2]) for pair in more)
    return [ipfix(option_templates(options(257, 1, *fields)), a_set(257, data), n=1),
            ipfix(plain(10), n=1)]


@catalogued(62, "an absurd sampling rate is not applied", "A",
            note="0 and 1 mean: not sampled.  Above decode.max_sampling (1 000 000) "
                 "counters stay as they are, with the mark sampling_suspect.")
def _():
    def interval(n):
        return told(34, u(n, 4), 4)

    def probability(value, kind=">d"):
        data = struct.pack(kind, value)
        return told(311, data, len(data))
    suspect = ["0 10 sampling_suspect"]
    cases = [("interval 0", interval(0), ["0 10"]), ("1", interval(1), ["1 10"]),
             ("100", interval(100), ["100 1000"]),
             ("1 000 000", interval(1000000), ["1000000 10000000"]),
             ("1 000 001", interval(1000001), suspect),
             ("2^32-1", interval(2**32 - 1), suspect),
             ("probability 0.01", probability(0.01), ["100 1000"]),
             ("1", probability(1), ["1 10"]), ("0", probability(0.0), suspect),
             ("NaN", probability(float("nan")), suspect),
             ("infinite", probability(float("inf")), suspect),
             ("-0.5", probability(-0.5), suspect), ("1.5", probability(1.5), suspect),
             ("10^-300", probability(1e-300), suspect),
             ("NaN in 4 octets", probability(float("nan"), ">f"), suspect),
             ("0 of 0 packets", told(305, u(0, 4), 4, (306, 0, 4)), ["0 10"]),
             ("2^32-1 of 2^32-1", told(305, u(2**32 - 1, 4), 4, (306, 2**32 - 1, 4)),
              ["2 20"]),
             ("0 of 100", told(309, u(0, 4), 4, (310, 100, 4)), suspect)]
    return [Case(what, sends, flows=1, shows=(FACTORED, shown))
            for what, sends, shown in cases]


@catalogued(63, "names that are none are skipped, and long tables are read", "S")
def _():
    interfaces = option_templates(options(257, 1, (10, 4), (82, 16)))
    bad_rows = [u(i, 4) + b"\xff" * 16 for i in range(300)]
    apps = option_templates(options(258, 1, (95, 4), (96, 24)))
    rows = [u(0x0d000000 + i, 4) + (b"application %d" % i).ljust(24, b"\0")
            for i in range(600)]
    return [Case("300 interfaces named 0xff, without an end",
                 [ipfix(interfaces, a_set(257, *bad_rows), n=300)],
                 bad("field_string", "fields", 300), query=(INTERFACES, [])),
            Case("600 applications", [ipfix(apps, a_set(258, *rows), n=600)],
                 query=("SELECT count(*), count(DISTINCT o.name) FROM"
                        " flowkeep.exporter_option o JOIN flowkeep.exporter e"
                        " ON e.id = o.exporter_id WHERE e.address = %(address)s"
                        " AND o.kind = 'app'", [["600", "600"]]))]


@catalogued(64, "options of more interfaces and samplers than the limit are not kept",
            "L", profile="brief", note="here decode.max_options is 100.")
def _():
    interfaces = option_templates(options(257, 1, (10, 4), (82, 4)))
    samplers = option_templates(options(258, 1, (302, 8), (34, 4)))
    n = 4000
    ids = [i * (2**32 - 1) // (n - 1) for i in range(n)]
    return [Case("4000 interfaces up to 2^32-1",
                 [ipfix(interfaces, a_set(257, *(u(i, 4) + b"if%02d" % (i % 97)
                                                 for i in ids)), n=n)],
                 refused("max_options", "fields", n - 100),
                 query=("SELECT count(*) FROM (" + INTERFACES + ") AS i", [["100"]])),
            Case("4000 samplers up to 2^64-1",
                 [ipfix(samplers, a_set(258, *(u(1 + i * (2**64 - 2) // (n - 1), 8)
                                               + u(10, 4) for i in range(n))), n=n)],
                 refused("max_options", "fields", n - 100),
                 query=("SELECT count(*) FROM (" + SAMPLING + ") AS s", [["100"]]))]


@catalogued(65, "a sampler whose rate changes has each rate at its time", "A")
def _():
    sampler = option_templates(options(257, 1, (302, 2), (34, 4)))

    def rate(rate):
        return ipfix(a_set(257, u(9, 2), u(rate, 4)), n=1)

    def flow(octets):
        return ipfix(a_set(258, u(0x0a000001, 4), u(octets, 4), u(9, 2)), n=1)
    return [Case("100, then 200, then 1", [
        ipfix(sampler, templates(template(258, (8, 4), (1, 4), (302, 2)))),
        rate(100), flow(10), rate(200), flow(20), rate(1), flow(30)], flows=3,
        shows=(FACTORED, ["1 30", "100 1000", "200 4000"]),
        query=(SAMPLING, [["9", "1"]]))]
