# SPDX-License-Identifier: Apache-2.0
"""Faults of analytics and mail: cases of the integration tests, made again and again.
What they count they say in lines of their own (tap.balance)."""

import json
import os
import re
import subprocess
import sys

import mailbox
from balance import Balance
from case import Case
from daemon import BUILD, ROOT

TESTS = os.path.join(ROOT, "tests", "integration")
BALANCE = "# balance "
COUNTS = ("sent", "stored", "lost", "waiting", "duplicated")
TIMEOUT_SEC = 3600


def add_line(result, text):
    counts = json.loads(text)
    for name in COUNTS:
        setattr(result, name, getattr(result, name) + counts.get(name, 0))
    for what, n in counts.get("notes", {}).items():
        if n:
            result.notes[what] = result.notes.get(what, 0) + n


def run_test(result, test, words, env):
    """Runs it once; its failed points are problems."""
    command = [sys.executable, os.path.join(TESTS, f"test-{test}.py"), *words]
    done = subprocess.run(command, env=dict(os.environ, FLOWKEEP_BUILD=BUILD, **env),
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, timeout=TIMEOUT_SEC, check=False)
    lines = done.stdout.splitlines()
    for line in lines:
        if line.startswith(BALANCE):
            add_line(result, line.removeprefix(BALANCE))
        elif re.match(r"not ok|Bail out", line):
            result.problems.append(line)
    if done.returncode and not result.problems:
        result.problems.append("\n".join(lines[-10:]))
    result.unexplained = abs(result.sent - result.stored - result.lost)


def repeated(unit, test, *words):
    """A row's `run`: the points of @test whose names hold one of @words."""
    def run(case, plan):
        result = Balance(case.name, unit=unit, times=plan.times)
        for _ in range(plan.times):
            run_test(result, test, words, {"TEST_CLUSTER": plan.cluster().directory})
        return result
    return run


def killed_jobs(case, plan):
    result = Balance(case.name, unit="rows", times=plan.times)
    run_test(result, "analytics-kill", ["killed jobs"],
             {"FLOWKEEP_ANALYTICS_KILLS": str(plan.times),
              "TEST_CLUSTER": plan.cluster().directory})
    return result


def killed_mail(case, plan):
    result = Balance(case.name, unit="mails", times=plan.times)
    run_test(result, "mail", ["killing"], {"FLOWKEEP_MAIL_KILLS": str(plan.times),
                                           "TEST_CLUSTER": plan.cluster().directory})
    return result


def mail(name, what, *words):
    # ./run-tests makes each once as it is.
    return Case(name, what, short=0, long=10, run=repeated("mails", "mail", *words),
                missing=mailbox.missing)


CASES = [
    Case("jobs-sigkill", "kill -9 of every job of analytics at random moments", short=0,
         long=200, per_balance=50, run=killed_jobs, missing=mailbox.missing),
    Case("jobs-two-at-once", "two analytics daemons at once", short=0,
         run=repeated("runs", "analytics", "two of them")),
    Case("mail-sigkill", "kill -9 of the mail daemon, and of its sender", short=0, long=50,
         per_balance=25, run=killed_mail, missing=mailbox.missing),
    mail("mail-two-at-once", "two mail daemons at once", "two at once"),
    mail("mail-down", "the mail server is away for more than an hour",
         "while the server is down"),
    mail("mail-refusing", "the mail server refuses a recipient, or a message for ever",
         "who is refused", "is given up"),
    mail("mail-dropping", "the mail server drops the connection before or after it took a"
         " message, and does not answer", "dropped before", "without an answer"),
    mail("mail-greylisting", "the mail server wants a recipient's mail later",
         "greylisting"),
    mail("mail-certificate", "the mail server's certificate is wrong",
         "wrong certificate"),
    mail("mail-slow", "the mail server answers too late", "slow server"),
]
