#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What exporters told before a restart is known after it."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from daemon import Collector, missing, wait_until

SOURCE_PORT = 40555
N_TEMPLATES = 5
MANY = ["--exporters", 10, "--domains", 2, "--templates", N_TEMPLATES,
        "--source-port", SOURCE_PORT]


def next_sequence(version):
    """After one packet of templates: v9 counts packets, IPFIX data records."""
    return 1 if version == 9 else 0


class Restart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)

    def test_data_is_decoded_by_templates_sent_only_before_the_restart(self):
        for version in (9, 10):
            for end in ("stop", "kill"):
                with self.subTest(version=version, end=end), \
                        Collector(f"known-{version}-{end}") as c:
                    c.flowgen("--version", version, *MANY, "--templates-only")
                    c.wait_for("SELECT count(*) FROM flowkeep.exporter_template",
                               10 * 2 * N_TEMPLATES)
                    getattr(c, end)()
                    c.start()
                    c.flowgen("--version", version, *MANY, "--no-templates", "--numbered",
                              "--total", 20000, "--rate", 20000, "--first-sequence",
                              next_sequence(version))
                    c.wait_idle()
                    self.assertEqual(c.numbered(), [20000, 20000, 1, 20000, 0])
                    self.assertEqual(c.losses(), {})

    def test_from_another_port_too(self):
        with Collector("known-port") as c:
            c.flowgen("--templates-only", "--source-port", SOURCE_PORT)
            c.wait_for("SELECT count(*) FROM flowkeep.exporter_template", 1)
            c.stop()
            c.start()
            c.flowgen("--no-templates", "--numbered", "--total", 100, "--source-port",
                      SOURCE_PORT + 1)
            c.wait_idle()
            self.assertEqual(c.numbered(), [100, 100, 1, 100, 0])

    def test_data_before_its_template_waits_across_restarts(self):
        for version in (9, 10):
            for end in ("stop", "kill"):
                with self.subTest(version=version, end=end), \
                        Collector(f"wait-{version}-{end}") as c:
                    options = ["--version", version, "--source-port", SOURCE_PORT]
                    sent = c.flowgen(*options, "--no-templates", "--numbered", "--total",
                                     200)
                    c.wait_for("SELECT waiting IS NOT NULL FROM flowkeep.ingest_position",
                               "t")
                    c.wait_idle()
                    for _ in range(2):
                        getattr(c, end)()
                        c.start()
                    self.assertEqual(c.rows(), 0)
                    c.flowgen(*options, "--templates-only", "--first-sequence",
                              sent["datagrams"] if version == 9 else 200)
                    c.wait_idle()
                    self.assertEqual(c.numbered(), [200, 200, 1, 200, 0])
                    self.assertEqual(c.losses(), {})

    def test_data_whose_template_never_comes_is_counted(self):
        with Collector("never", settings={"decode": {"wait_sec": 2}}) as c:
            sent = c.flowgen("--no-templates", "--total", 100)
            wait_until("loss", c.losses, 30, 0.5)
            c.wait_idle()
            self.assertEqual(c.rows(), 0)
            counts = {key[:2]: n for key, n in c.losses().items()}
            self.assertEqual(counts, {("no_template", "sets"): sent["datagrams"]})

    def test_sequence_accounting_goes_on_over_a_restart(self):
        for version in (5, 9, 10):
            with self.subTest(version=version), Collector(f"sequence-{version}") as c:
                options = ["--version", version, "--source-port", SOURCE_PORT,
                           "--records-per-datagram", 10, "--template-period", 0]
                begin = time.monotonic()
                c.flowgen(*options, "--total", 100)
                c.wait_idle()
                c.stop()
                c.start()
                # A hundred flows, or ten packets, were lost in the meantime; the
                # exporter ran on.
                at, lost = (21, 10) if version == 9 else (200, 100)
                more = ["--no-templates"] if version > 5 else []
                uptime_ms = 3600000 + int((time.monotonic() - begin) * 1000)
                c.flowgen(*options, *more, "--total", 100, "--first-sequence", at,
                          "--uptime-ms", uptime_ms)
                c.wait_idle()
                self.assertEqual(c.rows(), 200)
                c.wait_for("SELECT sum(count) FROM flowkeep.loss"
                           " WHERE reason = 'sequence_gap'", lost)
                self.assertEqual(len(c.losses()), 1)

    def test_a_gap_that_could_still_close_is_counted_after_a_kill(self):
        for version in (5, 10):
            for late in (False, True):
                with self.subTest(version=version, late=late), \
                        Collector(f"gap-{version}-{late}".lower(),
                                  settings={"store": {"batch_ms": 50}}) as c:
                    options = ["--version", version, "--source-port", SOURCE_PORT,
                               "--records-per-datagram", 10, "--template-period", 0,
                               "--total", 100, "--rate", 100000, "--numbered"]
                    more = ["--no-templates"] if version > 5 else []
                    c.flowgen(*options)
                    c.flowgen(*options, *more, "--first-sequence", 200,
                              "--first-number", 201)
                    wait_until("rows", lambda: c.rows() == 200, 30, 0.01)
                    self.assertEqual(c.losses(), {}, "too slow: decided already")
                    c.kill()
                    c.start()
                    if late:  # within two seconds it would have closed the gap
                        c.flowgen(*options, *more, "--first-sequence", 100,
                                  "--first-number", 101)
                    c.wait_idle()
                    time.sleep(3)
                    c.wait_idle()
                    lost = sum(n for key, n in c.losses().items()
                               if key[0] == "sequence_gap")
                    self.assertEqual(c.rows() + (0 if late else lost), 300)


if __name__ == "__main__":
    tap.main()
