#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test-alerts.py FLOWKEEP HARNESS [WORD...]: the commands about incidents, against a
real PostgreSQL.  The incidents are rows put there by the test."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unicodedata
import unittest

PROGRAM, HARNESS = sys.argv[1:3]
sys.argv[1:3] = []
sys.path.insert(0, HARNESS)
import tap  # noqa: E402
from cluster import Cluster, Missing  # noqa: E402

HOSTILE = ("a\r\nBcc: x@example.org\r\n\x1b[2J\x07<script>alert(1)</script>'; DROP TABLE"
           " flowkeep.alert; -- \u202e %s %n \\x41")


def quoted(text):
    return "NULL" if text is None else "$q$" + text + "$q$"


def evidence(now, n_contacts=288, period_sec=300):
    """A clock over the day before now."""
    hour = (now // 3600 - 24) * 3600
    iso = "%Y-%m-%dT%H:%M:%SZ"
    return {
        "from": time.strftime(iso, time.gmtime(now - 86400)),
        "to": time.strftime(iso, time.gmtime(now)),
        "rule": "beacon",
        "terms": [{"name": "regularity", "points": 45, "max": 45, "why": "a clock"},
                  {"name": "rarity", "points": 20, "max": 20, "why": HOSTILE}],
        "numbers": {"period_sec": period_sec, "lv": None, HOSTILE: HOSTILE},
        "starts_ms": [i * period_sec * 1000 for i in range(n_contacts)],
        "octets": [349] * n_contacts,
        "hours": [{"hour": time.strftime(iso, time.gmtime(hour + i * 3600)),
                   "out": 4188, "in": 1000, "low": 100, "high": 2000}
                  for i in range(24)]}


class Alerts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.pg = Cluster()
        except Missing as missing:
            raise unittest.SkipTest(str(missing))
        cls.addClassCleanup(cls.pg.destroy)
        cls.pg.start()
        cls.folder = tempfile.mkdtemp(prefix="flowkeep-alerts-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.conninfo = cls.pg.create_database("alerts")
        cls.owner = cls.configure("owner", cls.conninfo)
        subprocess.run([PROGRAM, "-c", cls.owner, "migrate"], check=True,
                       stdout=subprocess.DEVNULL)
        for group in ("analytics", "reader"):
            cls.pg.psql(f"DROP ROLE IF EXISTS cli_{group}; CREATE ROLE cli_{group}"
                        f" LOGIN IN ROLE flowkeep_{group}")
        cls.conf = cls.configure("analytics",
                                 cls.pg.conninfo("alerts", "cli_analytics"))
        cls.reader = cls.configure("reader", cls.pg.conninfo("alerts", "cli_reader"))

    @classmethod
    def configure(cls, name, conninfo):
        path = os.path.join(cls.folder, name + ".conf")
        with open(path, "w", encoding="utf-8") as conf:
            conf.write(f"[database]\nconninfo={conninfo}\n"
                       f"[journal]\ndirectory={cls.folder}/journal\n")
        return path

    def setUp(self):
        self.psql("TRUNCATE flowkeep.alert, flowkeep.mute, flowkeep.outbox,"
                  " flowkeep.job_run RESTART IDENTITY CASCADE")

    # --- helpers ---

    def psql(self, sql):
        return self.pg.psql(sql, "alerts")

    def value(self, sql):
        return self.pg.value(sql, "alerts")

    def run_with(self, conf, *words, status=0, env=None):
        done = subprocess.run(
            [PROGRAM, "-c", conf, *words], check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            timeout=60, env={**os.environ, "COLUMNS": "80", "LC_ALL": "C.UTF-8",
                             **(env or {})})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assert_harmless(done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def flowkeep(self, *words, **how):
        return self.run_with(self.conf, *words, **how)

    def assert_harmless(self, text):
        """Nothing a terminal obeys, and no line of a name's own."""
        for character in text:
            if character != "\n":
                self.assertNotIn(unicodedata.category(character), ("Cc", "Cf", "Zl", "Zp"),
                                 text)
        self.assertFalse([line for line in text.splitlines()
                          if line.startswith("Bcc:")], text)

    def add_alert(self, kind="beacon", host="10.2.0.14", peer="203.0.113.51", port=443,
                  state="open", severity="mail", score=90, title=None, mute_id=None,
                  told=True):
        now = int(time.time())
        return int(self.value(
            "INSERT INTO flowkeep.alert (kind, rule, host, host_group, peer,"
            " peer_network, service_port, protocol, initiator, state, severity, score,"
            " magnitude, first_contact_at, last_contact_at, opened_at, found_at,"
            " resolved_at, told_at, shown_at, title, explanation, evidence, mute_id) VALUES ("
            f"'{kind}', '{kind}', '{host}', {quoted(HOSTILE)}, '{peer}', '{peer}',"
            f" {port}, 6, 1, '{state}', '{severity}', {score}, 288,"
            " now() - interval '1 day', now(), now() - interval '2 hours', now(),"
            f" {'now()' if state == 'resolved' else 'NULL'},"
            f" {'now()' if told else 'NULL'}, now(),"
            f" {quoted(title or f'{kind}: {host} -> {peer}:{port}')},"
            f" {quoted('every 5 min ' + HOSTILE)},"
            f" {quoted(json.dumps(evidence(now)))}::jsonb, {mute_id or 'NULL'})"
            " RETURNING id"))

    def state(self, alert=1):
        return self.value(f"SELECT state FROM flowkeep.alert WHERE id = {alert}")

    # --- the list ---

    def test_nothing_found_is_said_kindly(self):
        self.assertIn("No incident is open", self.flowkeep("alerts"))
        self.assertEqual(json.loads(self.flowkeep("alerts", "--json"))["alerts"], [])
        self.assertIn("Nothing is muted", self.flowkeep("mute", "--list"))

    def test_the_list_begins_with_the_gravest(self):
        self.add_alert(severity="listed", score=99, peer="203.0.113.1")
        self.add_alert(severity="mail", score=71, peer="203.0.113.2")
        self.add_alert(severity="mail", score=95, peer="203.0.113.3", kind="exfil")
        self.add_alert(state="acknowledged", peer="203.0.113.4")
        self.add_alert(state="resolved", peer="203.0.113.5")
        self.add_alert(state="muted", peer="203.0.113.6")

        def listed(*words):
            found = json.loads(self.flowkeep("alerts", "--json", *words))
            return [alert["id"] for alert in found["alerts"]]
        self.assertEqual(listed(), [3, 4, 2, 1])
        self.assertEqual(listed("--open"), [3, 2, 1])
        self.assertEqual(listed("--all"), [3, 6, 4, 2, 1, 5])
        self.assertEqual(listed("--kind", "exfil"), [3])
        self.assertEqual(listed("--limit", "2"), [3, 4])
        self.assertEqual(listed("--since", "-1h"), [3, 4, 2, 1])
        self.psql("UPDATE flowkeep.alert SET found_at = now() - interval '2 days'"
                  " WHERE id = 3")
        self.assertEqual(listed("--since", "-1d"), [4, 2, 1])
        self.assertIn("1 muted", self.flowkeep("alerts"))
        self.assertIn("1 acknowledged", self.flowkeep("alerts", "--open"))
        self.assertIn("There may be more", self.flowkeep("alerts", "--limit", "2"))

    def test_wrong_options_are_status_2(self):
        for words, part in ((["--kind", "bacon"], "there are beacon and exfil"),
                            (["--open", "--all"], "contradict"),
                            (["--limit", "0"], "--limit"),
                            (["--since", "yesterday"], "is not a time"),
                            (["4711"], "too much")):
            self.assertIn(part, self.flowkeep("alerts", *words, status=2))

    # --- one of them ---

    def test_explain_says_why_and_draws_it(self):
        self.add_alert()
        text = self.flowkeep("explain", "1")
        for part in ("Alert 1: open, severity mail, score 90", "a clock", "together 65",
                     "Intervals between them", "300.0 s", "█", "▓",
                     "flowkeep mute 1 --for 30d", "flowkeep ack 1",
                     "--where-host 203.0.113.51"):
            self.assertIn(part, text)

        plain = self.flowkeep("explain", "1", env={"LC_ALL": "C", "COLUMNS": "60"})
        plain.encode("ascii")
        rows = [line for line in plain.splitlines() if "|" in line]
        self.assertGreater(len(rows), 24)
        self.assertLessEqual(max(map(len, rows)), 60)

        found = json.loads(self.flowkeep("explain", "1", "--json"))
        self.assertEqual(len(found["contacts"]), 288)
        self.assertEqual(found["terms"][1]["why"], HOSTILE)
        self.assertEqual(found["numbers"][HOSTILE], HOSTILE)
        self.assertEqual(found["hours"][0]["high"], 2000)
        self.assertIn("no alert 77", self.flowkeep("explain", "77", status=1))
        self.assertIn("no number", self.flowkeep("explain", "1; DROP", status=2))
        self.assertIn("which one", self.flowkeep("explain", status=2))

    def test_evidence_that_cannot_be_read_is_said(self):
        self.add_alert()
        self.psql("UPDATE flowkeep.alert SET evidence = '[]'")
        self.assertIn("cannot be read", self.flowkeep("explain", "1"))

    def test_names_are_harmless_everywhere(self):
        self.add_alert(title="beacon: " + HOSTILE)
        self.flowkeep("ack", "1", "--note", HOSTILE)
        self.flowkeep("mute", "1", "--for", "1d", "--reason", HOSTILE)
        for words in (["alerts", "--all"], ["explain", "1"], ["mute", "--list"]):
            self.assertIn("<script>", self.flowkeep(*words))
            self.flowkeep(*words, "--json")
        found = json.loads(self.flowkeep("alerts", "--all", "--json"))["alerts"][0]
        self.assertEqual(found["title"], "beacon: " + HOSTILE)
        self.assertEqual(found["host_group"], HOSTILE)
        self.assertEqual(found["mute"]["reason"], HOSTILE)
        mutes = json.loads(self.flowkeep("mute", "--list", "--json"))
        self.assertEqual(mutes[0]["reason"], HOSTILE)
        history = json.loads(self.flowkeep("explain", "1", "--json"))["history"]
        self.assertEqual([event["what"] for event in history], ["acknowledged", "muted"])
        self.assertEqual(history[0]["note"], HOSTILE)

    # --- acknowledging ---

    def test_acknowledging_acts_at_once(self):
        self.add_alert()
        self.add_alert(peer="203.0.113.52")
        self.flowkeep("ack", "1", "#2", "--note", "on it")
        self.assertEqual(self.state(1), "acknowledged")
        self.assertEqual(self.state(2), "acknowledged")
        events = self.psql("SELECT what, tell, note, who LIKE '%@%' FROM"
                           " flowkeep.alert_event")
        self.assertEqual(events, [["acknowledged", "f", "on it", "t"]] * 2)
        self.add_alert(state="resolved", peer="203.0.113.53")
        self.assertIn("no incident 3", self.flowkeep("ack", "3", status=1))
        self.assertIn("is a mute", self.flowkeep("ack", "m1", status=2))
        self.assertIn("which one", self.flowkeep("ack", status=2))

    # --- muting ---

    def test_a_mute_acts_at_once_and_can_be_lifted(self):
        self.add_alert()
        self.add_alert(peer="203.0.113.52")
        said = self.flowkeep("mute", "1", "--for", "30d", "--reason", "backup")
        self.assertIn("1 incident is silent", said)
        self.assertEqual([self.state(1), self.state(2)], ["muted", "open"])
        self.assertEqual(
            self.psql("SELECT kind, host_network, peer_network, service_port, reason,"
                      " alert_id, until_at - created_at, who LIKE '%@%' FROM"
                      " flowkeep.mute"),
            [["beacon", "10.2.0.14/32", "203.0.113.51/32", "443", "backup", "1",
              "30 days", "t"]])
        self.assertIn("1 muted", self.flowkeep("alerts"))
        self.assertIn("1 incident is open again", self.flowkeep("unmute", "m1"))
        self.assertEqual(self.state(1), "open")
        self.assertEqual(
            self.psql("SELECT what, tell, note FROM flowkeep.alert_event ORDER BY id"),
            [["muted", "f", "backup"], ["unmuted", "f", ""]])
        self.assertIn("Nothing is muted", self.flowkeep("mute", "--list"))
        self.assertIn("backup", self.flowkeep("mute", "--list", "--all"))

    def test_a_mute_covers_what_its_networks_hold(self):
        self.add_alert()
        self.add_alert(peer="203.0.113.52")
        self.add_alert(peer="198.51.100.1")
        self.add_alert(kind="exfil")
        said = self.flowkeep("mute", "--kind", "beacon", "--host", "10.2.0.0/16",
                             "--peer", "203.0.113.0/24", "--forever", "--reason", "x")
        self.assertIn("for ever", said)
        self.assertIn("2 incidents are silent", said)
        self.assertEqual([self.state(i) for i in range(1, 5)],
                         ["muted", "muted", "open", "open"])

    def test_a_number_means_a_mute_or_an_alert(self):
        self.add_alert()
        self.add_alert(peer="203.0.113.52")
        self.flowkeep("mute", "2", "--for", "1d", "--reason", "x")   # m1
        self.flowkeep("unmute", "2")                                 # by its alert
        self.assertEqual(self.state(2), "open")
        self.flowkeep("mute", "1", "--for", "1d", "--reason", "x")   # m2
        self.flowkeep("mute", "2", "--for", "1d", "--reason", "x")   # m3
        self.assertIn("say m2 or a2", self.flowkeep("unmute", "2", status=2))
        self.assertEqual([self.state(1), self.state(2)], ["muted", "muted"])
        self.flowkeep("unmute", "a2")
        self.assertEqual([self.state(1), self.state(2)], ["muted", "open"])
        self.flowkeep("unmute", "2")
        self.assertEqual([self.state(1), self.state(2)], ["open", "open"])
        self.assertIn("nothing of this number", self.flowkeep("unmute", "2", status=1))
        self.assertIn("which one", self.flowkeep("unmute", status=2))

    def test_a_careless_mute_is_refused(self):
        self.add_alert()
        for words, part in (
                (["1", "--for", "30d"], "--reason"),
                (["1", "--for", "30d", "--reason", " \t"], "--reason"),
                (["1", "--reason", "x"], "for how long"),
                (["1", "--for", "1d", "--forever", "--reason", "x"], "for how long"),
                (["1", "--for", "soon", "--reason", "x"], "no span of time"),
                (["1", "--until", "2020-01-01", "--reason", "x"], "is over already"),
                (["--for", "1d", "--reason", "x"], "everything"),
                (["--kind", "bacon", "--for", "1d", "--reason", "x"], "no kind"),
                (["--host", "10.2.0.1/16", "--for", "1d", "--reason", "x"], "host bits"),
                (["--peer", "evil.example", "--for", "1d", "--reason", "x"], "--peer"),
                (["--port", "70000", "--for", "1d", "--reason", "x"], "--port"),
                (["x", "--for", "1d", "--reason", "x"], "no number")):
            self.assertIn(part, self.flowkeep("mute", *words, status=2))
        self.assertIn("no alert 77", self.flowkeep("mute", "77", "--for", "1d",
                                                   "--reason", "x", status=1))
        self.assertEqual(self.value("SELECT count(*) FROM flowkeep.mute"), "0")
        self.assertEqual(self.state(), "open")

    # --- rights ---

    def test_a_reader_may_look_and_is_told_what_to_grant(self):
        self.add_alert()
        for words in (["alerts"], ["explain", "1"], ["mute", "--list"], ["status"]):
            self.run_with(self.reader, *words)
        for words in (["ack", "1"], ["mute", "1", "--for", "1d", "--reason", "x"]):
            self.assertIn("GRANT flowkeep_analytics TO \"cli_reader\"",
                          self.run_with(self.reader, *words, status=1))
        self.flowkeep("mute", "1", "--for", "1d", "--reason", "x")
        self.assertIn("GRANT", self.run_with(self.reader, "unmute", "m1", status=1))
        self.assertEqual(self.state(), "muted")

    # --- status ---

    def test_status_shows_jobs_alerts_and_mail(self):
        self.assertIn("Jobs: none has run yet", self.flowkeep("status"))
        self.add_alert()
        self.add_alert(peer="203.0.113.52", severity="digest")
        self.add_alert(peer="203.0.113.53", state="muted")
        self.psql("INSERT INTO flowkeep.job_run (job, started_at, ended_at, error)"
                  " VALUES ('session', now(), now(), NULL),"
                  f" ('beacon', now() - interval '2 h', now(), {quoted(HOSTILE)}),"
                  " ('beacon', now() - interval '1 h', now(), 'out of memory'),"
                  " ('exfil', now() - interval '2 h', now(), 'was away'),"
                  " ('exfil', now() - interval '1 h', now(), NULL),"
                  " ('mail', now(), NULL, NULL)")
        self.psql("INSERT INTO flowkeep.outbox (message_id, kind, recipient, address,"
                  " subject, message, state, next_attempt_at, last_error, created_at)"
                  " SELECT 'a' || i, 'alert', 'noc', 'noc@example.org', 'x', '', state,"
                  f" now(), {quoted(HOSTILE)}, now() - interval '1 hour' FROM unnest("
                  "ARRAY['pending', 'pending', 'refused', 'held', 'sent'])"
                  " WITH ORDINALITY AS s (state, i)")
        text = self.flowkeep("status")
        for part in ("Alerts: 2 open (1 by mail, 1 in the digest, 0 listed), "
                     "0 acknowledged, 1 muted.",
                     "! job beacon: failed 2 times in a row: out of memory",
                     "! mail: 2 waiting, the oldest for 1 h 0 min; noc@example.org: a",
                     "! mail: 1 refused for good in the last day",
                     "runs, or was killed", "1 held back by a cap"):
            self.assertIn(part, text)
        self.assertNotIn("was away", text)
        status = json.loads(self.flowkeep("status", "--json"))
        self.assertEqual(status["alerts"], {
            "open": {"mail": 1, "digest": 1, "listed": 0}, "acknowledged": 0, "muted": 1})
        self.assertEqual([job["job"] for job in status["jobs"]],
                         ["beacon", "exfil", "mail", "session"])
        self.assertEqual(status["mail"]["waiting"], 2)
        self.assertEqual(status["mail"]["waiting_error"], HOSTILE)


if __name__ == "__main__":
    tap.main()
