# SPDX-License-Identifier: Apache-2.0
"""The machine's wall clock is set, under load: that of collector and server at once
(shift-clock.c).  Exporters keep their own clocks, which are then wrong."""

import contextlib
import os
import struct
import tempfile
import time

import load
from case import PG_SETTINGS, Case, Scene
from cluster import Cluster
from daemon import BUILD, wait_until

SHIFT_CLOCK = os.path.join(BUILD, "tests", "faults", "shift-clock.so")
HOUR_US = 3600 * 10**6
KEEPER_SEC = 120  # who makes partitions comes every minute


def missing_shim():
    return None if os.path.exists(SHIFT_CLOCK) else "shift-clock.so is not built"


@contextlib.contextmanager
def environment(**variables):
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Clock(Scene):
    """A server of its own, and a clock that both daemons go by."""

    own_pg = None
    ahead_us = 0

    def make_pg(self):
        self.path = os.path.join(self.plan.folder, "clock")
        self.set_clock(0)
        self.preload = {"LD_PRELOAD": SHIFT_CLOCK, "SHIFT_CLOCK": self.path}
        directory = tempfile.mkdtemp(prefix="flowkeep-pg-", dir=self.plan.folder)
        self.own_pg = Cluster(directory, PG_SETTINGS)
        with environment(**self.preload):
            return self.own_pg.start()

    def make_collector(self):
        collector = super().make_collector()
        collector.env.update(self.preload)
        return collector

    def set_clock(self, ahead_us):
        self.ahead_us = ahead_us
        # As one write: who reads it sees the old time or the new one.
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(fd, struct.pack("=q", ahead_us), 0)
        os.close(fd)

    def clear(self):
        if self.own_pg:
            self.own_pg.destroy()

    def settle(self, sent):
        wait_until("partitions ahead of need", lambda: not self.collector.sql(
            "SELECT problem FROM flowkeep.audit_positions()"), KEEPER_SEC, 1)
        result = super().settle(sent)
        result.notes["rows in the default partition"] = self.collector.number(
            "SELECT count(*) FROM flowkeep.flow_default")
        return result


def goes_on(scene):
    """Rows are stored after the step, too."""
    before = scene.collector.rows_stored()
    scene.collector.wait_for_rows(before + 1, 60)


def stepped(scene):
    """An hour back for a while, or an hour ahead for good."""
    now_us = scene.ahead_us
    is_back = scene.chance.random() < 0.5
    scene.note("steps back and forth again" if is_back else "steps ahead")
    if is_back:
        scene.set_clock(now_us - HOUR_US)
        time.sleep(scene.plan.fault_sec)
        goes_on(scene)
        scene.set_clock(now_us)
    else:
        scene.set_clock(now_us + HOUR_US)
    goes_on(scene)


def a_day_ahead(scene):
    """Beyond all partitions that were made ahead of need."""
    scene.set_clock(scene.ahead_us + 24 * HOUR_US)
    goes_on(scene)


CASES = [
    Case("clock-step", "the wall clock is set an hour back or ahead", stepped, short=2,
         scene=Clock, missing=missing_shim, fault_sec=(1, 3)),
    # Templates expire within a day, so v5.
    Case("clock-day", "the wall clock is set a day ahead", a_day_ahead, short=0,
         traffic=(load.Traffic(5, 20000, records=30),), scene=Clock,
         missing=missing_shim),
]
