# SPDX-License-Identifier: Apache-2.0
"""What sanitizers say of any program that a test runs: daemons, the operator's command
and what these start, wherever their standard error goes and however they end.

    reports = Reports()     # before the first program is started
    reports.take()          # after each test: what was written since, as texts

A build is known to have sanitizers by ASAN_OPTIONS or TSAN_OPTIONS in the environment,
as ./run-tests sets them; each process then writes what it finds into a file of its own
(their option log_path), in a folder of ours.  Without these there is never a report."""

import atexit
import glob
import os
import shutil
import tempfile

VARIABLES = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")


class Reports:
    def __init__(self):
        self.folder = None
        self.seen = {}  # path -> characters taken
        given = [name for name in VARIABLES if os.environ.get(name)]
        if not given:
            return
        self.folder = tempfile.mkdtemp(prefix="flowkeep-sanitizer-", dir="/tmp")
        os.chmod(self.folder, 0o1777)  # a program may run as another user
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        for name in given:
            os.environ[name] += f":log_path={self.folder}/report"

    def take(self):
        texts = []
        paths = glob.glob(os.path.join(self.folder, "report.*")) if self.folder else []
        for path in sorted(paths):
            with open(path, encoding="utf-8", errors="replace") as report:
                text = report.read()
            new = text[self.seen.get(path, 0):]
            self.seen[path] = len(text)
            if new.strip():
                texts.append(new)
        return texts
