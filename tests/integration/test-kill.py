#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the collector under load, again and again: each record exactly once.

The load is numbered, so loss and duplicates are exact.  The socket stays open, so
nothing may be lost at all, unless the kernel's buffer overflowed while the collector
was away: then what is missing must stand in `loss`.

Environment: FLOWKEEP_KILLS (20)."""

import os
import random
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from daemon import Collector, missing

KILLS = int(os.environ.get("FLOWKEEP_KILLS", "20"))
RATE = 40000
ONE_LIFE_SEC = (0.05, 1.5)  # of a process, after it said that it is ready


class Kill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)

    def check(self, c, sent):
        c.wait_idle(120)
        rows, distinct, first, last, odd = c.numbered()
        losses = c.losses()
        tap.note(f"{sent['flows']} sent, {rows} stored, losses {losses}")
        self.assertEqual(rows, distinct, "stored twice")
        self.assertEqual(odd, 0, "values that are not those sent")
        self.assertGreaterEqual(first, 1)
        self.assertLessEqual(last, sent["last_number"])
        explained = sum(count for (reason, unit, _), count in losses.items()
                        if reason == "sequence_gap" and unit == "flows")
        self.assertEqual(rows + explained, sent["flows"], f"losses: {losses}")
        if explained:
            self.assertTrue(any(key[0] == "kernel_drop" for key in losses), losses)
        else:
            self.assertEqual(losses, {})
        self.assertEqual(c.sql("SELECT * FROM flowkeep.audit_rows('-infinity',"
                               " 'infinity')"), [])
        audit = c.flowkeep("status", "--audit", check=False)
        self.assertEqual(audit.returncode, 0, audit.stdout + audit.stderr)

    def kill_many(self, c, load, n):
        chance = random.Random(1)
        for i in range(n):
            time.sleep(chance.uniform(*ONE_LIFE_SEC))
            self.assertIsNone(load.poll(), "flowgen ended")
            c.kill()
            if i % 4 == 3:  # and once while it is starting
                c.spawn()
                time.sleep(chance.uniform(0, 0.15))
                c.kill()
            c.start()

    def test_twenty_kills_under_load_leave_each_record_exactly_once(self):
        with Collector("kill") as c:
            load = c.flowgen_start("--numbered", "--rate", RATE, "--seconds", 600,
                                   "--exporters", 20, "--templates", 3,
                                   "--template-period", 5)
            try:
                self.kill_many(c, load, KILLS)
                time.sleep(1)
            finally:
                load.send_signal(signal.SIGTERM)
            self.check(c, c.flowgen_report(load))

    def test_killed_before_the_first_batch_it_starts_over(self):
        with Collector("kill-early", settings={"store": {"batch_ms": 10000}}) as c:
            sent = c.flowgen("--numbered", "--rate", RATE, "--total", 20000)
            c.kill()
            self.assertEqual(c.rows(), 0)
            c.start()
            self.check(c, sent)


if __name__ == "__main__":
    tap.main()
