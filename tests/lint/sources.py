# SPDX-License-Identifier: Apache-2.0
"""The source files of the project, as the lint scripts see them.

All run from the root of the project (or from a tree made by test-lint.py)."""

import pathlib
import re
import sys

ROOTS = ["base", "sql", "collector", "analytics", "cli", "tests"]


def find(*suffixes):
    """Paths below the source folders that end in one of suffixes, sorted."""
    return sorted(path for root in ROOTS for path in pathlib.Path(root).rglob("*")
                  if path.suffix in suffixes and path.is_file())


def _blank(match):
    """As many lines and columns of nothing; strings keep their quotes."""
    text = match.group(0)
    keep = text[0] if text[0] in "\"'" else ""
    inner = text[1:-1] if keep else text
    return keep + re.sub(r"[^\n]", " ", inner) + keep


_NOT_CODE = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code(path):
    """The text of a C file without comments and what is in strings; lines and columns
    stay where they are."""
    return _NOT_CODE.sub(_blank, path.read_text())


def finish(name, complaints):
    """Prints what is wrong, or that nothing is, and exits accordingly."""
    print("\n".join(complaints) or f"{name}: ok")
    sys.exit(bool(complaints))
