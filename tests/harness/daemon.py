# SPDX-License-Identifier: Apache-2.0
"""A collector under test: its configuration, its database, its process, its sockets.

    with Collector("restart") as c:       # migrated, started, ready
        sent = c.flowgen("--total", 1000, "--numbered")
        c.wait_for_rows(1000)
        c.kill(); c.start()               # the sockets stay open, as under systemd

The sockets belong to the harness, which hands them to each process as a service
manager does (LISTEN_FDS, LISTEN_FDNAMES): what arrives while no collector runs waits
in the kernel.  Everything is on loopback and in a temporary folder, which stays when
FLOWKEEP_KEEP is set.

Environment: FLOWKEEP_BUILD (the build folder; default ./build), TEST_CLUSTER (folder
of a running PostgreSQL to use instead of one of its own)."""

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from cluster import Cluster, Missing

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.abspath(os.environ.get("FLOWKEEP_BUILD", os.path.join(ROOT, "build")))
COLLECTOR = os.path.join(BUILD, "collector", "flowkeep-collector")
FLOWKEEP = os.path.join(BUILD, "cli", "flowkeep")
FLOWGEN = os.path.join(BUILD, "tests", "tools", "flowgen")
CAPTURES = os.path.join(ROOT, "..", "shared", "captures")

START_TIMEOUT_SEC = 30
STOP_TIMEOUT_SEC = 5  # promised
HOST = "127.0.0.1"

# Moves the descriptors to 3, 4, ... and tells the program of them; a process must say
# its own number, which is not known before it exists.
HAND_OVER = """
import os, sys
given = [int(n) for n in sys.argv[1].split(",") if n]
high = [os.dup2(fd, 100 + i) for i, fd in enumerate(given)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
    os.close(fd)
os.closerange(3 + len(given), 256)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(given))
os.execv(sys.argv[2], sys.argv[2:])
"""

_shared = None


def shared_cluster():
    """One PostgreSQL for all tests of this process."""
    global _shared
    if _shared is None:
        folder = os.environ.get("TEST_CLUSTER")
        _shared = Cluster(folder) if folder else Cluster()
        if not folder:
            atexit.register(_shared.destroy)
        if not _shared.pid():
            _shared.start()
    return _shared


def missing():
    """Why these tests cannot run here, or None."""
    for program in (COLLECTOR, FLOWKEEP, FLOWGEN):
        if not os.access(program, os.X_OK):
            return f"{os.path.relpath(program, ROOT)} is not built"
    try:
        shared_cluster()
    except Missing as why:
        return str(why)
    return None


def wait_until(what, predicate, timeout_sec, pause_sec=0.1):
    """Polls; raises with the last value when the time is over."""
    until = time.monotonic() + timeout_sec
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= until:
            raise AssertionError(f"{what}: not within {timeout_sec} s (last: {value!r})")
        time.sleep(pause_sec)


def udp_socket(host=HOST, port=0, buffer_bytes=1 << 25):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    force = 33  # SO_RCVBUFFORCE, for root
    try:
        sock.setsockopt(socket.SOL_SOCKET, force, buffer_bytes)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    sock.bind((host, port))
    sock.setblocking(False)
    return sock


def tcp_socket(host=HOST):
    sock = socket.create_server((host, 0), backlog=1024)
    sock.setblocking(False)
    return sock


