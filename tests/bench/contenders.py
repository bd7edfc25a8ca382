# SPDX-License-Identifier: Apache-2.0
"""Those who are measured: the collector, pmacct's nfacctd, nfdump's nfcapd, bare COPY.

Each takes a load of flowgen's at a rate for a time and says what became of it, as a
Run.  They are started anew for every run, with an empty table and after a
checkpoint, so that none pays for another's writes."""

import glob
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
import daemon  # noqa: E402

# The load: IPFIX like a router's, 19 or 20 records a datagram, a fifth of the flows with a
# watched end.
LOAD = ["--version", "10", "--exporters", "10", "--watched-share", "0.2",
        "--template-period", "10"]
WATCHED = "10.20.0.0/16; 2001:db8:20::/48"
PG_SETTINGS = {
    "fsync": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "16GB",
    "min_wal_size": "8GB",  # segments once made are used again, for every contender
    "checkpoint_timeout": "30min",
    "wal_compression": "lz4",
    "max_connections": "60",
}
SETTLED_SEC = 12  # nfacctd flushes every 5 s: nothing new for this long is the end
GIVE_UP_SEC = 120
TAIL = "127.9.0.1"  # the exporter of flows that are not part of the load


@dataclass
class Run:
    """What became of a load."""
    sent: int = 0
    stored: int = 0
    send_sec: float = 0.0
    total_sec: float = 0.0  # from the first datagram to the last commit
    cpu_sec: float = 0.0  # of the collecting process
    losses: dict = field(default_factory=dict)

    @property
    def lag_sec(self):
        return self.total_sec - self.send_sec

    @property
    def sent_rate(self):
        return self.sent / self.send_sec if self.send_sec else 0


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_bound(port, process):
    """Until somebody listens on the UDP port."""
    wanted = f":{port:04X} "
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        with open("/proc/net/udp", encoding="ascii") as sockets:
            if any(wanted in line for line in sockets):
                time.sleep(0.5)
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} does not listen on port {port}")


