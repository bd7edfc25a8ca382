# SPDX-License-Identifier: Apache-2.0
"""Faults of the collector's process."""

import time

import load
from case import Case
from daemon import STOP_TIMEOUT_SEC

STARTING_SEC = 0.15  # of a start, in which it may be killed again
# So that a short life has commits in it.
BRISK = {"store": {"batch_ms": 200}}


def killed(scene):
    c = scene.collector
    c.kill()
    if scene.chance.random() < 0.25:
        c.spawn()
        time.sleep(scene.chance.uniform(0, STARTING_SEC))
        c.kill()
        scene.note("further kills, while it was starting")
    c.start()


def terminated(scene):
    status, seconds = scene.collector.stop()
    if status or seconds > STOP_TIMEOUT_SEC:
        scene.problems.append(f"SIGTERM: status {status} after {seconds:.1f} s")
    scene.collector.start()


def reloaded(scene):
    c = scene.collector
    other = scene.notes.get("reloads", 0) % 2
    c.write_config({
        "watch servers": {"networks": "10.30.0.0/16" if other else "10.20.0.0/16"},
        "exporters": {"allow": "126.0.0.0/7" if other else "124.0.0.0/6"}})
    c.reload()
    scene.note("reloads")


CASES = [
    Case("collector-sigkill", "kill -9 of the collector at a random moment", killed,
         short=6, long=1000, per_balance=100, pause_sec=(0.05, 1.0),
         traffic=load.SMALL, settings=BRISK),
    Case("collector-sigterm", "SIGTERM to the collector under load, and a new one",
         terminated, short=3, traffic=load.SMALL),
    Case("collector-sighup", "SIGHUP with another allow list and other watched networks",
         reloaded, short=10, long=100, pause_sec=(0.02, 0.3), traffic=load.SMALL),
]
