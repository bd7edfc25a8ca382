#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Passwords for PostgreSQL and for the mail server are used, and seen nowhere else: not
in logs at their most talkative, in what commands print, in the command line or the
environment of any process, in the files left behind, or in the database."""

import base64
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import mailbox
import tap
from cluster import Cluster
from daemon import BUILD, Collector, missing, wait_until
from mailbox import PASSWORD, USER, Mailbox, certificates

ANALYTICS = os.path.join(BUILD, "analytics", "flowkeep-analytics")
ROLE = "flowkeep"
DATABASE_PASSWORD = "Geheim-und-lang-7531"
WRONG = "Falsch-und-lang-8642"

# As they would show, in the clear or as SMTP's AUTH sends them.
TRACES = {secret: [secret.encode(), base64.b64encode(secret.encode()),
                   base64.b64encode(f"\0{USER}\0{secret}".encode())]
          for secret in (DATABASE_PASSWORD, PASSWORD, WRONG)}


def traces_in(data, where):
    return [f"{where}: the password {secret[:6]}..." for secret, forms in TRACES.items()
            if any(form in data for form in forms)]


def write_private(path, text, mode=0o600):
    with open(path, "w", encoding="utf-8") as to:
        to.write(text)
    os.chmod(path, mode)


class Spy(threading.Thread):
    """Looks at the command line and environment of our programs while they run."""

    def __init__(self):
        super().__init__(daemon=True)
        self.found = []
        self.seen = set()  # names of programs
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            for folder in glob.glob("/proc/[0-9]*"):
                self.look(folder)

    def look(self, folder):
        try:
            program = os.readlink(folder + "/exe")
            if not program.startswith(BUILD):
                return
            self.seen.add(os.path.basename(program))
            for name in ("cmdline", "environ"):
                with open(f"{folder}/{name}", "rb") as file:
                    self.found += traces_in(file.read(), f"{name} of {program}")
        except OSError:
            return  # it ended

    def end(self):
        self.over.set()
        self.join()


class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing() or mailbox.missing()
        if why:
            raise unittest.SkipTest(why)
        cls.folder = tempfile.mkdtemp(prefix="flowkeep-secrets-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.pg = Cluster()
        cls.addClassCleanup(cls.pg.destroy)
        cls.pg.start()
        cls.ask_for_passwords()
        cls.pair = certificates(cls.folder)
        cls.database = os.path.join(cls.folder, "pgpass")
        cls.smtp = os.path.join(cls.folder, "smtp-password")

    @classmethod
    def ask_for_passwords(cls):
        """Of the role; the test's own access needs none."""
        cls.pg.psql("CREATE ROLE flowkeep_collector; CREATE ROLE flowkeep_analytics;"
                    "CREATE ROLE flowkeep_reader;"
                    f"CREATE ROLE {ROLE} LOGIN PASSWORD '{DATABASE_PASSWORD}'"
                    " IN ROLE flowkeep_collector, flowkeep_analytics")
        path = os.path.join(cls.pg.data, "pg_hba.conf")
        with open(path, "r+", encoding="utf-8") as rules:
            others = rules.read()
            rules.seek(0)
            rules.write(f"local all {ROLE} scram-sha-256\n{others}")
        cls.pg.psql("SELECT pg_reload_conf()")

    def setUp(self):
        write_private(self.database, f"*:*:*:{ROLE}:{DATABASE_PASSWORD}\n")
        write_private(self.smtp, PASSWORD + "\n")

    def collector(self, name, box=None):
        c = Collector(name, pg=self.pg, settings={
            "analytics": {"mail_period_sec": 1, "session_period_sec": 1},
            "smtp": {"server": "localhost", "port": box.port if box else 1, "user": USER,
                     "password_file": self.smtp, "ca_file": self.pair[0]},
            "mail": {"from": "flowkeep@example.net"},
            "recipient ops": {"address": "ops@example.net"}})
        c.write_config({"database": {
            "conninfo": self.pg.conninfo(c.database, ROLE),
            "admin_conninfo": self.pg.conninfo(c.database),
            "password_file": self.database}})
        return c

    def commands(self, c, outputs):
        for words in (["dump-config"], ["check-config"], ["status"], ["status", "--json"],
                      ["doctor"], ["alerts"], ["mail-test", "-v"],
                      ["report", "--since", "-1h", "-o",
                       os.path.join(c.folder, "report.html")]):
            done = c.flowkeep(*words, check=False)
            outputs.append((" ".join(words), done.returncode, done.stdout + done.stderr))

    def files_of(self, c):
        for folder, _, names in os.walk(c.folder):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    yield name, file.read()

    def everything(self, c, outputs):
        """Where a password was seen."""
        found = []
        for words, _, output in outputs:
            found += traces_in(output.encode(), f"output of {words}")
        for name, data in self.files_of(c):
            found += traces_in(data, f"file {name}")
        dump = self.pg.run("pg_dump", "-h", self.pg.socket, "-p", "5432", "-U",
                           "postgres", c.database)
        self.assertIn("COPY flowkeep.job_run", dump.stdout)
        return found + traces_in(dump.stdout.encode(), "database")

    def run_all(self, c, outputs, until):
        """Both daemons with --verbose, until until() is true, and all commands."""
        spy = Spy()
        spy.start()
        c.create_database()
        c.spawn("--verbose")
        log_path = os.path.join(c.folder, "analytics.log")
        with open(log_path, "wb") as log:
            analytics = subprocess.Popen([ANALYTICS, "--config", c.config_path,
                                          "--verbose"], stdout=log, stderr=log,
                                         stdin=subprocess.DEVNULL)
        try:
            wait_until("all of it tried", until, 60)
            self.commands(c, outputs)
        finally:
            analytics.terminate()
            self.assertEqual(analytics.wait(60), 0)
            c.stop()
            spy.end()
        self.assertEqual(spy.found, [])
        self.assertLessEqual({"flowkeep-collector", "flowkeep-analytics"}, spy.seen)
        with open(log_path, encoding="utf-8") as log:
            return log.read()

    def alert(self, c):
        c.sql("""
            WITH a AS (
                INSERT INTO flowkeep.alert (kind, rule, host, host_group, peer,
                    peer_network, service_port, protocol, initiator, state, severity,
                    score, magnitude, opened_at, found_at, title, explanation, evidence)
                VALUES ('exfil', 'exfil', '10.2.0.1', 'x', '203.0.113.51',
                    '203.0.113.51', 443, 6, 1, 'open', 'mail', 99, 200, now(), now(),
                    'exfil: 10.2.0.1 -> 203.0.113.51:443', 'much', '{}') RETURNING id)
            INSERT INTO flowkeep.alert_event (alert_id, at, what, tell, severity, score,
                magnitude, explanation)
            SELECT id, now(), 'opened', true, 'mail', 99, 200, 'much' FROM a""")

    def test_passwords_that_are_right_are_used_and_seen_nowhere(self):
        with Mailbox(self.pair) as box:
            c = self.collector("secrets", box)
            self.addCleanup(c.close)
            outputs = []

            def until():
                if c.count_in_log(": ready") and not c.number(
                        "SELECT count(*) FROM flowkeep.alert"):
                    c.send(b"x")
                    self.alert(c)
                return box.received() and c.losses()
            self.run_all(c, outputs, until)
            self.assertEqual([status for _, status, _ in outputs], [0] * len(outputs),
                             outputs)
            self.assertEqual(self.everything(c, outputs), [])

    def test_passwords_that_are_wrong_are_not_seen_either(self):
        with Mailbox(self.pair) as box:
            c = self.collector("secrets-wrong", box)
            self.addCleanup(c.close)
            outputs = []

            def until():
                """First the mail server refuses its password, then the database."""
                if c.count_in_log("authentication failed"):
                    return True
                if box.seen("login") and c.value(
                        "SELECT last_error FROM flowkeep.outbox"):
                    write_private(self.database, f"*:*:*:{ROLE}:{WRONG}\n")
                    self.pg.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                 f" WHERE usename = '{ROLE}'")
                elif c.count_in_log(": ready") and not c.number(
                        "SELECT count(*) FROM flowkeep.alert"):
                    self.alert(c)
                time.sleep(0.2)
                return False
            write_private(self.smtp, WRONG)
            self.run_all(c, outputs, until)
            done = subprocess.run([ANALYTICS, "--config", c.config_path, "--verbose",
                                   "--once", "mail"], text=True, capture_output=True,
                                  timeout=60, check=False)
            self.assertIn("authentication failed", done.stderr)
            outputs.append(("--once mail", done.returncode, done.stdout + done.stderr))
            self.assertEqual(self.everything(c, outputs), [])

    def test_a_password_in_a_connection_string_is_refused_and_not_repeated(self):
        c = self.collector("secrets-conninfo")
        self.addCleanup(c.close)
        for conninfo in (f"host=/tmp password={WRONG}", f"host=/tmp sslpassword={WRONG}",
                         f"postgresql://x:{WRONG}@localhost/x",
                         f"host=/tmp password='{WRONG}"):
            c.write_config({"database": {"conninfo": conninfo}})
            for command in ([ANALYTICS, "--config", c.config_path, "--once", "mail"],
                            [os.path.join(BUILD, "collector", "flowkeep-collector"),
                             "--config", c.config_path],
                            [os.path.join(BUILD, "cli", "flowkeep"), "--config",
                             c.config_path, "check-config"]):
                done = subprocess.run(command, capture_output=True, timeout=60,
                                      check=False)
                with self.subTest(conninfo, program=os.path.basename(command[0])):
                    self.assertEqual(done.returncode, 2)
                    self.assertIn(b"conninfo", done.stderr)
                    self.assertEqual(traces_in(done.stdout + done.stderr, "it"), [])

    def test_files_that_others_can_read_are_refused(self):
        c = self.collector("secrets-mode")
        self.addCleanup(c.close)
        for path, section in ((self.database, "database"), (self.smtp, "smtp")):
            for mode, wanted in ((0o600, 0), (0o400, 0), (0o640, 2), (0o604, 2),
                                 (0o620, 2)):
                os.chmod(path, mode)
                done = c.flowkeep("check-config", check=False)
                with self.subTest(section, mode=oct(mode)):
                    self.assertEqual(done.returncode, wanted, done.stderr)
                    self.assertEqual(f"[{section}] password_file" in done.stderr,
                                     wanted == 2, done.stderr)
            os.chmod(path, 0o600)


if __name__ == "__main__":
    tap.main()
