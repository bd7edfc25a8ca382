#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The job beacon: from contacts in the database to incidents."""

import os
import random
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from analytics import Watched
from daemon import missing

DAY = 86400
NOW = 1_773_230_400  # 2026-03-11T12:00:00Z
HOST = "10.20.0.17"
C2 = "203.0.113.51"


def beats(dice, period, jitter, begin=NOW - DAY, end=NOW):
    """Starts with one-sided jitter: waits between (1 - jitter) and 1 period."""
    at = begin + dice.random() * period
    while at < end:
        yield at
        at += period * (1 - jitter * dice.random())


def poisson(dice, n, begin=NOW - DAY, end=NOW):
    return sorted(begin + dice.random() * (end - begin) for _ in range(n))


def fill_background(c, dice, days=9, n_hosts=12):
    """Servers that answer clients, all day, for days; each also calls a few peers."""
    for host in range(10, 10 + n_hosts):
        for day in range(days):
            begin = NOW - (day + 1) * DAY
            for peer in range(3):
                c.contacts(f"10.20.0.{host}", f"198.18.{host}.{day * 3 + peer}", 443,
                           poisson(dice, 30, begin, begin + DAY), initiator=2)
            c.contacts(f"10.20.0.{host}", "198.51.100.10", 443,
                       poisson(dice, 20, begin, begin + DAY), octets=4000)


def snapshot(c):
    """What a run leaves, but for its numbers and when it ran."""
    return [c.sql("SELECT host, peer, service_port, state, severity, score, magnitude,"
                  " opened_at, found_at, explanation, evidence FROM flowkeep.alert"
                  " ORDER BY host, peer, service_port"),
            c.sql("SELECT at, what, tell, score FROM flowkeep.alert_event ORDER BY at,"
                  " what, score"),
            c.sql("SELECT * FROM flowkeep.beacon_group ORDER BY host, peer_network,"
                  " service_port"),
            c.sql("SELECT * FROM flowkeep.periodic_day ORDER BY host, peer, day"),
            c.sql("SELECT job, subject, reason FROM flowkeep.blind_spot ORDER BY 2")]