def cpu_seconds(pid):
    """CPU time of a process so far, its threads included."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quiet(pg):
    """Gets the writes of the run before out of the way."""
    pg.psql("CHECKPOINT")
    os.sync()


def flowgen(port, rate, seconds, *more):
    """Sends the load and returns (report, when it began)."""
    begin = time.monotonic()
    done = subprocess.run(
        [daemon.FLOWGEN, "--json", "--target", f"127.0.0.1:{port}", "--rate",
         str(int(rate)), "--seconds", str(seconds), *(more or LOAD)],
        text=True, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout), begin


def stop(process):
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Flowkeep:
    """The collector as it is configured by default."""
    name = "flowkeep"

    def __init__(self, pg):
        self.pg = pg

    def collector(self):
        return daemon.Collector(
            "bench", pg=self.pg, hold_sockets=False,
            settings={"watch office": {"networks": WATCHED},
                      "listen main": {"receive_buffer_bytes": "64M"}})

    def run(self, rate, seconds, keep_rows=None):
        """`keep_rows(collector)` is called before the rows are dropped."""
        quiet(self.pg)
        with self.collector() as collector:
            report, begin = flowgen(collector.port, rate, seconds)
            run = Run(sent=report["flows"], send_sec=report["seconds"])
            until = time.monotonic() + GIVE_UP_SEC
            while collector.rows_stored() < run.sent and time.monotonic() < until:
                if time.monotonic() - begin > run.send_sec + 5 and \
                        self.is_idle(collector):
                    break
                time.sleep(0.1)
            run.total_sec = time.monotonic() - begin
            run.cpu_sec = cpu_seconds(collector.process.pid)
            run.stored = collector.rows()
            run.losses = {" ".join(key).strip(): count
                          for key, count in collector.losses().items()}
            if keep_rows:
                keep_rows(collector)
            return run

    @staticmethod
    def is_idle(collector):
        return collector.value("SELECT coalesce(sum(backlog_bytes), 1) FROM"
                               " flowkeep.ingest_position") == "0"

    def kept_up(self, run):
        return run.stored == run.sent and run.lag_sec <= 2


class Nfacctd:
    """pmacct's collector with its PostgreSQL plugin; see nfacctd.conf."""
    name = "nfacctd, PostgreSQL plugin with COPY"

    def __init__(self, pg):
        self.pg = pg

    @staticmethod
    def missing():
        return None if shutil.which("nfacctd") else "nfacctd is not installed"

    def run(self, rate, seconds):
        quiet(self.pg)
        self.pg.create_database("acct")
        self.pg.psql("ALTER DATABASE acct SET synchronous_commit = off")
        with open(os.path.join(HERE, "nfacctd.sql"), encoding="utf-8") as sql:
            self.pg.psql(sql.read(), "acct")
        port = free_udp_port()
        with open(os.path.join(HERE, "nfacctd.conf"), encoding="utf-8") as model:
            text = model.read()
        for key, value in {"port": port, "host": self.pg.socket, "database": "acct",
                           "user": "postgres"}.items():
            text = text.replace("{%s}" % key, str(value))
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
            conf.write(text)
            conf.flush()
            process = subprocess.Popen(["nfacctd", "-f", conf.name],
                                       stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            try:
                wait_until_bound(port, process)
                return self.load(port, rate, seconds, process)
            finally:
                stop(process)
                self.pg.psql("DROP DATABASE IF EXISTS acct WITH (FORCE)")

    def load(self, port, rate, seconds, process):
        report, begin = flowgen(port, rate, seconds)
        run = Run(sent=report["flows"], send_sec=report["seconds"])
        # What is in its buffer between core and plugin moves on when more comes.
        flowgen(port, 5000, 1, "--version", "10", "--first-source", TAIL)
        changed, until = time.monotonic(), time.monotonic() + GIVE_UP_SEC
        count = -1
        while time.monotonic() < min(until, changed + SETTLED_SEC):
            now = int(self.pg.value("SELECT n_tup_ins FROM pg_stat_user_tables"
                                    " WHERE relname = 'acct'", "acct"))
            if now != count:
                count, changed = now, time.monotonic()
            time.sleep(0.5)
        run.total_sec = changed - begin
        run.cpu_sec = cpu_seconds(process.pid)
        # Flows of the same keys and times are one row: all packets there, all stored.
        rows, packets = self.pg.psql(
            "SELECT count(*), coalesce(sum(packets), 0) FROM acct"
            f" WHERE peer_ip_src <> '{TAIL}'", "acct")[0]
        run.stored = run.sent if int(packets) == report["packets"] else int(rows)
        return run

    @staticmethod
    def kept_up(run):
        return run.stored == run.sent


class Nfcapd:
    """nfdump's collector, which writes files."""
    name = "nfcapd, to files"

    @staticmethod
    def missing():
        return None if shutil.which("nfcapd") else "nfcapd is not installed"

    def run(self, rate, seconds):
        folder = tempfile.mkdtemp(prefix="flowkeep-nfcapd-", dir="/tmp")
        port = free_udp_port()
        process = subprocess.Popen(
            ["nfcapd", "-w", folder, "-p", str(port), "-b", "127.0.0.1", "-B", "4000000",
             "-t", "3600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_bound(port, process)
            report, begin = flowgen(port, rate, seconds)
            run = Run(sent=report["flows"], send_sec=report["seconds"])
            time.sleep(1)
            run.cpu_sec = cpu_seconds(process.pid)
            run.total_sec = time.monotonic() - begin
            stop(process)
            run.stored = self.flows_in(folder)
            return run
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def flows_in(folder):
        total = 0
        for path in glob.glob(os.path.join(folder, "nfcapd.2*")):
            text = subprocess.run(["nfdump", "-r", path, "-I"], text=True, check=True,
                                  stdout=subprocess.PIPE).stdout
            total += sum(int(line.split(":")[1]) for line in text.splitlines()
                         if line.startswith("Flows:"))
        return total

    @staticmethod
    def kept_up(run):
        return run.stored == run.sent
