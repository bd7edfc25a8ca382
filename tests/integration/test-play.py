#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sessions that flowgen plays are in the flow table as they were: each record once, at
its time, with sampling multiplied out."""

import csv
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                                "harness"))
from daemon import FLOWGEN, ROOT, Collector, missing  # noqa: E402
import tap  # noqa: E402

TRAFFIC = os.path.join(ROOT, "..", "shared", "traffic")
HEADER = ("start_us,duration_us,initiator,initiator_port,responder,responder_port,"
          "protocol,out_octets,in_octets,out_packets,in_packets,label").split(",")
START_US = 1709294400 * 10**6


class Play(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)

    def setUp(self):
        self.c = Collector("play", settings={"watch all": {"networks": "10.20.0.0/16"}})
        self.addCleanup(self.c.close)
        self.c.create_database()
        self.capture = os.path.join(self.c.folder, "played.pcap")

    def play(self, *arguments):
        done = subprocess.run([FLOWGEN, "play", "--json", "-o", self.capture,
                               *map(str, arguments)], check=True, text=True,
                              stdout=subprocess.PIPE, timeout=120)
        self.c.sql("TRUNCATE flowkeep.flow")
        self.c.flowkeep("replay", "--keep-times", self.capture)
        return json.loads(done.stdout)

    def write(self, sessions):
        path = os.path.join(self.c.folder, "list.csv")
        with open(path, "w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(HEADER)
            rows.writerows(sessions)
        return path

    def sums(self, where="true"):
        """records, octets, packets of the flow table; reverse ones too"""
        return [int(value) for value in self.c.sql(
            "SELECT count(*), coalesce(sum(octets + coalesce((extra->>'reverse_octets')"
            "::bigint, 0)), 0), coalesce(sum(packets + coalesce((extra->>"
            "'reverse_packets')::bigint, 0)), 0) FROM flowkeep.flow WHERE " + where)[0]]

    def test_eight_hours_through_two_routers_are_stored_record_by_record(self):
        path = self.write([[START_US, 8 * 3600 * 10**6, "10.20.0.14", 50000,
                            "203.0.113.51", 443, 6, 6 * 10**9 + 1, 10**8 + 1, 4200001,
                            2100001, ""]])
        for options in (["-V", 5], ["-V", 9], ["-V", 10], ["-V", 10, "--biflow"]):
            for active in (60, 300, 1800):
                with self.subTest(options=options, active=active):
                    sent = self.play("-e", 2, "--skew-ms", "0,700", "-a", active,
                                     *options, path)
                    self.assertEqual(self.sums(), [
                        sent["records"], 2 * (6 * 10**9 + 10**8 + 2), 2 * 6300002])
                    rows = self.c.sql(
                        "SELECT e.address, min(extract(epoch FROM start_at)),"
                        " max(extract(epoch FROM end_at)), max(received_at - end_at)"
                        " < '4 s', bool_and(watched <> 0) FROM flowkeep.flow f JOIN"
                        " flowkeep.exporter e ON e.id = exporter_id GROUP BY 1"
                        " ORDER BY 1")
                    self.assertEqual([row[0] for row in rows], ["127.1.0.1", "127.1.0.2"])
                    for row, skew in zip(rows, (0, 0.7)):
                        self.assertAlmostEqual(float(row[1]), START_US / 1e6 + skew,
                                               delta=1)
                        self.assertAlmostEqual(float(row[2]), START_US / 1e6 + 28800 +
                                               skew, delta=1)
                        self.assertEqual(row[3:], ["t", "t"])

    def test_sampling_is_multiplied_out(self):
        path = self.write([[START_US + n * 50000, 10**7, "10.20.0.14", 1024 + n,
                            "203.0.113.51", 443, 6, 1200, 300000, 12, 200, ""]
                           for n in range(5000)])
        for version in (5, 9, 10):
            with self.subTest(version=version):
                sent = self.play("-V", version, "--sampling", 10, path)
                self.assertEqual(self.sums(), [
                    sent["records"], 10 * (sent["out_octets"] + sent["in_octets"]),
                    10 * (sent["out_packets"] + sent["in_packets"])])
                self.assertEqual(self.c.value("SELECT DISTINCT sampling FROM"
                                              " flowkeep.flow"), "10")

    def test_a_scenario_is_stored_as_its_list_says(self):
        day = os.path.join(ROOT, "tests", "demo", "day.scenario")
        sent = self.play("-V", 9, day)
        self.assertEqual(self.sums(), [
            sent["records"], sent["out_octets"] + sent["in_octets"],
            sent["out_packets"] + sent["in_packets"]])
        self.assertGreater(sent["records"], 50000)
        # 6 GB in six pieces of 12 minutes, a record a minute; the beacon 319 times.
        for peer, wanted in (("198.51.100.77", [72, 6 * 10**9]), ("203.0.113.51", [319])):
            found = self.sums(f"dst = '{peer}'")
            self.assertEqual(found[:len(wanted)], wanted)

    @unittest.skipUnless(os.path.isdir(TRAFFIC), "no ../shared/traffic")
    def test_real_sessions_are_stored_as_they_were(self):
        for name in sorted(os.listdir(TRAFFIC)):
            if not name.endswith(".csv"):
                continue
            for options in (["-V", 9, "--mirror-missing"], ["-V", 10, "--biflow"]):
                with self.subTest(name=name, options=options):
                    sent = self.play(*options, os.path.join(TRAFFIC, name))
                    self.assertEqual(self.sums(), [
                        sent["records"], sent["out_octets"] + sent["in_octets"],
                        sent["out_packets"] + sent["in_packets"]])
                    self.assertEqual(sent["out_octets"], sent["sessions"]["out_octets"])
                    self.assertEqual(self.sums("extra->'marks' IS NOT NULL")[0], 0)


if __name__ == "__main__":
    tap.main()
