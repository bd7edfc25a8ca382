# SPDX-License-Identifier: Apache-2.0
"""Classes 76 to 80: structured data (RFC 6313), biflows (RFC 5103), variable lengths."""

from catalogue import Case, bad, catalogued
from packets import GOOD, a_set, ipfix, template, templates, u, v9, v9_templates, varlen

ADDRESS = u(0x0a000001, 4)
BASIC, SUB, MULTI = 291, 292, 293
USER_NAME = 371  # a text nobody keeps
STEPPED = "lists are stepped over by their length and never read, so nothing in one " \
    "can do harm; their depth and number are bounded by that of the message."


def with_list(kind, content, n=1, length=65535):
    """A flow of 5 octets whose middle field is the list."""
    data = ADDRESS + (varlen(content) if length == 65535 else content) + u(5, 4)
    return [ipfix(templates(template(257, (8, 4), (kind, length), (1, 4))),
                  a_set(257, data), n=n)]


def stepped(kind, *contents):
    return [Case(what, with_list(kind, content), flows=1, shows=("octets", ["5"]))
            for what, content in contents]


def nested(depth):
    """Basic lists in basic lists: semantic, element, length, content."""
    content = b""
    for _ in range(depth):
        content = b"\xff" + u(BASIC, 2) + u(65535, 2) + varlen(content, True)
    return content


@catalogued(76, "a basicList that overruns or nests a thousand deep is stepped over", "A",
            note=STEPPED)
def _():
    element = b"\3" + u(1, 2) + u(8, 2)
    return stepped(
        BASIC, ("an element of 8 octets in 3", element + b"\1\2\3"),
        ("1000 deep", nested(1000)),
        ("elements of length 0", b"\3" + u(1, 2) + u(0, 2) + bytes(200)),
        ("30 000 elements", b"\3" + u(4, 2) + u(1, 2) + bytes(30000)),
        ("the header cut", b"\3\0"), ("nothing", b""),
        ("an element of variable length past the end",
         b"\3" + u(82, 2) + u(65535, 2) + b"\xff\xff\xff"),
        ("an enterprise number cut", b"\3\x80\1\0\4\0\0")) + [
        Case("the list itself past its set", [ipfix(
            GOOD, templates(template(257, (8, 4), (BASIC, 65535), (1, 4))),
            a_set(257, ADDRESS, b"\x40", u(5, 4)))], bad("varlen")),
        Case("of fixed length", with_list(BASIC, element + bytes(8), length=13), flows=1,
             shows=("octets", ["5"]))]


@catalogued(77, "a subTemplateList of an unknown, its own or an empty template", "A",
            note=STEPPED)
def _():
    return stepped(SUB, ("an unknown template", b"\3" + u(999, 2) + bytes(20)),
                   ("the template that it is in", b"\3" + u(257, 2) + bytes(20)),
                   ("template 0", b"\3" + u(0, 2)), ("cut", b"\3\1")) + [
        Case("a template of no octets",
             [ipfix(templates(template(300, (1, 0)),
                              template(257, (8, 4), (SUB, 65535), (1, 4))),
                    a_set(257, ADDRESS, varlen(b"\3" + u(300, 2) + bytes(9)), u(5, 4)),
                    n=1)], bad("template_record", "templates"), 1)]


@catalogued(78, "a subTemplateMultiList whose entries lie about their length", "A",
            note=STEPPED)
def _():
    return stepped(MULTI, *((f"entries of length {n}", b"\3" + u(256, 2) + u(n, 2))
                            for n in (0, 1, 2, 3)),
                   ("an entry past the end", b"\3" + u(256, 2) + u(60000, 2)),
                   ("10 000 entries of length 4", b"\3" + (u(256, 2) + u(4, 2)) * 10000))


@catalogued(79, "reverse counters without a key of their direction are not stored", "T",
            note="RFC 5103 5.  Such a template alone is not counted: some exporters "
                 "have one for the lists inside their records.")
def _():
    reverse = ((1, 4, 29305), (2, 4, 29305))
    return [Case("template and data", [ipfix(templates(template(257, *reverse)),
                                             a_set(257, u(1, 4), u(1, 4)), GOOD, n=1)],
                 bad("template_biflow", "sets"), 1),
            Case("template only", [ipfix(templates(template(257, *reverse)), GOOD, n=1)],
                 flows=1),
            Case("with an address", [ipfix(
                templates(template(257, (8, 4), *reverse)),
                a_set(257, ADDRESS, u(1, 4), u(2, 4)), n=1)], flows=1,
                shows=("extra->>'reverse_octets'", ["1"]))]


@catalogued(80, "a variable length past its set discards the message", "DA")
def _():
    def message(*contents, maker=ipfix, n=0):
        announced = template(257, (8, 4), (USER_NAME, 65535))
        return maker(templates(announced) if maker is ipfix else v9_templates(announced),
                     a_set(257, *(ADDRESS + content for content in contents)), n=n)
    past = [("one octet too long", b"\x02a"), ("of the long form", b"\xff\xff\xffa"),
            ("the long form cut before its length", b"\xff"),
            ("and within it", b"\xff\x00")]
    return [Case(what, [message(content), message(b"\x01b", content)],
                 bad("varlen", count=2)) for what, content in past] + [
        Case("in v9", [message(b"\x05", maker=v9)], bad("varlen")),
        Case("length 0, and the long form for a short text",
             [message(b"\0", n=1), message(varlen(b"ab", True), n=1),
              message(varlen(b"", True), n=1)], flows=3),
        Case("254, 255 and 60 000 octets",
             [message(varlen(b"x" * n), n=1) for n in (254, 255, 60000)], flows=3)]
