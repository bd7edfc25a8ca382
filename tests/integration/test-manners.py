#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How the daemon behaves towards whoever runs it: signals, service manager,
configuration."""

import os
import random
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from cluster import Cluster
from daemon import (HOST, STOP_TIMEOUT_SEC, Collector, Manager, missing, udp_socket,
                    wait_until)

WATCHED = {"watch servers": {"networks": "10.20.0.0/16"}}


class Manners(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)

    def check(self, c, sent):
        c.wait_idle()
        self.assertEqual(c.numbered(), [sent["flows"], sent["flows"], 1,
                                        sent["last_number"], 0])
        self.assertEqual(c.losses(), {})

    # --- signals

    def test_sigterm_under_load_stores_what_came_and_ends_within_five_seconds(self):
        with Collector("sigterm") as c:
            load = c.flowgen_start("--numbered", "--rate", 40000, "--seconds", 60)
            try:
                for _ in range(3):
                    time.sleep(1.3)
                    status, seconds = c.stop()
                    self.assertEqual(status, 0, c.log_tail())
                    self.assertLess(seconds, STOP_TIMEOUT_SEC)
                    self.assertGreater(c.rows(), 0)
                    c.start()
            finally:
                load.send_signal(signal.SIGTERM)
            self.check(c, c.flowgen_report(load))

    def test_a_quiet_collector_has_stored_everything_when_sigterm_returns(self):
        with Collector("sigterm-quiet", settings={"store": {"batch_ms": 60000}}) as c:
            c.flowgen("--numbered", "--total", 5000, "--rate", 50000)
            status, seconds = c.stop()
            self.assertEqual(status, 0)
            self.assertLess(seconds, STOP_TIMEOUT_SEC)
            self.assertEqual(c.rows(), 5000)

    def test_without_a_database_sigterm_ends_it_within_five_seconds_too(self):
        with Cluster() as pg, Collector("sigterm-away", pg=pg) as c:
            load = c.flowgen_start("--numbered", "--rate", 20000, "--seconds", 60)
            try:
                time.sleep(1)
                pg.stop()
                time.sleep(1)
                status, seconds = c.stop()
                self.assertEqual(status, 0, c.log_tail())
                self.assertLess(seconds, STOP_TIMEOUT_SEC)
                pg.start()
                c.start()
            finally:
                load.send_signal(signal.SIGTERM)
            self.check(c, c.flowgen_report(load))

    def test_sighup_under_load_loses_nothing_and_takes_new_watch_groups(self):
        with Collector("sighup", settings=WATCHED) as c:
            load = c.flowgen_start("--numbered", "--rate", 40000, "--seconds", 60,
                                   "--watched-share", 0.5)
            chance = random.Random(1)
            try:
                for i in range(20):
                    time.sleep(chance.uniform(0.02, 0.3))
                    networks = "10.20.0.0/16" if i % 2 else "10.30.0.0/16, 192.0.2.0/24"
                    c.write_config({"watch servers": {"networks": networks},
                                    "exporters": {"allow": ("126.0.0.0/7",
                                                            "124.0.0.0/6")[i % 2]}})
                    c.reload()
            finally:
                load.send_signal(signal.SIGTERM)
            sent = c.flowgen_report(load)
            self.check(c, sent)
            c.wait_for("SELECT string_agg(network::text, ' ') FROM"
                       " flowkeep.watch_network", "10.20.0.0/16")
            marked = {int(row[0]) for row in
                      c.sql("SELECT DISTINCT watched FROM flowkeep.flow")}
            self.assertTrue({0, 1, 2} <= marked, marked)

    def test_sighup_with_a_bad_file_leaves_everything_as_it_was(self):
        with Collector("sighup-bad", settings=WATCHED) as c:
            with open(c.config_path, "a", encoding="utf-8") as conf:
                conf.write("[store]\nno_such_key = 1\n")
            c.reload()
            self.assertIsNone(c.process.poll())
            sent = c.flowgen("--numbered", "--total", 5000, "--rate", 50000)
            self.check(c, sent)
            self.assertEqual(c.count_in_log("no_such_key"), 1)

    def test_an_allow_list_is_in_force_after_sighup(self):
        with Collector("sighup-allow") as c:
            c.flowgen("--total", 100, "--first-source", "127.1.0.1")
            c.write_config({"exporters": {"allow": "127.2.0.0/16"}})
            c.reload()
            c.flowgen("--total", 100, "--first-source", "127.1.0.1")
            c.flowgen("--total", 100, "--first-source", "127.2.0.1")
            c.wait_idle()
            self.assertEqual(c.rows(), 200)

    # --- the service manager

    def test_it_tells_the_service_manager_that_it_is_ready_and_alive(self):
        c = Collector("notify", env={"WATCHDOG_USEC": "4000000"})
        self.addCleanup(c.close)
        manager = Manager(c)
        self.addCleanup(manager.close)
        c.create_database()
        c.start()
        wait_until("READY=1", lambda: "READY=1" in manager.read(), 10)
        wait_until("WATCHDOG=1", lambda: manager.read().count("WATCHDOG=1") >= 2, 10)
        c.reload()
        wait_until("RELOADING=1", lambda: "RELOADING=1" in manager.read(), 5)
        c.stop()
        self.assertIn("STOPPING=1", manager.read())

    def test_sockets_of_all_workers_survive_in_the_service_managers_store(self):
        c = Collector("fdstore", hold_sockets=False,
                      settings={"collector": {"workers": 2}})
        self.addCleanup(c.close)
        manager = Manager(c)
        self.addCleanup(manager.close)
        c.create_database()
        c.start()
        manager.read()
        self.assertEqual(sorted(manager.kept), ["udp-main-0", "udp-main-1"])
        load = c.flowgen_start("--numbered", "--rate", 20000, "--seconds", 60,
                               "--exporters", 16)
        try:
            for end in (c.kill, c.stop, c.kill):
                time.sleep(0.7)
                end()
                manager.read()
                c.sockets = dict(manager.kept)
                c.start()
        finally:
            load.send_signal(signal.SIGTERM)
        sent = c.flowgen_report(load)
        c.sockets = {}
        self.check(c, sent)
        self.assertEqual(c.number("SELECT count(*) FROM flowkeep.ingest_position"
                                  " WHERE rows_stored > 0"), 2)

    # --- configuration

    def refused(self, c, *words):
        """The program ends with 2 and says these words; so does check-config."""
        process = c.spawn()
        self.assertEqual(process.wait(10), 2)
        checked = c.flowkeep("check-config", check=False)
        self.assertEqual(checked.returncode, 2)
        for word in words:
            self.assertIn(word, "\n".join(c.log_tail(3)))
            self.assertIn(word, checked.stderr)

    def test_a_bad_configuration_is_refused_with_the_place_and_what_is_allowed(self):
        for section, keys, words in [
                ("store", {"batch_rowz": 10}, ["batch_rowz", "[store]"]),
                ("store", {"batch_rows": 0}, ["batch_rows", "[store]", '"0"', "1"]),
                ("store", {"extra": "some"}, ["extra", "some", "watched", "all", "none"]),
                ("watch x", {"networks": "10.20.0.1/16"}, ["networks", "10.20.0.0/16"]),
                ("exporters", {"allow": "300.0.0.0/8"}, ["allow", "300.0.0.0/8"]),
                ("listen main", {"port": 70000}, ["port", "70000", "65535"]),
                ("listener", {"port": 7000}, ["listener"]),
        ]:
            with self.subTest(section=section, keys=keys):
                c = Collector("bad-config")
                self.addCleanup(c.close)
                c.write_config({section: keys})
                self.refused(c, *words, "flowkeep.conf")

    def test_a_missing_configuration_is_refused(self):
        c = Collector("no-config")
        self.addCleanup(c.close)
        os.unlink(c.config_path)
        self.refused(c, "flowkeep.conf")

    def test_a_port_in_use_is_refused_with_its_number(self):
        c = Collector("port-in-use", hold_sockets=False)
        self.addCleanup(c.close)
        with udp_socket(HOST, c.port):
            process = c.spawn()
            self.assertEqual(process.wait(10), 1)
        self.assertIn(str(c.port), "\n".join(c.log_tail()))

    # --- others of its kind

    def test_a_second_process_on_the_same_journal_is_refused(self):
        with Collector("lock") as c:
            other = Collector("lock-2", settings={
                "journal": {"directory": c.settings["journal"]["directory"]}})
            self.addCleanup(other.close)
            process = other.spawn()
            self.assertEqual(process.wait(10), 1, other.log_tail())
            self.assertIn("journal", "\n".join(other.log_tail()))
            self.check(c, c.flowgen("--numbered", "--total", 1000))

    def test_a_second_collector_of_the_same_name_stores_nothing(self):
        with Collector("twin") as c:
            self.check(c, c.flowgen("--numbered", "--total", 1000))
            other = Collector("twin")
            self.addCleanup(other.close)
            other.spawn()
            time.sleep(1)
            port = other.port
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind((HOST, 0))
                for _ in range(20):
                    sock.sendto(v5_datagram(30), (HOST, port))
            time.sleep(3)
            sent = c.flowgen("--numbered", "--total", 1000, "--first-number", 1001,
                             "--first-source", "127.3.0.1")
            self.assertEqual(sent["flows"], 1000)
            c.wait_idle()
            self.assertEqual(c.numbered(), [2000, 2000, 1, 2000, 0])
            self.assertTrue(other.process.poll() or any(
                "twin" in line for line in other.log_tail()), other.log_tail())


def v5_datagram(n_flows):
    header = (5).to_bytes(2, "big") + n_flows.to_bytes(2, "big") + bytes(4)
    return header + int(time.time()).to_bytes(4, "big") + bytes(12) + bytes(48) * n_flows


if __name__ == "__main__":
    tap.main()
