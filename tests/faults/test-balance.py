#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The balance notices what the faults are looked at for: it must be able to fail."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "harness")]
import balance
import load
import report
import tap
from balance import Balance
from case import dropped
from daemon import Collector, missing
from proxy import Splitter

TRAFFIC = (load.Traffic(5, 20000, records=10, options=("--total", 2000)),
           load.Traffic(10, 20000, records=10, options=("--total", 2000)))
HURT = "127.1.0.1"  # an exporter of the first


class Accounts(unittest.TestCase):
    """One collector that stored everything, and then somebody meddles."""

    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.c = Collector("balance")
        cls.addClassCleanup(cls.c.close)
        cls.c.create_database()
        cls.c.start()
        cls.sent = {}
        for i, traffic in enumerate(TRAFFIC):
            report_ = cls.c.flowgen(*traffic.words(i))
            cls.sent.update({e["address"]: e["flows"] for e in report_["exporter"]})
        cls.c.wait_idle()

    def taken(self, meddle="", drops=0, causes=()):
        """The balance after @meddle, which is undone."""
        c = self.c
        c.sql("DROP SCHEMA IF EXISTS saved CASCADE; CREATE SCHEMA saved;"
              " CREATE TABLE saved.flow AS SELECT * FROM flowkeep.flow")
        result = Balance("meddled")
        try:
            c.sql(meddle)
            balance.of_flows(result, c, self.sent, 10, drops, causes)
        finally:
            c.sql("DELETE FROM flowkeep.flow; DELETE FROM flowkeep.loss;"
                  " INSERT INTO flowkeep.flow SELECT * FROM saved.flow")
        return result

    def gap(self, n_flows):
        return ("INSERT INTO flowkeep.loss (minute, collector, exporter_id,"
                " reason, class, unit, count) SELECT date_trunc('minute', now()),"
                " 'x', id, 'sequence_gap', '',"
                f" 'flows', {n_flows} FROM flowkeep.exporter"
                f" WHERE host(address) = '{HURT}'")

    def delete(self, n_flows):
        return (f"DELETE FROM flowkeep.flow WHERE octets <= {n_flows};")

    def test_all_stored_is_balanced(self):
        found = self.taken()
        self.assertTrue(found.ok, found)
        self.assertEqual((found.sent, found.stored, found.lost), (4000, 4000, 0))

    def test_a_row_too_many_is_duplicated(self):
        found = self.taken("INSERT INTO flowkeep.flow SELECT * FROM flowkeep.flow"
                           " WHERE octets = 7")
        self.assertEqual(found.duplicated, 1)
        self.assertFalse(found.ok)

    def test_a_missing_row_is_unexplained(self):
        found = self.taken(self.delete(1))
        self.assertEqual((found.duplicated, found.unexplained), (0, 1))
        self.assertFalse(found.ok)

    def test_a_row_lost_here_and_one_twice_there_do_not_cancel_out(self):
        found = self.taken(self.delete(1) + "INSERT INTO flowkeep.flow SELECT * FROM"
                           " flowkeep.flow WHERE octets = 1000000007")
        self.assertEqual((found.duplicated, found.unexplained), (1, 2))

    def test_a_changed_value_is_unexplained(self):
        found = self.taken("UPDATE flowkeep.flow SET packets = packets + 1"
                           " WHERE octets = 7")
        self.assertEqual(found.unexplained, 1)

    def test_what_the_kernel_dropped_and_loss_counts_is_explained(self):
        found = self.taken(self.delete(10) + self.gap(10), drops=1)
        self.assertTrue(found.ok, found)
        self.assertEqual((found.lost, found.stored), (10, 3990))

    def test_a_gap_that_nobody_caused_is_unexplained(self):
        found = self.taken(self.delete(10) + self.gap(10))
        self.assertEqual(found.unexplained, 10)

    def test_a_gap_of_more_than_was_dropped_is_unexplained(self):
        found = self.taken(self.delete(10) + self.gap(15), drops=2)
        self.assertEqual(found.unexplained, 5)

    def test_the_network_may_cause_gaps_where_a_case_says_so(self):
        self.assertTrue(self.taken(self.delete(10) + self.gap(10),
                                   causes=("network",)).ok)

    def test_the_kernels_drops_are_read(self):
        c = Collector("drops")
        self.addCleanup(c.close)
        self.assertEqual(dropped(c), 0)
        sock = next(iter(c.sockets.values()))
        sock.setsockopt(1, 8, 4096)  # SO_RCVBUF, and nobody reads
        for _ in range(100):
            c.send(b"x" * 1000)
        self.assertGreater(dropped(c), 50)


class Sums(unittest.TestCase):
    def test_balances_of_a_case_add_up(self):
        one = Balance("a", times=2, sent=10, stored=9, lost=1, seconds=1.5,
                      losses={"kernel_drop, datagrams": 1}, notes={"n": 1, "rate": 2.5})
        two = Balance("a", times=1, sent=5, stored=5, unexplained=2, notes={"n": 2})
        total, = report.summed([one, two])
        self.assertEqual((total.times, total.sent, total.stored, total.unexplained),
                         (3, 15, 14, 2))
        self.assertEqual(total.notes, {"n": 3, "rate": 2.5})
        self.assertFalse(total.ok)


class Messages(unittest.TestCase):
    QUERY = b"Q\0\0\0\x0cCOMMIT;\0"
    DATA = b"d\0\0\0\x08abcd"

    def test_queries_are_found_in_any_pieces(self):
        stream = b"\0\0\0\x08\0\3\0\0" + self.DATA + self.QUERY + self.DATA * 3 + self.QUERY
        for size in (1, 2, 3, 5, 7, 11, 1000):
            with self.subTest(size=size):
                splitter = Splitter(b"Q", startup=True)
                pieces = [p for i in range(0, len(stream), size)
                          for p in splitter.feed(stream[i:i + size])]
                self.assertEqual(b"".join(p for _, p in pieces), stream)
                self.assertEqual([p for wanted, p in pieces if wanted], [self.QUERY] * 2)


if __name__ == "__main__":
    tap.main()
