#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a file includes what its layer may not know.

ALLOWED is the architecture: for each folder, the folders it may include besides
itself.  HIDDEN are the headers, of the system and of base, that would let a layer know
what it must not: sockets, SQL, the protocols."""

import pathlib
import re

import sources

ALLOWED = {
    "base": [],
    "sql": ["base"],
    "collector/flow": ["base"],
    "collector/wire": ["base"],
    "collector/journal": ["base"],
    "collector/decode": ["collector/flow", "base"],
    "collector/store": ["collector/flow", "sql", "base"],
    "collector": ["collector/flow", "collector/wire", "collector/journal",
                  "collector/decode", "collector/store", "sql", "base"],
    "analytics/stats": [],
    "analytics/session": ["analytics/stats", "base"],
    "analytics/detect": ["analytics/stats", "analytics/session"],
    "analytics/alert": ["analytics/detect", "base"],
    "analytics/mail": ["analytics/alert", "base"],
    "analytics": ["analytics/stats", "analytics/session", "analytics/detect",
                  "analytics/alert", "analytics/mail", "sql", "base"],
    "cli": None,  # all
    "tests": None,
}

SQL = ["libpq-fe.h", "db.h", "schema.h"]
SOCKETS = ["sys/socket.h", "netdb.h", "arpa/inet.h", "gio/gio.h"]
HIDDEN = {
    "collector/flow": SQL + SOCKETS,
    "collector/wire": SQL,
    "collector/journal": SQL + SOCKETS,
    "collector/decode": SQL + SOCKETS,
    "analytics/stats": SQL + SOCKETS + ["glib.h"],
    "analytics/detect": SQL + SOCKETS + ["clock.h"],
}

# Made by the build.
GENERATED = {"sql-resources.h": "sql"}


def layer_of(path):
    """The longest folder of ALLOWED that holds path."""
    for parent in [path.parent, *path.parent.parents]:
        if str(parent) in ALLOWED:
            return str(parent)
    return None


def resolve(path, name):
    """The layer of the header that path includes as name; None when there is none."""
    program = pathlib.Path(path.parts[0])
    for root in [path.parent, program, pathlib.Path("base"), pathlib.Path("sql"),
                 pathlib.Path("collector"), pathlib.Path("analytics"),
                 pathlib.Path("tests/harness"), pathlib.Path("tests/eval")]:
        if (root / name).is_file():
            return layer_of(root / name)
    return GENERATED.get(name)


def complaints():
    for path in sources.find(".c", ".h"):
        layer = layer_of(path)
        hidden = [] if path.name.startswith("test-") else HIDDEN.get(layer, [])
        text = path.read_text()
        for number, line in enumerate(text.split("\n"), 1):
            match = re.match(r'#\s*include\s+([<"])(.+)[>"]', line)
            if not match:
                continue
            kind, name = match.groups()
            where = f"{path}:{number}"
            if name in hidden:
                yield f"{where}: {layer} must not know {name}"
            if kind == "<" or ALLOWED[layer] is None:
                continue
            to = resolve(path, name)
            if name.startswith("../"):
                yield f"{where}: write includes from the program's root"
            elif to is None:
                yield f"{where}: {name} is no header of ours"
            elif to not in [layer, *ALLOWED[layer]] and not (
                    to == "tests" and path.name.startswith("test-")):
                yield f"{where}: {layer} may not include {to} ({name})"


sources.finish("layers", list(complaints()))
