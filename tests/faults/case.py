# SPDX-License-Identifier: Apache-2.0
"""Case: a fault, and how it is made under load, again and again, and accounted for.

A case is a row of a table (collector_cases.py, postgres_cases.py, ...; table.py has
all of them).  Most are a function that makes the fault once:

    def killed(scene):
        scene.collector.kill()
        scene.collector.start()

    CASES = [Case("collector-sigkill", "kill -9 of the collector", killed, short=4)]

`run_under_load` makes a database and a collector, starts the load, then `times` times
waits for a random while and calls the function, which returns when the fault is over.
Then it ends the load, waits until all is stored, and takes the balance.  A function that
needs more than scene.collector and scene.pg before the load begins has a Scene of its
own (see there); a case that is quite different has `run` of its own, which gets
(case, plan) and returns a Balance."""

import contextlib
import os
import random
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

import balance as balances
import load as loads
from balance import Balance
from cluster import Cluster
from daemon import Collector, wait_until

CALM_SEC = 1.0  # without a dropped datagram, before the load ends
IDLE_SEC = 300
MIGRATED = "faults_migrated"  # a database to copy
PG_SETTINGS = {"fsync": "on", "shared_buffers": "256MB", "max_wal_size": "2GB"}


@dataclass(frozen=True)
class Case:
    name: str
    what: str  # the fault in words, for the table
    inject: callable = None  # inject(scene): the fault once; returns when it is over
    short: int = 2  # times, in the short form; 0 = only in the long one
    long: int = 10
    per_balance: int = 100  # faults between two balances; each begins with an empty table
    pause_sec: tuple = (0.2, 1.0)  # before each fault, at random
    fault_sec: tuple = (1.0, 1.0)  # how long a fault lasts where that can be chosen:
    #                                in the short and in the long form
    traffic: tuple = loads.USUAL
    short_rate: int = 0  # flows/s in the short form; 0 = those of the traffic
    settings: dict = field(default_factory=dict)  # of the collector
    causes: tuple = ()  # reasons of `loss` that make gaps; "network": gaps are expected
    scene: type = None  # Scene, if not given
    missing: callable = None  # () -> why it cannot run here, or None
    run: callable = None  # (case, plan) -> Balance, instead of run_under_load


@dataclass
class Plan:
    """How a case is to be run."""
    times: int
    fault_sec: float
    rate: int = 0  # flows/s; 0 = as the case has it
    seed: int = 1
    folder: str = "/tmp"  # for temporary folders
    say: callable = print  # progress, one line
    is_ending: bool = False  # no further fault: to its balance
    clusters: dict = field(default_factory=dict)
    migrated: dict = field(default_factory=dict)  # folder of a cluster -> database

    def cluster(self, settings=None):
        """A running server, kept for the cases to come."""
        settings = dict(PG_SETTINGS, **(settings or {}))
        key = repr(sorted(settings.items()))
        if key not in self.clusters:
            directory = tempfile.mkdtemp(prefix="flowkeep-pg-", dir=self.folder)
            self.clusters[key] = Cluster(directory, settings)
        pg = self.clusters[key]
        return pg if pg.pid() else pg.start()

    def clear(self):
        for pg in self.clusters.values():
            pg.destroy()
        self.clusters.clear()


