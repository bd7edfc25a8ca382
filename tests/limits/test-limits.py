#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Floods of what a peer can make the collector remember: templates, exporters at made-up
addresses, connections.  Memory stays under what the configuration allows, an honest
exporter beside the flood loses nothing, and what was refused is counted.

    test-limits.py                    as ./run-tests does: under a minute
    FLOWKEEP_PAIRS=1000000 test-limits.py pairs

Source addresses are loopback's, 127.16.0.0/12; a fake exporter costs its sender a
datagram, as it does an attacker who can forge addresses."""

import errno
import json
import os
import resource
import select
import socket
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from daemon import HOST, Collector, missing, wait_until

N_TEMPLATES = 100_000
N_EXPORTERS = 100_000
N_CONNECTIONS = 10_000
N_PAIRS = int(os.environ.get("FLOWKEEP_PAIRS", "200000"))
N_HONEST = 10_000  # flows, of an exporter that sends before, during and after
HONEST_RATE = 2000
IP_PKTINFO = 8  # of Linux; newer Pythons know it
FIRST_FAKE = 127 << 24 | 16 << 16

# What docs/operations.md says they cost.
EXPORTER_BYTES = 2600   # one of max_exporters
TEMPLATE_FACTOR = 2.2   # memory for a byte of max_template_bytes
CONNECTION_BYTES = 700  # one of max_connections that is idle
SLACK_BYTES = 12 << 20  # batches of rows, libpq, the allocator's reserve
PAIR_US = 10            # of CPU, for a datagram of a fake exporter; on a busy machine

IS_SANITIZED = any(os.environ.get(name) for name in ("ASAN_OPTIONS", "TSAN_OPTIONS"))

FIELDS = [(8, 4), (12, 4), (1, 8), (2, 8), (7, 2), (11, 2), (4, 1), (6, 1), (152, 8),
          (153, 8), (10, 4), (14, 4)]
BODY = struct.pack("!H", len(FIELDS)) + b"".join(struct.pack("!HH", *field)
                                                for field in FIELDS)


def announcement(ids, domain=1):
    """An IPFIX message that announces a template for each id."""
    records = b"".join(struct.pack("!H", number) + BODY for number in ids)
    return struct.pack("!HHIIIHH", 10, 20 + len(records), int(time.time()), 0, domain, 2,
                       4 + len(records)) + records


class Sender:
    """Datagrams from any loopback address, by one socket."""

    A_WHILE = 500  # datagrams between pauses

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.to = (HOST, port)
        self.n_sent = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, datagram, source):
        from_there = struct.pack("=I4s4s", 0, struct.pack("!I", source), bytes(4))
        self.socket.sendmsg([datagram], [(socket.IPPROTO_IP, IP_PKTINFO, from_there)], 0, self.to)
        self.n_sent += 1
        if self.n_sent % self.A_WHILE == 0:
            time.sleep(0.005)


def own_memory(pid):
    """What is neither a file's nor shared: bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status
                    if line.startswith("RssAnon"))


