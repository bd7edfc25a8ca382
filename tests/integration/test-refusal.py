#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What cannot or must not be stored is counted, and costs nobody else a record."""

import os
import signal
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from cluster import Cluster
from daemon import Collector, missing, wait_until

BAD_SOURCE = "127.9.9.9"
NOW = int(time.time())


def v5(count, n_records, version=5):
    return struct.pack(">HHIIIIBBH", version, count, 1000, NOW, 0, 0, 0, 0, 0) \
        + bytes(48) * n_records


def v9(*sets, source=7):
    return struct.pack(">HHIIII", 9, len(sets), 1000, NOW, 0, source) + b"".join(sets)


def ipfix(*sets, length=None, domain=7):
    body = b"".join(sets)
    return struct.pack(">HHIII", 10, 16 + len(body) if length is None else length, NOW,
                       0, domain) + body


def a_set(number, body, length=None):
    return struct.pack(">HH", number, 4 + len(body) if length is None else length) + body


def template(number, *fields, count=None):
    return struct.pack(">HH", number, len(fields) if count is None else count) \
        + b"".join(struct.pack(">HH", *field) for field in fields)


def options(number, n_fields, n_scope, *fields):
    return struct.pack(">HHH", number, n_fields, n_scope) \
        + b"".join(struct.pack(">HH", *field) for field in fields)


# (what is wrong, datagram): each must be counted, whatever its class is called
MALFORMED = [
    ("one byte", b"\0"),
    ("v5 header cut", v5(1, 1)[:20]),
    ("v9 header cut", v9()[:12]),
    ("IPFIX header cut", ipfix()[:15]),
    ("IPFIX length beyond the datagram", ipfix(length=4000)),
    ("IPFIX length below its header", ipfix(length=15)),
    ("rubbish behind a message", ipfix() + b"rubbish!rubbish!rubbish!"),
    ("set length 0", ipfix(a_set(2, b"", length=0))),
    ("set length 3", ipfix(a_set(2, b"", length=3))),
    ("set past the end", ipfix(a_set(256, b"abcd", length=400))),
    ("set header cut", ipfix(b"\x01\x00\x00")),
    ("reserved set id", ipfix(a_set(4, b"abcd"))),
    ("version 8", v5(1, 1, version=8)),
    ("version 11", v5(1, 1, version=11)),
    ("v5 count 0", v5(0, 1)),
    ("v5 count 31", v5(31, 31)),
    ("v5 count 65535", v5(65535, 1)),
    ("v5 with a record too few", v5(3, 2)),
    ("template id below 256", ipfix(a_set(2, template(255, (8, 4))))),
    ("template of 65535 fields", ipfix(a_set(2, template(256, (8, 4), count=65535)))),
    ("template of empty fields", ipfix(a_set(2, template(256, (8, 0), (12, 0))))),
    ("template beyond any message", v9(a_set(0, template(256, (8, 60000), (12, 60000))))),
    ("enterprise number cut", ipfix(a_set(2, struct.pack(">HHHH", 256, 1, 0x8001, 4)))),
    ("scope count 0", ipfix(a_set(3, options(257, 1, 0, (149, 4))))),
    ("scope count above the fields", ipfix(a_set(3, options(257, 1, 65535, (149, 4))))),
    ("v9 option lengths that lie", v9(a_set(1, struct.pack(">HHH", 258, 3, 40000)))),
    ("variable length past its set",
     ipfix(a_set(2, template(259, (82, 65535))), a_set(259, b"\xff\xff\xf0abcd"))),
]