class Beacon(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)

    def open(self, name, **options):
        c = Watched("beacon-" + name, **options)
        self.addCleanup(c.close)
        c.__enter__()
        return c

    def test_nothing_there_is_nothing_found(self):
        c = self.open("empty")
        c.job("beacon", NOW)
        self.assertEqual(c.number("SELECT count(*) FROM flowkeep.alert"), 0)
        c.contacts(HOST, C2, 443, [NOW - 60])
        c.job("beacon", NOW)
        self.assertEqual(c.number("SELECT count(*) FROM flowkeep.beacon_group"), 0)

    def test_one_beacon_among_other_traffic_is_one_incident_however_often_it_runs(self):
        c = self.open("one")
        dice = random.Random(1)
        fill_background(c, dice)
        c.contacts(HOST, C2, 443, list(beats(dice, 300, 0.2)), octets=349)
        c.job("beacon", NOW)
        alerts = c.sql("SELECT host, peer, service_port, severity, state, explanation"
                       " FROM flowkeep.alert")
        self.assertEqual([row[:5] for row in alerts],
                         [[HOST, C2, "443", "mail", "open"]])
        self.assertIn("every 4.5 min (jitter about ", alerts[0][5])
        period = float(c.value("SELECT period_sec FROM flowkeep.beacon_group"
                               f" WHERE peer = '{C2}'"))
        self.assertAlmostEqual(period, 270, delta=3)
        self.assertEqual(c.number("SELECT count(*) FROM flowkeep.alert_event"
                                  " WHERE tell"), 1)
        once = snapshot(c)
        c.job("beacon", NOW)
        self.assertEqual(snapshot(c), once)
        c.job("beacon", NOW + 600)
        self.assertEqual(c.number("SELECT count(*) FROM flowkeep.alert"), 1)
        self.assertEqual(c.number("SELECT count(*) FROM flowkeep.alert_event"
                                  " WHERE tell"), 1)

    def test_what_is_not_found_any_more_is_resolved(self):
        c = self.open("gone")
        dice = random.Random(2)
        fill_background(c, dice)
        c.contacts(HOST, C2, 443, list(beats(dice, 300, 0.1)), octets=349)
        c.job("beacon", NOW)
        c.job("beacon", NOW + 47 * 3600)
        self.assertEqual(c.value("SELECT state FROM flowkeep.alert"), "open")
        c.job("beacon", NOW + 49 * 3600)
        self.assertEqual(c.value("SELECT state FROM flowkeep.alert"), "resolved")

    def test_configured_services_are_listed_only(self):
        c = self.open("service", settings={
            "service monitoring": {"peers": "203.0.113.0/24", "port": 443}})
        dice = random.Random(3)
        fill_background(c, dice)
        c.contacts(HOST, C2, 443, list(beats(dice, 300, 0)), octets=349)
        c.job("beacon", NOW)
        self.assertEqual(c.number("SELECT count(*) FROM flowkeep.alert"), 0)
        self.assertEqual(c.number("SELECT count(*) FROM flowkeep.beacon_group"
                                  " WHERE severity <> 'listed'"), 0)

    def test_rotation_over_a_network_is_found_as_one(self):
        c = self.open("rotation")
        dice = random.Random(4)
        fill_background(c, dice)
        peers = {}
        for start in beats(dice, 300, 0.2):
            peers.setdefault(f"203.0.113.{dice.randrange(1, 60)}", []).append(start)
        for peer, starts in peers.items():
            c.contacts(HOST, peer, 443, starts, octets=349)
        c.job("beacon", NOW)
        self.assertEqual(c.sql("SELECT host, peer_network, severity"
                               " FROM flowkeep.alert"),
                         [[HOST, "203.0.113.0/24", "mail"]])

    def test_a_slow_beacon_is_found_in_the_long_window(self):
        c = self.open("slow")
        dice = random.Random(5)
        fill_background(c, dice, days=14)
        c.contacts(HOST, C2, 443, list(beats(dice, 4 * 3600, 0.5, NOW - 7 * DAY)),
                   octets=349)
        c.job("beacon", NOW)
        self.assertEqual(c.sql("SELECT peer FROM flowkeep.beacon_group"
                               f" WHERE host = '{HOST}' AND sparse"), [[C2]])
        # The runs between look at the short window only, and keep what was found.
        c.job("beacon", NOW + 600)
        self.assertEqual(c.number("SELECT count(*) FROM flowkeep.beacon_group"
                                  f" WHERE host = '{HOST}' AND sparse"), 1)

    def test_what_is_regular_for_days_is_learnt(self):
        c = self.open("learnt")
        dice = random.Random(6)
        fill_background(c, dice)
        c.contacts(HOST, C2, 443,
                   list(beats(dice, 300, 0.05, NOW - 6 * DAY, NOW + DAY)), octets=349)
        for day in range(4, -1, -1):
            c.job("beacon", NOW - day * DAY)
        self.assertEqual(c.number("SELECT count(*) FROM flowkeep.periodic_day"
                                  f" WHERE peer = '{C2}'"), 5)
        terms = c.value("SELECT terms FROM flowkeep.beacon_group"
                        f" WHERE peer = '{C2}' AND NOT sparse")
        self.assertIn("-40", terms)

    def test_an_exporter_that_samples_too_thinly_is_called_blind(self):
        c = self.open("sampled")
        dice = random.Random(7)
        exporter = c.value("SELECT flowkeep.exporter_ids('{192.0.2.1}', '{1}')")
        for peer in range(5):
            c.contacts(HOST, f"203.0.113.{peer}", 443, list(beats(dice, 300, 0)),
                       sampling=1000, packets=1000, in_packets=0,
                       exporter_id=exporter)
        c.job("beacon", NOW)
        self.assertEqual(c.sql("SELECT subject, exporter_id FROM flowkeep.blind_spot"),
                         [[f"exporter {exporter}", exporter]])
        self.assertIn("sampled 1:1000", c.value("SELECT reason FROM flowkeep.blind_spot"))
        self.assertEqual(c.number("SELECT count(*) FROM flowkeep.alert"), 0)

    def test_two_runs_at_once_are_one(self):
        c = self.open("twice")
        dice = random.Random(8)
        fill_background(c, dice)
        c.contacts(HOST, C2, 443, list(beats(dice, 300, 0.2)), octets=349)
        runs = [c.spawn_job("beacon", NOW) for _ in range(4)]
        said = [run.communicate()[0] for run in runs]
        self.assertIn(0, [run.returncode for run in runs])
        for run, words in zip(runs, said):
            self.assertTrue(run.returncode == 0 or "another process" in words, words)
        self.assertEqual(c.number("SELECT count(*) FROM flowkeep.alert_event"
                                  " WHERE what = 'opened'"), 1)


if __name__ == "__main__":
    tap.main()
