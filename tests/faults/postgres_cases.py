# SPDX-License-Identifier: Apache-2.0
"""Faults of PostgreSQL, and of the way to it."""

import glob
import os
import signal
import time

import load
from case import Case, Scene
from daemon import wait_until
from proxy import CUTS, Proxy

NO_LAG_SEC = 5
PATIENCE_SEC = 300
SAY_SEC = 60
MB = 1e6
LAG = ("SELECT extract(epoch FROM clock_timestamp() - min(received_at))"
       " FROM flowkeep.ingest_position")
BACKENDS = ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = '%s' AND pid <> pg_backend_pid()")
IN_COPY = "SELECT pid FROM pg_stat_progress_copy WHERE datname = '%s'"
TIMED_OUT = "canceling statement due to statement timeout"


class ProxyScene(Scene):
    """The collector's connections go through scene.proxy."""

    proxy = None

    def settings(self):
        self.proxy = Proxy(self.pg)
        self.proxy.__enter__()
        return super().settings()

    def make_collector(self):
        c = super().make_collector()
        c.write_config({"database": {"conninfo": self.proxy.conninfo(c.database)}})
        return c

    def clear(self):
        if self.proxy:
            self.proxy.close()


def answers(pg):
    try:
        return pg.value("SELECT 1") == "1"
    except RuntimeError:
        return False


def wait_for_server(scene):
    wait_until("PostgreSQL back", lambda: answers(scene.pg), 60, 0.1)


# --- the server

def restarted(scene):
    scene.pg.stop()
    time.sleep(scene.chance.uniform(0, scene.plan.fault_sec))
    scene.pg.start()


def stopped_at_once(scene):
    scene.pg.stop("immediate")
    time.sleep(scene.chance.uniform(0, scene.plan.fault_sec))
    scene.pg.start()


def killed(scene):
    scene.pg.kill()
    time.sleep(scene.chance.uniform(0, scene.plan.fault_sec))
    scene.pg.start()


def backend_in_copy(scene):
    found = []

    def copying():
        found[:] = scene.pg.psql(IN_COPY % scene.collector.database)
        return found
    wait_until("a backend in COPY", copying, 60, 0.02)
    return int(found[0][0])


def backend_killed(scene):
    os.kill(backend_in_copy(scene), signal.SIGKILL)
    time.sleep(0.2)  # the server ends all others and starts over
    wait_for_server(scene)


def backend_terminated(scene):
    scene.pg.psql(f"SELECT pg_terminate_backend({backend_in_copy(scene)})")


def timed_out(scene):
    pg, database = scene.pg, scene.collector.database
    begin = os.path.getsize(pg.log)

    def hits():
        with open(pg.log, encoding="utf-8", errors="replace") as log:
            log.seek(begin)
            return log.read().count(TIMED_OUT)
    timeout_ms = scene.chance.choice((1, 20, 150, 600))
    pg.psql(f"ALTER DATABASE \"{database}\" SET statement_timeout = '{timeout_ms}ms'")
    pg.psql(BACKENDS % database)
    try:
        wait_until("statement_timeout hit", hits, 60)
        time.sleep(scene.plan.fault_sec)
    finally:
        pg.psql(f'ALTER DATABASE "{database}" RESET statement_timeout')
        pg.psql(BACKENDS % database)
    scene.note("statements that timed out", hits())


def locked(scene):
    """The lock of all partitions is taken one by one, and the collector has some of them:
    when the two wait for each other, the server ends either, and it is tried again."""
    for attempt in range(10):
        try:
            scene.collector.sql("BEGIN; LOCK TABLE flowkeep.flow IN ACCESS EXCLUSIVE MODE;"
                                f" SELECT pg_sleep({scene.plan.fault_sec}); COMMIT")
            return
        except RuntimeError as error:
            if "deadlock detected" not in str(error) or attempt == 9:
                raise
            scene.note("deadlocks that the lock lost")


class AsyncScene(Scene):
    """With synchronous_commit off a crash takes back the last commits."""

    def prepare(self):
        database = self.collector.database
        self.pg.psql(f'ALTER DATABASE "{database}" SET synchronous_commit = off')
        self.pg.psql(BACKENDS % database)


def forgetful(scene):
    before = scene.collector.rows_stored()
    scene.pg.kill()
    scene.pg.start()
    if scene.collector.rows_stored() < before:
        scene.note("crashes that were seen to take back commits")


# --- between the collector and the server

def commit_cut(scene):
    how = scene.chance.choice(list(CUTS))
    cut = scene.proxy.cut_at_commit(how).wait()
    note_cut(scene, cut)
    if scene.chance.random() < 0.5:
        scene.proxy.cut_all()  # the other connection too


def note_cut(scene, cut):
    scene.note("ambiguous commits")
    scene.note("of these " + {
        True: "committed, and the answer never came",
        False: "not committed",
        None: "known to nobody but the database"}[cut.committed])


def killed_at_commit(scene):
    how = scene.chance.choice(list(CUTS))
    cut = scene.proxy.cut_at_commit(how, then=scene.pg.kill).wait()
    note_cut(scene, cut)
    scene.pg.start()


def collector_killed_at_commit(scene):
    how = scene.chance.choice(list(CUTS))
    cut = scene.proxy.cut_at_commit(how, then=scene.collector.kill).wait()
    note_cut(scene, cut)
    scene.collector.start()


