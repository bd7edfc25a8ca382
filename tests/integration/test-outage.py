#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL goes away under load: nothing is lost, and the lag is soon gone.

Environment: FLOWKEEP_OUTAGE_SEC (60): how long it is away."""

import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from cluster import Cluster
from daemon import Collector, missing, wait_until

OUTAGE_SEC = float(os.environ.get("FLOWKEEP_OUTAGE_SEC", "60"))
RATE = 50000
CATCH_UP_SEC = 60
NO_LAG_SEC = 5
LAG = ("SELECT extract(epoch FROM clock_timestamp() - min(received_at))"
       " FROM flowkeep.ingest_position")


class Outage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.pg = Cluster().start()
        cls.addClassCleanup(cls.pg.destroy)

    def check(self, c, sent):
        c.wait_idle(120)
        rows, distinct, first, last, odd = c.numbered()
        self.assertEqual(rows, distinct, "stored twice")
        self.assertEqual((rows, first, last, odd),
                         (sent["flows"], 1, sent["last_number"], 0))
        self.assertEqual(c.losses(), {})

    def lag_sec(self, c):
        return float(c.value(LAG) or 1e9)

    def test_a_minute_without_postgresql_loses_nothing_and_the_lag_goes_in_a_minute(self):
        with Collector("outage", pg=self.pg) as c:
            load = c.flowgen_start("--numbered", "--rate", RATE, "--seconds", 600,
                                   "--exporters", 10)
            try:
                time.sleep(5)
                self.pg.stop()
                time.sleep(OUTAGE_SEC)
                self.assertIsNone(c.process.poll(), "the collector ended")
                self.pg.start()
                back = time.monotonic()
                wait_until("the lag to go", lambda: self.lag_sec(c) < NO_LAG_SEC,
                           CATCH_UP_SEC, 0.5)
                tap.note(f"caught up after {time.monotonic() - back:.1f} s")
            finally:
                load.send_signal(signal.SIGTERM)
            self.check(c, c.flowgen_report(load))

    def crash(self, name, stop):
        with Collector(name, pg=self.pg) as c:
            load = c.flowgen_start("--numbered", "--rate", 20000, "--seconds", 120,
                                   "--exporters", 10)
            try:
                for _ in range(5):
                    time.sleep(1.7)
                    stop()
                    time.sleep(0.5)
                    self.pg.start()
                time.sleep(2)
            finally:
                load.send_signal(signal.SIGTERM)
            self.check(c, c.flowgen_report(load))

    def test_immediate_stops_lose_and_repeat_nothing(self):
        self.crash("immediate", lambda: self.pg.stop("immediate"))

    def test_a_killed_server_loses_and_repeats_nothing(self):
        self.crash("pg-killed", self.pg.kill)

    def test_a_backend_killed_in_mid_copy_loses_and_repeats_nothing(self):
        with Collector("backend", pg=self.pg) as c:
            load = c.flowgen_start("--numbered", "--rate", 20000, "--seconds", 120)
            try:
                for _ in range(10):
                    time.sleep(0.6)
                    c.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                          f" WHERE datname = '{c.database}'"
                          " AND pid <> pg_backend_pid()")
                time.sleep(1)
            finally:
                load.send_signal(signal.SIGTERM)
            self.check(c, c.flowgen_report(load))

    def test_the_collector_starts_without_postgresql_and_keeps_what_comes(self):
        c = Collector("no-server", pg=self.pg)
        c.create_database()
        self.addCleanup(c.close)
        self.pg.stop()
        try:
            c.start()
            sent = c.flowgen("--numbered", "--rate", 20000, "--total", 40000)
            c.kill()
            c.start()
        finally:
            self.pg.start()
        self.check(c, sent)


if __name__ == "__main__":
    tap.main()
