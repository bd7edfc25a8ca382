#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./run-bench collector: what the collector reaches on this machine, and its peers.

Run on a quiet machine: everything shares its processors, as it would in earnest."""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import contenders  # noqa: E402
import tables  # noqa: E402
from cluster import Cluster  # noqa: E402  (contenders.py shows the way)
from tables import Table, count  # noqa: E402

ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
PARTS = ("stored", "receive", "decode", "memory")
SEARCH_STEP = 0.06  # bisection ends when the bounds are this close
BACK_OFF = 0.95  # a rate that was not held for the whole time is lowered by this
EXPORTERS, TEMPLATES = 10_000, 5


def say(text):
    print(text, file=sys.stderr, flush=True)


def tell(name, rate, run, good):
    losses = ", ".join(f"{key} {value}" for key, value in run.losses.items())
    say(f"  {name}: {count(rate)}/s asked, {count(run.sent_rate)}/s sent, "
        f"{run.stored} of {run.sent} stored, {run.lag_sec:.1f} s behind at the end"
        f"{', ' + losses if losses else ''}: {'kept up' if good else 'did not keep up'}")


def attempt(contender, rate, seconds):
    run = contender.run(rate, seconds)
    good = contender.kept_up(run) and run.sent_rate > 0.95 * rate
    tell(contender.name, rate, run, good)
    return run, good


def highest_rate(contender, start, seconds):
    """The highest rate that is kept up with, to within SEARCH_STEP."""
    low, high = 0, None
    rate = start
    while True:
        # Twice, since the machine may have stalled, for any contender alike.
        good = any(attempt(contender, rate, seconds)[1] for _ in range(2))
        low, high = (rate, high) if good else (low, rate)
        if high is None:
            rate = 1.5 * rate
        elif low == 0:
            rate = rate / 2
            if rate < 1000:
                return 0
        elif high / low < 1 + SEARCH_STEP:
            return low
        else:
            rate = (low * high) ** 0.5


def bare_copy(build, pg, table_database, seconds):
    """Rows per second of one connection that does nothing but COPY these rows."""
    contenders.quiet(pg)
    done = subprocess.run(
        [os.path.join(build, "tests", "bench", "bench-copy"), "--conninfo",
         pg.conninfo(table_database), "--from", "flow", "--seconds", str(seconds)],
        text=True, stdout=subprocess.PIPE, check=True)
    say("  bare COPY: " + done.stdout.strip())
    return float(re.match(r"(\d+) rows/s", done.stdout).group(1))


class CopyWithin:
    """Runs bare COPY on what the collector has just stored, in the same database."""

    def __init__(self, build, pg, seconds):
        self.build, self.pg, self.seconds = build, pg, seconds
        self.rates = []

    def __call__(self, collector):
        collector.stop()
        self.rates.append(bare_copy(self.build, self.pg, collector.database,
                                    self.seconds))


def held(contender, rate, seconds, **keywords):
    """One run of the whole time; lowers the rate until it is held.  (rate, Run)"""
    for number in range(6):
        run = contender.run(rate, seconds, **keywords)
        good = contender.kept_up(run)
        tell(contender.name, rate, run, good)
        if good:
            break
        if number > 0:
            rate *= BACK_OFF
    else:
        say(f"  {contender.name}: not held, its last run counts for nothing")
        return rate, None
    return rate, run


def bench_stored(args, pg):
    say("stored: looking for the highest rates")
    flowkeep, nfacctd = contenders.Flowkeep(pg), contenders.Nfacctd(pg)
    reason = nfacctd.missing()
    probe_sec = min(10, args.seconds)
    ours = highest_rate(flowkeep, 300e3, probe_sec)
    theirs = 0 if reason else highest_rate(nfacctd, 70e3, probe_sec)

    copying = CopyWithin(args.build, pg, min(args.seconds, 30))
    our_rates, their_rates, our_cpu = [], [], []
    for number in range(args.rounds):
        say(f"stored: round {number + 1} of {args.rounds}, {args.seconds} s each")
        ours, run = held(flowkeep, ours, args.seconds, keep_rows=copying)
        if run:
            our_rates.append(run.sent_rate)
            our_cpu.append(run.cpu_sec / run.stored * 1e6)
        if theirs:
            theirs, run = held(nfacctd, theirs, args.seconds)
            their_rates += [run.sent_rate] if run else []
    return stored_table(args, our_rates, our_cpu, their_rates, copying.rates, reason)


def stored_table(args, our_rates, our_cpu, their_rates, copy_rates, reason):
    table = Table(f"Stored, {args.seconds} s without loss, median of {args.rounds}",
                  "who", "flows/s", "flowkeep against it", "wanted")
    ours = statistics.median(our_rates) if our_rates else 0
    copy = statistics.median(copy_rates) if copy_rates else 0
    table.add("flowkeep, sender to committed rows", count(ours), "", "")
    if copy:
        table.add("bare COPY BINARY of the same rows", count(copy),
                  f"{100 * ours / copy:.0f} %", "80 %")
    if their_rates:
        theirs = statistics.median(their_rates)
        table.add(contenders.Nfacctd.name, count(theirs), f"{ours / theirs:.1f} times",
                  "2.5 times")
    elif reason:
        table.note(f"No nfacctd: {reason}.")
    if our_cpu:
        table.note(f"The collector itself used {statistics.median(our_cpu):.2f} s of CPU a "
                   "million flows; sender and PostgreSQL had the rest of the machine.")
    return table


class Receiver:
    """bench-receive: sockets and journal without anything behind them."""
    name = "flowkeep, into the journal"

    def __init__(self, build):
        self.program = os.path.join(build, "tests", "bench", "bench-receive")

    def run(self, rate, seconds):
        done = subprocess.run(
            [self.program, "--json", "--rate", str(int(rate)), "--seconds", str(seconds),
             "--directory", "/tmp"], text=True, stdout=subprocess.PIPE, check=True)
        report = json.loads(done.stdout)
        os.sync()
        return contenders.Run(
            sent=report["sent"], stored=report["stored"], send_sec=report["seconds"],
            total_sec=report["seconds"], cpu_sec=report["receiver_cpu"],
            losses={"kernel_drop": report["kernel_drops"]})

    @staticmethod
    def kept_up(run):
        return run.stored == run.sent


def bench_receive(args):
    say("receive: datagrams into the journal")
    table = Table("Receive path alone, IPFIX, 10 s without loss", "who", "flows/s",
                  "wanted")
    ours = Receiver(args.build)
    rate = highest_rate(ours, 1e6, min(10, args.seconds))
    table.add("flowkeep, into the journal", count(rate), "2 M")
    nfcapd = contenders.Nfcapd()
    if nfcapd.missing():
        table.note(f"No nfcapd: {nfcapd.missing()}.")
    else:
        rate = highest_rate(nfcapd, 1e6, min(10, args.seconds))
        table.add(nfcapd.name, count(rate), "")
        table.note("nfcapd's load comes from flowgen, which makes real flows and takes more "
                   "of the machine than the sender of bench-receive.")
    return table


def bench_decode(args):
    say("decode: records per CPU-second")
    table = Table("Decode path, one thread, in memory", "who", "records per CPU-second",
                  "wanted")
    done = subprocess.run(
        [os.path.join(args.build, "tests", "bench", "bench-decode")],
        text=True, stdout=subprocess.PIPE, check=True)
    say(done.stdout.rstrip())
    for line in done.stdout.splitlines():
        found = re.match(r"(.+?)\s*[:\t]\s*([\d.]+)\s*M\b", line)
        if found:
            wanted = "6 M" if found.group(1).lower().startswith("flowkeep") else ""
            table.add(found.group(1), f"{found.group(2)} M", wanted)
    nfcapd = contenders.Nfcapd()
    if not nfcapd.missing():
        run = nfcapd.run(300e3, min(10, args.seconds))
        if run.cpu_sec:
            table.add("nfcapd, as a whole (receive, decode, write)",
                      count(run.stored / run.cpu_sec), "")
    return table


def memory_of(pid):
    """Kibibytes of the process by kind."""
    found = {}
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        for line in status:
            name, _, value = line.partition(":")
            if name in ("VmRSS", "RssAnon", "RssFile", "RssShmem"):
                found[name] = int(value.split()[0])
    return found


def bench_memory(args, pg):
    say(f"memory: {EXPORTERS} exporters with {TEMPLATES} templates each")
    seconds = max(args.seconds, 5)
    most = {}
    with contenders.Flowkeep(pg).collector() as collector:
        sender = collector.flowgen_start(
            "--exporters", EXPORTERS, "--templates", TEMPLATES, "--rate", 50000,
            "--seconds", seconds, "--template-period", max(2, seconds / 3))
        while sender.poll() is None:
            for name, value in memory_of(collector.process.pid).items():
                most[name] = max(most.get(name, 0), value)
            time.sleep(0.2)
        report = collector.flowgen_report(sender)
        collector.wait_for_rows(report["flows"], 120)
        templates = collector.number("SELECT count(*) FROM flowkeep.exporter_template")
        exporters = collector.number("SELECT count(*) FROM flowkeep.exporter")
    table = Table(f"Memory, {exporters} exporters, {templates} templates, "
                  f"{report['flows_per_second']:.0f} flows/s", "what", "MB at most",
                  "wanted")
    table.add("resident in all", f"{most['VmRSS'] / 1024:.0f}", "200")
    table.add("of it the program's own", f"{most['RssAnon'] / 1024:.0f}", "")
    table.add("of it files: journal, landing, code",
              f"{(most['RssFile'] + most['RssShmem']) / 1024:.0f}", "")
    return table


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="run-bench collector", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60,
                        help="how long each rate must be held (60)")
    parser.add_argument("--rounds", type=int, default=3,
                        help="how often; medians are reported (3)")
    parser.add_argument("--only", default=",".join(PARTS),
                        help="parts to run: " + ",".join(PARTS))
    parser.add_argument("--write", action="store_true",
                        help="put the tables into docs/performance.md")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"),
                        help="the build folder, of a release build (./build)")
    args = parser.parse_args(arguments)
    args.build = os.path.abspath(args.build)
    args.only = args.only.split(",")
    if set(args.only) - set(PARTS) or args.seconds < 1 or args.rounds < 1:
        parser.error("--only takes " + ",".join(PARTS))
    return args


def main(arguments):
    args = parse_arguments(arguments)
    done = []
    with Cluster(settings=contenders.PG_SETTINGS) as pg:
        parts = {"stored": lambda: bench_stored(args, pg),
                 "receive": lambda: bench_receive(args),
                 "decode": lambda: bench_decode(args),
                 "memory": lambda: bench_memory(args, pg)}
        machine = tables.machine(pg.value("SHOW server_version"))
        for part in args.only:
            done.append(parts[part]())
            print("\n" + done[-1].text(), flush=True)
    for name, value in machine:
        print(f"{name}: {value}")
    if args.write:
        head = time.strftime("Measured on %Y-%m-%d:\n\n") + "".join(
            f"- {name}: {value}\n" for name, value in machine)
        tables.write_between_marks(
            os.path.join(ROOT, "docs", "performance.md"),
            head + "\n" + "\n".join(table.markdown() for table in done))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
