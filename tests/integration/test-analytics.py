#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""flowkeep-analytics as a daemon: signals, service manager, a database that goes away,
a second one beside it, and what it says to wrong words."""

import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from analytics import ANALYTICS, Watched
from cluster import Cluster
from daemon import Manager, missing, wait_until

QUICK = {"analytics": {f"{job}_period_sec": 1 for job in
                       ("session", "beacon", "exfil", "baseline", "mail")}}
JOBS = {"session", "baseline", "beacon", "exfil", "mail"}


class Daemon(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)

    def open(self, name, **options):
        c = Watched("analytics-" + name, settings=QUICK, **options)
        self.addCleanup(c.close)
        c.__enter__()
        return c

    def start(self, c):
        log = open(os.path.join(c.folder, "analytics.log"), "ab")
        self.addCleanup(log.close)
        process = subprocess.Popen([ANALYTICS, "--config", c.config_path], stdout=log,
                                   stderr=log, stdin=subprocess.DEVNULL,
                                   env=dict(os.environ, **c.env))

        def end():
            if process.poll() is None:
                process.kill()
                process.wait()
        self.addCleanup(end)
        return process

    def log(self, c):
        with open(os.path.join(c.folder, "analytics.log"), encoding="utf-8") as log:
            return log.read()

    def ran(self, c):
        return {row[0] for row in c.sql("SELECT DISTINCT job FROM flowkeep.job_run"
                                        " WHERE ended_at IS NOT NULL AND error IS NULL")}

    def test_it_runs_all_jobs_and_ends_when_told(self):
        c = self.open("runs")
        manager = Manager(c)
        self.addCleanup(manager.close)
        process = self.start(c)
        wait_until("all jobs ran", lambda: self.ran(c) >= JOBS, 60)
        wait_until("watchdog", lambda: "WATCHDOG=1" in manager.read(), 10)
        self.assertIn("READY=1", manager.read())
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)
        self.assertLess(time.monotonic() - begin, 10)
        self.assertIn("STOPPING=1", manager.read())

    def test_it_reads_its_configuration_again_and_refuses_a_wrong_one(self):
        c = self.open("reload")
        process = self.start(c)
        wait_until("ready", lambda: ": ready" in self.log(c), 20)
        c.write_config({"beacon": {"mail_score": "80"}})
        process.send_signal(signal.SIGHUP)
        wait_until("read again", lambda: "configuration: read again" in self.log(c), 20)
        c.write_config({"beacon": {"mail_score": "much"}})
        process.send_signal(signal.SIGHUP)
        wait_until("refused", lambda: "what was in force stays" in self.log(c), 20)
        self.assertIn('[beacon] mail_score: "much" is not allowed', self.log(c))
        self.assertIsNone(process.poll())

    def test_it_waits_for_a_database_that_is_away(self):
        with Cluster() as pg:
            c = self.open("away", pg=pg)
            pg.stop()
            self.start(c)
            wait_until("said so", lambda: "trying again" in self.log(c), 30)
            pg.start()
            wait_until("all jobs ran", lambda: self.ran(c) >= JOBS, 60)
            self.assertIn("works again", self.log(c))
            pg.kill()
            pg.start()
            n = c.number("SELECT max(id) FROM flowkeep.job_run")
            wait_until("goes on", lambda: c.number("SELECT max(id)"
                                                   " FROM flowkeep.job_run") > n, 60)
            c.close()

    def test_two_of_them_share_the_work(self):
        c = self.open("two")
        processes = [self.start(c), self.start(c)]
        wait_until("all jobs ran", lambda: self.ran(c) >= JOBS, 60)
        time.sleep(3)
        self.assertEqual([process.poll() for process in processes], [None, None])
        at_once = c.sql(
            "SELECT a.job FROM flowkeep.job_run AS a JOIN flowkeep.job_run AS b"
            " ON a.job = b.job AND a.id < b.id AND b.started_at < a.ended_at")
        n_runs = c.number("SELECT count(*) FROM flowkeep.job_run")
        tap.balance(sent=n_runs, stored=n_runs, duplicated=len(at_once))
        self.assertEqual(at_once, [])
        self.assertNotIn("warning", self.log(c))

    def test_wrong_words_are_refused_and_explained(self):
        c = self.open("words")
        for words, status, said in (
                (["--once", "beacn"], 2, 'did you mean "beacon"?'),
                (["--now", "2026-03-10T00:00:00Z"], 2, "--now goes with --once"),
                (["--once", "beacon", "--now", "noon"], 2, "is no time such as"),
                (["stray"], 2, "takes no arguments"),
                (["--jobs"], 0, "session"),
                (["--version"], 0, "flowkeep-analytics")):
            with self.subTest(words=" ".join(words)):
                done = subprocess.run([ANALYTICS, "--config", c.config_path, *words],
                                      text=True, stdout=subprocess.PIPE, check=False,
                                      stderr=subprocess.STDOUT, timeout=30)
                self.assertEqual(done.returncode, status, done.stdout)
                self.assertIn(said, done.stdout)


if __name__ == "__main__":
    tap.main()
