#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL server for tests: unix socket only, in a folder of its own.

As a module:
    with Cluster() as pg:              # a temporary folder, removed at the end
        pg.psql("SELECT 1")            # -> [["1"]]
        run(..., env={**os.environ, "TEST_CONNINFO": pg.conninfo()})
        pg.kill(); pg.start()          # kill -9 of all its processes, and back

As a program:
    cluster.py start DIR [NAME=VALUE...]   makes it if need be, prints its conninfo
    cluster.py stop DIR | immediate DIR | kill DIR | conninfo DIR | destroy DIR
    cluster.py psql DIR SQL
    cluster.py run [--tap] [NAME=VALUE...] -- COMMAND...   with TEST_CONNINFO,
                                       TEST_CLUSTER (its folder) and TEST_CLUSTER_PY
                                       (this file) set, while the command runs

PostgreSQL refuses root, so root starts it as user postgres.  Nothing here needs a
password: the socket's folder is the protection.  A machine without a PostgreSQL
server raises Missing; `run` then exits with 77, which Meson counts as skipped, or
with --tap writes a plan that says so.
"""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SUPERUSER = "postgres"
SOCKET_PATH_MAX = 90  # of 107 bytes, less "/.s.PGSQL.5432" and some air
SETTINGS = {
    "fsync": "off",  # the tests kill processes, not the machine
    "jit": "off",  # as docs/operations.md has it: it costs more than small queries take
    "listen_addresses": "''",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_wal_size": "1GB",
    "log_min_messages": "warning",
    "timezone": "'UTC'",
}


class Missing(Exception):
    """There is no PostgreSQL server on this machine."""


def binary_folder():
    """The newest installed server's programs."""
    found = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    found += glob.glob("/usr/pgsql-*/bin/postgres")
    in_path = shutil.which("postgres")
    if found:
        return os.path.dirname(max(found, key=version_of_path))
    if in_path:
        return os.path.dirname(in_path)
    raise Missing("no PostgreSQL server found (package postgresql)")


def version_of_path(path):
    folder = path.split("/")[-3].rsplit("-", 1)[-1]
    return float(folder) if folder.replace(".", "", 1).isdigit() else 0.0


