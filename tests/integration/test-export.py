#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `flowkeep export` writes, others can read: tshark, and Flowkeep itself."""

import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from daemon import HOST, Collector, missing

COLUMNS = ("host(src), host(dst), src_port, dst_port, protocol, tcp_flags, octets,"
           " packets, input_if, output_if, start_at, end_at")
N_FLOWS = 3000


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.c = Collector("export", listeners={"main": "udp"})
        cls.addClassCleanup(cls.c.close)
        cls.c.create_database()
        cls.c.start()
        cls.sent = cls.c.flowgen("--total", N_FLOWS, "--exporters", 3, "--domains", 2,
                                 "--ipv6-share", 0.3, "--rate", 50000)
        cls.c.wait_idle()
        cls.path = os.path.join(cls.c.folder, "flows.ipfix")
        cls.export("-o", cls.path)

    @classmethod
    def export(cls, *options):
        return cls.c.flowkeep("export", "--since", "-1h", *options)

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    def test_tshark_reads_every_flow(self):
        done = subprocess.run(["tshark", "-r", self.path, "-T", "json"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        octets = [int(n) for n in
                  re.findall(r'"cflow\.octets(?:64)?": "(\d+)"', done.stdout)]
        packets = [int(n) for n in
                   re.findall(r'"cflow\.packets(?:64)?": "(\d+)"', done.stdout)]
        self.assertEqual((len(octets), sum(octets), sum(packets)),
                         (self.sent["flows"], self.sent["octets"], self.sent["packets"]))

    def test_replayed_it_gives_the_same_flows(self):
        query = f"SELECT {COLUMNS} FROM flowkeep.flow ORDER BY 1, 2, 3, 4, 7, 8, 11"
        before = self.c.sql(query)
        again = Collector("export-again")
        self.addCleanup(again.close)
        again.create_database()
        again.flowkeep("replay", "--keep-times", self.path)
        self.assertEqual(again.sql(query), before)

    def test_over_tcp_another_collector_gets_the_same_flows(self):
        with Collector("export-tcp", listeners={"stream": "tcp"}) as other:
            self.export("--to", f"{HOST}:{other.port}")
            other.wait_for_rows(N_FLOWS)
            self.assertEqual(other.number("SELECT sum(octets) FROM flowkeep.flow"),
                             self.sent["octets"])


if __name__ == "__main__":
    tap.main()
