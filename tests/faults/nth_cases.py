# SPDX-License-Identifier: Apache-2.0
"""The n-th call fails, n = 1, 2, 3 ... until a run of the collector ends without having
come to it (fail-nth.c): a start, some flows stored, a clean end.

A run that is told so is counted first.  When there are more calls than runs to be made
(`times`), these are spread over them.  After each run that met its failure another one
without any must find everything in order: each flow stored once, nothing missing that
is not counted.  A collector that lives on must have stored all by itself."""

import os
import random
import struct
import subprocess
import time

from balance import Balance, loss_key
from case import Case
from daemon import BUILD, Collector, wait_until

FAIL_NTH = os.path.join(BUILD, "tests", "faults", "fail-nth.so")
N_DATAGRAMS, N_RECORDS = 20, 10
EXPORTER = "127.9.0.1"
BY_ITSELF_SEC = 40
SETTINGS = {"store": {"batch_ms": 50}, "journal": {"sync_ms": 10, "segment_bytes": "1M"}}

# What fails together: the names of calls.
MEMORY = "malloc,calloc,realloc"
DISK = "open,posix_fallocate,mmap,msync,fsync,truncate,pread,unlink,rename,flock"
SOCKETS = "send,recv,recvmmsg,read,write"
SERVER = ("PQconnectdbParams,PQexec,PQexecParams,PQsendQuery,PQsendQueryParams,"
          "PQputCopyData,PQputCopyEnd,PQescapeLiteral")


def missing_shim():
    return None if os.path.exists(FAIL_NTH) else "fail-nth.so is not built"


def datagram(first, n_records):
    """v5; as flowgen numbers its flows."""
    now = int(time.time())
    head = struct.pack(">HHIIIIBBH", 5, n_records, 3600000, now, 0, first - 1, 0, 0, 0)
    return head + b"".join(
        struct.pack(">4s4s4sHHIIIIHHBBBBHHBBH", bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]),
                    bytes(4), 1, 2, n % 997 + 1, n, 3590000, 3599000, n % 65536, 443,
                    0, 0x18, 6, 0, 0, 0, 24, 24, 0)
        for n in range(first, first + n_records))


class Loop:
    """One collector's database, journal and socket for all runs."""

    def __init__(self, case, plan, calls):
        self.calls = calls
        self.sent = 0
        self.problems = []
        self.notes = {}
        self.c = Collector("faults-" + case.name, pg=plan.cluster(), folder=plan.folder,
                           settings=SETTINGS)
        self.report = os.path.join(self.c.folder, "calls")
        self.plain_env = dict(self.c.env)

    def note(self, what):
        self.notes[what] = self.notes.get(what, 0) + 1

    def send(self):
        for _ in range(N_DATAGRAMS):
            self.c.send(datagram(self.sent + 1, N_RECORDS), source=EXPORTER)
            self.sent += N_RECORDS

    def accounted(self):
        """Flows stored, and those counted as lost."""
        row = self.c.sql(
            "SELECT (SELECT coalesce(sum(rows_stored), 0) FROM flowkeep.ingest_position),"
            " (SELECT coalesce(sum(count), 0) FROM flowkeep.loss"
            "   WHERE reason = 'sequence_gap')")[0]
        return int(row[0]) + int(row[1])

    def is_all_there(self):
        return self.accounted() >= self.sent

    def is_over(self):
        return self.c.process.poll() is not None

    # --- a run

    def run(self, nth):
        """Returns (calls, whether one failed)."""
        with open(self.report, "wb") as file:
            file.write(bytes(16))
        self.c.env = dict(self.plain_env, LD_PRELOAD=FAIL_NTH, FAIL_CALLS=self.calls,
                          FAIL_NTH=str(nth), FAIL_PROGRAM="flowkeep-collector",
                          FAIL_REPORT=self.report)
        try:
            self.one_life()
        finally:
            self.c.env = dict(self.plain_env)
        with open(self.report, "rb") as file:
            return struct.unpack("=QQ", file.read(16))

    def one_life(self):
        n_ready = self.c.count_in_log(": ready")
        self.c.spawn()
        wait_until("a start or an end", lambda: self.is_over()
                   or self.c.count_in_log(": ready") > n_ready, 60, 0.02)
        self.send()
        wait_until("what was sent to be stored, or an end",
                   lambda: self.is_over() or self.is_all_there(), BY_ITSELF_SEC, 0.05)
        if not self.is_over():
            self.c.process.terminate()
        try:
            status = self.c.process.wait(30)
        except subprocess.TimeoutExpired:
            self.problems.append("SIGTERM: still there after 30 s")
            self.c.kill()
            return
        self.note("clean ends" if status == 0 else
                  "ended by a signal" if status < 0 else "ended with an error")

    def heal(self, nth):
        """A run without failures, and what must be true then."""
        self.c.start()
        try:
            wait_until("everything to be accounted for", self.is_all_there, 60, 0.1)
        except AssertionError as error:
            self.problems.append(f"call {nth}: {error}")
        self.c.stop()
        rows, distinct, _, last, odd = self.c.numbered()
        if rows != distinct or odd or last > self.sent:
            self.problems.append(f"call {nth}: {rows} rows, {distinct} flows, {odd} odd")

    def close(self):
        self.c.close()


def chosen(total, times, chance):
    """Numbers of calls, all there are or so many of them, spread evenly."""
    if times >= total:
        return range(1, total + 1)
    width = total / times
    return [min(total, int(i * width + chance.random() * width) + 1)
            for i in range(times)]


def run_loop(case, plan, calls):
    chance = random.Random(plan.seed)
    loop = Loop(case, plan, calls)
    result = Balance(case.name)
    try:
        loop.c.create_database()
        loop.heal(0)  # a journal and a database that are in use
        total, _ = loop.run(0)
        loop.notes.clear()
        loop.notes["calls in a run"] = total
        for nth in chosen(total, plan.times, chance):
            try:
                n_calls, n_failed = loop.run(nth)
            except AssertionError as error:
                loop.problems.append(f"call {nth}: {error}")
                loop.c.kill()
                n_failed = 1
            if not n_failed:
                loop.note("ended before")
                continue
            loop.heal(nth)
            result.times += 1
        balance(result, loop)
    finally:
        loop.close()
    return result


def balance(result, loop):
    rows, distinct, _, _, odd = loop.c.numbered()
    losses = loop.c.losses()
    result.sent, result.stored = loop.sent, rows
    result.lost = losses.get(("sequence_gap", "flows", ""), 0)
    result.duplicated = rows - distinct
    result.unexplained = abs(result.sent - rows - result.lost) + odd
    result.losses = {loss_key(*key): n for key, n in sorted(losses.items())}
    result.notes = loop.notes
    result.problems = loop.problems
    n_causes = sum(n for (_, unit, _), n in losses.items() if unit == "datagrams")
    result.unexplained += max(0, result.lost - n_causes * N_RECORDS)


def case(name, what, calls, short, long):
    return Case(name, f"the n-th {what} fails", short=short, long=long, per_balance=10**6,
                missing=missing_shim,
                run=lambda case, plan: run_loop(case, plan, calls))


CASES = [
    case("nth-memory", "allocation of memory", MEMORY, 3, 300),
    case("nth-disk", "call to the disk", DISK, 6, 300),
    case("nth-socket", "read or write of a socket", SOCKETS, 0, 300),
    case("nth-server", "call of libpq", SERVER, 6, 300),
]