class Cluster:
    """One server; `settings` are lines of postgresql.conf and win over SETTINGS."""

    def __init__(self, directory=None, settings=None):
        self.bin = binary_folder()
        self.temporary = directory is None
        self.directory = os.path.abspath(
            directory or tempfile.mkdtemp(prefix="flowkeep-pg-", dir="/tmp"))
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "postgresql.log")
        self.settings = dict(SETTINGS, **(settings or {}))
        self.owner = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam(SUPERUSER)
            self.owner = {"user": user.pw_uid, "group": user.pw_gid,
                          "extra_groups": []}
        self.make_folder()

    def make_folder(self):
        os.makedirs(self.directory, exist_ok=True)
        if self.owner:
            os.chown(self.directory, self.owner["user"], self.owner["group"])
        os.chmod(self.directory, 0o755 if self.owner else 0o700)
        self.socket = self.directory
        if len(self.directory) > SOCKET_PATH_MAX:
            # A unix socket's path is short: a link to it from /tmp, by inode number.
            inode = os.stat(self.directory).st_ino
            self.socket = f"/tmp/flowkeep-pg-{inode}"
            if not os.path.islink(self.socket):
                os.symlink(self.directory, self.socket)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.destroy() if self.temporary else self.stop()

    def run(self, *command, check=True):
        """Runs one of the server's programs as its owner."""
        return subprocess.run(
            [os.path.join(self.bin, command[0]), *command[1:]], check=check,
            cwd="/", text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, **self.owner)

    def init(self):
        self.run("initdb", "-D", self.data, "-U", SUPERUSER, "-A", "trust",
                 "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

    def configure(self):
        lines = dict(self.settings, unix_socket_directories=f"'{self.socket}'")
        path = os.path.join(self.data, "flowkeep-test.conf")
        with open(path, "w", encoding="utf-8") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in lines.items())
        main = os.path.join(self.data, "postgresql.conf")
        with open(main, "r+", encoding="utf-8") as conf:
            if "flowkeep-test.conf" not in conf.read():
                conf.write("include 'flowkeep-test.conf'\n")
        if self.owner:
            os.chown(path, self.owner["user"], self.owner["group"])

    def start(self):
        """Starts it, making it first when new.  Returns itself."""
        if not os.path.exists(os.path.join(self.data, "PG_VERSION")):
            self.init()
        self.configure()
        done = self.run("pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", "60",
                        "start", check=False)
        if done.returncode:
            raise RuntimeError(f"pg_ctl start: {done.stdout}\n{self.log_tail()}")
        return self

    def stop(self, mode="fast"):
        """mode: smart, fast, immediate (as after a crash).  Stopped is no error."""
        if self.pid():
            self.run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-m", mode, "stop",
                     check=False)

    def restart(self):
        self.stop()
        return self.start()

    def kill(self):
        """kill -9 of the server and all its backends; waits until they are gone."""
        server = self.pid()
        if not server:
            return
        pids = [server, *children_of(server)]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        until = time.monotonic() + 10
        while any(alive(pid) for pid in pids) and time.monotonic() < until:
            time.sleep(0.02)
        # In a container nobody may reap the dead, and PostgreSQL then believes that
        # the process in its lock files still lives.
        for lock in (os.path.join(self.data, "postmaster.pid"),
                     os.path.join(self.directory, ".s.PGSQL.5432.lock")):
            if os.path.exists(lock):
                os.unlink(lock)

    def destroy(self):
        self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)
        if self.socket != self.directory and os.path.islink(self.socket):
            os.unlink(self.socket)

    def pid(self):
        """The server's process, or 0."""
        try:
            with open(os.path.join(self.data, "postmaster.pid"),
                      encoding="utf-8") as lock:
                pid = int(lock.readline())
        except (FileNotFoundError, ValueError):
            return 0
        return pid if alive(pid) else 0

    def conninfo(self, database="postgres", user=SUPERUSER):
        return f"host={self.socket} port=5432 dbname={database} user={user}"

    def create_database(self, name, template="template1"):
        """A fresh one, replacing what was there.  Returns its conninfo."""
        self.psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self.psql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.conninfo(name)

    def psql(self, sql, database="postgres", user=SUPERUSER):
        """The rows of `sql` (one statement that has any) as lists of texts; NULL is
        ''.  Raises on any error."""
        done = subprocess.run(
            [os.path.join(self.bin, "psql"), "-X", "-q", "-A", "-t", "-F", "\x1f",
             "-R", "\x1e", "-v", "ON_ERROR_STOP=1", "-d",
             self.conninfo(database, user), "-f", "-"],
            input=sql, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            check=False)
        if done.returncode:
            raise RuntimeError(f"{done.stderr.strip()}\nin: {sql}")
        rows = done.stdout.rstrip("\n")
        return [row.split("\x1f") for row in rows.split("\x1e")] if rows else []

    def value(self, sql, database="postgres", user=SUPERUSER):
        """The first column of the first row; '' also for NULL and for no row."""
        rows = self.psql(sql, database, user)
        return rows[0][0] if rows else ''

    def log_tail(self, n_lines=30):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                return "".join(log.readlines()[-n_lines:])
        except FileNotFoundError:
            return ""


def alive(pid):
    """True while the process exists and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(parent):
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="ascii", errors="replace") as stat:
                fields = stat.read()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields.rsplit(")", 1)[1].split()[1]) == parent:
            found.append(int(path.split("/")[2]))
    return found


def run_with_cluster(arguments):
    """The `run` verb: a temporary server around one command."""
    split = arguments.index("--")
    settings = dict(word.split("=", 1) for word in arguments[:split] if "=" in word)
    command = arguments[split + 1:]
    with Cluster(settings=settings) as pg:
        here = os.path.abspath(__file__)
        env = dict(os.environ, TEST_CONNINFO=pg.conninfo(), TEST_CLUSTER=pg.directory,
                   TEST_CLUSTER_PY=here)
        return subprocess.run(command, env=env, check=False).returncode


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    verb, rest = arguments[0], arguments[1:]
    if verb == "run":
        return run_with_cluster(rest)
    if verb == "start":
        pg = Cluster(rest[0], dict(word.split("=", 1) for word in rest[1:]))
        pg.start()
        print(pg.conninfo())
        return 0
    pg = Cluster(rest[0])
    if verb == "psql":
        for row in pg.psql(rest[1]):
            print("\t".join(row))
        return 0
    verbs = {"stop": pg.stop, "immediate": lambda: pg.stop("immediate"),
             "kill": pg.kill, "destroy": pg.destroy,
             "conninfo": lambda: print(pg.conninfo())}
    if verb not in verbs:
        print(__doc__, file=sys.stderr)
        return 2
    verbs[verb]()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Missing as missing:
        if "--tap" in sys.argv:
            print(f"1..0 # SKIP {missing}")
            sys.exit(0)
        print(f"skipped: {missing}", file=sys.stderr)
        sys.exit(77)
