#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recorded traffic, exported as a router would, through collector and jobs: what is
mailed, and what is not.

The lists of sessions are third parties' and lie beside the project, ../shared/traffic;
without them the tests skip, saying so."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import mailbox
import tap
from analytics import Watched
from daemon import FLOWGEN, ROOT, missing

TRAFFIC = os.path.join(ROOT, "..", "shared", "traffic")
HOUR = 3600
JOBS = ("session", "baseline", "beacon", "exfil", "mail")


class Traffic(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing() or mailbox.missing()
        if not why and not os.path.isdir(TRAFFIC):
            why = "no recorded traffic: ../shared/traffic is not there"
        if why:
            raise unittest.SkipTest(why)

    def watch(self, name, listing, network, every=4 * HOUR):
        """Plays a list as NetFlow v9 with an active timeout of 60 s, and runs all jobs
        every few hours as if they ran then; returns the database and the mail."""
        box = mailbox.Mailbox(security="none", login=False)
        box.start()
        self.addCleanup(box.__exit__)
        groups = Watched.GROUPS
        self.addCleanup(setattr, Watched, "GROUPS", groups)
        Watched.GROUPS = {"hosts": network}
        c = Watched("traffic-" + name, settings={
            "smtp": {"server": "127.0.0.1", "port": box.port, "security": "none"},
            "recipient ops": {"address": "ops@example.net", "digest": "false"}})
        self.addCleanup(c.close)
        c.__enter__()
        with tempfile.NamedTemporaryFile(suffix=".pcap") as capture:
            subprocess.run([FLOWGEN, "play", "-V", "9", "--active-timeout", "60",
                            "--out", capture.name, os.path.join(TRAFFIC, listing)],
                           check=True, stdout=subprocess.DEVNULL)
            c.flowkeep("replay", "--keep-times", capture.name)
        first, last = map(float, c.sql(
            "SELECT extract(epoch FROM min(received_at)),"
            " extract(epoch FROM max(received_at)) FROM flowkeep.flow")[0])
        now = first - first % HOUR
        while now < last + 2 * HOUR:
            now += every
            for job in JOBS:
                c.job(job, now)
        return c, box

    def test_the_command_channel_is_the_top_beacon_and_mailed_once(self):
        c, box = self.watch("lab", "lab-c2-30s-jitter20.csv", "192.168.99.0/24")
        top = c.sql("SELECT host, peer, service_port, period_sec, jitter_pct, severity"
                    " FROM flowkeep.beacon_group ORDER BY score DESC LIMIT 1")[0]
        self.assertEqual(top[:3], ["192.168.99.52", "68.183.138.51", "80"])
        self.assertAlmostEqual(float(top[3]), 27, delta=0.3)
        self.assertAlmostEqual(float(top[4]), 20, delta=3)
        self.assertEqual(top[5], "mail")
        messages = box.messages()
        self.assertEqual(len(messages), 1, [str(m["Subject"]) for m in messages])
        self.assertIn("68.183.138.51:80", messages[0]["Subject"])
        self.assertIn("every 27.", messages[0].get_body(("plain",)).get_content())

    def test_a_desktop_is_no_reason_for_mail(self):
        _, box = self.watch("desktop", "desktop-benign-17h.csv", "192.168.1.109/32")
        self.assertEqual([str(m["Subject"]) for m in box.messages()], [])

    def test_a_server_that_the_internet_scans_is_no_reason_for_mail(self):
        _, box = self.watch("server", "internet-server-24h.csv", "64.225.56.201/32")
        self.assertEqual([str(m["Subject"]) for m in box.messages()], [])


if __name__ == "__main__":
    tap.main()
