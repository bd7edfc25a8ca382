#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on files without a licence line, on // comments, banners, tabs, and on names
behind which anything could hide."""

import re

import sources

LICENCE = "SPDX-License-Identifier: Apache-2.0"
DRAWERS = {"util", "utils", "common", "misc", "helper", "helpers", "stuff"}
BANNER = re.compile(r"/\*\s*[-=*#]{4,}|^\s*\*\s*[-=*#]{8,}")


def check_c(path, text):
    lines = text.split("\n")
    if lines[0] != f"/* {LICENCE} */":
        yield f"{path}:1: must be /* {LICENCE} */"
    if path.suffix == ".h" and lines[1:2] != ["#pragma once"]:
        yield f"{path}:2: must be #pragma once"
    for number, line in enumerate(sources.code(path).split("\n"), 1):
        if "//" in line:
            yield f"{path}:{number}: // is for lines that are not committed"
    for number, line in enumerate(lines, 1):
        if BANNER.search(line):
            yield f"{path}:{number}: no banners"
        if "\t" in line:
            yield f"{path}:{number}: a tab; write \\t in strings, blanks elsewhere"


def complaints():
    for path in sources.find(".c", ".h", ".py", ".sh"):
        text = path.read_text()
        if DRAWERS & set(path.stem.split("-")):
            yield f"{path}: the name says nothing; what is in it?"
        if path.suffix in (".c", ".h"):
            yield from check_c(path, text)
        elif LICENCE not in "".join(text.split("\n")[:3]):
            yield f"{path}:1: needs # {LICENCE}"


sources.finish("words", list(complaints()))
