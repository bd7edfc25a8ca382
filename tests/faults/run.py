#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./run-faults: makes faults under load, and accounts for every record."""

import argparse
import datetime
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "harness"),
                os.path.join(HERE, "..", "bench")]
import case as cases  # noqa: E402
import report  # noqa: E402
import table  # noqa: E402
import tables  # noqa: E402
from cluster import Missing, binary_folder  # noqa: E402
from daemon import ROOT  # noqa: E402

DOC = os.path.join(ROOT, "docs", "reliability.md")


def arguments():
    parser = argparse.ArgumentParser(
        prog="./run-faults", description="Makes faults under load, each several times,"
        " and prints what became of every record.  Exit status: 0 all is accounted for,"
        " 1 something is duplicated, missing or wrong, 2 usage.")
    add = parser.add_argument
    add("case", nargs="*", help="name of a case, or a part of names; default: all")
    add("--list", action="store_true", help="the cases and how often they are run")
    add("--json", action="store_true", help="print the balances as JSON")
    add("--short", action="store_true", help="as in the tests: seconds for each case")
    add("--times", type=int, help="how often each fault is made")
    add("--seconds", type=float, help="how long a fault lasts, where it has a length")
    add("--rate", type=int, help="flows a second (default: the case's)")
    add("--seed", type=int, default=int(time.time()), help="of the random moments")
    add("--folder", help="for databases and journals (default: a temporary one)")
    add("--out", metavar="FOLDER", help="add each balance to FOLDER/results.jsonl")
    add("--report", metavar="FOLDER", action="append",
        help="run nothing: tables of the balances in FOLDER (again: of several)")
    add("--write", action="store_true",
        help="put the tables of --report or --out into docs/reliability.md")
    return parser.parse_args()


def say(text):
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def list_cases(chosen, as_json):
    rows = [{"case": c.name, "what": c.what, "times": c.long, "times_short": c.short}
            for c in chosen]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    width = max(len(c.name) for c in chosen)
    for c in chosen:
        print(f"{c.name:{width}}  {c.long:4} times  {c.what}")


def version():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                          text=True, capture_output=True, check=False)
    return done.stdout.strip()


def run_case(case, args, plan):
    """Yields its balances."""
    missing = case.missing() if case.missing else None
    if missing:
        say(f"{case.name}: skipped, {missing}")
        return
    left = args.times or (case.short if args.short else case.long)
    plan.rate = args.rate or (case.short_rate if args.short else 0)
    plan.fault_sec = args.seconds or case.fault_sec[0 if args.short else 1]
    while left > 0 and not plan.is_ending:
        plan.times = min(left, case.per_balance)
        left -= plan.times
        result = cases.run(case, plan)
        result.facts.update(version=args.version, seed=plan.seed, fault_sec=plan.fault_sec,
                            at=datetime.datetime.now(datetime.timezone.utc)
                            .strftime("%Y-%m-%dT%H:%M:%SZ"))
        say(report.line(result))
        for problem in result.problems:
            say(f"! {problem}")
        if args.out:
            report.save(args.out, result)
        plan.seed += 1
        yield result


def run_all(chosen, args):
    balances = []
    args.version = version()
    with tempfile.TemporaryDirectory(prefix="flowkeep-faults-", dir=args.folder) as own:
        os.chmod(own, 0o755)
        plan = cases.Plan(0, 0, seed=args.seed, folder=own, say=say)

        def end(*_):
            if plan.is_ending:
                raise KeyboardInterrupt
            plan.is_ending = True
            say("ending with a balance of what was done; once more: at once")
        signal.signal(signal.SIGTERM, end)
        try:
            for case in chosen:
                if not plan.is_ending:
                    balances += run_case(case, args, plan)
        except KeyboardInterrupt:
            say("interrupted")
        finally:
            plan.clear()
    return balances


def main():
    args = arguments()
    chosen = table.chosen(args.case)
    if not chosen:
        print(f"no case is called {' '.join(args.case)}", file=sys.stderr)
        return 2
    if args.list:
        list_cases(chosen, args.json)
        return 0
    if args.report:
        balances = [one for folder in args.report for one in report.load(folder)]
    else:
        try:
            balances = run_all(chosen, args)
        except Missing as why:
            print(f"skipped: {why}", file=sys.stderr)
            return 77
    sums = report.summed(balances)
    print(json.dumps([one.as_dict() for one in sums], indent=1) if args.json
          else report.as_text(sums))
    if args.write:
        machine = tables.machine(tables.first_line(
            os.path.join(binary_folder(), "postgres"), "--version"))
        tables.write_between_marks(DOC, report.as_markdown(
            sums, {c.name: c for c in table.CASES}, machine), report.BEGIN, report.END)
    return 0 if sums and all(one.ok for one in sums) else 1


if __name__ == "__main__":
    sys.exit(main())
