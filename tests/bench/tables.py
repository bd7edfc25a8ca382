# SPDX-License-Identifier: Apache-2.0
"""Tables of results, for the terminal and for docs/performance.md."""

import os
import platform
import re
import subprocess

BEGIN, END = "<!-- begin: written by run-bench -->", "<!-- end -->"


def count(number):
    """1234567 -> 1 235 k; what is small stays as it is."""
    if number >= 1e7:
        return f"{number / 1e6:.1f} M"
    if number >= 1e6:
        return f"{number / 1e6:.2f} M"
    if number >= 1e4:
        return f"{number / 1e3:.0f} k"
    return f"{number:.0f}"


def first_match(path, pattern):
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.MULTILINE)
    except OSError:
        return None
    return found.group(1) if found else None


def first_line(*command):
    try:
        return subprocess.run(command, text=True, stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.STDOUT).stdout.splitlines()[0]
    except (OSError, IndexError):
        return "?"


def machine(pg_version):
    """What it was measured on, as (name, value) pairs."""
    memory_kib = int(first_match("/proc/meminfo", r"^MemTotal:\s+(\d+)") or 0)
    return [
        ("processor", (first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)$") or
                       platform.machine()) + f", {os.cpu_count()} in use"),
        ("memory", f"{memory_kib / (1 << 20):.0f} GiB"),
        ("system", (first_match("/etc/os-release", r'^PRETTY_NAME="(.*)"') or "?") +
         f", Linux {platform.release()}"),
        ("PostgreSQL", f"{pg_version}, on the same machine, unix socket, fsync on"),
        ("compiler", first_line("gcc", "--version")),
    ]


class Table:
    def __init__(self, title, *columns):
        self.title = title
        self.columns = columns
        self.rows = []
        self.notes = []

    def add(self, *cells):
        self.rows.append([str(cell) for cell in cells])

    def note(self, text):
        self.notes.append(text)

    def text(self):
        lines = [list(self.columns), *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]

        def line_of(cells):
            first, *others = [cell.rjust(width) for cell, width in zip(cells, widths)]
            return "  ".join([cells[0].ljust(len(first)), *others]).rstrip()

        ruled = [line_of(self.columns), "  ".join("-" * width for width in widths)]
        return "\n".join([self.title, "", *ruled, *map(line_of, self.rows), "",
                          *self.notes]) + "\n"

    def markdown(self):
        head = ["### " + self.title, "", "| " + " | ".join(self.columns) + " |",
                "|---" + "|---:" * (len(self.columns) - 1) + "|"]
        body = ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join([*head, *body, "", *self.notes]).rstrip() + "\n"


def write_between_marks(path, text, begin=BEGIN, end=END):
    """Replaces what stands between the marks of the file."""
    with open(path, encoding="utf-8") as file:
        old = file.read()
    before, rest = old.split(begin, 1)
    after = rest.split(end, 1)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{begin}\n{text.strip()}\n{end}{after}")
