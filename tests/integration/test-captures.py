#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real exports through `flowkeep replay` give the counts that were found by
independent decoders, in what replay prints and in the database."""

import csv
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from daemon import CAPTURES, Collector, missing

EXPECTED = os.path.join(CAPTURES, "expected.tsv")


class Captures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(EXPECTED):
            raise unittest.SkipTest(f"there is no {os.path.relpath(EXPECTED)}")
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.collector = Collector("captures")
        cls.addClassCleanup(cls.collector.close)
        cls.collector.create_database()
        with open(EXPECTED, encoding="utf-8", newline="") as table:
            cls.rows = list(csv.DictReader(table, delimiter="\t",
                                           quoting=csv.QUOTE_NONE))

    def replay(self, name, *options):
        c = self.collector
        c.sql("TRUNCATE flowkeep.flow")
        done = c.flowkeep("replay", "--json", *options, os.path.join(CAPTURES, name))
        return json.loads(done.stdout)["total"]

    def test_every_capture_gives_its_counts(self):
        for row in self.rows:
            with self.subTest(file=row["file"]):
                said = self.replay(row["file"])
                stored = self.collector.rows()
                wanted = int(row["flow_records"])
                self.assertEqual(stored, wanted, said)
                self.assertEqual(said["flow_records"], wanted)
                self.assertEqual(said["options_records"], int(row["options_records"]))
                self.assertEqual(self.collector.number(
                    "SELECT count(*) FROM flowkeep.rejected_flow"), 0)

    def test_all_of_them_in_one_run_give_the_sum(self):
        names = [os.path.join(CAPTURES, row["file"]) for row in self.rows]
        c = self.collector
        c.sql("TRUNCATE flowkeep.flow")
        c.flowkeep("replay", *names)
        # A template of one file may decode what another left waiting.
        self.assertGreaterEqual(c.rows(), sum(int(row["flow_records"])
                                              for row in self.rows))

    def test_kept_times_are_those_of_the_capture(self):
        c = self.collector
        self.replay("logstash-ipfix_openbsd_pflow.pcap", "--keep-times")
        self.assertEqual(c.rows(), 26)
        self.assertEqual(c.number("SELECT count(*) FROM flowkeep.flow"
                                  " WHERE received_at > now() - interval '1 year'"), 0)
        self.assertGreaterEqual(c.number("SELECT count(*) FROM flowkeep.backfill"), 1)

    def test_a_replay_is_shifted_to_now_unless_told_otherwise(self):
        c = self.collector
        self.replay("logstash-ipfix_openbsd_pflow.pcap")
        self.assertEqual(c.number("SELECT count(*) FROM flowkeep.flow"
                                  " WHERE received_at > now() - interval '10 minutes'"),
                         26)


class Replay(unittest.TestCase):
    """Captures of our own making."""

    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)

    def setUp(self):
        self.c = Collector("replay")
        self.addCleanup(self.c.close)
        self.c.create_database()
        self.path = os.path.join(self.c.folder, "made.pcap")

    def test_every_record_of_a_capture_is_stored_once(self):
        for version in (5, 9, 10):
            with self.subTest(version=version):
                many = [] if version == 5 else ["--templates", 5, "--ipv6-share", 0.3]
                sent = self.c.flowgen("--version", version, "--out", self.path,
                                      "--numbered", "--total", 120000, "--rate", 10000,
                                      "--exporters", 7, "--domains", 3, *many)
                self.c.sql("TRUNCATE flowkeep.flow")
                done = self.c.flowkeep("replay", "--json", self.path)
                said = json.loads(done.stdout)["total"]
                self.assertEqual(self.c.numbered(), [120000, 120000, 1, 120000, 0])
                self.assertEqual(said["datagrams"], sent["datagrams"])
                self.assertEqual(said["flows_stored"], sent["flows"])

    def test_speed_is_the_pace_of_the_capture(self):
        self.c.flowgen("--out", self.path, "--total", 3000, "--rate", 100)
        begin = time.monotonic()
        self.c.flowkeep("replay", "--speed", 10, self.path)
        self.assertEqual(self.c.rows(), 3000)
        self.assertAlmostEqual(time.monotonic() - begin, 3, delta=2)

    def test_what_is_no_capture_is_refused(self):
        with open(self.path, "wb") as file:
            file.write(b"this is not a capture" * 100)
        done = self.c.flowkeep("replay", self.path, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("made.pcap", done.stderr)
        done = self.c.flowkeep("replay", "/no/such/file", check=False)
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    tap.main()
