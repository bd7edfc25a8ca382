# SPDX-License-Identifier: Apache-2.0
"""Two collectors with one name and one database, each with its journal, sockets and
exporters: one of them stores, and whoever comes back goes on where it was."""

from dataclasses import replace

import load as loads
from case import Case, Scene, dropped
from daemon import Collector, wait_until

REFUSED = "another process stores for it"


class Loads:
    """One for each collector, to be ended and counted together."""

    def __init__(self, *pairs):
        self.pairs = pairs  # (Collector, Load)

    @property
    def records(self):
        return max(load.records for _, load in self.pairs)

    @property
    def rate(self):
        return sum(load.rate for _, load in self.pairs)

    def check(self):
        for _, load in self.pairs:
            load.check()

    def stop(self, _):
        return {address: flows for collector, load in self.pairs
                for address, flows in load.stop(collector).items()}

    def kill(self):
        for _, load in self.pairs:
            load.kill()


class TwoOfOneName(Scene):
    """Members: active, the one that stores; other."""

    second = None

    def prepare(self):
        self.active = self.collector
        self.other = self.second = Collector(self.collector.name, pg=self.pg, folder=self.plan.folder,
                               settings=self.settings())

    def start_load(self):
        mine = self.case.traffic
        others = tuple(
            replace(t, options=("--first-source", f"127.{11 + i}.0.1",
                                "--first-number", 1 + (2 + i) * loads.NUMBERS))
            for i, t in enumerate(mine))
        return Loads((self.collector, loads.Load(self.collector, mine)),
                     (self.second, loads.Load(self.second, others)))

    def swap(self):
        self.active, self.other = self.other, self.active

    def start_refused(self):
        """The other one starts, keeps what comes, and stores nothing."""
        n = self.other.count_in_log(REFUSED)
        self.other.start()
        wait_until("the second to be refused",
                   lambda: self.other.count_in_log(REFUSED) > n, 60)
        self.note("refused")

    def finish(self):
        """Each stores what is left in its journal."""
        self.calm()
        sent = self.load.stop(self.collector)
        for _ in range(2):
            self.active.wait_idle(300)
            self.active.stop()
            if self.other.process and self.other.process.poll() is None:
                self.other.stop()
            self.other.start()
            self.swap()
        self.active.wait_idle(300)
        if self.active is not self.collector:
            self.active.stop()
            self.collector.start()
            self.collector.wait_idle()
        return self.settle(sent)

    def drops(self):
        return super().drops() + dropped(self.second)

    def clear(self):
        if self.second:
            self.second.close()


def takes_over(scene):
    scene.start_refused()
    scene.active.kill()
    before = scene.collector.rows_stored()
    wait_until("the second to take over",
               lambda: scene.collector.rows_stored() > before + 1000, 60)
    scene.swap()


CASES = [
    Case("two-of-one-name", "a second collector with the name of the first; the first is"
         " killed", takes_over, short=1, scene=TwoOfOneName),
]
