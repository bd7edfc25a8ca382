#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rows of docs/rfc.md that need sockets, processes or the database."""

import json
import os
import signal
import socket
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from daemon import HOST, Collector, missing, wait_until

# sourceIPv4Address, destinationIPv4Address, octetDeltaCount, packetDeltaCount
FIELDS = [(8, 4), (12, 4), (1, 8), (2, 4)]
RECORD_OCTETS = 20
TEMPLATE = struct.pack(">HHHH", 2, 8 + 4 * len(FIELDS), 256, len(FIELDS)) + b"".join(
    struct.pack(">HH", *field) for field in FIELDS)


def record(number):
    return bytes((10, 0, 0, 1, 10, 0, 0, 2)) + struct.pack(">QI", number, 1)


def message(sequence, *sets):
    body = b"".join(sets)
    return struct.pack(">HHIII", 10, 16 + len(body), 1700000000, sequence, 7) + body


def data(first, n):
    body = b"".join(record(first + i) for i in range(n))
    return struct.pack(">HH", 256, 4 + len(body)) + body


class Transport(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)

    def test_a_message_of_65535_octets_comes_through(self):
        with Collector("rfc-large", listeners={"stream": "tcp"}) as c:
            room = 65535 - 16 - len(TEMPLATE) - 4
            n = room // RECORD_OCTETS
            body = data(1, n) + bytes(room - n * RECORD_OCTETS)
            body = struct.pack(">HH", 256, len(body)) + body[4:]
            whole = message(0, TEMPLATE, body)
            self.assertEqual(len(whole), 65535)
            with socket.create_connection((HOST, c.port)) as stream:
                stream.sendall(whole)
            c.wait_for_rows(n)
            self.assertEqual(c.number("SELECT count(DISTINCT octets) FROM flowkeep.flow"), n)
            self.assertEqual(c.losses(), {})

    def test_told_to_end_it_reads_what_a_busy_exporter_has_sent(self):
        with Collector("rfc-end", listeners={"stream": "tcp"}) as c:
            sent = 0
            with socket.create_connection((HOST, c.port)) as stream:
                stream.sendall(message(0, TEMPLATE))
                ended = threading.Event()

                def listen():  # an exporter ends when the collector has closed its end
                    stream.recv(1)
                    ended.set()

                listener = threading.Thread(target=listen)
                listener.start()
                while not ended.is_set():
                    stream.sendall(message(sent, data(sent + 1, 100)))
                    sent += 100
                    if sent == 20000:
                        c.process.send_signal(signal.SIGTERM)
                    self.assertLess(sent, 20000000)
                stream.shutdown(socket.SHUT_WR)
                listener.join()
            self.assertEqual(c.process.wait(30), 0)
            self.assertEqual(c.number("SELECT count(*) FROM flowkeep.flow"), sent)
            self.assertEqual(c.number("SELECT count(DISTINCT octets) FROM flowkeep.flow"),
                             sent)

    def test_after_a_thousand_resets_it_listens(self):
        with Collector("rfc-reset", listeners={"stream": "tcp"}) as c:
            for i in range(1000):
                # Of one address only so many may wait to be taken notice of.
                stream = socket.create_connection(
                    (HOST, c.port), source_address=(f"127.8.{i // 250}.{1 + i % 250}", 0))
                stream.sendall(message(0, TEMPLATE)[:20 + i % 10])
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                  struct.pack("ii", 1, 0))
                stream.close()
            def stored():
                with socket.create_connection((HOST, c.port)) as stream:
                    stream.sendall(message(0, TEMPLATE, data(1, 1)))
                return c.rows() > 0
            wait_until("a flow", stored, 30, 0.5)
            lines = c.count_in_log("TCP connection reset")
            self.assertGreater(lines, 0)
            self.assertLess(lines, 15)

    def test_doctor_shows_the_eight_columns_of_a_template(self):
        with Collector("rfc-doctor") as c:
            c.send(message(0, TEMPLATE, data(1, 1)), source="127.9.0.1", source_port=0)
            c.wait_for_rows(1)
            shown = json.loads(c.flowkeep("doctor", "--json").stdout)[0]
            template = shown["templates"][0]
            self.assertEqual(shown["address"], "127.9.0.1")
            self.assertEqual(shown["domain"], 7)
            self.assertGreater(template["peer_port"], 0)
            self.assertEqual(template["local_port"], c.port)
            self.assertTrue(template["local_address"])
            self.assertEqual(template["template_id"], 256)
            self.assertEqual([field["id"] for field in template["definition"]],
                             [8, 12, 1, 2])
            self.assertTrue(template["last_received_at"])


if __name__ == "__main__":
    tap.main()
