#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `meson test` left behind, counted test point by test point.

    summary.py select FOLDER SUITE|PATTERN...    prints the names of the tests meant
    summary.py report LABEL=FOLDER... -- BROKEN...
        names what failed and why others were skipped, prints
        "N passed, N failed, N skipped", and exits with 1 if anything failed.
        BROKEN are stages that never came as far as their tests.

A TAP test counts each of its points; any other test counts once.
"""

import fnmatch
import json
import os
import re
import subprocess
import sys

POINT = re.compile(r"^(not )?ok\b\s*\d*\s*-?\s*(.*?)(?:\s+#\s*(SKIP|TODO)\b\s*(.*))?$",
                   re.IGNORECASE)


def select(folder, wanted):
    tests = json.loads(subprocess.check_output(
        ["meson", "introspect", folder, "--tests"], text=True))
    for test in tests:
        suites = [suite.split(":")[-1] for suite in test["suite"]]
        if any(word in suites or fnmatch.fnmatchcase(test["name"], word)
               for word in wanted):
            print(test["name"])


def points(output):
    """(kind, name, remark) of each test point of a TAP output."""
    for line in output.splitlines():
        found = POINT.match(line)
        if not found:
            continue
        failed, name, directive, remark = found.groups()
        directive = (directive or "").upper()
        if directive == "SKIP":
            yield "skipped", name, remark
        else:
            yield ("failed" if failed and directive != "TODO" else "passed"), name, remark


def outcome(test):
    """The points of one line of testlog.json, at least one."""
    output = test.get("stdout") or ""
    found = list(points(output))
    kinds = {kind for kind, _, _ in found}
    result = test["result"]
    if found and "failed" in kinds:
        return found
    if result in ("OK", "EXPECTEDFAIL"):
        return found or [("passed", "", "")]
    if result == "SKIP":
        if kinds == {"skipped"}:
            return found
        return [("skipped", "", reason_of_skip(output + (test.get("stderr") or "")))]
    # It died, ran out of time or planned more points than it gave.
    return found + [("failed", "", result.lower())]


def reason_of_skip(output):
    plan = re.search(r"^1\.\.0\s*#\s*skip\w*:?\s*(.*)$", output,
                     re.IGNORECASE | re.MULTILINE)
    if plan:
        return plan.group(1)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def read_log(folder):
    path = os.path.join(folder, "meson-logs", "testlog.json")
    try:
        with open(path, encoding="utf-8") as log:
            return [json.loads(line) for line in log]
    except FileNotFoundError:
        return []


def short_name(test):
    return test["name"].split(" / ")[-1].split(":")[-1]


def report(stages, broken):
    count = {"passed": 0, "failed": len(broken), "skipped": 0}
    failed = list(broken)
    skipped = {}
    for stage in stages:
        label, folder = stage.split("=", 1)
        tests = read_log(folder)
        if not tests:
            count["failed"] += 1
            failed.append(f"{label}: no test ran")
        for test in tests:
            for kind, name, remark in outcome(test):
                count[kind] += 1
                title = f"{label}: {short_name(test)} {name}".rstrip()
                if kind == "failed":
                    failed.append(f"{title} ({remark})" if remark else title)
                elif kind == "skipped":
                    skipped.setdefault(remark or "no reason given", []).append(title)
    for reason, titles in skipped.items():
        print(f"skipped ({reason}):")
        for title in titles:
            print(f"  {title}")
    for title in failed:
        print(f"FAILED  {title}")
    if failed and stages:
        folders = " ".join(stage.split("=", 1)[1] for stage in stages)
        print(f"The tests' output stands in meson-logs/testlog.txt of: {folders}")
    print(f"{count['passed']} passed, {count['failed']} failed, "
          f"{count['skipped']} skipped")
    return 1 if count["failed"] else 0


def main(arguments):
    if len(arguments) >= 2 and arguments[0] == "select":
        select(arguments[1], arguments[2:])
        return 0
    if arguments and arguments[0] == "report":
        split = arguments.index("--") if "--" in arguments else len(arguments)
        return report(arguments[1:split], arguments[split + 1:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
