#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The catalogue of hostile input: 82 classes, each a row of one table and a test.

    catalogue.py --document          prints docs/hostile-input.md
    catalogue.py --seeds FOLDER      writes class-NN for each class, as fuzz-stream reads
    catalogue.py --names             the names of the tests

A class is a function below @catalogued in framing.py, templates.py, optional.py,
values.py, lists.py or transport.py, which returns its cases.  Each case is sent by an
exporter of its own, behind its templates and before a last good record, and says which
flows come of it and exactly which losses.  test-hostile.py sends them."""

import dataclasses
import os
import struct
import sys
import textwrap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import packets

N_CLASSES = 82

# What must happen, as the table of the document says it.
HAPPENS = {
    "D": "the whole message is discarded and counted",
    "T": "the template is refused and counted",
    "A": "accepted",
    "S": "the field, or the set, is skipped and counted",
    "L": "limited, and what is over the limit is counted",
    "R": "the connection is reset",
    "I": "ignored, as the RFC demands",
}


@dataclasses.dataclass
class Case:
    """@sends: messages over UDP; Stream: over TCP; Pause.
    @lost: "reason/class/unit" -> count, all there may be of this exporter.
    @flows: rows that come of it, without the last good one.
    @shows: an SQL expression over flow and its value for each row, by octets.
    @query: SQL with %(address)s, and the rows it must give.
    @listed: is its packet one for the fuzz corpus?"""
    what: str
    sends: list
    lost: dict = dataclasses.field(default_factory=dict)
    flows: int = 0
    shows: tuple = None
    query: tuple = None
    greets: bool = True
    parts: bool = True  # says a last word

    def datagrams(self):
        return [sent for sent in self.sends if isinstance(sent, bytes)]


@dataclasses.dataclass
class From:
    """A message from another source port, or (@host) from the neighbouring address."""
    message: bytes
    port: int = 0
    host: int = 0


@dataclasses.dataclass
class Stream:
    """One TCP connection: messages, numbered as one session."""
    messages: list


@dataclasses.dataclass
class Pause:
    seconds: float


@dataclasses.dataclass
class HostileClass:
    number: int
    title: str
    happens: str  # letters of HAPPENS
    cases: object  # function
    note: str = ""  # why it is so, where that is not plain
    profile: str = "main"  # which collector
    run: object = None  # a function of its own sends and checks (test, fire)
    after: object = None  # looks at more when the cases are stored (test, fire)
    inputs: str = ""  # for the document, where there are no cases
    losses: str = ""  # likewise
    test: str = ""  # name of the test, where it is another suite's

    @property
    def name(self):
        return f"class {self.number}: {self.title}"


table = {}


def catalogued(number, title, happens, **more):
    def note(function):
        assert number not in table, number
        table[number] = HostileClass(number, title, happens, function, **more)
        return function
    return note


def bad(name, unit="messages", count=1):
    return {f"malformed/{name}/{unit}": count}


def refused(name, unit="messages", count=1):
    return {f"refused/{name}/{unit}": count}


def load():
    """Fills the table and returns it, in order."""
    import framing, lists, optional, templates, transport, values  # noqa: E401,F401
    return [table[number] for number in sorted(table)]


# --- seeds for the fuzz target "stream"

SECOND_PORT, SESSION = 0x10, 0x04
MAX_SEED_BYTES = 4000


def flatten(case):
    """Pairs: what fuzz-stream is told about it, bytes."""
    for sent in case.sends:
        if isinstance(sent, Stream):
            for message in sent.messages:
                yield SESSION, bytes(message)
        elif isinstance(sent, From):
            yield (SECOND_PORT if sent.port else 0) | (1 if sent.host else 0), \
                bytes(sent.message)
        elif isinstance(sent, bytes):
            yield 0, bytes(sent)


def seed_of(cases):
    """Behind the templates as much as fits; but something in any case."""
    def one(what, message):
        return struct.pack(">BH", what, len(message)) + message

    made, n_own = b"".join(one(0, message) for message in packets.hello()), 0
    for what, message in (sent for case in cases for sent in flatten(case)):
        if len(message) > 65507 or \
                (n_own and len(made) + 3 + len(message) > MAX_SEED_BYTES):
            continue
        made += one(what, message)
        n_own += 1
    return made if n_own else None


def write_seeds(folder):
    os.makedirs(folder, exist_ok=True)
    for hostile in load():
        seed = seed_of(hostile.cases())
        if seed:
            with open(os.path.join(folder, f"class-{hostile.number:02}"), "wb") as file:
                file.write(seed)


# --- the document

HEAD = """\
# Hostile input

What the collector does with 82 classes of bad input.  Each class is a test of the suite
`hostile` ("class 1: ..."), through the real collector and a real PostgreSQL: it asserts
what the table says, the exact counts in `flowkeep.loss`, that an exporter beside the hostile one, whose
good flows are interleaved, lost nothing, that memory stays bounded and that no message
costs 50 ms of CPU.  This page is made by `tests/hostile/catalogue.py --document` from
the table the tests run, and `hostile-document` in the suite `lint` compares the two.

What is malformed is discarded as a whole message (RFC 7011 9.1): a good set in front of
a bad one is not stored either.  A template that is refused stays known as refused, so
its data are counted (unit `sets`) and not left to wait.

| class | test | input | what happens | loss: reason/class/unit |
|---|---|---|---|---|
"""

FOOT_HEAD = "\n## Why\n\n"


def losses_of(hostile, cases):
    if hostile.losses:
        return hostile.losses
    keys = sorted({key for case in cases for key in case.lost})
    return "<br>".join(f"`{key}`" for key in keys) or "none"


def what_happens(hostile):
    return "; ".join(HAPPENS[letter] for letter in hostile.happens)


def document():
    text, why = HEAD, FOOT_HEAD
    for hostile in load():
        cases = hostile.cases()
        inputs = hostile.inputs or "; ".join(case.what for case in cases)
        test = f"{hostile.title}{f' ({hostile.test})' if hostile.test else ''}"
        text += (f"| {hostile.number} | {test} | {inputs} |"
                 f" {what_happens(hostile)} | {losses_of(hostile, cases)} |\n")
        if hostile.note:
            why += textwrap.fill(f"* **{hostile.number}**: {hostile.note}", 92,
                                 subsequent_indent="  ") + "\n"
    return text + why


def main(arguments):
    if arguments[:1] == ["--seeds"] and len(arguments) == 2:
        write_seeds(arguments[1])
    elif arguments == ["--document"]:
        sys.stdout.write(document())
    elif arguments == ["--names"]:
        print("\n".join(hostile.name for hostile in load()))
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.modules["catalogue"] = sys.modules["__main__"]  # for those that import it
    sys.exit(main(sys.argv[1:]))
