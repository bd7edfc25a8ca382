#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The catalogue of hostile input through the real collector: see catalogue.py for what
is sent and expected, fire.py for how.  Words on the command line choose classes, as in
"class_58" or "scope_count"."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import catalogue
import packets
import tap
from catalogue import From, Pause, Stream
from daemon import missing
from fire import LAST_PORT, PATIENCE_SEC, Fire, Numbering

# Sanitizers make everything slower, and keep 256 MB of what was freed.
SANITIZED = bool(os.environ.get("ASAN_OPTIONS"))
FREED_BYTES = (512 << 20) if SANITIZED else 0
MAX_CPU_US = 50000 * (4 if SANITIZED else 1)  # of one message
MAX_GROWTH_BYTES = (64 << 20) + FREED_BYTES   # one class
MAX_RSS_BYTES = (256 << 20) + FREED_BYTES     # the collector, after all of it
BURST_BYTES = 1 << 19
SETTLE_SEC = 4  # sequence gaps are counted after 2 s, waiting sets after wait_sec


def merged(found, wanted):
    """@found with its classes taken together where @wanted says "*"."""
    made = {}
    for key, count in found.items():
        reason, _, unit = key.split("/")
        rough = f"{reason}/*/{unit}"
        key = rough if rough in wanted else key
        made[key] = made.get(key, 0) + count
    return made


