#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo of ./quickstart: what real exporters exported is stored as nfdump's
collector counted it, sent over UDP and replayed from the files."""

import csv
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
import tap  # noqa: E402
from daemon import Collector, missing  # noqa: E402

CAPTURES = [os.path.join(HERE, name + ".pcap")
            for name in ("nfreplay", "pmacctd", "softflowd")]
TOTALS = """
SELECT host(e.address), count(*), sum(f.octets), sum(f.packets), min(f.start_at) >
       now() - interval '1 hour' AND max(f.end_at) < now() + interval '1 minute'
  FROM flowkeep.flow AS f JOIN flowkeep.exporter AS e ON e.id = f.exporter_id
 GROUP BY e.address"""


def expected():
    """address -> [flows, octets, packets], as in expected.tsv"""
    with open(os.path.join(HERE, "expected.tsv"), encoding="utf-8") as listing:
        return {row["address"]: [row["flows"], row["octets"], row["packets"]]
                for row in csv.DictReader(listing, delimiter="\t")}


@unittest.skipIf(missing(), missing())
class Demo(unittest.TestCase):
    maxDiff = None

    def check(self, collector, addresses):
        found = {row[0]: row[1:] for row in collector.sql(TOTALS)}
        wanted = {address: [*values, "t"] for address, values in expected().items()
                  if address in addresses}
        self.assertEqual(found, wanted)

    def test_what_was_sent_by_udp_is_stored_as_if_it_were_new(self):
        with Collector("demo") as collector:
            sent = subprocess.run(
                [os.path.join(HERE, "send-demo"), str(collector.port),
                 str(collector.port), *CAPTURES],
                text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
            rows = [line.split("\t") for line in sent.stdout.splitlines()]
            # ::1 has nobody who listens here.
            rows = [row for row in rows if ":" not in row[0]]
            for address, _, _, flows in rows:
                self.assertEqual(flows, expected()[address][0], address)
            collector.wait_for_rows(sum(int(row[3]) for row in rows))
            self.check(collector, {row[0] for row in rows})
            collector.wait_for("SELECT sum(count) FROM flowkeep.loss"
                               " WHERE reason = 'malformed' AND exporter_id IS NULL", 3)

    def test_replay_of_the_files_stores_the_same(self):
        with Collector("demo-replay") as collector:
            collector.flowkeep("replay", *CAPTURES)
            self.check(collector, set(expected()))


if __name__ == "__main__":
    tap.main()
