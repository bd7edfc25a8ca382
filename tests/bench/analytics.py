#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the analytics: each part is a program that fills what it needs, runs, and
prints lines of what, measured and wanted, divided by tabs."""

import argparse
import os
import subprocess
import sys
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "harness"))
import contenders
import tables
from cluster import Cluster

# Name, title, program below build/ and its arguments, whether it needs a server.
PARTS = [
    ("session", "Sessions out of flow rows", ["tests/bench/bench-session"], True),
    ("beacon", "Beacons out of contacts in memory, one core",
     ["tests/bench/bench-beacon"], False),
    ("exfil", "Exfil, 100 000 hosts, 30 days of contact_hour",
     ["tests/bench/bench-exfil", "100000", "30"], True),
]
BEGIN, END = "<!-- begin: analytics, written by run-bench -->", "<!-- end: analytics -->"


def run_part(build, title, command, pg):
    env = dict(os.environ)
    if pg:
        env["TEST_CONNINFO"] = pg.conninfo()
    done = subprocess.run([os.path.join(build, command[0]), *command[1:]], env=env,
                          text=True, stdout=subprocess.PIPE, check=True)
    table = tables.Table(title, "what", "measured", "wanted")
    for line in done.stdout.splitlines():
        table.add(*(line.split("\t") + ["", ""])[:3])
    return table


def main(arguments):
    names = [name for name, *_ in PARTS]
    parser = argparse.ArgumentParser(prog="run-bench analytics",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(names),
                        help="parts to run: " + ",".join(names))
    parser.add_argument("--write", action="store_true",
                        help="put the tables into docs/performance.md")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"),
                        help="the build folder, of a release build (./build)")
    args = parser.parse_args(arguments)
    wanted = args.only.split(",")
    if set(wanted) - set(names):
        parser.error("--only takes " + ",".join(names))

    done = []
    for name, title, command, needs_server in PARTS:
        if name not in wanted:
            continue
        if needs_server:
            with Cluster(settings=contenders.PG_SETTINGS) as pg:
                done.append(run_part(args.build, title, command, pg))
        else:
            done.append(run_part(args.build, title, command, None))
        print("\n" + done[-1].text(), flush=True)
    if args.write:
        tables.write_between_marks(
            os.path.join(ROOT, "docs", "performance.md"),
            time.strftime("Measured on %Y-%m-%d.\n\n") +
            "\n".join(table.markdown() for table in done), BEGIN, END)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
