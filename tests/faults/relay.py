# SPDX-License-Identifier: Apache-2.0
"""Relay: a network between exporters and collector that loses, repeats and reorders
datagrams, and knows exactly what it did.

    with Relay(("127.0.0.1", collector_port), seed=1) as relay:
        ... flowgen --target 127.0.0.1:{relay.port} ...
        relay.weather = Weather(lose=0.1)
        relay.weather = Weather()      # everything passes again
        relay.lost_flows               # address -> flows that were lost

Exporters keep their addresses (all are of loopback), their ports become others.  What a
datagram holds is known from the sequence numbers, which count flows in v5 and IPFIX: a
datagram has as many as lie between its number and the next one of its domain.  So that
is known once the next one has come, and the last one of each domain must not be lost.

Works where the kernel has no packet scheduler to do it, and needs no rights.  It runs
in a thread of its own; the members may be read, and the weather set, from any."""

import heapq
import itertools
import os
import random
import select
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass

BUFFER_BYTES = 1 << 25
MAX_LATE_SEC = 0.05
FORCE_BUFFER = 33  # SO_RCVBUFFORCE, for root


@dataclass(frozen=True)
class Weather:
    """Shares of datagrams, 0..1."""
    lose: float = 0.0
    repeat: float = 0.0  # a second time, a little later
    delay: float = 0.0  # so that others overtake it


FAIR = Weather()
NOTHING_PASSES = Weather(lose=1.0)


def domain_and_number(data):
    """Who counts, and the number of the first flow; None for what has none."""
    version = struct.unpack_from(">H", data)[0] if len(data) >= 20 else 0
    if version == 5:
        return (5, *struct.unpack_from(">BB", data, 20)), struct.unpack_from(">I", data, 16)[0]
    if version == 10:
        number, domain = struct.unpack_from(">II", data, 8)
        return (10, domain), number
    return None


class Relay:
    def __init__(self, target, seed=1):
        self.target = target
        self.weather = FAIR
        self.chance = random.Random(seed)
        self.done = Counter()  # passed, lost, repeated, delayed: datagrams
        self.lost_flows = Counter()
        self.out = {}  # (address, port) -> socket
        self.last = {}  # (address, domain) -> (number, whether it was lost)
        self.late = []  # heap of (when, tie, socket, datagram)
        self.ties = itertools.count()
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.enlarge(self.listener)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.wake, self.waker = os.pipe()
        self.thread = threading.Thread(target=self.run, name="relay", daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        os.write(self.waker, b"x")
        self.thread.join(10)
        for sock in (self.listener, *self.out.values()):
            sock.close()
        os.close(self.wake)
        os.close(self.waker)

    @staticmethod
    def enlarge(sock):
        try:
            sock.setsockopt(socket.SOL_SOCKET, FORCE_BUFFER, BUFFER_BYTES)
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)

    # --- in its thread

    def run(self):
        while True:
            wait_sec = None
            if self.late:
                wait_sec = max(0, self.late[0][0] - time.monotonic())
            ready, _, _ = select.select([self.listener, self.wake], [], [], wait_sec)
            if self.wake in ready:
                return
            self.send_late()
            if self.listener in ready:
                self.receive()

    def receive(self):
        for _ in range(64):
            try:
                data, source = self.listener.recvfrom(65535)
            except BlockingIOError:
                return
            self.take(data, source)

    def take(self, data, source):
        weather = self.weather
        is_lost = self.chance.random() < weather.lose
        self.account(data, source[0], is_lost)
        if is_lost:
            self.done["lost"] += 1
            return
        sock = self.out.get(source) or self.open(source)
        if self.chance.random() < weather.delay:
            self.done["delayed"] += 1
            self.send_later(sock, data)
        else:
            self.send(sock, data)
        if self.chance.random() < weather.repeat:
            self.done["repeated"] += 1
            self.send_later(sock, data)

    def account(self, data, address, is_lost):
        counted = domain_and_number(data)
        if counted is None:
            return
        domain, number = counted
        before, was_lost = self.last.get((address, domain), (number, False))
        if was_lost:
            self.lost_flows[address] += (number - before) & 0xFFFFFFFF
        self.last[address, domain] = (number, is_lost)

    def open(self, source):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((source[0], 0))
        self.out[source] = sock
        return sock

    def send(self, sock, data):
        sock.sendto(data, self.target)
        self.done["passed"] += 1

    def send_later(self, sock, data):
        when = time.monotonic() + self.chance.uniform(0, MAX_LATE_SEC)
        heapq.heappush(self.late, (when, next(self.ties), sock, data))

    def send_late(self):
        now = time.monotonic()
        while self.late and self.late[0][0] <= now:
            _, _, sock, data = heapq.heappop(self.late)
            self.send(sock, data)
