# SPDX-License-Identifier: Apache-2.0
"""Load: numbered flows from several generators at once, each exporter with its own.

Every flow has a number that no other has, in its octets.  These have 32 bits in v5 and in
some templates, so that each of up to four generators has a billion numbers."""

import signal
from dataclasses import dataclass, replace

NUMBERS = 10**9  # of each generator


@dataclass(frozen=True)
class Traffic:
    """One generator.  v5 and IPFIX only: v9 numbers packets, not flows."""
    version: int
    rate: int  # flows a second
    records: int = 10  # flows in a datagram
    exporters: int = 5
    templates: int = 3
    template_period_sec: float = 5
    options: tuple = ()  # more words for flowgen

    def words(self, index):
        templates = () if self.version == 5 else (
            "--templates", self.templates, "--template-period", self.template_period_sec)
        return ("--version", self.version, "--numbered", "--rate", self.rate,
                "--records-per-datagram", self.records, "--exporters", self.exporters,
                "--first-number", 1 + index * NUMBERS, "--seed", index + 1,
                "--first-source", f"127.{index + 1}.0.1", "--per-exporter",
                "--seconds", 100000, *templates, *self.options)


# Of an ordinary network: 20 000 flows/s, in full datagrams or nearly empty ones.
USUAL = (Traffic(5, 8000, records=30), Traffic(10, 12000, records=12))
# As many datagrams as flows: 40 000 a second.
SMALL = (Traffic(5, 20000, records=1), Traffic(10, 20000, records=1))
STEADY = (Traffic(5, 20000, records=30), Traffic(10, 30000, records=19))


def at_rate(traffic, rate):
    """The same mix, @rate flows a second together."""
    all_ = sum(t.rate for t in traffic)
    return tuple(replace(t, rate=round(t.rate * rate / all_)) for t in traffic)


class Load:
    def __init__(self, collector, traffic, start=None):
        """@start: called instead of collector.flowgen_start, with flowgen's words."""
        start = start or collector.flowgen_start
        self.traffic = traffic
        self.processes = [start(*t.words(i)) for i, t in enumerate(traffic)]
        self.sent = None
        self.rate = 0.0  # flows/s that were really sent, known at the end

    @property
    def records(self):
        return max(t.records for t in self.traffic)

    def check(self):
        for process in self.processes:
            if process.poll() is not None:
                raise AssertionError(f"flowgen ended: {process.stderr.read()}")

    def stop(self, collector):
        """Ends it; returns address -> flows sent."""
        if self.sent is None:
            self.check()
            self.end()
            self.sent = {}
            for process in self.processes:
                report = collector.flowgen_report(process)
                self.rate += report["flows_per_second"]
                for one in report["exporter"]:
                    self.sent[one["address"]] = one["flows"]
        return self.sent

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)

    def kill(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
