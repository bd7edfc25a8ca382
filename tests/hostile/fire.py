# SPDX-License-Identifier: Apache-2.0
"""A collector under fire: one process and database for many classes of hostile input.

Class N is sent from 127.N.0.0/16: its i-th case from 127.N.i.1, repetitions from
127.N.200.1 to 127.N.249.1, and the good exporter beside them, the neighbour, from
127.N.255.1.  All goes through sockets of this process, one after the other, so what
is in the journal has the order in which it was sent; and when the neighbour's newest
flows are stored, all before them is done with."""

import os
import select
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from daemon import HOST, Collector, wait_until
from packets import Message, ipfix, plain, template, templates, PLAIN

PROFILES = {
    "main": {"decode": {"wait_sec": 2}, "store": {"batch_ms": 50, "extra": "all"},
             "tcp": {"message_timeout_sec": 2},
             "exporter pinned": {"address": "127.48.3.1", "pin_templates": "true"}},
    "small": {"decode": {"wait_sec": 2, "max_exporters": 300, "max_templates": 64,
                         "max_template_bytes": "1M"},
              "store": {"batch_ms": 50}},
    "brief": {"decode": {"wait_sec": 1, "template_lifetime_sec": 1, "max_options": 100},
              "store": {"batch_ms": 50}},
}

FLOWS_EACH = 10  # of the neighbour, in a message
PATIENCE_SEC = 20
LAST_PORT = 999999999 % 65536  # of the last good record