def reset(scene):
    scene.proxy.cut_all()


def trickling(scene):
    """Slower and slower; a collector that gives up and comes again is as good as one
    that waits."""
    for rate in (50000, 5000, 100):
        scene.proxy.bytes_per_sec = rate
        time.sleep(scene.plan.fault_sec / 3)
    scene.proxy.bytes_per_sec = 0


# --- away for long

class AwayScene(Scene):
    """With a server that is set up for so much, as operations.md says."""

    def make_pg(self):
        return self.plan.cluster({"shared_buffers": "1GB", "max_wal_size": "8GB",
                                  "checkpoint_timeout": "15min", "work_mem": "512MB"})


def lag_sec(scene):
    return float(scene.collector.value(LAG) or 1e9)


def journal_bytes(scene):
    folder = scene.collector.settings["journal"]["directory"]
    return sum(os.stat(path).st_blocks * 512
               for path in glob.glob(folder + "/**/*", recursive=True))


def away(scene):
    gone = time.monotonic()
    scene.pg.stop()
    until = gone + scene.plan.fault_sec
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, SAY_SEC))
        scene.collector.check_alive()
        scene.load.check()
        scene.plan.say(f"PostgreSQL away for {time.monotonic() - gone:.0f} s,"
                       f" journal {journal_bytes(scene) / MB:.0f} MB")
    scene.notes["journal at the end of the outage, MB"] = journal_bytes(scene) // MB
    scene.pg.start()
    back = time.monotonic()
    rows = scene.collector.rows_stored()
    catch_up(scene, gone, back, rows)


def catch_up(scene, gone, back, rows):
    """Waits until the lag is gone, and measures: @gone and @back are when the server
    went and came, @rows what was stored then."""
    said = back
    timeout = time.monotonic() + max(PATIENCE_SEC, scene.plan.fault_sec * 3)
    while (lag := lag_sec(scene)) >= NO_LAG_SEC:
        scene.collector.check_alive()
        if time.monotonic() > timeout:
            raise AssertionError(f"the lag is still {lag:.0f} s")
        if time.monotonic() - said >= SAY_SEC:
            said = time.monotonic()
            scene.plan.say(f"catching up for {said - back:.0f} s: {lag:.0f} s behind,"
                           f" {scene.collector.rows_stored() - rows} rows")
        time.sleep(0.2)
    end = time.monotonic()
    scene.notes["seconds away"] = round(back - gone, 1)
    scene.notes["seconds until caught up, under the same load"] = round(end - back, 1)
    scene.notes["of received time stored per second, times real time"] = round(
        (end - gone) / (end - back), 2)
    scene.notes["flows stored per second meanwhile"] = float(round(
        (scene.collector.rows_stored() - rows) / (end - back)))


# An hour at 50 000 flows/s is 12 GB of journal.
ROOMY = {"journal": {"max_bytes": "30G"}, "store": {"seal_index": "none"}}

CASES = [
    Case("postgres-restart", "clean restart", restarted, fault_sec=(0.3, 3)),
    Case("postgres-immediate", "pg_ctl stop -m immediate, and start", stopped_at_once,
         long=100, per_balance=50, fault_sec=(0.3, 2)),
    Case("postgres-sigkill", "kill -9 of the server and all its backends", killed,
         long=100, per_balance=50, fault_sec=(0.3, 2)),
    Case("backend-sigkill", "kill -9 of the backend that is in COPY; the server restarts"
         " itself", backend_killed, long=70, per_balance=35),
    Case("backend-terminated", "pg_terminate_backend of the backend that is in COPY",
         backend_terminated, short=3),
    Case("sigkill-at-commit", "kill -9 of the server while COMMIT is on its way, before,"
         " or behind it", killed_at_commit, long=60, per_balance=30, scene=ProxyScene),
    Case("postgres-sigkill-async", "kill -9 of the server with synchronous_commit off,"
         " which takes back the last commits", forgetful, short=2, long=30, per_balance=30,
         scene=AsyncScene, settings={"store": {"batch_ms": 50}}),
    Case("collector-sigkill-at-commit", "kill -9 of the collector while COMMIT is on its"
         " way, before, or behind it", collector_killed_at_commit, short=3, long=30,
         scene=ProxyScene),
    Case("commit-cut", "connection cut between COMMIT and its answer", commit_cut,
         short=6, long=100, pause_sec=(0.0, 0.5), scene=ProxyScene),
    Case("connections-reset", "all connections to PostgreSQL reset at a random moment",
         reset, short=4, long=100, scene=ProxyScene),
    Case("slow-server", "50 000, then 5 000, then 100 bytes a second to and from the"
         " server", trickling, short=1, fault_sec=(3, 15), scene=ProxyScene),
    Case("statement-timeout", "statement_timeout hit", timed_out, short=2,
         fault_sec=(0.5, 3)),
    Case("table-locked", "another session holds ACCESS EXCLUSIVE on flow; the collector's"
         " lock_timeout is 10 s", locked, short=1, fault_sec=(2, 15)),
    Case("postgres-away", "PostgreSQL away under 50 000 flows/s", away, short=1, long=1,
         per_balance=1, fault_sec=(8, 3600), traffic=load.STEADY, short_rate=15000,
         settings=ROOMY, scene=AwayScene),
]
