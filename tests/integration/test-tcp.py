#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""IPFIX over TCP."""

import os
import socket
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from daemon import HOST, Collector, missing, wait_until

LISTENERS = {"stream": "tcp"}
UDP_AND_TCP = {"main": "udp", "stream": "tcp"}


def closed_by_peer(sock, timeout_sec=10):
    """True when the other side ends the connection."""
    sock.settimeout(timeout_sec)
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


class Tcp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)

    def test_every_record_of_many_connections_is_stored_once(self):
        with Collector("tcp", listeners=LISTENERS) as c:
            sent = c.flowgen("--tcp", "--numbered", "--total", 200000, "--rate", 0,
                             "--exporters", 50, "--templates", 3, "--ipv6-share", 0.2)
            c.wait_idle()
            self.assertEqual(c.numbered(), [sent["flows"], sent["flows"], 1,
                                            sent["last_number"], 0])
            self.assertEqual(c.losses(), {})
            self.assertEqual(c.number("SELECT count(*) FROM flowkeep.exporter"), 50)

    def test_messages_cut_anywhere_are_put_together(self):
        with Collector("tcp-cut", listeners=LISTENERS) as c:
            path = os.path.join(c.folder, "messages.ipfix")
            c.flowgen("--numbered", "--total", 300, "--out", path)
            with open(path, "rb") as file:
                data = file.read()
            with socket.create_connection((HOST, c.port)) as stream:
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for at in range(0, len(data), 101):
                    stream.sendall(data[at:at + 101])
                    time.sleep(0.001)
            c.wait_idle()
            self.assertEqual(c.numbered(), [300, 300, 1, 300, 0])

    def test_what_is_not_ipfix_ends_its_connection_and_no_other(self):
        with Collector("tcp-bad", listeners=LISTENERS) as c:
            path = os.path.join(c.folder, "messages.ipfix")
            c.flowgen("--numbered", "--total", 100, "--out", path)
            with open(path, "rb") as file:
                data = file.read()
            with socket.create_connection((HOST, c.port)) as good:
                good.sendall(data[:50])
                for bad in (b"GET / HTTP/1.1\r\n\r\n" + bytes(16),
                            struct.pack(">HH", 10, 15) + bytes(60),
                            struct.pack(">HH", 9, 100) + bytes(96)):
                    with socket.create_connection((HOST, c.port)) as stream:
                        stream.sendall(bad)
                        self.assertTrue(closed_by_peer(stream))
                good.sendall(data[50:])
                c.wait_idle()
            c.wait_for_rows(100)
            self.assertEqual(c.numbered(), [100, 100, 1, 100, 0])
            c.wait_for("SELECT sum(count) FROM flowkeep.loss"
                       " WHERE reason = 'malformed'", 3)

    def test_a_message_that_never_ends_costs_its_connection(self):
        with Collector("tcp-slow", listeners=LISTENERS,
                       settings={"tcp": {"message_timeout_sec": 1}}) as c:
            with socket.create_connection((HOST, c.port)) as stream:
                stream.sendall(struct.pack(">HH", 10, 65535) + bytes(100))
                self.assertTrue(closed_by_peer(stream))

    def test_connections_of_one_address_are_limited(self):
        with Collector("tcp-many", listeners=LISTENERS,
                       settings={"tcp": {"max_connections_per_address": 3}}) as c:
            streams = [socket.create_connection((HOST, c.port)) for _ in range(4)]
            try:
                self.assertTrue(closed_by_peer(streams[3]))
                other = socket.create_connection((HOST, c.port),
                                                 source_address=("127.4.0.1", 0))
                streams.append(other)
                other.settimeout(1)
                with self.assertRaises(TimeoutError):
                    other.recv(1)
            finally:
                for stream in streams:
                    stream.close()

    def test_templates_of_a_connection_die_with_it(self):
        with Collector("tcp-templates", listeners=LISTENERS,
                       settings={"decode": {"wait_sec": 2}}) as c:
            c.flowgen("--tcp", "--templates-only")
            c.wait_idle()
            c.flowgen("--tcp", "--no-templates", "--total", 50)
            wait_until("loss", lambda: any(key[0] == "no_template" for key in c.losses()),
                       30, 0.5)
            self.assertEqual(c.rows(), 0)

    def test_udp_and_tcp_side_by_side(self):
        with Collector("tcp-udp", listeners=UDP_AND_TCP) as c:
            udp = c.flowgen_start("--numbered", "--total", 50000, "--rate", 20000,
                                  listener="main")
            tcp = c.flowgen_start("--tcp", "--numbered", "--total", 50000, "--rate",
                                  20000, "--first-number", 50001, "--first-source",
                                  "127.2.0.1", listener="stream")
            c.flowgen_report(udp)
            c.flowgen_report(tcp)
            c.wait_idle()
            self.assertEqual(c.numbered(), [100000, 100000, 1, 100000, 0])


if __name__ == "__main__":
    tap.main()
