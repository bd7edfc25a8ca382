#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The session job on a real database: rows of flow become contacts, once, whatever
happens to the process."""

import csv
import datetime
import os
import random
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from daemon import BUILD, FLOWGEN, Collector, missing

ANALYTICS = os.path.join(BUILD, "analytics", "flowkeep-analytics")
T0 = datetime.datetime(2024, 3, 5, tzinfo=datetime.timezone.utc)
HOST, PEER = "10.0.0.1", "192.0.2.1"

CONTACTS = """
SELECT hour, host(host), host(peer), service_port, protocol, initiator, sessions,
       records, out_octets, in_octets, out_packets, in_packets, longest_ms, sampling,
       exporter_id, starts, start_octets, dense, gaps, lv_sum
  FROM flowkeep.contact_hour ORDER BY 2, 3, 4, 5, 6, 1"""
OPEN = """
SELECT id, host(host), host(peer), start_at, end_at, out_octets, in_octets, records,
       exporters, is_over, state
  FROM flowkeep.session_open ORDER BY id"""
TIMEOUTS = """
SELECT exporter_id, active_timeout_sec, evidence, state, event_at
  FROM flowkeep.exporter_timeout ORDER BY 1"""
STREAM = "SELECT stream, services, sessions_open, closed_early FROM flowkeep.session_stream"


class Base(Collector):
    """A migrated database, without a collector."""

    def __enter__(self):
        self.create_database()
        self.sql("INSERT INTO flowkeep.exporter (address, domain)"
                 " VALUES ('198.51.100.1', 0), ('198.51.100.2', 0)")
        return self

    def partitions(self, first, last, imported=False):
        self.sql(f"SELECT flowkeep.partition_ensure('flow', '{first}', '{last}',"
                 f" '1 hour', {str(imported).lower()})")

    def spawn_job(self, now, job="session"):
        with open(self.log_path, "ab") as log:
            return subprocess.Popen(
                [ANALYTICS, "--config", self.config_path, "--once", job,
                 "--now", now.strftime("%Y-%m-%dT%H:%M:%SZ")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def run_job(self, now, job="session"):
        status = self.spawn_job(now, job).wait(300)
        if status:
            raise AssertionError(f"exit {status}:\n" + "\n".join(self.log_tail()))

    def tables(self):
        return [self.sql(sql) for sql in (CONTACTS, OPEN, TIMEOUTS, STREAM)]

    def forget(self):
        """As if the job had never run."""
        self.sql("DELETE FROM flowkeep.contact_hour; DELETE FROM flowkeep.session_open;"
                 "DELETE FROM flowkeep.exporter_timeout;"
                 "DELETE FROM flowkeep.session_stream;"
                 "DELETE FROM flowkeep.housekeeping WHERE task = 'session'")


def at(seconds):
    return T0 + datetime.timedelta(seconds=seconds)


def flow(start, duration, octets, exporter=1, port=40000, back=False, received=None,
         flags=16, peer=PEER, **more):
    """A row of flow as SQL."""
    ends = [(HOST, port), (peer, 443)]
    (src, src_port), (dst, dst_port) = reversed(ends) if back else ends
    values = {
        "received_at": f"'{at(start + duration + 1 if received is None else received)}'",
        "start_at": f"'{at(start)}'", "end_at": f"'{at(start + duration)}'",
        "exporter_id": exporter, "src": f"'{src}'", "dst": f"'{dst}'",
        "src_port": src_port, "dst_port": dst_port, "protocol": 6, "tcp_flags": flags,
        "octets": octets, "packets": 1 + octets // 1000, "watched": 2 if back else 1,
        "extra": "NULL", **more}
    return "(" + ", ".join(str(value) for value in values.values()) + ")"


COLUMNS = ("received_at, start_at, end_at, exporter_id, src, dst, src_port, dst_port,"
           " protocol, tcp_flags, octets, packets, watched, extra")


def insert(base, rows):
    for i in range(0, len(rows), 5000):
        base.sql(f"INSERT INTO flowkeep.flow ({COLUMNS}) VALUES "
                 + ", ".join(rows[i:i + 5000]))


def mixture(n_hours=2, n_flows=4000, seed=1):
    """Long sessions cut by two routers, short ones, and ports used again."""
    dice = random.Random(seed)
    rows = []
    for begin in range(60, n_hours * 3600 - 1900, 2500):
        port = 50000 + begin % 1000
        for exporter, skew in ((1, 2), (2, -2)):
            for piece in range(begin, begin + 1800, 60):
                rows.append(flow(piece + skew, 59.9, 60000, exporter, port,
                                 received=piece + 61))
    for _ in range(n_flows):
        start = dice.uniform(10, n_hours * 3600 - 100)
        duration = dice.choice((0, 0.1, 1, 10))
        port = dice.randrange(30000, 30300)
        octets = dice.randrange(40, 5000)
        peer = f"192.0.2.{port % 100 + 10}"
        rows.append(flow(start, duration, octets, 1, port, flags=27, peer=peer,
                         received=start + duration + dice.uniform(0, 20)))
        if dice.random() < 0.7:
            rows.append(flow(start + 0.02, duration, octets * 3, 1, port, back=True,
                             flags=27, peer=peer, received=start + duration + dice.uniform(0, 20)))
    return rows


class Session(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)

    def test_an_empty_database_is_no_trouble(self):
        with Base("session-empty") as base:
            base.run_job(at(0))
            self.assertEqual(base.tables()[:3], [[], [], []])
            base.run_job(at(60))

    def test_one_flow_is_one_contact(self):
        with Base("session-one") as base:
            base.partitions(at(0), at(3600))
            insert(base, [flow(100, 1, 1234)])
            base.run_job(at(180))
            self.assertEqual(base.value("SELECT count(*) FROM flowkeep.session_open"), "1")
            base.run_job(at(600))
            self.assertEqual(base.sql(
                "SELECT hour, host(host), host(peer), service_port, protocol, initiator,"
                " sessions, out_octets, starts, start_octets, longest_ms, exporter_id"
                " FROM flowkeep.contact_hour"),
                [["2024-03-05 00:00:00+00", HOST, PEER, "443", "6", "1", "1", "1234",
                  "{100000}", "{1234}", "1000", "1"]])
            self.assertEqual(base.value("SELECT count(*) FROM flowkeep.session_open"), "0")

    def test_nulls_and_clamped_values_are_no_trouble(self):
        with Base("session-nulls") as base:
            base.partitions(at(0), at(3600))
            base.sql("INSERT INTO flowkeep.flow (received_at, exporter_id, watched)"
                     f" VALUES ('{at(10)}', 1, 1)")
            base.sql("INSERT INTO flowkeep.flow (received_at, exporter_id, src, dst,"
                     f" octets, watched) VALUES ('{at(10)}', 77, '{HOST}', '2001:db8::1',"
                     " 9223372036854775807, 3), "
                     f"('{at(900)}', 77, '{HOST}', '2001:db8::1', 9223372036854775807, 3)")
            base.run_job(at(120))
            base.run_job(at(3600))
            self.assertEqual(base.sql(
                "SELECT host(host), protocol, sessions, out_octets, in_octets"
                " FROM flowkeep.contact_hour ORDER BY 1"),
                [[HOST, "0", "2", "9223372036854775807", "0"],
                 ["2001:db8::1", "0", "2", "0", "9223372036854775807"]])

    def test_the_result_does_not_depend_on_how_it_was_cut(self):
        with Base("session-cut") as base:
            base.partitions(at(0), at(3 * 3600))
            insert(base, mixture())
            base.run_job(at(7200))
            at_once = base.tables()
            self.assertGreater(len(at_once[0]), 100)
            self.assertGreater(len(at_once[1]), 10)
            base.forget()
            for now in (1000, 1001, 1002, 3599, 3600, 3601, 4444, 5000, 7200):
                base.run_job(at(now))
            self.assertEqual(base.tables(), at_once)

    def test_killed_at_random_moments_it_gives_the_same(self):
        with Base("session-kill") as base:
            base.partitions(at(0), at(3 * 3600))
            insert(base, mixture(n_flows=20000))
            begin = time.monotonic()
            base.run_job(at(7200))
            takes_sec = time.monotonic() - begin
            undisturbed = base.tables()
            base.forget()
            dice = random.Random(7)
            for _ in range(int(os.environ.get("FLOWKEEP_KILLS", 20))):
                process = base.spawn_job(at(7200))
                time.sleep(dice.uniform(0, takes_sec))
                process.kill()
                process.wait()
            base.run_job(at(7200))
            self.assertEqual(base.tables(), undisturbed)

    def test_an_import_is_made_up_for(self):
        with Base("session-import") as base:
            # What is live, and ends in the hour in which the import begins.
            base.partitions(at(6 * 3600), at(12 * 3600))
            insert(base, [flow(8 * 3600 + 10, 5, 1000, port=40001),
                          flow(6 * 3600 + 50, 5, 1000, port=40002)])
            base.run_job(at(10 * 3600))
            live = base.sql(CONTACTS)
            self.assertEqual([row[6] for row in live], ["1", "1"])

            base.partitions(at(0), at(6 * 3600), imported=True)
            rows = [flow(piece, 59.9, 60000, exporter, 50000, received=piece + 61)
                    for exporter in (1, 2) for piece in range(3600, 6 * 3600 + 120, 60)]
            insert(base, rows)
            base.sql("INSERT INTO flowkeep.backfill (collector, worker, from_at, to_at,"
                     f" state) VALUES ('import', 0, '{at(3661)}', '{at(6 * 3600 + 121)}',"
                     f" 'ready'), ('import', 1, '{at(3661)}', '{at(6 * 3600 + 121)}',"
                     " 'ready')")
            base.run_job(at(10 * 3600 + 60))
            self.assertEqual(base.sql("SELECT DISTINCT state FROM flowkeep.backfill"),
                             [["done"]])
            self.assertEqual(base.sql(
                "SELECT hour, sessions, out_octets, starts, longest_ms"
                " FROM flowkeep.contact_hour ORDER BY hour"),
                [["2024-03-05 01:00:00+00", "1", "3600000", "{0}", "18119900"],
                 *[[f"2024-03-05 0{hour}:00:00+00", "0", "3600000", "{}", "0"]
                   for hour in (2, 3, 4, 5)],
                 ["2024-03-05 06:00:00+00", "1", "121000", "{50000}", "5000"],
                 ["2024-03-05 08:00:00+00", "1", "1000", "{10000}", "5000"]])

            # Again, and nothing changes.
            before = base.sql(CONTACTS)
            base.sql("UPDATE flowkeep.backfill SET state = 'ready'")
            base.run_job(at(10 * 3600 + 120))
            self.assertEqual(base.sql(CONTACTS), before)

    def test_an_import_killed_at_random_moments_gives_the_same(self):
        with Base("session-import-kill") as base:
            base.partitions(at(0), at(3 * 3600), imported=True)
            insert(base, mixture(n_flows=20000))
            ready = ("INSERT INTO flowkeep.backfill (collector, worker, from_at, to_at,"
                     f" state) VALUES ('import', 0, '{at(10)}', '{at(7199)}', 'ready')")
            base.run_job(at(24 * 3600))
            base.sql(ready)
            begin = time.monotonic()
            base.run_job(at(24 * 3600 + 60))
            takes_sec = time.monotonic() - begin
            undisturbed = base.sql(CONTACTS)
            self.assertGreater(len(undisturbed), 100)

            base.forget()
            base.sql("DELETE FROM flowkeep.backfill")
            base.run_job(at(24 * 3600))
            base.sql(ready)
            dice = random.Random(8)
            for _ in range(10):
                process = base.spawn_job(at(24 * 3600 + 60))
                time.sleep(dice.uniform(0, takes_sec))
                process.kill()
                process.wait()
            base.run_job(at(24 * 3600 + 60))
            self.assertEqual(base.sql(CONTACTS), undisturbed)
            self.assertEqual(base.sql("SELECT state FROM flowkeep.backfill"), [["done"]])

    def test_what_a_silent_collector_brings_late_is_counted_once(self):
        with Base("session-late") as base:
            base.partitions(at(0), at(12 * 3600))
            pieces = [flow(piece, 59.9, 60000, 1, 50000, received=piece + 61)
                      for piece in range(600, 5 * 3600, 60)]
            early = [row for row in pieces if row < flow(2 * 3600, 0, 0)]
            insert(base, early + [flow(6000, 5, 1000, port=40001)])
            base.run_job(at(2 * 3600))
            # What another router saw meanwhile, and what it alone saw.
            insert(base, [flow(6000, 5, 1000, 2, port=40001),
                          flow(6100, 5, 700, 2, port=40002)])
            base.sql("INSERT INTO flowkeep.backfill (collector, worker, from_at, to_at,"
                     f" state) VALUES ('late', 0, '{at(6006)}', '{at(6106)}', 'ready')")
            base.run_job(at(2 * 3600 + 1))
            self.assertEqual(base.value("SELECT state FROM flowkeep.backfill"), "ready")
            insert(base, pieces[len(early):])
            base.run_job(at(4 * 3600))
            self.assertEqual(base.value("SELECT state FROM flowkeep.backfill"), "done")
            base.run_job(at(7 * 3600))
            self.assertEqual(base.sql(
                "SELECT hour, sessions, out_octets, cardinality(starts)"
                " FROM flowkeep.contact_hour ORDER BY hour"),
                [["2024-03-05 00:00:00+00", "1", "3000000", "1"],
                 ["2024-03-05 01:00:00+00", "2", "3601700", "2"],
                 *[[f"2024-03-05 0{hour}:00:00+00", "0", "3600000", "0"]
                   for hour in (2, 3, 4)]])

    def test_what_cannot_be_made_again_is_kept_by_an_import(self):
        with Base("session-kept") as base:
            base.partitions(at(0), at(6 * 3600))
            insert(base, [flow(3700, 5, 1000, port=40001)])
            base.run_job(at(2 * 3600))
            # Retention drops the flows; what was learnt of them stays.
            base.sql("SELECT flowkeep.partition_drop_next(NULL, NULL);"
                     "DELETE FROM flowkeep.time_partition WHERE parent = 'flow'"
                     f" AND to_at <= '{at(7200)}'; DELETE FROM flowkeep.flow")
            insert(base, [flow(3800, 5, 500, port=40002)])
            base.sql("INSERT INTO flowkeep.backfill (collector, worker, from_at, to_at,"
                     f" state) VALUES ('import', 0, '{at(3806)}', '{at(3806)}', 'ready')")
            base.run_job(at(3 * 3600))
            self.assertEqual(base.sql(
                "SELECT sessions, out_octets FROM flowkeep.contact_hour"),
                [["2", "1500"]])

    def played(self, base, sessions, *options):
        """Played as routers would export them, into flow, at the times they had."""
        path = os.path.join(base.folder, "list.csv")
        capture = os.path.join(base.folder, "played.pcap")
        with open(path, "w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow("start_us,duration_us,initiator,initiator_port,responder,"
                          "responder_port,protocol,out_octets,in_octets,out_packets,"
                          "in_packets,label".split(","))
            rows.writerows(sessions)
        subprocess.run([FLOWGEN, "play", "-o", capture, *map(str, options), path],
                       check=True, stdout=subprocess.DEVNULL, timeout=120)
        base.sql("TRUNCATE flowkeep.flow; TRUNCATE flowkeep.contact_hour;"
                 "TRUNCATE flowkeep.exporter_timeout")
        base.flowkeep("replay", "--keep-times", capture)
        base.run_job(datetime.datetime.now(datetime.timezone.utc))

    def test_eight_hours_in_pieces_through_two_routers_are_one_session(self):
        start_us = int((T0.timestamp() + 900) * 1e6)
        eight = [start_us, 8 * 3600 * 10**6, "10.20.0.14", 50000, "203.0.113.51", 443, 6,
                 6 * 10**9 + 1, 10**8 + 1, 4200001, 2100001, ""]
        with Base("session-eight",
                  settings={"watch all": {"networks": "10.20.0.0/16"}}) as base:
            for options in (["-V", 9, "-e", 2, "--skew-ms", "3000,-3000"],
                            ["-V", 5, "-e", 2], ["-V", 10, "--egress-too"],
                            ["-V", 10, "--biflow", "-e", 2, "--skew-ms=-3000,3000"]):
                for active_sec in (60, 300, 1800):
                    with self.subTest(options=options, active_sec=active_sec):
                        self.played(base, [eight], "-a", active_sec, *options)
                        self.assertEqual(base.sql(
                            "SELECT sum(sessions), sum(cardinality(starts)),"
                            " sum(out_octets), sum(in_octets), sum(out_packets),"
                            " sum(in_packets), count(*), max(longest_ms),"
                            " min(initiator), max(initiator), max(service_port)"
                            " FROM flowkeep.contact_hour"),
                            [["1", "1", "6000000001", "100000001", "4200001", "2100001",
                              "9", "28800000", "1", "1", "443"]])
                        self.assertEqual(base.sql(
                            "SELECT DISTINCT active_timeout_sec"
                            " FROM flowkeep.exporter_timeout"), [[str(active_sec)]])
                        self.assert_no_beacon(base)

    def assert_no_beacon(self, base):
        """What timeouts cut looks like a clock: no verdict, let alone an incident."""
        for hours in (4, 10):
            base.run_job(T0 + datetime.timedelta(hours=hours), "beacon")
            self.assertEqual(base.sql(
                "SELECT peer, period_sec FROM flowkeep.beacon_group"), [])
        self.assertEqual(base.sql("SELECT title FROM flowkeep.alert"), [])

    def test_eight_hours_with_few_packets_are_one_session_too(self):
        start_us = int((T0.timestamp() + 900) * 1e6)
        sparse = [start_us, 8 * 3600 * 10**6, "10.20.0.14", 50000, "203.0.113.51", 443,
                  6, 10**6, 10**6, 4000, 4000, ""]
        with Base("session-sparse",
                  settings={"watch all": {"networks": "10.20.0.0/16"}}) as base:
            for active_sec in (60, 300, 1800):
                with self.subTest(active_sec=active_sec):
                    self.played(base, [sparse], "-a", active_sec, "-V", 9, "-e", 2)
                    self.assertEqual(base.sql(
                        "SELECT sum(sessions), sum(out_octets), sum(in_octets)"
                        " FROM flowkeep.contact_hour"), [["1", "1000000", "1000000"]])
                    self.assert_no_beacon(base)

    def test_a_slow_beacon_between_others_keeps_its_beats(self):
        start_us = int(T0.timestamp() * 1e6)
        beats = [[start_us + n * 16 * 10**6, 100000, "10.20.0.14", 50001, "203.0.113.52",
                  8443, 17, 300, 200, 3, 2, ""] for n in range(500)]
        long = [[start_us, 4 * 3600 * 10**6, "10.20.0.14", 50000, "203.0.113.51", 443, 6,
                 10**9, 10**8, 10**6, 10**6, ""]]
        with Base("session-beacon",
                  settings={"watch all": {"networks": "10.20.0.0/16"}}) as base:
            self.played(base, long + beats, "-V", 9, "-a", 60, "-i", 15, "-e", 2,
                        "--skew-ms", "2000,-2000")
            self.assertEqual(base.sql(
                "SELECT service_port, sum(sessions), sum(out_octets), sum(in_octets)"
                " FROM flowkeep.contact_hour GROUP BY 1 ORDER BY 1"),
                [["443", "1", "1000000000", "100000000"],
                 ["8443", "500", "150000", "100000"]])


if __name__ == "__main__":
    tap.main()
