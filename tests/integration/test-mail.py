#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What happened to incidents is mailed once: through a real mail server that is down,
slow, greylisting, refusing or lying, and with processes killed at any moment."""

import html.parser
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from datetime import datetime, timedelta, timezone

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import mailbox
import tap
from daemon import BUILD, Collector, missing, wait_until
from mailbox import PASSWORD, USER, Mailbox, certificates

ANALYTICS = os.path.join(BUILD, "analytics", "flowkeep-analytics")
NOW = datetime(2026, 11, 24, 13, 0, tzinfo=timezone.utc)
N_KILLS = int(os.environ.get("FLOWKEEP_MAIL_KILLS", "25"))
EVIL = "evil\r\nBcc: x@example.net\r\n\r\n<script>alert(1)</script>'; DROP TABLE x; --"

TURNED = "router\u202e1" + EVIL  # from right to left


def evidence(n_events=200, period_ms=27100):
    """As the alert layer writes it."""
    begin = NOW - timedelta(milliseconds=n_events * period_ms)
    hour = begin.replace(minute=0, second=0)
    return {
        "from": iso(begin), "to": iso(NOW), "rule": "beacon",
        "terms": [{"name": "regularity", "points": 45, "max": 45,
                   "why": "more regular than all 1000 comparison pairs of this size"},
                  {"name": "rarity", "points": 20, "max": 20, "why": "no other host"}],
        "numbers": {"period_sec": period_ms / 1000, "jitter_pct": 20.3},
        "starts_ms": [i * period_ms for i in range(n_events)],
        "octets": [349] * n_events,
        "hours": [{"hour": iso(hour + timedelta(hours=i)), "out": 46000, "in": 9000,
                   "low": None, "high": None} for i in range(2)]}


def iso(time):
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Place:
    """A database, settings, and programs that are run in it."""

    def __init__(self, name, box=None, recipients=None, **settings):
        recipients = recipients or {"ops": {"address": "ops@example.net"}}
        self.role = "flowkeep_mail_" + name.replace("-", "_")
        self.folder = tempfile.mkdtemp(prefix="flowkeep-mail-", dir="/tmp")
        self.password = os.path.join(self.folder, "password")
        with open(self.password, "w", encoding="utf-8",
                  opener=lambda path, flags: os.open(path, flags, 0o600)) as to:
            to.write(PASSWORD + "\n")
        sections = {
            "analytics": {"name": "hq", "mail_period_sec": 1},
            "smtp": {"server": "localhost", "port": box.port if box else 1,
                     "user": USER, "password_file": self.password, "timeout_sec": 10},
            "mail": {"from": "flowkeep@example.net"},
            **{f"recipient {key}": value for key, value in recipients.items()}}
        for section, keys in settings.items():
            sections.setdefault(section, {}).update(keys)
        self.box = box
        self.c = Collector("mail-" + name, settings=sections)
        admin = self.c.pg.conninfo(self.c.database)
        self.c.write_config({"database": {
            "conninfo": self.c.pg.conninfo(self.c.database, self.role),
            "admin_conninfo": admin}})
        self.daemon = None

    def __enter__(self):
        self.c.pg.create_database(self.c.database)
        self.c.pg.psql(f'DROP ROLE IF EXISTS "{self.role}"')
        self.c.flowkeep("migrate")
        # No more rights than the program has.
        self.c.pg.psql(f'CREATE ROLE "{self.role}" LOGIN IN ROLE flowkeep_analytics')
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print("\n".join("# " + line for line in self.log().splitlines()[-30:]),
                  flush=True)
        if self.daemon and self.daemon.poll() is None:
            self.daemon.kill()
            self.daemon.wait()
        if kind is None and self.box:
            self.account()
        self.c.close()
        self.c.pg.psql(f'DROP ROLE IF EXISTS "{self.role}"')
        remove(self.folder)

    def account(self):
        """What became of the mail.  Two of one id are the same to a server; they come
        when an answer was lost (RFC 5321 4.5.4.1)."""
        states = dict(self.outbox("message_id, state"))
        ended = {one for one, state in states.items() if state in ("sent", "refused")}
        ids = [one.strip("<>") for one in self.box.ids()]
        arrived = ended & set(ids)
        tap.balance(sent=len(ended), stored=len(arrived),
                    lost=sum(state == "refused" and one not in arrived
                             for one, state in states.items()),
                    duplicated=len(set(ids) - set(states)),
                    notes={"not sent yet, as it should be": len(states) - len(ended),
                           "came again under the same id": len(ids) - len(set(ids))})

    # --- what the other jobs would have written

    def alert(self, kind="beacon", severity="mail", group="servers", number=14,
              title=None, explanation="every 27.1 s (jitter about 20 %), 200 contacts."):
        title = title or f"{kind}: servers 10.2.0.{number} -> 203.0.113.51:443"
        return int(self.c.value(f"""
            INSERT INTO flowkeep.alert (kind, rule, host, host_group, peer,
                peer_network, service_port, protocol, initiator, state, severity,
                score, magnitude, opened_at, found_at, title, explanation, evidence)
            VALUES ('{kind}', 'beacon', '10.2.0.{number}', {quote(group)},
                '203.0.113.51', '203.0.113.51', 443, 6, 1, 'open', '{severity}', 99,
                200, '{NOW}', '{NOW}', {quote(title)}, {quote(explanation)},
                {quote(json.dumps(evidence()))}) RETURNING id"""))

    def event(self, alert_id, what="opened", at=NOW, magnitude=200):
        return int(self.c.value(f"""
            INSERT INTO flowkeep.alert_event (alert_id, at, what, tell, severity,
                score, magnitude, explanation)
            SELECT id, '{at}', '{what}', true, severity, score, {magnitude},
                   explanation
              FROM flowkeep.alert WHERE id = {alert_id} RETURNING id"""))

    def alerts(self, n, **how):
        for i in range(n):
            self.event(self.alert(number=i + 1, **how))

    # --- running

    def mail(self, after=timedelta(0), job="mail", check=True):
        """One run of the job, as if it were so long after NOW."""
        with open(os.path.join(self.folder, "log"), "ab") as log:
            done = subprocess.run(
                [ANALYTICS, "--config", self.c.config_path, "--once", job, "--now",
                 iso(NOW + after)],
                stdout=log, stderr=log, timeout=120, check=False)
        if check:
            assert done.returncode == 0, self.log()
        return done.returncode

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.daemon = subprocess.Popen(
                [ANALYTICS, "--config", self.c.config_path], stdout=log, stderr=log)
        return self.daemon

    def log(self):
        path = os.path.join(self.folder, "log")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def outbox(self, columns="state"):
        return self.c.sql(f"SELECT {columns} FROM flowkeep.outbox ORDER BY id")

    def states(self):
        return [row[0] for row in self.outbox()]

    def error(self):
        return self.c.value("SELECT last_error FROM flowkeep.outbox ORDER BY id")


def remove(folder):
    if not os.environ.get("FLOWKEEP_KEEP"):
        shutil.rmtree(folder, ignore_errors=True)


def quote(text):
    return "E'" + (text.replace("\\", "\\\\").replace("'", "\\'")
                   .replace("\r", "\\r").replace("\n", "\\n")) + "'"


class Page(html.parser.HTMLParser):
    """What stands in a page."""

    EMPTY = ("meta", "img", "br")

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.sources, self.text = [], [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in self.EMPTY:
            self.open.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


class Mail(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing() or mailbox.missing()
        if why:
            raise unittest.SkipTest(why)
        cls.folder = tempfile.mkdtemp(prefix="flowkeep-mail-", dir="/tmp")
        cls.addClassCleanup(remove, cls.folder)
        cls.good = certificates(cls.folder)
        cls.wrong = certificates(cls.folder, "wrong")

    def trusting(self, **smtp):
        return {"smtp": dict(ca_file=self.good[0], **smtp)}

    def assert_each_once(self, place, box):
        wanted = sorted(f"<{row[0]}>" for row in place.outbox("message_id"))
        self.assertEqual(sorted(box.ids()), wanted)
        self.assertEqual(set(place.states()), {"sent"})

    # --- what arrives

    def test_a_message_arrives_once_over_starttls_with_login(self):
        with Mailbox(self.good) as box, \
                Place("starttls", box, **self.trusting()) as place:
            place.event(place.alert())
            for _ in range(3):
                place.mail()
            self.assert_each_once(place, box)
            received = box.received()[0]
            self.assertEqual((received["tls"], received["user"], received["to"]),
                             (True, USER, ["ops@example.net"]))
            message = box.messages()[0]
            self.assertIn("10.2.0.14 -> 203.0.113.51:443", message["Subject"])
            self.assertEqual(message["Auto-Submitted"], "auto-generated")
            self.assertIn("every 27.1 s", message.get_body(("plain",)).get_content())
            self.assertIn("<h1", message.get_body(("html",)).get_content())
            pictures = [part for part in message.walk()
                        if part.get_content_type() == "image/png"]
            self.assertGreaterEqual(len(pictures), 2)
            for picture in pictures:
                self.assertEqual(picture.get_content()[:8], b"\x89PNG\r\n\x1a\n")
                self.assertIn("cid:" + picture["Content-ID"].strip("<>"),
                              message.get_body(("html",)).get_content())
            self.assertNotIn(PASSWORD, place.log())

    def test_and_over_tls(self):
        with Mailbox(self.good, security="tls") as box, \
                Place("tls", box, **self.trusting(security="tls")) as place:
            place.event(place.alert())
            place.mail()
            self.assert_each_once(place, box)

    def test_an_incident_is_one_thread(self):
        with Mailbox(self.good) as box, Place("thread", box, **self.trusting()) as place:
            alert = place.alert()
            place.event(alert)
            place.mail()
            place.event(alert, "grew", magnitude=3000)
            place.event(alert, "resolved", magnitude=3000)
            place.mail()
            first, second, third = box.messages()
            for answer in (second, third):
                self.assertEqual(answer["In-Reply-To"], first["Message-ID"])
                self.assertEqual(answer["References"], first["Message-ID"])
            self.assertIn("grew", second["Subject"])
            self.assertIn("3\u202f000 contacts now, 200 contacts when",
                          second.get_body(("plain",)).get_content().replace("\n", " "))
            self.assertIn("resolved", third["Subject"])

    def test_names_from_the_network_are_harmless(self):
        with Mailbox(self.good) as box, Place("evil", box, **self.trusting()) as place:
            place.event(place.alert(title=EVIL, explanation=EVIL, group=EVIL))
            place.mail()
            self.assert_each_once(place, box)
            self.assertEqual(box.received()[0]["to"], ["ops@example.net"])
            message = box.messages()[0]
            self.assertIsNone(message["Bcc"])
            page = message.get_body(("html",)).get_content()
            self.assertNotIn("<script", page)
            self.assertIn("&lt;script&gt;", page)

    def test_recipients_get_what_concerns_them(self):
        people = {"ops": {"address": "ops@example.net", "groups": "servers"},
                  "net": {"address": "net@example.net", "groups": "routers; other"},
                  "all": {"address": "all@example.net"},
                  "digest": {"address": "digest@example.net", "alerts": "false"}}
        with Mailbox(self.good) as box, \
                Place("routing", box, people, **self.trusting()) as place:
            place.event(place.alert())
            place.event(place.alert(number=15, severity="digest"))
            place.mail()
            self.assertEqual(sorted(one["to"][0] for one in box.received()),
                             ["all@example.net", "ops@example.net"])

    def test_over_the_cap_mail_is_held_and_the_next_one_says_how_many(self):
        with Mailbox(self.good) as box, \
                Place("cap", box, mail={"cap_per_hour": 3},
                      **self.trusting()) as place:
            place.alerts(5)
            place.alerts(1, kind="exfil")
            place.mail()
            self.assertEqual(sorted(place.states()), ["held"] * 2 + ["sent"] * 4)
            place.event(place.alert(number=99))
            place.mail(timedelta(hours=2))
            last = box.messages()[-1].get_body(("plain",)).get_content()
            self.assertIn("2 more mails were held back", last)

    def test_without_recipients_nothing_is_composed_and_nothing_is_forgotten(self):
        with Mailbox(self.good) as box, Place("nobody", box, **self.trusting()) as place:
            keys = place.c.settings.pop("recipient ops")
            place.c.write_config()
            place.event(place.alert())
            place.mail()
            self.assertEqual(place.outbox(), [])
            place.c.write_config({"recipient ops": keys})
            place.mail(timedelta(hours=1))
            self.assert_each_once(place, box)

    def test_a_muted_incident_is_not_mailed(self):
        with Mailbox(self.good) as box, Place("mute", box, **self.trusting()) as place:
            place.event(place.alert())
            place.c.sql("UPDATE flowkeep.alert SET state = 'muted'")
            place.mail()
            self.assertEqual(place.outbox(), [])

    # --- what people run

    def test_mail_test_says_what_the_server_answers(self):
        people = {"ops": {"address": "ops@example.net"},
                  "gone": {"address": "gone@example.net"}}
        with Mailbox(self.good) as box, \
                Place("trial", box, people, **self.trusting()) as place:
            done = place.c.flowkeep("mail-test")
            self.assertIn("ops <ops@example.net>: taken\n    250 2.0.0 taken",
                          done.stdout)
            self.assertEqual(len(set(box.ids())), 2)
            self.assertIn("test", box.messages()[0]["Subject"])

            box.behave(rcpt={"gone@example.net": "550 5.1.1 no such user"})
            done = place.c.flowkeep("mail-test", "gone", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("refused for good", done.stdout)
            self.assertIn("> RCPT TO:<gone@example.net>", done.stdout)
            self.assertIn("< 550 5.1.1 no such user", done.stdout)
            self.assertNotIn(PASSWORD, done.stdout)

            self.assertEqual(
                place.c.flowkeep("mail-test", "who", check=False).returncode, 2)
            place.c.write_config({"smtp": {"server": ""}})
            done = place.c.flowkeep("mail-test", check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn("[smtp] server is not set", done.stderr)

    def test_the_report_is_one_file_that_loads_nothing_and_runs_nothing(self):
        with Place("report") as place:
            place.event(place.alert())
            place.event(place.alert(number=15, title=EVIL, explanation=EVIL, group=EVIL))
            place.alert(number=16, severity="listed", title=EVIL)
            place.c.sql(f"""
                UPDATE flowkeep.alert SET opened_at = now(), found_at = now();
                INSERT INTO flowkeep.contact_hour (hour, host, peer, service_port,
                    protocol, initiator, sessions, out_octets, in_octets)
                SELECT date_trunc('hour', now()) - i * interval '1 hour', '10.2.0.14',
                       '203.0.113.51', 443, 6, 1, 133, 46000 * i, 9000
                  FROM generate_series(1, 24) AS i;
                INSERT INTO flowkeep.blind_spot (job, subject, reason, since_at, seen_at)
                VALUES ('beacon', {quote(EVIL)}, 'sampled 1:1000', now(), now());
                INSERT INTO flowkeep.exporter (address, domain, name, first_seen_at,
                    last_seen_at)
                VALUES ('192.0.2.1', 0, {quote(TURNED)}, now(), now());
                """)
            path = os.path.join(place.folder, "report.html")
            done = place.c.flowkeep("report", "--since", "-2d", "-o", path)
            self.assertIn("3 incidents", done.stdout)
            with open(path, encoding="utf-8") as page:
                text = page.read()
            found = Page()
            found.feed(text)
            self.assertEqual(found.open, [])
            self.assertNotIn("script", found.tags)
            self.assertGreaterEqual(found.tags.count("img"), 4)
            self.assertEqual({source[:22] for source in found.sources},
                             {"data:image/png;base64,"})
            shown = found.text.replace("\u00a0", " ")
            for words in ("10.2.0.14 -> 203.0.113.51:443", "every 27.1 s",
                          "sampled 1:1000", "13.8 MB", "<script>alert(1)</script>",
                          "router\\u{202e}1"):
                self.assertIn(words, shown)
            for letter in "\u202e\r\x00":
                self.assertNotIn(letter, text)
            again = place.c.flowkeep("report", "-o", "-").stdout
            self.assertTrue(again.startswith("<!DOCTYPE html>"))
            self.assertEqual(
                place.c.flowkeep("report", "--since", "yes", check=False).returncode, 2)
            for wrong in (["--since", "2999-01-01"], ["more"], ["--no-such"]):
                self.assertEqual(
                    place.c.flowkeep("report", *wrong, check=False).returncode, 2, wrong)
            done = place.c.flowkeep("report", "-o", "/nonexistent/x.html", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("/nonexistent/x.html", done.stderr)

    # --- the digest

    def test_there_is_one_digest_a_day(self):
        with Mailbox(self.good) as box, Place("digest", box, **self.trusting()) as place:
            place.alert(severity="digest", number=7)
            for hours in (0, 16, 17, 17.5, 18, 40):
                place.mail(timedelta(hours=hours))
            self.assert_each_once(place, box)
            digest, = box.messages()
            self.assertEqual(digest["Subject"],
                             "[Flowkeep] daily digest 2026-11-25: 1 new")
            self.assertIn("10.2.0.7", digest.get_body(("plain",)).get_content())
            place.mail(timedelta(hours=42))  # it goes on, which is no news
            self.assertEqual(len(box.messages()), 1)

    def test_old_messages_and_incidents_are_forgotten(self):
        with Mailbox(self.good) as box, Place("old", box, **self.trusting()) as place:
            over, going_on = place.alert(), place.alert(number=15)
            place.event(over)
            place.event(going_on)
            place.mail()
            place.c.sql(f"UPDATE flowkeep.alert SET state = 'resolved',"
                        f" resolved_at = '{NOW}' WHERE id = {over}")

            def kept(days):
                place.c.write_config({"smtp": {"server": ""}})
                place.mail(timedelta(days=days))
                return (int(place.c.value("SELECT count(*) FROM flowkeep.alert")),
                        [row for row in place.outbox("alert_id, message <> ''")
                         if row[0]])

            both = [[str(over), "t"], [str(going_on), "t"]]
            self.assertEqual(kept(29), (2, both))
            self.assertEqual(kept(31), (2, [[one, "f"] for one, _ in both]))
            self.assertEqual(kept(91), (2, [[str(going_on), "f"]]))
            self.assertEqual(kept(731), (1, [[str(going_on), "f"]]))
            self.assertEqual(place.c.value("SELECT count(*) FROM flowkeep.alert_event"),
                             "1")

    # --- a mail server that cannot be trusted, or reached

    def assert_waits(self, place, box, reason):
        place.mail()
        self.assertEqual(place.states(), ["pending"])
        self.assertIn(reason, place.error())
        self.assertEqual(box.received(), [])

    def test_a_wrong_certificate_gets_neither_mail_nor_password(self):
        for security in ("starttls", "tls"):
            with self.subTest(security), \
                    Mailbox(self.wrong, security=security) as box, \
                    Place("certificate-" + security, box,
                          **self.trusting(security=security)) as place:
                place.event(place.alert())
                self.assert_waits(place, box, "certificate")
                self.assertEqual(box.seen("login"), [])

    def test_a_server_without_starttls_gets_nothing(self):
        with Mailbox(security="none", login=False) as box, \
                Place("clear", box, **self.trusting()) as place:
            place.event(place.alert())
            self.assert_waits(place, box, "STARTTLS")
            self.assertEqual(box.seen("rcpt"), [])

    def test_a_wrong_password_is_said_and_not_tried_for_each_message(self):
        with Mailbox(self.good) as box, Place("login", box, **self.trusting()) as place:
            with open(place.password, "w", encoding="utf-8") as to:
                to.write("wrong")
            place.alerts(3)
            place.mail()
            self.assertEqual(place.states(), ["pending"] * 3)
            self.assertIn("535", place.error())
            self.assertLessEqual(len(box.seen("login")), 2)  # PLAIN, then LOGIN

    def test_mail_waits_while_the_server_is_down_and_then_arrives_once(self):
        with Mailbox(self.good) as box, Place("down", box, **self.trusting()) as place:
            box.stop()
            place.alerts(4)
            waits = []
            for minutes in range(0, 70):
                place.mail(timedelta(minutes=minutes * 1.02))
                waits.append(place.outbox("attempts")[0][0])
            # At 0, 1, 3, 7, 15, 31 and 63 minutes.
            self.assertEqual([waits[i] for i in (0, 1, 3, 7, 15, 31, 63, 69)],
                             ["1", "2", "3", "4", "5", "6", "7", "7"])
            self.assertEqual(place.states(), ["pending"] * 4)
            self.assertIn("connect", place.error().lower())
            box.start()
            place.mail(timedelta(minutes=130))
            self.assert_each_once(place, box)

    def test_one_attempt_a_run_reaches_out_to_a_dead_server(self):
        with Mailbox(self.wrong) as box, Place("dead", box, **self.trusting()) as place:
            place.alerts(10)
            place.mail()
            self.assertEqual(len(box.seen("connection")), 1)

    def test_greylisting_delays_a_message_and_no_other(self):
        with Mailbox(self.good) as box, \
                Place("grey", box, {"ops": {"address": "ops@example.net"},
                                    "net": {"address": "net@example.net"}},
                      **self.trusting()) as place:
            box.behave(rcpt={"ops@example.net": "451 4.7.1 greylisted, come back"})
            place.event(place.alert())
            place.mail()
            self.assertEqual(sorted(place.states()), ["pending", "sent"])
            place.mail(timedelta(seconds=59))
            self.assertEqual(len(box.seen("rcpt")), 2)
            box.behave()
            place.mail(timedelta(seconds=61))
            self.assert_each_once(place, box)

    def test_a_recipient_who_is_refused_keeps_nobody_from_their_mail(self):
        with Mailbox(self.good) as box, \
                Place("refused", box, {"gone": {"address": "gone@example.net"},
                                       "ops": {"address": "ops@example.net"}},
                      **self.trusting()) as place:
            box.behave(rcpt={"gone@example.net": "550 5.1.1 no such user here"})
            place.event(place.alert())
            for hours in (0, 1, 2):
                place.mail(timedelta(hours=hours))
            self.assertEqual(place.outbox("recipient, state, last_error"),
                             [["gone", "refused",
                               "answer to RCPT TO: 550 5.1.1 no such user here"],
                              ["ops", "sent", "250 2.0.0 taken"]])

    def test_after_retry_hours_a_message_is_given_up_with_the_reason(self):
        with Mailbox(self.good) as box, \
                Place("given-up", box, mail={"retry_hours": 2},
                      **self.trusting()) as place:
            box.behave(data="451 4.3.0 full")
            place.event(place.alert())
            place.mail()
            place.mail(timedelta(hours=3))
            self.assertEqual(place.states(), ["refused"])
            self.assertIn("given up after 2 hours", place.error())
            self.assertIn("451 4.3.0 full", place.error())

    def test_a_connection_dropped_before_the_answer_is_tried_again(self):
        with Mailbox(self.good) as box, Place("drop", box, **self.trusting()) as place:
            box.behave(drop="before")
            place.alerts(2)
            place.mail()
            self.assertEqual(place.states(), ["pending"] * 2)
            box.behave()
            place.mail(timedelta(minutes=2))
            self.assert_each_once(place, box)

    def test_a_message_taken_without_an_answer_comes_again_as_the_same(self):
        with Mailbox(self.good) as box, Place("taken", box, **self.trusting()) as place:
            box.behave(drop="after")
            place.event(place.alert())
            place.mail()
            box.behave()
            place.mail(timedelta(minutes=2))
            self.assertEqual(place.states(), ["sent"])
            self.assertEqual(len(box.ids()), 2)  # RFC 5321 wants it so ...
            self.assertEqual(len(set(box.ids())), 1)  # ... and servers know it by its id
            self.assertEqual(box.received()[0]["message"], box.received()[1]["message"])

    def test_a_slow_server_costs_its_timeout_and_an_answer_late_at_the_end_counts(self):
        with Mailbox(self.good) as box, \
                Place("slow", box, **self.trusting(timeout_sec=2)) as place:
            place.event(place.alert())
            box.behave(slow={"rcpt": 30})
            begin = time.monotonic()
            place.mail()
            self.assertLess(time.monotonic() - begin, 10)
            self.assertEqual(place.states(), ["pending"])
            self.assertIn("no answer in time to RCPT TO", place.error())
            box.behave(slow={"data": 5})
            place.mail(timedelta(minutes=2))
            self.assert_each_once(place, box)

    # --- processes that are killed

    def test_two_at_once_send_each_message_once(self):
        with Mailbox(self.good) as box, Place("two", box, **self.trusting()) as place:
            box.behave(slow={"data": 0.1})
            place.alerts(10)
            first = place.start()
            other = place.start()
            wait_until("sent", lambda: place.states() == ["sent"] * 10, 60)
            for daemon in (first, other):
                daemon.kill()
                daemon.wait()
            self.assert_each_once(place, box)

    def test_killing_the_daemon_at_any_moment_loses_nothing_and_doubles_nothing(self):
        dice = random.Random(20261124)
        with Mailbox(self.good) as box, \
                Place("kill", box, mail={"cap_per_hour": 10000},
                      **self.trusting()) as place:
            box.behave(slow={"data": 0.02})
            recent = datetime.now(timezone.utc).isoformat()
            for i in range(N_KILLS):
                place.event(place.alert(number=i + 1), at=recent)
                place.event(place.alert(number=i + 101), at=recent)
                place.start()
                time.sleep(dice.random() * 0.8)
                place.daemon.send_signal(signal.SIGKILL)
                place.daemon.wait()
            place.start()
            wait_until("sent", lambda: place.states() == ["sent"] * (2 * N_KILLS), 120)
            self.assert_each_once(place, box)

    def test_killing_the_sender_loses_nothing_and_doubles_only_what_it_was_at(self):
        dice = random.Random(20261125)
        with Mailbox(self.good) as box, \
                Place("sender", box, mail={"cap_per_hour": 10000},
                      **self.trusting()) as place:
            box.behave(slow={"data": 0.02})
            place.c.write_config({"smtp": {"port": 1}})
            place.alerts(N_KILLS * 3)
            place.c.write_config({"smtp": {"server": ""}})
            place.mail()  # composes only
            place.c.write_config({"smtp": {"server": "localhost", "port": box.port}})
            command = [ANALYTICS, "--config", place.c.config_path, "--once", "send",
                       "--now", iso(NOW)]
            doubtful = set()
            for _ in range(N_KILLS):
                process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
                time.sleep(dice.random() * 0.4)
                process.send_signal(signal.SIGKILL)
                process.wait()
                time.sleep(0.1)  # the server notices, and answers into the void
                doubtful |= {row[0] for row in place.outbox("message_id, state")
                             if row[1] == "sending"}
            place.mail(timedelta(hours=1), job="send")
            self.assertEqual(set(place.states()), {"sent"})
            ids = box.ids()
            self.assertEqual({f"<{row[0]}>" for row in place.outbox("message_id")},
                             set(ids))
            twice = {one.strip("<>") for one in ids if ids.count(one) > 1}
            tap.note(f"{N_KILLS} kills: {len(doubtful)} in the moment of doubt, "
                     f"{len(twice)} of them arrived twice")
            self.assertLessEqual(twice, doubtful)


if __name__ == "__main__":
    tap.main()
