#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The measurement works: easy cases are found, figures can be had again, and what is
missing is said.  Small numbers of trials; ./run-eval has the real ones."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap

RUN_EVAL = os.environ.get("RUN_EVAL", "run-eval")


def run_eval(*options, status=0):
    done = subprocess.run([RUN_EVAL, *options], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=600, check=False)
    if done.returncode != status:
        raise AssertionError(f"run-eval {options}: {done.returncode}: {done.stderr}")
    return done.stdout if status == 0 else done.stderr


def rows(text):
    """Lists of cells of all rows of all tables."""
    lines = (line for line in text.split("\n") if line.startswith("| "))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def per_cent(cell):
    return float(re.match(r"[\d.]+", cell).group(0))


class RunEval(unittest.TestCase):
    SMALL = ("--quick", "--only", "beacon", "--trials", "60", "--negatives", "300")

    def test_easy_channels_are_found_by_all_scores(self):
        text = run_eval(*self.SMALL, "--case", "one-sided jitter 20 %")
        found = [row for row in rows(text) if row[0] == "one-sided jitter 20 %"]
        self.assertEqual(len(found), 1, text)
        rita, rita_timing, timing, flowkeep = map(per_cent, found[0][2:6])
        self.assertGreaterEqual(min(rita, rita_timing, timing, flowkeep), 98)

    def test_what_the_baseline_cannot_find_is_found(self):
        text = run_eval(*self.SMALL, "--case", "50 % missing, 20 % jitter")
        row = rows(text)[-1]
        self.assertLess(per_cent(row[2]), 75, "RITA finds about half of these")
        self.assertGreaterEqual(per_cent(row[5]), 90)

    def test_figures_do_not_depend_on_the_number_of_processes(self):
        one, two = (rows(run_eval(*self.SMALL, "--case", "T = 3600", "--jobs", jobs))
                    for jobs in ("1", "2"))
        self.assertEqual(one, two)

    def test_uploads_are_found_and_calls_are_not(self):
        text = run_eval("--only", "exfil", "--trials", "20", "--set", "held-out")
        found = {row[0]: row for row in rows(text)}
        for name in ("0.2 GB, desktop", "0.5-20 GB, server", "5 MB/h, 7 days"):
            self.assertGreaterEqual(per_cent(found[name][2]), 90, name)
        for name in ("video call, 457 MB, PCR -0.31", "speed test, 137 MB, PCR 0.67",
                     "tunnel, 90 MB, PCR 0.2"):
            self.assertEqual(per_cent(found[name][2]), 0, name)

    def test_sets_differ(self):
        sets = [rows(run_eval(*self.SMALL, "--case", "jitter 90 %", "--set", name))
                for name in ("development", "held-out")]
        self.assertNotEqual(*sets)

    def test_traffic_that_is_not_there_is_skipped_and_said_so(self):
        with tempfile.TemporaryDirectory() as folder:
            text = run_eval("--only", "traffic", "--traffic", folder)
        self.assertIn("is not there: skipped", text)

    def test_sections_are_written_into_their_places(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "results.md")
            for _ in range(2):
                run_eval(*self.SMALL, "--case", "T = 3600", "--write", "--document", path)
            with open(path, encoding="utf-8") as document:
                text = document.read()
        self.assertEqual(text.count("<!-- begin: beacon, written by run-eval -->"), 1)
        self.assertEqual(text.count("jitter 90 %, T = 3600 s"), 1)

    def test_unknown_names_are_usage_errors(self):
        self.assertIn("no section", run_eval("--only", "nothing", status=2))
        self.assertIn("no set", run_eval("--set", "nothing", status=2))
        self.assertIn("no case", run_eval(*self.SMALL, "--case", "nothing", status=2))


if __name__ == "__main__":
    tap.main()
