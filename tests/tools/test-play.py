#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`flowgen play` exports sessions as a router would: whatever the protocol and the
timeouts, the records of a session add up to it, and are cut, stamped and sent as those
of a real flow cache."""

import collections
import csv
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "harness")]
import records  # noqa: E402
import tap  # noqa: E402

FLOWGEN = os.environ.get("FLOWGEN", "flowgen")
COLUMNS = ("start_us,duration_us,initiator,initiator_port,responder,responder_port,"
           "protocol,out_octets,in_octets,out_packets,in_packets,label").split(",")
START_US = 1700000000 * 10**6
SEC = 10**6
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
IDLE, ACTIVE, END = 1, 2, 3


def play(*options, status=0):
    done = subprocess.run([FLOWGEN, "play", *map(str, options)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                          check=False)
    if done.returncode != status:
        raise AssertionError(f"play {options}: {done.returncode}: {done.stderr}")
    return done.stderr if status else done.stdout


def session(start_sec=0, duration_sec=1.0, out=(1000, 10), back=(5000, 8), port=40000,
            initiator="10.20.0.10", responder="203.0.113.5", service=443, protocol=6,
            label=""):
    return [START_US + round(start_sec * SEC), round(duration_sec * SEC), initiator, port,
            responder, service, protocol, out[0], back[0], out[1], back[1], label]


def fragments_expected(n_packets, duration_us, active_us):
    """How many records a flow cache makes of evenly spaced packets: each begins with a
    packet and ends before the active timeout."""
    n, k = 0, 0
    while k < n_packets:
        first_us = duration_us * k // max(n_packets - 1, 1)
        while k < n_packets and \
                duration_us * k // max(n_packets - 1, 1) < first_us + active_us:
            k += 1
        n += 1
    return n


class Play(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="flowkeep-play-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.out = os.path.join(self.folder, "out.pcap")

    def write(self, *sessions, name="list.csv"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(COLUMNS)
            rows.writerows(sessions)
        return path

    def play(self, *options, sessions=None):
        """(report, records of the capture)"""
        given = [self.write(*sessions)] if sessions else []
        report = json.loads(play("--json", "-o", self.out, *options, *given))
        return report, list(records.read(self.out))

    def assert_sums(self, found, sessions):
        """The records of each 5-tuple add up to its session, both ways."""
        sums = collections.Counter()
        for record in found:
            sums[record.key, "octets"] += record[records.OCTETS]
            sums[record.key, "packets"] += record[records.PACKETS]
            back = (*record.key[2:4], *record.key[:2], record.key[4])
            sums[back, "octets"] += record.get((records.REVERSE, 1), 0)
            sums[back, "packets"] += record.get((records.REVERSE, 2), 0)
        wanted = collections.Counter()
        for s in sessions:
            there, back = (s[2], s[3], s[4], s[5], s[6]), (s[4], s[5], s[2], s[3], s[6])
            wanted[there, "octets"] += s[7]
            wanted[back, "octets"] += s[8]
            wanted[there, "packets"] += s[9]
            wanted[back, "packets"] += s[10]
        self.assertEqual(+sums, +wanted)

    MIXED = [session(n * 7.3, duration_sec=duration, port=20000 + n, out=out, back=back,
                     initiator="2001:db8::1" if n % 5 == 4 else "10.20.0.10",
                     responder="2001:db8::2" if n % 5 == 4 else "203.0.113.5",
                     protocol=protocol)
             for n, (duration, out, back, protocol) in enumerate([
                 (0.05, (61, 1), (133, 1), 17), (0.4, (1234567, 901), (40001, 600), 6),
                 (3600, (10**10 + 7, 10**7 + 1), (10**8 + 3, 10**6), 6),
                 (700, (977, 13), (1013, 11), 6), (4000, (9999, 77), (0, 0), 17),
                 (0, (0, 0), (44, 1), 6), (90, (400, 5), (700, 7), 6),
                 (61, (1, 1), (99991, 71), 6), (20000, (50021, 103), (70001, 211), 17)])]

    def test_the_records_of_a_session_add_up_to_it(self):
        for options in (["-V", 5], ["-V", 9], ["-V", 10], ["-V", 10, "--biflow"]):
            for active in (60, 300, 1800):
                with self.subTest(options=options, active=active):
                    sessions = [s for s in self.MIXED if options[1] != 5 or
                                ":" not in s[2]]
                    report, found = self.play(*options, "-a", active, sessions=sessions)
                    self.assert_sums(found, sessions)
                    self.assertEqual(report["records"], len(found))
                    self.assertEqual(report["sessions"]["count"], len(sessions))
                    self.assertEqual(report["out_octets"], sum(s[7] for s in sessions))
                    self.assertEqual(report["in_octets"], sum(s[8] for s in sessions))

    def test_eight_hours_are_cut_by_the_active_timeout(self):
        eight_hours = session(duration_sec=8 * 3600, out=(3 * 10**9 + 1, 2000003),
                              back=(10**8 + 1, 1000003))
        for active in (60, 300, 1800):
            for version in (5, 9, 10):
                with self.subTest(active=active, version=version):
                    _, found = self.play("-V", version, "-a", active,
                                         sessions=[eight_hours])
                    out = [r for r in found if r.src == "10.20.0.10"]
                    self.assertEqual(len(out), fragments_expected(
                        2000003, 8 * 3600 * SEC, active * SEC))
                    self.assert_sums(found, [eight_hours])
                    self.assert_cut(out, active, version)

    def assert_cut(self, out, active, version):
        """One after the other, each as long as the timeout, the last one shorter."""
        slack_us = 2 * SEC if version == 9 else 20000  # v9's header has whole seconds
        for before, after in zip(out, out[1:]):
            self.assertAlmostEqual(after.start_us - before.start_us, active * SEC,
                                   delta=slack_us)
            self.assertLessEqual(before.start_us, before.end_us)
            self.assertAlmostEqual(before.end_us, after.start_us, delta=slack_us)
            self.assertAlmostEqual(before.at_us, before.start_us + active * SEC,
                                   delta=slack_us + 2 * SEC)
            if version != 5:
                self.assertEqual(before[records.END_REASON], ACTIVE)
        if version != 5:
            self.assertEqual(out[-1][records.END_REASON], END)
        self.assertEqual([bool(r[records.FLAGS] & SYN) for r in out],
                         [True] + [False] * (len(out) - 1))
        self.assertEqual([bool(r[records.FLAGS] & FIN) for r in out],
                         [False] * (len(out) - 1) + [True])

    def test_both_directions_are_exported_and_the_answer_comes_later(self):
        _, found = self.play(sessions=[session(duration_sec=5)])
        there, = [r for r in found if r.src == "10.20.0.10"]
        back, = [r for r in found if r.dst == "10.20.0.10"]
        self.assertEqual(there.start_us, START_US)
        self.assertEqual(max(there.end_us, back.end_us), START_US + 5 * SEC)
        self.assertTrue(1000 <= back.start_us - there.start_us <= 100000,
                        back.start_us - there.start_us)
        self.assertEqual((there[records.INPUT_IF], there[records.OUTPUT_IF]),
                         (back[records.OUTPUT_IF], back[records.INPUT_IF]))
        for record in (there, back):
            self.assertEqual(record[records.FLAGS], SYN | ACK | PSH | FIN)
            self.assertEqual(record[records.END_REASON], END)
            self.assertTrue(0 < record.at_us - record.end_us < 3 * SEC)

    def test_autonomous_systems_are_named_outside(self):
        for version in (5, 9, 10):
            with self.subTest(version=version):
                _, found = self.play("-V", version, "--with-as", sessions=[session()])
                there, = [r for r in found if r.src == "10.20.0.10"]
                back, = [r for r in found if r.dst == "10.20.0.10"]
                self.assertEqual(there[records.SRC_AS], 0)
                self.assertIn(there[records.DST_AS], range(64496, 64512))
                self.assertEqual((back[records.SRC_AS], back[records.DST_AS]),
                                 (there[records.DST_AS], 0))

    def test_a_gap_shows_in_the_sequence_numbers(self):
        sessions = [session(n * 5, port=20000 + n) for n in range(100)]
        whole, all_ = self.play("--template-period", 0, sessions=sessions)
        report, found = self.play("--template-period", 0, "--gap-every", 10,
                                  sessions=sessions)
        self.assertEqual(report["withheld_datagrams"], whole["datagrams"] // 10)
        self.assertEqual(report["records"], len(all_))
        self.assertLess(len(found), len(all_))

    def test_a_biflow_has_both_directions(self):
        _, found = self.play("--biflow", sessions=[session(duration_sec=5)])
        record, = found
        self.assertEqual((record.src, record[records.OCTETS], record[records.PACKETS]),
                         ("10.20.0.10", 1000, 10))
        self.assertEqual((record[records.REVERSE, 1], record[records.REVERSE, 2]),
                         (5000, 8))
        self.assertEqual(record[records.BIFLOW_DIRECTION], 1)

    def test_what_was_seen_one_way_is_exported_one_way_or_mirrored(self):
        seen = [session(n, 0.1, out=(0, 0), back=(389, 6), port=50000 + n)
                for n in range(50)]
        _, found = self.play(sessions=seen)
        self.assertEqual({r.src for r in found}, {"203.0.113.5"})
        self.assertEqual([r.start_us for r in found], [s[0] for s in seen])
        for options in ([], ["--biflow"]):
            report, found = self.play("--mirror-missing", *options, sessions=seen)
            self.assertEqual(report["in_octets"], 389 * 50)
            self.assertEqual(report["out_packets"], 6 * 50)
            sizes = [r[records.OCTETS] for r in found if r.src == "10.20.0.10"]
            self.assertEqual(len(sizes), 50)
            self.assertLess(max(sizes) - min(sizes), 0.05 * max(sizes))
            self.assertTrue(240 < min(sizes) and max(sizes) < 700, sizes)

    def test_few_packets_are_cut_by_the_inactive_timeout(self):
        sparse = session(duration_sec=86400, out=(60000, 600), back=(0, 0), protocol=17)
        _, found = self.play(sessions=[sparse])
        self.assert_sums(found, [sparse])
        self.assertEqual({r[records.END_REASON] for r in found}, {IDLE})
        self.assertGreater(len(found), 300)
        gaps = [b.start_us - a.end_us for a, b in zip(found, found[1:])]
        self.assertGreater(min(gaps), 15 * SEC)
        # No regularity is made up: the gaps are those of chance, less the timeout.
        mean = sum(gaps) / len(gaps) - 15 * SEC
        deviation = (sum((g - 15 * SEC - mean)**2 for g in gaps) / len(gaps))**0.5
        self.assertTrue(0.8 < deviation / mean < 1.2, deviation / mean)
        self.assertTrue(all(0 <= r.at_us - r.end_us - 15 * SEC <= 2 * SEC for r in found))

    def test_tcp_flags_tell_what_became_of_a_connection(self):
        for name, out, back, wanted in [
                ("whole", (900, 9), (9000, 9), (SYN | ACK | PSH | FIN,) * 2),
                ("unanswered", (44, 1), (0, 0), (SYN, None)),
                ("refused", (44, 1), (40, 1), (SYN, RST | ACK)),
                ("half open", (60, 1), (360, 6), (SYN, SYN | ACK)),
                ("an answer only", (0, 0), (44, 1), (None, SYN | ACK))]:
            with self.subTest(name):
                _, found = self.play(sessions=[session(out=out, back=back)])
                flags = {r.src: r[records.FLAGS] for r in found}
                self.assertEqual((flags.get("10.20.0.10"), flags.get("203.0.113.5")),
                                 wanted)

    def test_icmp_has_its_type_in_the_destination_port(self):
        _, found = self.play(sessions=[session(protocol=1, port=8, service=0)])
        self.assertEqual(sorted((r.src, r[records.SRC_PORT], r[records.DST_PORT])
                                for r in found),
                         [("10.20.0.10", 0, 8 << 8), ("203.0.113.5", 0, 0)])

    def test_two_routers_see_the_same_with_clocks_of_their_own(self):
        _, found = self.play("-e", 2, "--skew-ms", "0,-1500", sessions=[
            session(n, 0.3, port=50000 + n) for n in range(20)])
        by_router = collections.defaultdict(dict)
        for record in found:
            by_router[record.exporter][record.key] = record
        self.assertEqual(set(by_router), {"127.1.0.1", "127.1.0.2"})
        self.assertEqual(len(by_router["127.1.0.1"]), 40)
        for key, one in by_router["127.1.0.1"].items():
            other = by_router["127.1.0.2"][key]
            self.assertEqual(other.start_us - one.start_us, -1500000)
            self.assertEqual(other[records.OCTETS], one[records.OCTETS])
            self.assertNotEqual(other[records.INPUT_IF], one[records.INPUT_IF])
            self.assertLess(abs(other.at_us - one.at_us), SEC)

    def test_a_router_may_count_at_both_interfaces(self):
        sessions = [session(n * 0.01, 0.3, port=1024 + n) for n in range(500)]
        report, found = self.play("--egress-too", sessions=sessions)
        self.assertEqual(report["records"], 2000)
        times = collections.Counter((r.key, r[61]) for r in found)
        self.assertEqual(set(times.values()), {1})
        self.assertEqual(len(times), 2000)

    def test_sampling_takes_one_packet_in_n_and_says_so(self):
        sessions = [session(n * 0.05, 10, out=(12 * 100, 12), back=(1500 * 200, 200),
                            port=1024 + n) for n in range(5000)]
        for version in (5, 9, 10):
            with self.subTest(version=version):
                report, found = self.play("-V", version, "--sampling", 100,
                                          sessions=sessions)
                out = [r for r in found if r.src == "10.20.0.10"]
                # 5000 * (1 - 0.99**12) = 568 with a deviation of 22
                self.assertTrue(568 - 110 < len(out) < 568 + 110, len(out))
                packets = sum(r[records.PACKETS] for r in found) * 100
                self.assertAlmostEqual(packets / (5000 * 212), 1, delta=0.05)
                self.assertEqual(report["in_octets"], sum(
                    r[records.OCTETS] for r in found if r.dst == "10.20.0.10"))
                self.assertTrue(all(r[records.OCTETS] == 100 * r[records.PACKETS]
                                    for r in out))
                # A SYN is there only if the first packet was taken.
                syn = sum(bool(r[records.FLAGS] & SYN) for r in out)
                self.assertTrue(5000 / 100 * 0.5 < syn < 5000 / 100 * 1.6, syn)
                self.assert_sampling_told(version)

    def assert_sampling_told(self, version):
        told = set()
        for message in records.messages(self.out):
            if version == 5:
                told.add(message.sampling)
            for record in message.records:
                if record.options:
                    told.add((record.get(48, record.get(302)), record.get(50),
                              record.get(309), record.get(310)))
        self.assertEqual(told, {{5: 0x4000 | 100, 9: (1, 100, None, None),
                                 10: (1, None, 1, 100)}[version]})
        if version != 5:
            self.assertEqual({r.get(48, r.get(302)) for r in records.read(self.out)}, {1})

    def test_sequence_numbers_are_those_of_the_protocol(self):
        sessions = [session(n * 0.3, 0.2, port=1024 + n) for n in range(4000)]
        for version in (5, 9, 10):
            for sampling in (1, 3):
                with self.subTest(version=version, sampling=sampling):
                    self.play("-V", version, "-e", 2, "--sampling", sampling,
                              sessions=sessions)
                    expected = collections.Counter()
                    for m in records.messages(self.out):
                        self.assertEqual(m.sequence, expected[m.exporter])
                        expected[m.exporter] += 1 if version == 9 else len(m.records)
                        self.assertLessEqual(m.n_bytes, 1464)
                        if version == 9:
                            self.assertEqual(m.count, len(m.records) + m.n_templates)

    def test_a_capture_is_in_order_and_every_record_is_sent_when_it_ends(self):
        path = self.write(*self.MIXED)
        for options in (["-V", 9, "-e", 3], ["-V", 10, "--biflow"]):
            with self.subTest(options=options):
                play(*options, "-o", self.out, path)
                times = [m.at_us for m in records.messages(self.out)]
                self.assertEqual(times, sorted(times))
                for r in records.read(self.out):
                    late_us = r.at_us - r.end_us
                    self.assertTrue(-SEC <= late_us <= 77 * SEC, late_us)

    def test_the_list_can_be_moved(self):
        path = self.write(session(), session(50))
        report, found = self.play("--start-time", "2024-03-01T12:00:00Z", path)
        self.assertEqual(found[0].start_us, 1709294400 * SEC)
        self.assertEqual(report["sessions"]["first_us"], 1709294400 * SEC)
        self.play("--end-now", path)
        last_us = max(m.at_us for m in records.messages(self.out))
        self.assertTrue(-30 * SEC < last_us - time.time() * SEC < 2 * SEC)

    def test_lists_are_merged_and_can_be_written_again(self):
        one = [session(n * 2, port=n) for n in range(20)]
        other = [session(n * 3 + 0.5, port=100 + n, label="x|y z") for n in range(20)]
        text = play("--list", self.write(*one), self.write(*other, name="other.csv"))
        rows = list(csv.reader(io.StringIO(text)))
        self.assertEqual(rows[0], COLUMNS)
        wanted = sorted(one + other, key=lambda s: s[0])
        self.assertEqual(rows[1:], [[str(value) for value in s] for s in wanted])

    def test_the_same_seed_gives_the_same_bytes(self):
        path = self.write(*self.MIXED)
        files = []
        for seed in (1, 1, 2):
            play("-o", self.out, "--sampling", 3, "--seed", seed, path)
            with open(self.out, "rb") as file:
                files.append(file.read())
        self.assertEqual(files[0], files[1])
        self.assertNotEqual(files[0], files[2])

    def test_sent_now_it_arrives_at_its_pace_with_times_of_now(self):
        path = self.write(*[session(n, 0.5, port=1024 + n) for n in range(40)])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.bind(("127.0.0.1", 0))
            receiver.settimeout(10)
            begin = time.time()
            port = receiver.getsockname()[1]
            with subprocess.Popen([FLOWGEN, "play", "--json", "--speed", "20", "-t",
                                   f"127.0.0.1:{port}", path],
                                  stdout=subprocess.PIPE) as sender:
                received, n_records, starts, templates = [], 0, [], {}
                while n_records < 80:
                    data, peer = receiver.recvfrom(65536)
                    message = records.Message(peer[0], 0, data, templates)
                    received.append(time.time())
                    n_records += len(message.records)
                    starts += [r.start_us / SEC for r in message.records]
                report = json.loads(sender.communicate(timeout=30)[0])
        self.assertEqual(report["records"], 80)
        self.assertAlmostEqual(received[-1] - begin, 40 / 20, delta=1.0)
        # All is over when playing is: 16 s after the last session has ended.
        self.assertAlmostEqual(max(starts), begin + (39.5 + 16) / 20 - 16.5, delta=1.5)
        self.assertAlmostEqual(max(starts) - min(starts), 39, delta=0.2)

    def test_what_cannot_be_is_refused_with_a_reason(self):
        good = self.write(session())
        late = self.write(session(5), session(1), name="late.csv")
        wrong = self.write(session()[:5] + ["x"] + session()[6:], name="wrong.csv")
        short = self.write(session()[:8], name="short.csv")
        for options, status, word in [
                ([], 2, "which session list"),
                (["--biflow", "-V", 9, good], 2, "IPFIX"),
                (["--sampling", 20000, "-V", 5, good], 2, "16383"),
                (["-a", 0, good], 2, "timeout"),
                (["--skew-ms", "1,x", "-e", 2, good], 2, "milliseconds"),
                (["-t", "192.0.2.1:2055", good], 2, "loopback"),
                (["-o", self.out, late], 1, "late.csv:3: starts before"),
                (["-o", self.out, wrong], 1, 'wrong.csv:2: responder_port is "x"'),
                (["-o", self.out, short], 1, "short.csv:2: 8 columns"),
                (["-o", self.out, "/no/such/list"], 1, "/no/such/list"),
        ]:
            with self.subTest(options=options):
                self.assertIn(word, play(*options, status=status))


if __name__ == "__main__":
    tap.main()
