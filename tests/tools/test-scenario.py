#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A scenario file says what happens, and that is what happens: the sessions that
`flowgen play --list` prints have the periods, volumes, peers and times it asks for."""

import collections
import csv
import glob
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "harness")]
import tap  # noqa: E402

FLOWGEN = os.environ.get("FLOWGEN", "flowgen")
DAY = os.path.join(HERE, "..", "demo", "day.scenario")
EXAMPLES = sorted(glob.glob(os.path.join(HERE, "scenarios", "*.scenario")))
SEC = 10**6
HOUR = 3600 * SEC
MIDNIGHT = 1772409600 * SEC  # 2026-03-02, a Monday; where scenarios start


def play(*options, status=0):
    done = subprocess.run([FLOWGEN, "play", *map(str, options)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                          check=False)
    if done.returncode != status:
        raise AssertionError(f"play {options}: {done.returncode}: {done.stderr}")
    return done.stderr if status else done.stdout


ROUTER = "127.1.0.1"  # of the demo: its own traffic is nobody's secret


class Session:
    def __init__(self, row):
        self.row = row
        numbers = [int(row[n]) for n in (0, 1, 7, 8, 9, 10)]
        self.at, self.duration, self.out, self.back, self.out_packets, self.in_packets \
            = numbers
        self.host, self.peer, self.port, self.label = row[2], row[4], int(row[5]), row[11]


def sessions_of(*options):
    rows = list(csv.reader(io.StringIO(play("--list", *options))))
    return [Session(row) for row in rows[1:]]


def gaps(sessions):
    return [(b.at - a.at) / SEC for a, b in zip(sessions, sessions[1:])]


class Scenario(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="flowkeep-scenario-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, text):
        path = os.path.join(self.folder, "some.scenario")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def sessions(self, text, *options):
        return sessions_of(self.write(text), *options)

    ENDS = "hosts=10.20.0.9\npeers=203.0.113.5\n"

    def test_a_beacon_has_the_period_and_jitter_it_is_given(self):
        for jitter, two_sided, low, mean, high in [
                (0, "no", 60, 60, 60), (0.2, "no", 48, 54, 60), (0.9, "no", 6, 33, 60),
                (0.5, "yes", 30, 60, 90)]:
            with self.subTest(jitter=jitter, two_sided=two_sided):
                found = self.sessions(
                    f"[beacon x]\n{self.ENDS}period=1m\njitter={jitter}\n"
                    f"two_sided={two_sided}\nout_octets=349\nsize_jitter=1%\n")
                self.assertAlmostEqual(len(found), 86400 / mean, delta=86400 / mean / 40)
                between = gaps(found)
                self.assertAlmostEqual(statistics.mean(between), mean, delta=mean / 40)
                self.assertGreaterEqual(min(between), low - 0.001)
                self.assertLessEqual(max(between), high + 0.001)
                self.assertGreaterEqual(high - low, max(between) - min(between) - 0.01)
                self.assertTrue(all(345 <= s.out <= 353 for s in found))

    def test_beats_are_missing_and_random_contacts_are_mixed_in(self):
        base = f"[beacon x]\n{self.ENDS}period=30s\nsize_jitter=0\n"
        missing = self.sessions(base + "missing=25%\n")
        self.assertAlmostEqual(len(missing), 2880 * 0.75, delta=100)
        self.assertEqual({round(gap / 30, 6) % 1 for gap in gaps(missing)}, {0})
        noisy = self.sessions(base + "noise=1\n")
        self.assertAlmostEqual(len(noisy), 2 * 2880, delta=220)
        phase = collections.Counter(s.at % (30 * SEC) for s in noisy)
        self.assertEqual(phase.most_common(1)[0][1], 2880)

    def test_an_upload_has_its_octets_whole_or_in_chunks_to_many_peers(self):
        base = "[upload x]\nhosts=10.20.0.9\npeers=203.0.113.0/28\noctets=6G\n" \
               "at=13h10m\nduration=1h30m\n"
        whole, = self.sessions(base)
        self.assertEqual((whole.at, whole.duration, whole.out),
                         (MIDNIGHT + 13 * HOUR + 600 * SEC, 5400 * SEC, 6 * 10**9))
        self.assertGreater(whole.out_packets, 6 * 10**9 / 1500)
        self.assertTrue(0 < whole.back < 0.03 * whole.out)
        chunks = self.sessions(base + "chunks=300\n")
        self.assertEqual((len(chunks), sum(s.out for s in chunks)), (300, 6 * 10**9))
        self.assertEqual({s.peer for s in chunks},
                         {f"203.0.113.{n}" for n in range(1, 15)})
        self.assertEqual({round(gap) for gap in gaps(chunks)}, {18})

    def test_a_drip_drips_as_much_as_it_says(self):
        found = self.sessions(
            "[scenario]\ndays=10\n[drip x]\nhosts=10.20.0.9\npeers=198.51.100.10-29\n"
            "octets_per_hour=5M\nper_hour=12\nfrom=2d\nuntil=9d\n")
        self.assertAlmostEqual(sum(s.out for s in found) / (7 * 24 * 5e6), 1, delta=0.1)
        self.assertGreaterEqual(found[0].at, MIDNIGHT + 48 * HOUR)
        self.assertLess(found[-1].at, MIDNIGHT + 9 * 24 * HOUR)
        peers = collections.Counter(s.peer for s in found)
        self.assertEqual(len(peers), 20)
        self.assertLessEqual(max(peers.values()) - min(peers.values()), 1)

    def test_visits_come_by_day_in_bursts_and_to_the_popular(self):
        found = self.sessions(
            "[scenario]\ndays=7\n[visits x]\nhosts=10.30.0.0/24\npeers=192.0.2.0/26\n"
            "per_hour=300\nburst=3\ndiurnal=yes\npopular=yes\nsize_sigma=1\n")
        by_day = collections.Counter((s.at - MIDNIGHT) // (24 * HOUR) for s in found)
        self.assertAlmostEqual(by_day[2], 300 * 24, delta=800)
        self.assertAlmostEqual(by_day[5] / by_day[2], 0.35, delta=0.05)
        by_hour = collections.Counter((s.at // HOUR) % 24 for s in found)
        self.assertGreater(by_hour[9], 6 * by_hour[2])
        close = sum(gap < 1 for gap in gaps(found)) / len(found)
        self.assertGreater(close, 0.5)
        peers = collections.Counter(s.peer for s in found)
        self.assertGreater(peers["192.0.2.1"], 4 * peers["192.0.2.60"])
        sizes = sorted(s.out for s in found)
        self.assertAlmostEqual(sizes[len(sizes) // 2], 500, delta=30)

    def test_what_is_unanswered_is_a_lone_syn(self):
        found = self.sessions("[visits x]\n" + self.ENDS + "per_hour=100\nanswered=0\n")
        self.assertEqual({(s.out, s.out_packets, s.back, s.in_packets, s.duration)
                          for s in found}, {(44, 1, 0, 0, 0)})

    def test_only_what_was_always_there_is_there_before(self):
        text = "[visits a]\n" + self.ENDS + "per_hour=10\nbefore=yes\n" \
               "[beacon b]\n" + self.ENDS + "period=10m\njitter=0.3\n" \
               "[upload c]\n" + self.ENDS + "octets=5M\nevery=1d\nat=2h\nbefore=yes\n"
        plain, before = self.sessions(text), self.sessions(text, "--before-days", 5)
        labels = collections.Counter(s.label for s in before if s.at < MIDNIGHT)
        self.assertEqual(set(labels), {"visits a", "upload c"})
        self.assertAlmostEqual(labels["visits a"], 5 * 240, delta=150)
        self.assertEqual(labels["upload c"], 5)
        self.assertEqual([s.row for s in plain if s.label == "beacon b"],
                         [s.row for s in before if s.label == "beacon b"])

    def test_a_section_does_not_change_what_others_draw(self):
        one = "[beacon b]\n" + self.ENDS + "period=10m\njitter=0.3\n"
        other = "[visits a]\n" + self.ENDS + "per_hour=50\n"
        alone = [s.row for s in self.sessions(one)]
        self.assertEqual(alone, [s.row for s in self.sessions(other + one)
                                 if s.label == "beacon b"])
        self.assertEqual(alone, [s.row for s in self.sessions(one)])
        for changed in (self.sessions(one, "--seed", 2),
                        self.sessions("[scenario]\nseed=5\n" + one)):
            self.assertNotEqual(alone, [s.row for s in changed])

    def test_hosts_are_addresses_ranges_and_networks(self):
        for text, wanted in [
                ("10.20.0.9", ["10.20.0.9"]), ("10.20.0.0/31", ["10.20.0.0", "10.20.0.1"]),
                ("10.20.0.0/30, 10.20.0.9-10",
                 ["10.20.0.1", "10.20.0.2", "10.20.0.9", "10.20.0.10"]),
                ("2001:db8::fe-101", [f"2001:db8::{n:x}" for n in range(0xfe, 0x102)])]:
            with self.subTest(text):
                peer = "2001:db8::1" if ":" in text else "203.0.113.1"
                found = self.sessions(f"[session x]\nhosts={text}\npeers={peer}\n"
                                      "at=1h\nout_octets=1k\n")
                self.assertEqual(sorted({s.host for s in found}), sorted(wanted))

    def test_examples_play_in_order_and_are_labelled_by_section(self):
        self.assertTrue(EXAMPLES)
        for path in EXAMPLES:
            with self.subTest(path):
                found = sessions_of(path)
                times = [s.at for s in found]
                self.assertEqual(times, sorted(times))
                with open(path, encoding="utf-8") as file:
                    sections = {line.strip("[]\n") for line in file if line[0] == "["}
                for section in sections - {"scenario"}:
                    self.assertTrue(any(s.label.startswith(section) for s in found),
                                    section)

    def test_the_demo_hides_one_upload_and_one_beacon_in_an_ordinary_day(self):
        capture = os.path.join(self.folder, "day.pcap")
        report = json.loads(play("--json", "-V", 9, "-o", capture, DAY))
        self.assertTrue(50000 <= report["records"] <= 100000, report["records"])
        odd = collections.defaultdict(list)
        ordinary = set()
        for s in sessions_of("--before-days", 8, DAY):
            if s.label.startswith("background"):
                ordinary |= {s.host, s.peer}
            elif ROUTER not in (s.host, s.peer):
                odd[s.label].append(s)
        self.assertEqual({label: len(found) for label, found in odd.items()},
                         {"upload exfiltration": 6, "beacon command-and-control": 319})
        self.assertEqual(sum(s.out for s in odd["upload exfiltration"]), 6 * 10**9)
        between = gaps(odd["beacon command-and-control"])
        self.assertTrue(240 <= min(between) and max(between) <= 300)
        self.assertFalse({s.peer for found in odd.values() for s in found} & ordinary)
        self.assertGreater(len([h for h in ordinary if h.startswith("10.20.0.")]), 19)

    def test_what_cannot_be_is_refused_with_its_section_and_key(self):
        ends = self.ENDS
        for text, words in [
                ("[beacon x]\n" + ends, ["[beacon x]", "period", "missing"]),
                ("[beacon x]\n" + ends + "periode=3", ["periode", "is it period"]),
                ("[beacon x]\n" + ends + "period=3 weeks", ["90s, 1h30m or 2d"]),
                ("[beacon x]\n" + ends + "period=1m\njitter=120%", ["jitter", "share"]),
                ("[upload x]\n" + ends + "octets=5T", ["octets", "1.5M or 6G"]),
                ("[upload x]\n" + ends + "octets=5M\nchunks=0", ["chunks"]),
                ("[visits x]\nhosts=10.0.0.1\npeers=::1\nper_hour=1", ["family"]),
                ("[visits x]\nhosts=10.0.0.9-3\npeers=10.0.0.1\nper_hour=1", ["hosts"]),
                ("[visits x]\nhosts=\npeers=10.0.0.1\nper_hour=1", ["no addresses"]),
                ("[background x]\nserver=10.0.0.1", ["server", "is it servers"]),
                ("[background x]\nservers=10.0.0.1\nintensity=much", ["intensity"]),
                ("[exfil x]\n" + ends, ["[exfil x]", "sections are"]),
                ("[beacon a,b]\n" + ends + "period=1m", ["commas"]),
                ("[scenario]\nday=3", ["day: no such key"]),
                ("[scenario]\nstart=tomorrow", ["start"]),
                ("[scenario]\nbefore_days=-1", ["before_days"]),
                ("not a scenario", ["some.scenario"])]:
            with self.subTest(text):
                said = play("--list", self.write(text), status=1)
                for word in words:
                    self.assertIn(word, said)


if __name__ == "__main__":
    tap.main()