class Collector:
    """@listeners: name -> "udp", "tcp" or "tls".  @settings: section -> {key: value}, over
    what the harness needs itself.  @folder: where its temporary folder is made."""

    def __init__(self, name="test", pg=None, listeners=None, settings=None,
                 hold_sockets=True, env=None, folder="/tmp"):
        self.pg = pg or shared_cluster()
        self.name = name
        self.database = "flowkeep_" + name.replace("-", "_")
        self.folder = tempfile.mkdtemp(prefix=f"flowkeep-{name}-", dir=folder)
        self.config_path = os.path.join(self.folder, "flowkeep.conf")
        self.log_path = os.path.join(self.folder, "collector.log")
        self.env = env or {}
        self.process = None
        self.sockets = {}
        self.ports = {}
        self.n_ready = 0
        self.settings = {
            "collector": {"name": name},
            "journal": {"directory": os.path.join(self.folder, "journal")},
            "database": {"conninfo": self.pg.conninfo(self.database)},
        }
        for listener, transport in (listeners or {"main": "udp"}).items():
            sock = udp_socket() if transport == "udp" else tcp_socket()
            self.ports[listener] = sock.getsockname()[1]
            self.settings[f"listen {listener}"] = {
                "transport": transport, "address": HOST, "port": self.ports[listener]}
            if hold_sockets:
                kind = "udp" if transport == "udp" else "tcp"
                self.sockets[f"{kind}-{listener}-0"] = sock
            else:
                sock.close()
        for section, keys in (settings or {}).items():
            self.settings.setdefault(section, {}).update(keys)
        self.write_config()

    def __enter__(self):
        self.create_database()
        return self.start()

    def __exit__(self, kind, *_):
        if kind is not None:
            print("\n".join("# " + line for line in self.log_tail()), flush=True)
        self.close()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for sock in self.sockets.values():
            sock.close()
        if self.pg.pid():
            self.pg.psql(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')
        if not os.environ.get("FLOWKEEP_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def port(self):
        return next(iter(self.ports.values()))

    # --- configuration and database

    def write_config(self, changes=None):
        for section, keys in (changes or {}).items():
            self.settings.setdefault(section, {}).update(keys)
        with open(self.config_path, "w", encoding="utf-8") as conf:
            for section, keys in self.settings.items():
                conf.write(f"[{section}]\n")
                conf.writelines(f"{key} = {value}\n" for key, value in keys.items())
                conf.write("\n")

    def create_database(self):
        self.pg.create_database(self.database)
        self.flowkeep("migrate")

    def flowkeep(self, *arguments, check=True, timeout=120):
        """Runs the operator's command; returns the finished process."""
        command = [FLOWKEEP, "--config", self.config_path, *map(str, arguments)]
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              timeout=timeout, check=False)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def sql(self, sql):
        return self.pg.psql(sql, self.database)

    def value(self, sql):
        """The one value of a statement, as text; '' for NULL."""
        rows = self.sql(sql)
        return rows[0][0] if rows else ""

    def number(self, sql):
        return int(self.value(sql) or 0)

    # --- the process

    def spawn(self, *arguments):
        """Starts the program without waiting for anything."""
        env = dict(os.environ, LISTEN_FDNAMES=":".join(self.sockets), **self.env)
        fds = [sock.fileno() for sock in self.sockets.values()]
        command = [COLLECTOR, "--config", self.config_path, *arguments]
        if fds:
            command = [sys.executable, "-I", "-S", "-c", HAND_OVER,
                       ",".join(map(str, fds)), *command]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=env, pass_fds=fds)
        return self.process

    def start(self):
        self.n_ready = self.count_in_log(": ready")
        self.spawn()
        self.wait_ready()
        return self

    def wait_ready(self):
        def ready():
            self.check_alive()
            return self.count_in_log(": ready") > self.n_ready
        wait_until("collector ready", ready, START_TIMEOUT_SEC, 0.02)

    def count_in_log(self, text):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                return log.read().count(text)
        except FileNotFoundError:
            return 0

    def log_tail(self, n_lines=30):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                return log.read().splitlines()[-n_lines:]
        except FileNotFoundError:
            return []

    def kill(self):
        """kill -9"""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; returns (exit status, seconds it took)."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        return status, time.monotonic() - begin

    def reload(self):
        n = self.count_in_log("configuration: ")
        self.process.send_signal(signal.SIGHUP)
        wait_until("reload", lambda: self.count_in_log("configuration: ") > n, 10, 0.02)

    # --- traffic

    def flowgen_start(self, *options, listener=None):
        port = self.ports[listener] if listener else self.port
        command = [FLOWGEN, "--json", "--target", f"{HOST}:{port}", *map(str, options)]
        return subprocess.Popen(command, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    @staticmethod
    def flowgen_report(process, timeout=300):
        out, err = process.communicate(timeout=timeout)
        if process.returncode:
            raise AssertionError(f"flowgen: exit {process.returncode}: {err}")
        return json.loads(out)

    def flowgen(self, *options, listener=None):
        return self.flowgen_report(self.flowgen_start(*options, listener=listener))

    def send(self, *datagrams, source=HOST, source_port=0):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((source, source_port))
            for data in datagrams:
                sock.sendto(data, (HOST, self.port))

    # --- what came of it

    def rows_stored(self):
        """As the collector counts; cheap."""
        return self.number("SELECT sum(rows_stored) FROM flowkeep.ingest_position"
                           f" WHERE collector = '{self.name}'")

    def rows(self):
        return self.number("SELECT count(*) FROM flowkeep.flow")

    def check_alive(self):
        status = self.process.poll() if self.process else None
        if status is not None:
            how = f"by signal {-status}" if status < 0 else f"with status {status}"
            raise AssertionError(f"the collector ended {how}:\n"
                                 + "\n".join(self.log_tail()))

    def wait_for_rows(self, n_rows, timeout_sec=60):
        """Until so many rows are stored; then what flow really holds is returned."""
        def stored():
            self.check_alive()
            return self.rows_stored() >= n_rows
        wait_until(f"{n_rows} rows stored", stored, timeout_sec)
        return self.rows()

    def wait_for(self, sql, wanted, timeout_sec=30):
        """Until the statement's value is `wanted` (as text)."""
        last = []

        def check():
            self.check_alive()
            last[:] = [self.value(sql)]
            return last[0] == str(wanted)
        try:
            wait_until(sql, check, timeout_sec, 0.2)
        except AssertionError:
            raise AssertionError(f"{sql}: {last[0]!r}, not {str(wanted)!r}, after "
                                 f"{timeout_sec} s") from None

    def wait_idle(self, timeout_sec=60):
        """Until the journal has nothing that is not stored, twice in a row."""
        query = ("SELECT coalesce(sum(backlog_bytes), -1) = 0 AND"
                 " bool_and(received_at > '%s') FROM flowkeep.ingest_position"
                 f" WHERE collector = '{self.name}'")
        now = self.value("SELECT clock_timestamp()")

        def idle():
            self.check_alive()
            return self.value(query % now) == "t"
        wait_until("journal read to its end", idle, timeout_sec, 0.2)

    def losses(self):
        """(reason, unit, class) -> count"""
        found = self.sql("SELECT reason, unit, class, sum(count) FROM flowkeep.loss"
                         " GROUP BY 1, 2, 3")
        return {tuple(row[:3]): int(row[3]) for row in found}

    def numbered(self):
        """What is in flow of a numbered load: rows, distinct numbers, smallest and
        largest number, rows whose packets or source port do not fit their number."""
        row = self.sql("SELECT count(*), count(DISTINCT octets), min(octets),"
                       " max(octets), count(*) FILTER (WHERE packets <> octets % 997 + 1"
                       " OR src_port <> octets % 65536) FROM flowkeep.flow")[0]
        return [int(value or 0) for value in row]


class Manager:
    """The service manager's side of notifications: what the process says of itself,
    and the descriptors it wants kept."""

    def __init__(self, collector):
        self.path = os.path.join(collector.folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.lines = []
        self.kept = {}
        collector.env["NOTIFY_SOCKET"] = self.path

    def read(self):
        """Takes all that was said up to now; returns all lines so far."""
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self.socket, 65536, 16)
            except BlockingIOError:
                return self.lines
            lines = data.decode().splitlines()
            self.lines += lines
            names = [line[7:] for line in lines if line.startswith("FDNAME=")]
            for fd in fds:
                if "FDSTORE=1" in lines and names and names[0] not in self.kept:
                    self.kept[names[0]] = socket.socket(fileno=fd)
                else:
                    os.close(fd)

    def close(self):
        self.socket.close()
        for sock in self.kept.values():
            sock.close()