class Refusal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)

    def malformed(self, c):
        return c.number("SELECT sum(count) FROM flowkeep.loss"
                        " WHERE reason IN ('malformed', 'refused')")

    def test_each_malformed_datagram_is_counted_and_none_ends_the_collector(self):
        """Each comes from an address of its own, behind a good one from there."""
        with Collector("malformed") as c:
            for i, (_, datagram) in enumerate(MALFORMED):
                c.send(v5(1, 1), datagram, source=f"127.9.0.{i + 1}")
            c.wait_idle()
            counted = {address: (n, classes) for address, n, classes in c.sql(
                "SELECT host(e.address), sum(l.count), string_agg(l.class, ' ')"
                "  FROM flowkeep.loss AS l JOIN flowkeep.exporter AS e"
                "    ON e.id = l.exporter_id WHERE l.reason = 'malformed'"
                " GROUP BY 1")}
            for i, (what, _) in enumerate(MALFORMED):
                with self.subTest(what=what):
                    self.assertEqual(counted.get(f"127.9.0.{i + 1}", ("0",))[0], "1",
                                     counted)
            self.assertEqual(c.rows(), len(MALFORMED))

    def test_a_neighbour_of_malformed_datagrams_loses_nothing(self):
        with Collector("neighbour") as c:
            load = c.flowgen_start("--numbered", "--rate", 20000, "--seconds", 60,
                                   "--templates", 3, "--template-period", 1)
            try:
                for _ in range(100):
                    c.send(*(datagram for _, datagram in MALFORMED), source=BAD_SOURCE)
                    time.sleep(0.01)
            finally:
                load.send_signal(signal.SIGTERM)
            sent = c.flowgen_report(load)
            c.wait_idle()
            self.assertEqual(c.numbered(), [sent["flows"], sent["flows"], 1,
                                            sent["last_number"], 0])
            self.assertEqual(c.number(
                "SELECT count(*) FROM flowkeep.loss l JOIN flowkeep.exporter e"
                " ON e.id = l.exporter_id WHERE host(e.address) = '127.1.0.1'"), 0)
            self.assertGreaterEqual(self.malformed(c), 100 * len(MALFORMED))
            self.assertLess(len(c.log_tail(1000)), 50, "a log line per packet")

    def test_the_allow_list_refuses_and_counts(self):
        with Collector("allow", settings={"exporters": {"allow": "127.2.0.0/16,"
                                                                 "127.3.0.1"}}) as c:
            wrong = c.flowgen("--total", 500, "--first-source", "127.1.0.1",
                              "--exporters", 5)
            right = c.flowgen("--total", 500, "--first-source", "127.2.0.1",
                              "--exporters", 5)
            one = c.flowgen("--total", 100, "--first-source", "127.3.0.1")
            c.wait_idle()
            self.assertEqual(c.rows(), right["flows"] + one["flows"])
            self.assertEqual(c.number("SELECT count(*) FROM flowkeep.exporter"), 6)
            c.wait_for("SELECT sum(count) FROM flowkeep.loss WHERE reason = 'refused'",
                       wrong["datagrams"])

    def test_rows_the_server_refuses_are_kept_as_text_and_the_others_stored(self):
        with Collector("rejected") as c:
            c.sql("ALTER TABLE flowkeep.flow ADD CONSTRAINT picky"
                  " CHECK (octets % 1000 <> 7)")
            sent = c.flowgen("--numbered", "--total", 20000, "--rate", 50000)
            c.wait_idle()
            refused = len(range(7, 20001, 1000))
            self.assertEqual(c.numbered()[:2], [sent["flows"] - refused] * 2)
            self.assertEqual(c.number("SELECT count(*) FROM flowkeep.rejected_flow"),
                             refused)
            self.assertEqual(c.number("SELECT count(*) FROM flowkeep.rejected_flow"
                                      " WHERE reason LIKE '%picky%'"
                                      " AND sqlstate = '23514'"), refused)
            self.assertEqual({key[0]: n for key, n in c.losses().items()},
                             {"rejected": refused})
            self.assertEqual(c.sql("SELECT * FROM flowkeep.audit_rows('-infinity',"
                                   " 'infinity')"), [])

    def test_gaps_in_sequence_numbers_are_counted_in_the_protocols_unit(self):
        for version in (5, 9, 10):
            with self.subTest(version=version), Collector(f"gaps-{version}") as c:
                sent = c.flowgen("--version", version, "--total", 10000, "--rate", 50000,
                                 "--records-per-datagram", 10, "--gap-every", 9,
                                 "--exporters", 3)
                c.wait_idle()
                self.assertEqual(c.rows(), sent["flows"])
                # A hole is lost only when nothing filled it for some seconds.  The
                # last one of an exporter shows by no later packet.
                unit = 1 if version == 9 else 10
                wanted = range((sent["withheld_datagrams"] - 3) * unit,
                               sent["withheld_datagrams"] * unit + 1)
                wait_until("gaps", lambda: self.gaps(c) in wanted, 15, 0.5)
                time.sleep(3)
                self.assertIn(self.gaps(c), wanted)

    def gaps(self, c):
        return c.number("SELECT sum(count) FROM flowkeep.loss"
                        " WHERE reason = 'sequence_gap'")

    def test_a_datagram_that_comes_twice_is_stored_once(self):
        for version in (5, 9, 10):
            with self.subTest(version=version), Collector(f"twice-{version}") as c:
                sent = c.flowgen("--version", version, "--numbered", "--total", 5000,
                                 "--rate", 50000, "--twin-every", 7)
                c.wait_idle()
                self.assertEqual(c.numbered(), [sent["flows"], sent["flows"], 1,
                                                sent["last_number"], 0])

    def test_a_full_journal_refuses_the_newest_and_counts_them(self):
        with Cluster() as pg, Collector("full", pg=pg, settings={
                "journal": {"segment_bytes": "1M", "max_bytes": "4M"}}) as c:
            pg.stop()
            sent = c.flowgen("--numbered", "--total", 200000, "--rate", 40000)
            pg.start()
            c.wait_idle()
            rows, distinct, first, _, odd = c.numbered()
            self.assertEqual((rows, first, odd), (distinct, 1, 0))
            self.assertLess(rows, sent["flows"])
            # Whole packets of as many flows each, but for the last.
            records = -(-sent["flows"] // (sent["datagrams"]
                                           - sent["template_datagrams"]))
            lost = -(-(sent["flows"] - rows) // records)
            c.wait_for("SELECT sum(count) FROM flowkeep.loss"
                       " WHERE reason = 'journal_full'", lost)
            more = c.flowgen("--total", 100, "--first-number", 200001, "--numbered",
                             "--first-source", "127.5.0.1")
            c.wait_idle()
            self.assertEqual(c.rows(), rows + more["flows"], "not well again")


if __name__ == "__main__":
    tap.main()