def cpu_sec(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)

    def flood(self, c, send, allowed_bytes):
        """Runs send() beside an honest exporter.  Returns the CPU it cost, in seconds,
        without what the honest one costs by itself."""
        c.wait_idle()
        before = own_memory(c.process.pid)
        honest = c.flowgen_start("--numbered", "--rate", HONEST_RATE, "--total", N_HONEST)
        began = cpu_sec(c.process.pid)
        send()
        c.flowgen_report(honest)
        c.wait_idle(120)
        spent = cpu_sec(c.process.pid) - began
        grown = own_memory(c.process.pid) - before
        tap.note(f"memory grew by {grown / 1e6:.1f} MB of {allowed_bytes / 1e6:.1f} MB"
                 f" allowed; CPU {spent:.2f} s")
        self.assertEqual(c.numbered(), [N_HONEST, N_HONEST, 1, N_HONEST, 0])
        if not IS_SANITIZED:
            self.assertLess(grown, allowed_bytes)
        return spent

    def refused(self, c, what):
        return sum(count for (reason, _, kind), count in c.losses().items()
                   if (reason, kind) == ("refused", what))

    def test_a_flood_of_templates_takes_no_more_than_they_may(self):
        limit = 8 << 20

        def send():
            ids = 256
            domain = 1
            with Sender(c.port) as sender:
                for _ in range(N_TEMPLATES // 1000):
                    sender.send(announcement(range(ids, ids + 1000), domain), FIRST_FAKE)
                    ids += 1000
                    if ids + 1000 > 65536:
                        ids, domain = 256, domain + 1
                    time.sleep(0.01)
        with Collector("limits-templates", settings={"decode": {
                "max_templates": 65280, "max_template_bytes": limit}}) as c:
            self.flood(c, send, TEMPLATE_FACTOR * limit + SLACK_BYTES)
            self.assertGreater(self.refused(c, "max_templates"), N_TEMPLATES / 2)
            status = json.loads(c.flowkeep("status", "--json").stdout)
            held = status["workers"][0]["held_bytes"]
            self.assertGreater(held, limit * 0.9)
            self.assertLessEqual(held, limit)

    def test_made_up_exporters_take_no_more_than_they_may(self):
        limit = N_EXPORTERS // 5

        def send():
            with Sender(c.port) as sender:
                template = announcement([256])
                for i in range(N_EXPORTERS):
                    sender.send(template, FIRST_FAKE + i)
        with Collector("limits-exporters", settings={"decode": {
                "max_exporters": limit}}) as c:
            c.flowgen("--numbered", "--total", 1, "--first-number", N_HONEST)
            c.wait_for_rows(1)
            c.sql("DELETE FROM flowkeep.flow")
            self.flood(c, send, limit * EXPORTER_BYTES + SLACK_BYTES)
            self.assertEqual(c.number("SELECT count(*) FROM flowkeep.exporter"), limit)
            self.assertEqual(self.refused(c, "max_exporters"), N_EXPORTERS - limit + 1)
            status = json.loads(c.flowkeep("status", "--json").stdout)
            self.assertEqual([(one["exporters"], one["max_exporters"])
                              for one in status["workers"]], [(limit, limit)])
            self.assertIn("[decode] max_exporters allows", " ".join(status["problems"]))

    def test_made_up_pairs_cost_little_and_no_memory(self):
        """Pairs of address and domain, ten to an address, when there is no room left."""
        limit = 1000

        def send():
            with Sender(c.port) as sender:
                templates = [announcement([256], domain) for domain in range(10)]
                for i in range(N_PAIRS):
                    sender.send(templates[i % 10], FIRST_FAKE + i // 10)
        with Collector("limits-pairs", settings={"decode": {
                "max_exporters": limit}}) as c:
            c.flowgen("--numbered", "--total", 1, "--first-number", N_HONEST)
            c.wait_for_rows(1)
            c.sql("DELETE FROM flowkeep.flow")
            spent = self.flood(c, send, limit * EXPORTER_BYTES + SLACK_BYTES)
            self.assertEqual(self.refused(c, "max_exporters"), N_PAIRS - limit + 1)
            tap.note(f"{spent / N_PAIRS * 1e6:.2f} us a datagram, the honest exporter's"
                     " flows included")
            if not IS_SANITIZED:
                self.assertLess(spent / N_PAIRS * 1e6, PAIR_US)

    def test_who_is_not_on_the_allow_list_costs_even_less(self):
        def send():
            with Sender(c.port) as sender:
                templates = [announcement([256], domain) for domain in range(10)]
                for i in range(N_PAIRS):
                    sender.send(templates[i % 10], FIRST_FAKE + i // 10)
        with Collector("limits-allow", settings={"exporters": {
                "allow": "127.1.0.0/16"}}) as c:
            spent = self.flood(c, send, SLACK_BYTES)
            self.assertEqual(self.refused(c, "not_allowed"), N_PAIRS)
            self.assertEqual(c.number("SELECT count(*) FROM flowkeep.exporter"), 1)
            tap.note(f"{spent / N_PAIRS * 1e6:.2f} us a datagram, the honest exporter's"
                     " flows included")
            if not IS_SANITIZED:
                self.assertLess(spent / N_PAIRS * 1e6, PAIR_US)


class Connections(unittest.TestCase):
    """Idle ones over TCP, from many addresses and from one."""

    LIMIT = 2000
    LISTENERS = {"main": "udp", "stream": "tcp"}

    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        wanted = N_CONNECTIONS + 1000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise unittest.SkipTest(f"no more than {hard} descriptors allowed here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))

    def setUp(self):
        self.streams = []
        self.poll = select.epoll()

    def tearDown(self):
        for stream in self.streams:
            stream.close()
        self.poll.close()

    def connect(self, port, source):
        stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        stream.bind((socket.inet_ntoa(struct.pack("!I", source)), 0))
        try:
            stream.connect((HOST, port))
        except OSError as error:
            if error.errno not in (errno.ECONNRESET, errno.ECONNREFUSED):
                raise
            stream.close()
            return
        self.streams.append(stream)
        self.poll.register(stream, select.EPOLLIN)

    def wait_for_open(self, n_wanted):
        """Until the collector has closed or reset all but so many."""
        def n_open():
            return len(self.streams) - len(self.poll.poll(0, len(self.streams) + 1))
        try:
            wait_until("others refused", lambda: n_open() <= n_wanted, 30)
        finally:
            self.assertEqual(n_open(), n_wanted)

    def test_idle_connections_stay_within_their_number(self):
        with Collector("limits-tcp", listeners=self.LISTENERS, settings={
                "tcp": {"max_connections": self.LIMIT,
                        "max_connections_per_address": 4}}) as c:
            before = own_memory(c.process.pid)
            honest = c.flowgen_start("--tcp", "--numbered", "--rate", HONEST_RATE,
                                     "--total", N_HONEST, listener="stream")
            wait_until("a flow", lambda: c.rows_stored() > 0, 20)
            for i in range(N_CONNECTIONS):
                self.connect(c.ports["stream"], FIRST_FAKE + i // 2)
            self.wait_for_open(self.LIMIT - 1)
            c.flowgen_report(honest)
            c.wait_idle()
            grown = own_memory(c.process.pid) - before
            tap.note(f"memory grew by {grown / 1e6:.1f} MB")
            self.assertEqual(c.numbered(), [N_HONEST, N_HONEST, 1, N_HONEST, 0])
            if not IS_SANITIZED:
                self.assertLess(grown, self.LIMIT * CONNECTION_BYTES + SLACK_BYTES)
            self.assertEqual(sum(count for (reason, _, _), count in c.losses().items()
                                 if reason == "refused"), N_CONNECTIONS - self.LIMIT + 1)

    def test_one_address_gets_no_more_than_its_share(self):
        share = 16
        with Collector("limits-tcp-one", listeners=self.LISTENERS) as c:
            for _ in range(1000):
                self.connect(c.ports["stream"], FIRST_FAKE)
            self.wait_for_open(share)
            c.flowgen("--tcp", "--numbered", "--total", 1000, listener="stream")
            c.wait_idle()
            self.assertEqual(c.numbered(), [1000, 1000, 1, 1000, 0])


if __name__ == "__main__":
    tap.main()