class Hostile(unittest.TestCase):
    maxDiff = None
    fires = {}
    sent = []   # (fire, class, its cases) whose counts are looked at again at the end
    costs = []

    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)

    @classmethod
    def tearDownClass(cls):
        for fire in cls.fires.values():
            fire.close()
        for line in sorted(cls.costs, reverse=True)[:10]:
            tap.note("class %d: %.2f ms of CPU a message" % (line[1], line[0] / 1000))

    def fire(self, profile):
        """The collector of that profile; a new one when it is no more."""
        fire = self.fires.get(profile)
        if fire and fire.c.process.poll() is not None:
            fire.close()
            fire = None
        if not fire:
            fire = self.fires[profile] = Fire(profile)
        return fire

    # --- sending

    def deliver(self, fire, address, sends):
        """Returns how many messages there were."""
        numbering, n = Numbering(), 0
        for sent in sends:
            if isinstance(sent, Pause):
                time.sleep(sent.seconds)
            elif isinstance(sent, Stream):
                self.stream(fire, address, sent)
                n += len(sent.messages)
            elif isinstance(sent, From):
                host = address.removesuffix("1") + str(1 + sent.host)
                fire.send(numbering.number(sent.message) if sent.host == 0
                          else bytes(sent.message), host, sent.port)
                n += 1
            else:
                fire.send(numbering.number(sent), address)
                n += 1
        return n

    def stream(self, fire, address, stream):
        numbering = Numbering()
        with fire.connect(address) as sock:
            for message in stream.messages:
                sock.sendall(numbering.number(message))

    def sends_of(self, case):
        greeting = packets.hello() if case.greets else []
        return greeting + case.sends + ([packets.last_word()] if case.parts else [])

    def send_cases(self, fire, number, cases):
        n = 0
        for i, case in enumerate(cases, 1):
            fire.neighbour(number)
            n += self.deliver(fire, fire.address(number, i), self.sends_of(case))
        fire.settle(number)
        return n

    def burst(self, fire, number, cases):
        """The same again and again, from other exporters; returns CPU per message and
        how many there were.  Streams are left out: their cost is that of class 81."""
        sends = [sent for case in cases for sent in case.sends
                 if isinstance(sent, (bytes, From))]
        if not sends:
            return 0, 0
        n_bytes = sum(len(s.message if isinstance(s, From) else s) for s in sends)
        rounds = max(2, min(25, BURST_BYTES // max(n_bytes, 1)))
        before, n = fire.cpu_us(), 0
        for i in range(rounds):
            address = fire.address(number, 200 + i)
            n += self.deliver(fire, address, packets.hello() + sends)
            fire.neighbour(number)
        fire.settle(number)
        n_heaviest = rounds * max(1, sum(
            len(s.message if isinstance(s, From) else s) * 2 >= n_bytes / len(sends)
            for s in sends))
        return (fire.cpu_us() - before) / n_heaviest, n

    # --- what must be so

    def check_counts(self, fire, number, cases, timeout_sec):
        """Losses and flows of each case, exactly; waits for them to be counted."""
        wanted = {fire.address(number, i): (case.lost, case.flows + case.parts,
                                            int(case.parts))
                  for i, case in enumerate(cases, 1)}
        until = time.monotonic() + timeout_sec
        while True:
            lost, flows = fire.lost(number), fire.flows(number)
            found = {address: (merged(lost.get(address, {}), want[0]),
                               *flows.get(address, (0, 0)))
                     for address, want in wanted.items()}
            if found == wanted or time.monotonic() > until:
                break
            time.sleep(0.05)
        for i, case in enumerate(cases, 1):
            address = fire.address(number, i)
            with self.subTest(number=number, case=case.what):
                self.assertEqual(found[address], wanted[address])

    def check_stored(self, fire, number, cases):
        for i, case in enumerate(cases, 1):
            address = fire.address(number, i)
            with self.subTest(number=number, case=case.what):
                if case.shows:
                    shown = fire.sql.rows(
                        f"SELECT {case.shows[0]} FROM flowkeep.flow"
                        " WHERE exporter_id IN (SELECT id FROM flowkeep.exporter"
                        f" WHERE address = '{address}')"
                        f" AND src_port IS DISTINCT FROM {LAST_PORT}")
                    self.assertEqual(sorted(row[0] for row in shown),
                                     sorted(case.shows[1]))
                if case.query:
                    sql = case.query[0] % {"address": f"inet '{address}'"}
                    self.assertEqual(fire.sql.rows(sql), case.query[1])

    def check_neighbour(self, fire, number):
        n = fire.sent_by_neighbour[number]
        self.assertEqual(fire.neighbours_flows(number), [n, n, 1, n, 0])
        self.assertEqual(fire.lost(number).get(fire.address(number, 255), {}), {})

    def run_class(self, hostile):
        fire = self.fire(hostile.profile)
        packets.clock["now"] = int(time.time())
        began = time.monotonic()
        cases = hostile.cases()
        rss, cpu = fire.rss_bytes(), fire.cpu_us()
        if hostile.number == 82:
            hostile.run(self, fire)
            return
        if hostile.run:
            n = hostile.run(self, fire)
            cost_us = (fire.cpu_us() - cpu) / max(n, 1)
        else:
            self.send_cases(fire, hostile.number, cases)
            self.check_counts(fire, hostile.number, cases, PATIENCE_SEC)
            self.check_stored(fire, hostile.number, cases)
            if hostile.after:
                hostile.after(self, fire)
            self.sent.append((fire, hostile.number, cases))
            cost_us, n = self.burst(fire, hostile.number, cases)
        self.check_neighbour(fire, hostile.number)
        fire.c.check_alive()
        self.costs.append((cost_us, hostile.number))
        grown = fire.rss_bytes() - rss
        if os.environ.get("HOSTILE_COSTS"):
            tap.note(f"{hostile.number}: {n} messages, {cost_us:.0f} us each, "
                     f"{grown >> 10} KiB more, {time.monotonic() - began:.1f} s")
        self.assertLess(cost_us, MAX_CPU_US)
        self.assertLess(grown, MAX_GROWTH_BYTES)

    def test_every_one_of_82_classes_has_a_test(self):
        numbers = [hostile.number for hostile in catalogue.load()]
        self.assertEqual(numbers, list(range(1, catalogue.N_CLASSES + 1)))
        names = [name for name in dir(self) if name.startswith("test_class_")]
        self.assertEqual(len(names), catalogue.N_CLASSES)

    def test_later_nothing_more_was_counted_and_the_books_balance(self):
        if not self.sent:
            self.skipTest("no class was sent")
        time.sleep(SETTLE_SEC)
        for fire, number, cases in self.sent:
            if fire.c.process.poll() is None:
                self.check_counts(fire, number, cases, 0)
                self.check_neighbour(fire, number)
        for fire in set(self.fires.values()):
            self.assertLess(fire.rss_bytes(), MAX_RSS_BYTES)
            fire.c.flowkeep("status", "--audit")  # raises when they do not
            self.assertEqual(fire.sql.number(
                "SELECT count(*) FROM flowkeep.rejected_flow"), 0)
            self.assertEqual(fire.sql.number(
                "SELECT count(*) FROM flowkeep.flow_default"), 0)
            self.assertLess(len(fire.c.log_tail(1000)), 100, "a log line per packet")

    def test_restarted_with_all_that_was_learnt_it_goes_on(self):
        """Killed: templates and options of all these exporters are read back."""
        fire = self.fires.get("main")
        if not fire or not self.sent:
            self.skipTest("no class was sent")
        fire.settle(1)
        fire.c.kill()
        fire.c.start()
        numbers = sorted(fire.sent_by_neighbour)
        for number in numbers:
            fire.neighbour(number, announces=False)
        fire.settle(1)
        for number in numbers:
            with self.subTest(number=number):
                self.check_neighbour(fire, number)
        self.assertLess(fire.rss_bytes(), MAX_RSS_BYTES)

    def test_stopped_in_the_end_each_collector_leaves_in_good_order(self):
        if not self.fires:
            self.skipTest("no class was sent")
        for profile, fire in self.fires.items():
            with self.subTest(profile=profile):
                self.assertEqual(fire.c.stop()[0], 0, "\n".join(fire.c.log_tail()))


def add(hostile):
    name = "test_class_%02d:_%s" % (hostile.number, hostile.title.replace(" ", "_"))
    setattr(Hostile, name, lambda self: self.run_class(hostile))


for one in catalogue.load():
    add(one)

if __name__ == "__main__":
    tap.main()
