#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test-sanitizer.py MISBEHAVE SANITIZERS: what a sanitizer says of a program fails the
test that ran it, whatever the program's exit status and wherever its output went; and
nothing is said of threads that use GLib's locks as they should."""

import os
import subprocess
import sys
import unittest

import sanitizer
import tap

MISBEHAVE, SANITIZERS = sys.argv[1], sys.argv[2].split(",")
NOTICED = {"address": ("leak", "behind"), "undefined": ("overflow",),
           "thread": ("race",)}
NOT_NOTICED = ("guarded", "waited")


def misbehave(what):
    subprocess.run([MISBEHAVE, what], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False, timeout=60)


class Sanitizer(unittest.TestCase):
    def run_within(self, what):
        """The result of a test that did nothing but run the program."""
        class Inner(unittest.TestCase):
            def test_it(self):
                misbehave(what)

        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            out, sys.stdout = sys.stdout, nowhere
            try:
                result = tap.Result()
                unittest.TestSuite([Inner("test_it")]).run(result)
            finally:
                sys.stdout = out
        return result

    def test_a_report_fails_the_test_that_ran_the_program(self):
        for name in SANITIZERS:
            for what in NOTICED.get(name, ()):
                with self.subTest(what):
                    result = self.run_within(what)
                    self.assertFalse(result.wasSuccessful())
                    self.assertEqual(result.number, 2)  # it passed, and it failed

    def test_locks_of_glib_are_seen(self):
        for what in NOT_NOTICED:
            with self.subTest(what):
                self.assertTrue(self.run_within(what).wasSuccessful())

    def test_each_report_is_taken_once(self):
        reports = sanitizer.Reports()
        misbehave(NOTICED[SANITIZERS[0]][0])
        self.assertEqual(len(reports.take()), 1)
        self.assertEqual(reports.take(), [])


if __name__ == "__main__":
    del sys.argv[1:]
    tap.main()
