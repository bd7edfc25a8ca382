#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on functions and files that are too long, code that nests too deep, and
functions whose names do not tell their file.

Relies on the layout that clang-format gives: a function's name, its opening and its
closing brace stand in column 0, a statement is indented by four columns a level.

shape-allowed.txt holds the exceptions: PATH (a long file, names that do not tell it) or
PATH:FUNCTION, then the reason.  An exception that is not needed any more is an error."""

import pathlib
import re

import sources

MAX_FUNCTION_LINES = 80
MAX_NESTING = 4
MAX_FILE_LINES = 600

CONTROL = re.compile(r"( +)(?:\} else )?(?:if|for|while|switch|do|else)\b")
NAME = re.compile(r"([A-Za-z_]\w*)\(")
# Names given by others.
FOREIGN = {"main", "LLVMFuzzerTestOneInput", "LLVMFuzzerInitialize"}


def functions(lines):
    """(name, is_static, number of its first line, lines of its body)"""
    name = static = start = None
    for number, line in enumerate(lines):
        match = NAME.match(line)
        if match:
            name = match.group(1)
            static = re.search(r"\bstatic\b", " ".join(lines[max(number - 2, 0):number]))
        elif line.startswith("{") and name:
            start = number
        elif line.startswith("}") and start is not None:
            yield name, bool(static), start, lines[start + 1:number]
            name = start = None
        elif line.rstrip().endswith(";") and start is None:
            name = None  # that was a prototype, or a macro


def nesting(body):
    return max((len(match.group(1)) // 4 for match in map(CONTROL.match, body) if match),
               default=0)


def check_name(path, name, static):
    prefix = path.stem.replace("-", "_")
    # decode/status.c may also call itself decode_status.
    prefixes = [prefix, path.parent.name + "_" + prefix]
    tells = any(name == each or name.startswith(each + "_") for each in prefixes)
    if name in FOREIGN or path.suffix != ".c" or path.name.startswith("test-"):
        return None
    if static and name.startswith(prefix + "_"):
        return f"is static, so it needs no prefix {prefix}_"
    if not static and not tells:
        return f"is not static, so its name must begin with {prefix}_"
    return None


def findings():
    """(key for the allow list, where, what)"""
    for path in sources.find(".c", ".h"):
        lines = sources.code(path).split("\n")
        if len(lines) - 1 > MAX_FILE_LINES:
            yield f"{path}", f"{path}", f"{len(lines) - 1} lines, at most {MAX_FILE_LINES}"
        for name, static, start, body in functions(lines):
            key, where = f"{path}:{name}", f"{path}:{start + 1}: {name}"
            if len(body) > MAX_FUNCTION_LINES:
                yield key, where, f"{len(body)} lines, at most {MAX_FUNCTION_LINES}"
            if nesting(body) > MAX_NESTING:
                yield key, where, f"nests {nesting(body)} deep, at most {MAX_NESTING}"
            complaint = check_name(path, name, static)
            if complaint:
                yield f"{path}", where, complaint


def read_allowed(path):
    allowed = {}
    if not path.exists():
        return allowed
    for line in path.read_text().split("\n"):
        if line and not line.startswith("#"):
            key, _, reason = line.partition(" ")
            allowed[key] = reason.strip()
    return allowed


def complaints():
    allowed_path = pathlib.Path("tests/lint/shape-allowed.txt")
    allowed = read_allowed(allowed_path)
    used = set()
    for key, where, what in findings():
        used.add(key)
        if key not in allowed:
            yield f"{where}: {what}"
    for key, reason in allowed.items():
        if not reason:
            yield f"{allowed_path}: {key}: needs a reason"
        if key not in used:
            yield f"{allowed_path}: {key}: is not needed any more"


sources.finish("shape", list(complaints()))
