#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/rfc.md is what rows.py says, every test it names exists, and each that can be run
alone passes.  --update writes the document."""

import ast
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
BUILD = os.environ.get("FLOWKEEP_BUILD", os.path.join(ROOT, "build"))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
sys.path.insert(0, os.path.join(HERE, "..", "hostile"))
import catalogue
import rows
import tap

DOCUMENT = os.path.join(ROOT, "docs", "rfc.md")

# The program of a unit test, by the first part of its path.
PROGRAMS = {
    **{name: f"collector/decode/test-{name}" for name in
       ("backlog", "decoder", "hostile", "limits", "plan", "protection", "quarantine",
        "quirks", "rfc", "sequence", "text", "times")},
    "doctor-problems": "cli/test-cli-doctor-problems",
    "element-table": "collector/decode/test-plan",
    "settings": "collector/test-collector-settings",
    "tcp": "collector/wire/test-wire-tcp",
}

HEAD = """# The RFCs, row by row

What RFC 7011, 7012, 5103, 6313 and 3954 ask of a collector, and the tests that show what
becomes of it; where others are touched, what is claimed of them and no more.  A test is
named as its program names it: `/...` is a unit test, `class N` one of the catalogue
(`docs/hostile-input.md`), anything else a case of a Python test.  `tests/rfc/check-document.py
--update` makes this page from `tests/rfc/rows.py`; `rfc-document` in the suite `lint` fails when
the page is stale, when a named test does not exist, when a row has neither test
nor reason, and when a unit test that is named does not pass.

"""


def text_of(row):
    number, ref, level, what, status, tests, remark = row
    named = "<br>".join(f"`{test}`" for test in tests)
    shown = f"{status}: {remark}" if remark else status
    return f"| {number} | {ref} | {level} | {what} | {shown} | {named} |"


def document():
    counts = {}
    for row in rows.ROWS:
        counts[row[4]] = counts.get(row[4], 0) + 1
    summary = ", ".join(f"{count} {status}" for status, count in counts.items())
    table = "\n".join(map(text_of, rows.ROWS))
    return (f"{HEAD}{len(rows.ROWS)} rows: {summary}.\n\n"
            "| row | RFC | level | requirement | status | tests |\n"
            f"|---|---|---|---|---|---|\n{table}\n")


def named(prefix=""):
    """Test -> row, of those that begin with @prefix."""
    return {test: row[0] for row in rows.ROWS for test in row[5] if test.startswith(prefix)}


def program_of(path):
    return os.path.join(BUILD, PROGRAMS[path.split("/")[1]])


def sentences_of(name):
    """The cases of tests/@name.py."""
    with open(os.path.join(ROOT, "tests", name + ".py"), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    return {node.name.removeprefix("test_").replace("_", " ") for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


class Document(unittest.TestCase):
    def test_the_document_is_what_the_rows_say(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            self.assertEqual(file.read(), document(), "tests/rfc/check-document.py --update")

    def test_every_row_has_a_test_or_a_reason(self):
        for number, _, _, _, status, tests, remark in rows.ROWS:
            if status == rows.DONE:
                self.assertTrue(tests, number)
            else:
                self.assertTrue(remark, number)
        numbers = [row[0] for row in rows.ROWS]
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_every_class_is_in_the_catalogue(self):
        known = {f"class {hostile.number}" for hostile in catalogue.load()}
        self.assertEqual({test for test in named("class ") if test not in known}, set())

    def test_every_python_case_exists(self):
        for test, row in named().items():
            if test.startswith(("/", "class ")):
                continue
            name, sentence = test.split(": ", 1)
            self.assertIn(sentence, sentences_of(name), row)

    def test_every_unit_test_exists_and_passes(self):
        by_program = {}
        for path in named("/"):
            by_program.setdefault(program_of(path), []).append(path)
        for program, paths in by_program.items():
            listed = subprocess.run([program, "-l"], stdout=subprocess.PIPE, text=True,
                                    check=True).stdout.split()
            self.assertEqual([path for path in paths if path not in listed], [], program)
            run = subprocess.run([program, *(f"-p={path}" for path in paths)],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 check=False)
            passed = {line.split(" ", 2)[2] for line in run.stdout.splitlines()
                      if line.startswith("ok ") and "# SKIP" not in line}
            self.assertEqual([path for path in paths if path not in passed], [], run.stdout)


def main():
    if "--update" not in sys.argv:
        return tap.main()
    with open(DOCUMENT, "w", encoding="utf-8") as file:
        file.write(document())
    return 0


if __name__ == "__main__":
    sys.exit(main())
