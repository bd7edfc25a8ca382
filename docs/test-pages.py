#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test-pages.py FLOWKEEP PAGE...: the manual pages are well formed, and that of the
configuration lists exactly the keys of the program's table.  Speaks TAP."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

# A page need not be installed for another to point to it, and [listen] ends so.
TOLERATED = re.compile(r"referenced manual not found|trailing delimiter: Ss|outdated "
                       r"mandoc.db|input text line longer")
# One of each kind of section, so that the dump has all keys.
CONFIGURATION = """
[listen x]
port=2055
[exporter x]
address=192.0.2.1
[watch x]
networks=192.0.2.0/24
[service x]
peers=192.0.2.0/24
[recipient x]
address=x@example.net
"""


def complaints(page):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "style", page], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return [line for line in done.stdout.splitlines() if not TOLERATED.search(line)]


def keys_of_page(page):
    keys, section = set(), None
    with open(page, encoding="utf-8") as text:
        for line in text:
            head = re.match(r"\.Ss \[(\w+)", line)
            key = re.match(r"\.It Cm (\w+)", line)
            section = head.group(1) if head else section
            if key:
                keys.add((section, key.group(1)))
    return keys


def keys_of_dump(program):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.conf")
        with open(path, "w", encoding="utf-8") as conf:
            conf.write(CONFIGURATION)
        dump = subprocess.run([program, "dump-config", "--config", path], check=True,
                              text=True, stdout=subprocess.PIPE).stdout
    keys, section = set(), None
    for line in dump.splitlines():
        head = re.match(r"\[(\w+)", line)
        key = re.match(r"(\w+)\s*=", line)
        section = head.group(1) if head else section
        if key:
            keys.add((section, key.group(1)))
    return keys


def main():
    program, *pages = sys.argv[1:]
    conf_page = next(page for page in pages if page.endswith(".conf.5"))
    print(f"1..{len(pages) + 1}")
    failed = 0
    for number, page in enumerate(pages, 1):
        name = os.path.basename(page)
        if not shutil.which("mandoc"):
            print(f"ok {number} - {name} # SKIP mandoc is not installed")
            continue
        found = complaints(page)
        failed += bool(found)
        print("\n".join(f"# {line}" for line in found) if found else "# no complaint")
        print(f"{'not ok' if found else 'ok'} {number} - {name} is well formed")
    listed, known = keys_of_page(conf_page), keys_of_dump(program)
    for section, key in sorted(listed ^ known):
        where = "page" if (section, key) in listed else "program"
        print(f"# [{section}] {key}: only in the {where}")
    failed += listed != known or not listed
    print(f"{'ok' if listed == known and listed else 'not ok'} {len(pages) + 1} - "
          f"the page lists exactly the {len(known)} keys of the table")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
