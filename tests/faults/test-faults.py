#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The short form of every fault in the table, a point each: nothing is duplicated and
nothing unexplained.  ./run-faults has the long form.

Words on the command line choose cases by their names or parts of them."""

import os
import signal
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "harness")]
import case as cases
import report
import table
import tap
from daemon import missing


def run_short(case, plan):
    plan.times, plan.fault_sec = case.short, case.fault_sec[0]
    plan.rate = case.short_rate
    return cases.run(case, plan)


def main():
    chosen = [case for case in table.chosen(sys.argv[1:]) if case.short]
    why = missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return 0
    print(f"1..{len(chosen)}", flush=True)
    all_ok = True
    with tempfile.TemporaryDirectory(prefix="flowkeep-faults-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        plan = cases.Plan(0, 0, folder=folder, say=lambda text: None)
        try:
            for i, case in enumerate(chosen):
                skip = case.missing() if case.missing else None
                if skip:
                    print(f"ok {i + 1} - {case.name} # SKIP {skip}", flush=True)
                    continue
                result = run_short(case, plan)
                all_ok = all_ok and result.ok
                print(f"{'ok' if result.ok else 'not ok'} {i + 1} -"
                      f" {report.line(result)}", flush=True)
                for problem in result.problems:
                    tap.note(problem)
                if not result.ok:
                    tap.note(result.as_dict())
        finally:
            plan.clear()
    return 0 if all_ok else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, tap.end)
    sys.exit(main())
