# SPDX-License-Identifier: Apache-2.0
"""What a network does to datagrams on their way: each a spell of bad weather, through
the relay of relay.py, which knows every flow it lost.  `loss` must say the same."""

import time

import load as loads
from case import Case, Scene
from relay import FAIR, NOTHING_PASSES, Relay, Weather

CLEAR_UP_SEC = 3.0  # longer than a hole in the sequence may be closed


class Network(Scene):
    """The load goes through a relay, which begins and ends in fair weather."""

    relay = None

    def start_load(self):
        self.relay = Relay(("127.0.0.1", self.collector.port), seed=self.plan.seed)
        self.relay.__enter__()
        self.collector.ports["relay"] = self.relay.port
        rate = self.plan.rate
        load = loads.Load(self.collector, loads.at_rate(self.case.traffic, rate)
                          if rate else self.case.traffic,
                          start=lambda *words: self.collector.flowgen_start(
                              *words, listener="relay"))
        time.sleep(1)  # templates, and a first number from everybody
        return load

    def bad_weather(self, weather):
        self.relay.weather = weather
        time.sleep(self.plan.fault_sec)
        self.relay.weather = FAIR

    def calm(self):
        time.sleep(CLEAR_UP_SEC)
        super().calm()

    def settle(self, sent):
        result = super().settle(sent)
        lost = sum(self.relay.lost_flows.values())
        result.notes.update({f"datagrams {what}": n for what, n in self.relay.done.items()})
        if result.lost != lost:
            result.problems.append(f"the network lost {lost} flows, `loss` says "
                                   f"{result.lost}")
        return result

    def clear(self):
        if self.relay:
            self.relay.__exit__()


def lossy(scene):
    scene.bad_weather(Weather(lose=scene.chance.uniform(0.01, 0.2)))


def reordering(scene):
    scene.bad_weather(Weather(delay=scene.chance.uniform(0.01, 0.2)))


def repeating(scene):
    scene.bad_weather(Weather(repeat=scene.chance.uniform(0.01, 0.2)))


def all_at_once(scene):
    share = scene.chance.uniform(0.01, 0.1)
    scene.bad_weather(Weather(share, share, share))


def parted(scene):
    scene.bad_weather(NOTHING_PASSES)


def case(name, what, inject, short=0, fault_sec=(1.0, 2.0)):
    return Case(name, what, inject, short=short, long=10, fault_sec=fault_sec,
                pause_sec=(0.5, 1.5), causes=("network",), scene=Network)


CASES = [
    case("network-loss", "1 to 20 % of the datagrams are lost", lossy),
    case("network-reordering", "1 to 20 % of the datagrams are overtaken by others",
         reordering),
    case("network-duplication", "1 to 20 % of the datagrams come twice", repeating),
    case("network-all", "lost, overtaken and repeated at once", all_at_once,
         short=1),
    case("network-partition", "nothing passes", parted, short=1,
         fault_sec=(1.5, 5.0)),
]