class Scene:
    """Everything a fault can happen to.  Members: case, plan, pg, collector, load,
    chance (a random.Random of the plan's seed), notes.

    Subclasses override what is made before the load: make_pg(), make_collector(),
    prepare() (the collector runs), start_load(); clear() takes away what they made."""

    def __init__(self, case, plan):
        self.case = case
        self.plan = plan
        self.chance = random.Random(plan.seed)
        self.notes = {}
        self.problems = []
        self.collector = self.load = self.pg = None

    def note(self, what, n=1):
        """Counts what shall stand below the table."""
        self.notes[what] = self.notes.get(what, 0) + n

    # --- made before the load

    def make_pg(self):
        return self.plan.cluster()

    def settings(self):
        """Of the collector: a copy to add to."""
        return {section: dict(keys) for section, keys in self.case.settings.items()}

    def make_collector(self):
        return Collector("faults-" + self.case.name, pg=self.pg, folder=self.plan.folder,
                         settings=self.settings())

    def make_database(self):
        """As `flowkeep migrate` makes it, or a copy of what it made before."""
        copy = self.plan.migrated.get(self.pg.directory)
        if copy:
            self.pg.create_database(self.collector.database, copy)
            return
        self.collector.create_database()
        self.plan.migrated[self.pg.directory] = MIGRATED
        self.pg.create_database(MIGRATED, self.collector.database)

    def prepare(self):
        pass

    def start_load(self):
        traffic = self.case.traffic
        if self.plan.rate:
            traffic = loads.at_rate(traffic, self.plan.rate)
        return loads.Load(self.collector, traffic)

    def clear(self):
        pass

    # --- life

    def __enter__(self):
        try:
            self.pg = self.make_pg()
            self.collector = self.make_collector()
            self.make_database()
            self.collector.start()
            self.prepare()
            self.load = self.start_load()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.load:
            self.load.kill()
        if self.collector:
            if self.pg and not self.pg.pid():
                with contextlib.suppress(RuntimeError):
                    self.pg.start()
            self.collector.close()
        self.clear()

    def pause(self):
        time.sleep(self.chance.uniform(*self.case.pause_sec))

    # --- the end

    def drops(self):
        return dropped(self.collector)

    def calm(self):
        """Until nothing is dropped for a while: what is dropped last leaves no gap."""
        seen = [self.drops(), time.monotonic()]

        def quiet():
            now = self.drops()
            if now != seen[0]:
                seen[:] = [now, time.monotonic()]
            return time.monotonic() - seen[1] >= CALM_SEC
        wait_until("no dropped datagrams", quiet, 120, 0.1)

    def finish(self):
        """Ends the load and takes the balance."""
        self.calm()
        sent = self.load.stop(self.collector)
        with contextlib.suppress(AssertionError):
            self.collector.wait_idle(IDLE_SEC)
        return self.settle(sent)

    def settle(self, sent):
        result = None

        def balanced():
            nonlocal result
            self.collector.check_alive()
            result = Balance(self.case.name)
            balances.of_flows(result, self.collector, sent, self.load.records,
                              self.drops(), self.case.causes)
            return result.ok or result.duplicated
        with contextlib.suppress(AssertionError):
            wait_until("a balance", balanced, balances.SETTLE_SEC, 1)
        result.notes.update({"flows sent per second": self.load.rate, **self.notes})
        result.problems += self.problems
        audit = self.collector.flowkeep("status", "--audit", check=False, timeout=3600)
        if audit.returncode:
            result.problems.append(f"audit: {audit.stdout}{audit.stderr}".strip())
        return result


def dropped(collector):
    """Datagrams the kernel dropped at the harness's UDP sockets, ever."""
    inodes = {str(os.fstat(sock.fileno()).st_ino) for sock in collector.sockets.values()}
    n = 0
    for path in ("/proc/net/udp", "/proc/net/udp6"):
        with open(path, encoding="ascii") as table:
            for line in table:
                words = line.split()
                if len(words) >= 13 and words[9] in inodes:
                    n += int(words[12])
    return n


def run_under_load(case, plan):
    scene_type = case.scene or Scene
    done = 0
    with scene_type(case, plan) as scene:
        while done < plan.times and not plan.is_ending:
            scene.pause()
            scene.load.check()
            case.inject(scene)
            done += 1
            plan.say(f"{case.name}: {done} of {plan.times}")
        result = scene.finish()
    result.times = done
    return result


def run(case, plan):
    """One balance.  What goes wrong in making the fault is a problem of the result."""
    began = time.monotonic()
    try:
        result = (case.run or run_under_load)(case, plan)
    except (AssertionError, RuntimeError, OSError, subprocess.SubprocessError) as error:
        result = Balance(case.name, problems=[f"{type(error).__name__}: {error}"])
    result.seconds = round(time.monotonic() - began, 1)
    return result
