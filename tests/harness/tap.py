# SPDX-License-Identifier: Apache-2.0
"""Runs a module's unittest cases and says the result in TAP, as Meson reads it.

    class Outage(unittest.TestCase):
        def test_nothing_is_lost_while_the_database_is_away(self): ...

    if __name__ == "__main__":
        tap.main()

gives "ok 1 - nothing is lost while the database is away".  Names of tests on the
command line (parts of them are enough) choose which run.

A report of a sanitizer, from whatever program a test ran, is a failure of that test."""

import json
import signal
import sys
import traceback
import unittest

import sanitizer

N_REPORT_LINES = 60  # of each are shown


def sentence(test):
    if isinstance(test, unittest.case._SubTest):
        which = ", ".join(f"{name} {value}" for name, value in test.params.items())
        return f"{sentence(test.test_case)}: {which}".replace("#", "")
    if not isinstance(test, unittest.TestCase):
        return str(test).replace("#", "")
    return test._testMethodName.removeprefix("test_").replace("_", " ")


class Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0
        self.reports = sanitizer.Reports()

    def stopTest(self, test):
        super().stopTest(test)
        self.take_reports(test)

    def take_reports(self, where):
        """A line for what the sanitizers said, if they did."""
        reports = self.reports.take()
        if not reports:
            return
        self.failures.append((where, "a sanitizer reported"))
        self.number += 1
        print(f"not ok {self.number} - {sentence(where)}: the sanitizers have nothing to"
              " report", flush=True)
        for report in reports:
            note("\n".join(report.splitlines()[:N_REPORT_LINES]))

    def say(self, test, good, note=""):
        self.number += 1
        print(f"{'ok' if good else 'not ok'} {self.number} - {sentence(test)}{note}",
              flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.say(test, True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say(test, True, f" # SKIP {reason}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say_why(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self.say_why(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.say_why(subtest, err)

    def say_why(self, test, err):
        self.say(test, False)
        kind, value, _ = err
        for frame in traceback.extract_tb(err[2]):
            if "/unittest/" not in frame.filename:
                note(f"{frame.filename}:{frame.lineno}: {frame.line}")
        note("".join(traceback.format_exception_only(kind, value)))


def chosen(suite, words):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from chosen(test, words)
        elif not words or any(word.replace(" ", "_") in test.id() for word in words):
            yield test


def note(text):
    """A line for the reader of the log."""
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def balance(**counts):
    """A line that ./run-faults adds up: sent, stored, lost, waiting, duplicated (0 when
    not given), and in notes what else was counted."""
    note("balance " + json.dumps(counts))


def end(*_):
    raise KeyboardInterrupt  # unittest takes anything else for a failed test


def main():
    signal.signal(signal.SIGTERM, end)  # a timeout: clean up all the same
    loaded = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = Result()
    tests = unittest.TestSuite(chosen(loaded, sys.argv[1:]))
    n_tests = tests.countTestCases()
    tests.run(result)
    result.take_reports("after the last test")
    # Not a plan of n_tests: the parts of a test that fail have lines of their own,
    # and a class that skips itself has one for all its tests.
    print(f"1..{result.number}", flush=True)
    if result.number == 0 and n_tests:
        print("Bail out! nothing ran", flush=True)
    sys.exit(0 if result.wasSuccessful() else 1)