class Sql:
    """One psql that stays: a statement costs no process."""

    END = "\x1d--end--\x1d"

    def __init__(self, pg, database):
        self.psql = subprocess.Popen(
            [os.path.join(pg.bin, "psql"), "-X", "-q", "-A", "-t", "-F", "\x1f", "-R",
             "\x1e", "-d", pg.conninfo(database)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def rows(self, sql):
        self.psql.stdin.write(f"{sql};\n\\echo {self.END}\n".encode())
        self.psql.stdin.flush()
        said, end = b"", self.END.encode() + b"\n"
        while not said.endswith(end):
            ready, _, _ = select.select([self.psql.stdout], [], [], 60)
            more = os.read(self.psql.stdout.fileno(), 1 << 20) if ready else b""
            if not more:
                raise RuntimeError(f"psql is silent after {said!r} in {sql}")
            said += more
        text = said[:-len(end)].decode().removesuffix("\n")
        if text.startswith(("ERROR:", "FATAL:")):
            raise RuntimeError(f"{text} in {sql}")
        return [row.split("\x1f") for row in text.split("\x1e")] if text else []

    def number(self, sql):
        rows = self.rows(sql)
        return int(rows[0][0] or 0) if rows else 0

    def close(self):
        self.psql.stdin.close()
        self.psql.wait(10)
        self.psql.stdout.close()


class Numbering:
    """The sequence numbers of one exporter."""

    def __init__(self):
        self.next = {}

    def number(self, message):
        """Its bytes, with the number it is due."""
        if not isinstance(message, Message):
            return bytes(message)
        if message.units is None:
            return bytes(message)
        version, = struct.unpack_from(">H", message)
        where = (version, message[16:20] if version == 9 else message[12:16])
        number = self.next.get(where, 0)
        self.next[where] = number + message.units
        return bytes(message.numbered(number))


class Fire:
    def __init__(self, profile, name=None):
        self.c = Collector(name or f"hostile-{profile}", settings=PROFILES[profile],
                           listeners={"main": "udp", "stream": "tcp"})
        self.sockets = {}
        self.sent_by_neighbour = {}  # class -> flows
        self.numberings = {}
        try:
            self.c.create_database()
            self.sql = Sql(self.c.pg, self.c.database)
            # Ours, to look at a class often without reading all the others.
            self.sql.rows("CREATE INDEX ON flowkeep.flow (exporter_id)")
            self.c.start()
        except BaseException:
            self.c.close()
            raise

    def close(self):
        self.forget_sockets()
        self.sql.close()
        self.c.close()

    # --- sending

    @staticmethod
    def address(number, i):
        return f"127.{number}.{i}.1"

    def socket_of(self, address, port=0):
        sock = self.sockets.get((address, port))
        if sock is None:
            if len(self.sockets) > 400:
                self.forget_sockets()
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            sock.bind((address, port))
            sock.connect((HOST, self.c.ports["main"]))
            self.sockets[address, port] = sock
        return sock

    def forget_sockets(self):
        for sock in self.sockets.values():
            sock.close()
        self.sockets.clear()

    def send(self, data, address, port=0):
        self.socket_of(address, port).send(data)

    def connect(self, address, timeout_sec=10):
        return socket.create_connection((HOST, self.c.ports["stream"]), timeout_sec,
                                        source_address=(address, 0))

    # --- the exporter beside them

    def neighbour(self, number, announces=True):
        n = self.sent_by_neighbour.get(number, 0)
        sets = [templates(template(256, *PLAIN))] if announces else []
        sets.append(plain(*range(n + 1, n + 1 + FLOWS_EACH)))
        self.send(ipfix(*sets, seq=n), self.address(number, 255))
        self.sent_by_neighbour[number] = n + FLOWS_EACH

    def neighbours_flows(self, number):
        """Rows, distinct numbers, least and greatest, rows that are wrong."""
        row = self.sql.rows(
            "SELECT count(*), count(DISTINCT f.octets), min(f.octets), max(f.octets),"
            " count(*) FILTER (WHERE packets <> octets % 997 + 1"
            " OR src_port <> octets % 65536 OR host(src) <> '10.0.0.1')"
            " FROM flowkeep.flow f JOIN flowkeep.exporter e ON e.id = f.exporter_id"
            f" WHERE e.address = '{self.address(number, 255)}'")[0]
        return [int(value or 0) for value in row]

    def settle(self, number):
        """Until all that was sent over UDP is stored, or counted."""
        self.neighbour(number)
        n = self.sent_by_neighbour[number]

        def stored():
            self.c.check_alive()
            return self.neighbours_flows(number)[0] >= n
        wait_until(f"{n} flows of the neighbour", stored, PATIENCE_SEC, 0.03)

    # --- what came of it

    def lost(self, number):
        """address -> {"reason/class/unit": count}"""
        found = {}
        for address, key, count in self.sql.rows(
                "SELECT host(e.address), l.reason || '/' || l.class || '/' || l.unit,"
                " sum(l.count) FROM flowkeep.loss l JOIN flowkeep.exporter e"
                f" ON e.id = l.exporter_id WHERE e.address <<= '127.{number}.0.0/16'"
                " GROUP BY 1, 2"):
            found.setdefault(address, {})[key] = int(count)
        return found

    def flows(self, number):
        """address -> (flows, of these the last good one)"""
        return {address: (int(n), int(n_last)) for address, n, n_last in self.sql.rows(
            "SELECT host(e.address), count(*),"
            f" count(*) FILTER (WHERE f.src_port = {LAST_PORT})"
            " FROM flowkeep.flow f JOIN flowkeep.exporter e ON e.id = f.exporter_id"
            f" WHERE e.address <<= '127.{number}.0.0/16' GROUP BY 1")}

    def expect(self, test, address, lost):
        """Waits for these losses of the exporter at @address."""
        number = int(address.split(".")[1])
        until = time.monotonic() + PATIENCE_SEC
        while self.lost(number).get(address, {}) != lost and time.monotonic() < until:
            time.sleep(0.1)
        test.assertEqual(self.lost(number).get(address, {}), lost)

    def lost_by_nobody(self):
        """Messages refused for want of room for their exporter."""
        return self.sql.number("SELECT sum(count) FROM flowkeep.loss"
                               " WHERE class = 'max_exporters'")

    def count_of(self, loss_class):
        return self.sql.number("SELECT sum(count) FROM flowkeep.loss"
                               f" WHERE class = '{loss_class}'")

    # --- what it costs

    def cpu_us(self):
        """Of all threads of the collector."""
        pid, total = self.c.process.pid, 0
        for task in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0])
            except FileNotFoundError:
                pass
        return total // 1000

    def rss_bytes(self):
        """Its own memory: files that are mapped belong to the page cache."""
        with open(f"/proc/{self.c.process.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no RssAnon")
