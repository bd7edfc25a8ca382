#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every job of flowkeep-analytics, killed with SIGKILL at random moments and run again,
leaves the same tables and the same mail as when nobody disturbs it.

Two databases get the same flows: a day of the demo and two ordinary ones before it.
The same jobs run at the same times over both; in one of them each is killed several
times first, at moments spread over how long it takes.  FLOWKEEP_ANALYTICS_KILLS says
how many kills there are in all (50)."""

import os
import random
import subprocess
import sys
import tempfile
import time
import unittest
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import mailbox
import tap
from analytics import Watched
from daemon import FLOWGEN, ROOT, missing

HOUR = 3600
END = 1_773_187_200  # 2026-03-11T00:00:00Z, when the scenario's day is over
JOBS = ("session", "baseline", "beacon", "exfil", "mail")
TIMES = (END - 12 * HOUR, END + HOUR)
N_KILLS = int(os.environ.get("FLOWKEEP_ANALYTICS_KILLS", "50"))

# What must be the same; the rest is numbers given in passing and when things ran.
TABLES = {
    "contact_hour": "SELECT c.*, ARRAY(SELECT unnest(c.starts) ORDER BY 1) FROM"
                    " (SELECT hour, host, peer, service_port, protocol, initiator,"
                    " sessions, records, out_octets, in_octets, out_packets, in_packets,"
                    " longest_ms, sampling, dense, gaps, starts"
                    " FROM flowkeep.contact_hour) AS c ORDER BY 1, 2, 3, 4, 5, 6",
    "session_open": "SELECT host, peer, service_port, protocol, initiator, start_at,"
                    " end_at, out_octets, in_octets, records FROM flowkeep.session_open"
                    " ORDER BY 1, 2, 3, 4, 5, 6, 7",
    "exporter_timeout": "SELECT exporter_id, active_timeout_sec, evidence"
                        " FROM flowkeep.exporter_timeout ORDER BY 1",
    "host_day": "SELECT * FROM flowkeep.host_day ORDER BY 1, 2",
    "beacon_group": "SELECT * FROM flowkeep.beacon_group ORDER BY host, peer_network,"
                    " service_port, protocol, initiator",
    "periodic_day": "SELECT * FROM flowkeep.periodic_day ORDER BY day, host, peer,"
                    " service_port",
    "alert": "SELECT kind, rule, host, host_group, peer, peer_network, service_port,"
             " state, severity, score, magnitude, opened_at, found_at, title,"
             " explanation, evidence FROM flowkeep.alert"
             " ORDER BY kind, host, peer_network, service_port",
    "alert_event": "SELECT a.kind, a.host, a.peer_network, e.at, e.what, e.tell,"
                   " e.severity, e.score, e.magnitude, e.composed"
                   " FROM flowkeep.alert_event AS e"
                   " JOIN flowkeep.alert AS a ON a.id = e.alert_id"
                   " ORDER BY 1, 2, 3, 4, 5",
    "outbox": "SELECT kind, recipient, subject, state FROM flowkeep.outbox"
              " ORDER BY 1, 2, 3",
    "watermarks": "SELECT task, done_until FROM flowkeep.housekeeping"
                  " WHERE task NOT LIKE 'traffic%' ORDER BY 1",
}


def make_day(folder):
    path = os.path.join(folder, "day.pcap")
    subprocess.run([FLOWGEN, "play", "--before-days", "2", "-V", "9", "--out", path,
                    os.path.join(ROOT, "tests", "demo", "day.scenario")], check=True,
                   stdout=subprocess.DEVNULL)
    return path


class AnalyticsKill(unittest.TestCase):
    maxDiff = 4000

    def open(self, name, day):
        box = mailbox.Mailbox(security="none", login=False)
        box.start()
        self.addCleanup(box.__exit__)
        c = Watched(name, settings={
            "smtp": {"server": "127.0.0.1", "port": box.port, "security": "none"},
            "mail": {"from": "flowkeep@example.net"},
            "recipient ops": {"address": "ops@example.net", "digest": "false"}})
        self.addCleanup(c.close)
        c.__enter__()
        c.flowkeep("replay", "--keep-times", day)
        return c, box

    def disturb(self, c, job, now, n_kills, takes_sec):
        """Kills the job n_kills times, at moments anywhere in its run; some attempts
        come too late, or while the server still holds the lock of the one before."""
        n_killed = 0
        for _ in range(6 * n_kills):
            n_killed += c.job_killed(job, now, takes_sec * self.dice.random())
            if n_killed == n_kills:
                break
        return n_killed

    def run_all(self, c, takes=None):
        """Runs all jobs at all times; returns how long each took and how many kills
        met a running job."""
        took, n_killed = {}, 0
        per_run = -(-N_KILLS // (len(TIMES) * len(JOBS)))
        for now in TIMES:
            for job in JOBS:
                if takes:
                    n_killed += self.disturb(c, job, now, per_run, takes[now, job])
                begin = time.monotonic()
                c.job(job, now)
                took[now, job] = time.monotonic() - begin
        return took, n_killed

    def test_killed_jobs_leave_the_same_tables_and_the_same_mail(self):
        why = missing() or mailbox.missing()
        if why:
            self.skipTest(why)
        seed = random.SystemRandom().randrange(1 << 32)
        tap.note(f"seed {seed}")
        self.dice = random.Random(seed)

        quiet, quiet_box = self.open("jobs-quiet", self.day())
        killed, killed_box = self.open("jobs-killed", self.day())
        took, _ = self.run_all(quiet)
        _, n_killed = self.run_all(killed, took)
        tap.note(f"{n_killed} kills met a running job")
        self.assertGreaterEqual(n_killed, N_KILLS * 4 // 5)

        for name, sql in TABLES.items():
            rows, wanted = (Counter(map(tuple, c.sql(sql))) for c in (killed, quiet))
            tap.balance(sent=wanted.total(), stored=(wanted & rows).total(),
                        duplicated=(rows - wanted).total())
            with self.subTest(table=name):
                self.assertEqual(killed.sql(sql), quiet.sql(sql))
        tap.balance(notes={"kills that met a running job": n_killed})
        self.assertGreater(quiet.number("SELECT count(*) FROM flowkeep.contact_hour"), 0)
        self.assert_same_mail(killed_box, quiet_box)

    def assert_same_mail(self, killed, quiet):
        # A process that outlives the job may still be sending.
        time.sleep(1)
        self.assertEqual(len(killed.ids()), len(set(killed.ids())), "something came twice")
        self.assertEqual(sorted(str(m["Subject"]) for m in killed.messages()),
                         sorted(str(m["Subject"]) for m in quiet.messages()))
        self.assertEqual(len(quiet.ids()), 2, "an exfiltration and a beacon")

    def day(self):
        if not hasattr(self, "path"):
            folder = tempfile.TemporaryDirectory(prefix="flowkeep-day-", dir="/tmp")
            self.addCleanup(folder.cleanup)
            self.path = make_day(folder.name)
        return self.path


if __name__ == "__main__":
    tap.main()
