# SPDX-License-Identifier: Apache-2.0
"""The journal's disk: full, taken by others, or failing.  A small tmpfs under the
journal's folder is the disk; ballast in it is what others keep there."""

import contextlib
import errno
import os
import subprocess
import time

from case import Case
from daemon import BUILD, wait_until
from journal_cases import Journal

DISK_BYTES = 12 << 20
MIB = 1 << 20
DISK_MIB = {"journal": {"segment_bytes": "1M", "max_bytes": "256M"}}
FAIL_NTH = os.path.join(BUILD, "tests", "faults", "fail-nth.so")
# All that changes something there; what is in memory has the others in common with it.
DISK_CALLS = "posix_fallocate,msync,fsync,truncate,unlink"


def missing_mount():
    if os.geteuid() != 0:
        return "only root may mount a tmpfs"
    return None


def missing_shim():
    return None if os.path.exists(FAIL_NTH) else "fail-nth.so is not built"


class SmallDisk(Journal):
    """A tmpfs of its own for the journal's segments."""

    is_exact = False  # what was in memory goes with a process that is killed
    is_mounted = False

    def make_collector(self):
        collector = super().make_collector()
        self.mount(os.path.join(collector.settings["journal"]["directory"], "worker-0"))
        return collector

    def mount(self, folder):
        os.makedirs(folder)
        self.disk = folder
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none",
                        folder], check=True)
        self.is_mounted = True

    def __exit__(self, *_):
        if self.is_mounted:
            if self.collector and self.collector.process:
                self.collector.kill()
            subprocess.run(["umount", self.disk], check=True)
            self.is_mounted = False
        super().__exit__(*_)

    # --- what else is on it

    @property
    def ballast(self):
        return os.path.join(self.disk, "ballast")

    def take_all(self, but_bytes=0):
        """Others fill the disk."""
        free = os.statvfs(self.disk)
        n_bytes = free.f_bavail * free.f_frsize - but_bytes
        with open(self.ballast, "ab") as file, contextlib.suppress(OSError):
            if n_bytes > 0:  # the collector may have been quicker
                os.posix_fallocate(file.fileno(), os.path.getsize(self.ballast), n_bytes)

    def give_back(self):
        os.unlink(self.ballast)


def full(scene):
    """The server is away until nothing more can be kept; then it comes back, while the
    disk is still full, and then there is room again."""
    c = scene.collector
    n_errors = c.count_in_log("No space left")
    n_full = c.count_in_log("full, ")
    scene.take_all(but_bytes=2 * MIB)
    scene.server_goes()
    wait_until("the disk to be full",
               lambda: c.count_in_log("No space left") > n_errors, 120)
    wait_until("datagrams to be refused",
               lambda: n_full or c.count_in_log("full, ") > n_full, 120)
    time.sleep(1)
    if scene.chance.random() < 0.5:
        scene.note("kills on the full disk")
        c.kill()
        c.start()
    scene.server_comes()
    goes_on(scene)
    scene.give_back()
    goes_on(scene)


def goes_on(scene):
    before = scene.collector.rows_stored()
    wait_until("rows to be stored", lambda: scene.collector.rows_stored()
               > before + 20000, 120)


class FailingDisk(Journal):
    """Whatever is written to the journal's disk fails while a file exists."""

    is_exact = False
    calls = DISK_CALLS
    error = errno.EIO

    @property
    def switch(self):
        return os.path.join(self.collector.folder, "disk-fails")

    def make_collector(self):
        collector = super().make_collector()
        collector.env.update(
            LD_PRELOAD=FAIL_NTH, FAIL_PROGRAM="flowkeep-collector",
            FAIL_CALLS=self.calls, FAIL_ERRNO=str(self.error),
            FAIL_NTH="1", FAIL_TIMES="0",
            FAIL_WHILE=os.path.join(collector.folder, "disk-fails"))
        return collector


class NoRoom(FailingDisk):
    calls = "posix_fallocate"
    error = errno.ENOSPC


def failing(scene):
    with open(scene.switch, "w", encoding="ascii"):
        pass
    time.sleep(scene.plan.fault_sec)
    os.unlink(scene.switch)
    goes_on(scene)


CASES = [
    Case("journal-disk-full", "PostgreSQL away until the journal's disk is full", full,
         short=1, per_balance=1, pause_sec=(0.2, 0.5), settings=DISK_MIB,
         scene=SmallDisk, causes=("journal_full", "malformed"),
         missing=missing_mount),
    Case("journal-no-room", "no room for another file of the journal for a while",
         failing, short=1, settings=DISK_MIB, scene=NoRoom, missing=missing_shim,
         fault_sec=(3, 10)),
    Case("journal-io-error", "every write to the journal's disk fails for a while", failing,
         short=1, settings=DISK_MIB, scene=FailingDisk,
         missing=missing_shim, fault_sec=(1, 3)),
]
