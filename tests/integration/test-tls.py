#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""IPFIX over TLS (RFC 7011 11): who is let in, who is not, and that a flow which came
through is stored once.  Exporters are Python's ssl and openssl's s_client."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import pki as certificates
import tap
from daemon import HOST, Collector, missing, wait_until

GOOD = "DNS:router1.example.net"
ALLOWED = "router1.example.net, *.lab.example.net, 192.0.2.7, cn:Old Router"
ANY_CIPHER = "ALL:@SECLEVEL=0"


def client_context(pki, pair, version=None):
    """An exporter's side; @pair None: without a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(pki.ca)
    if version:
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # weak certificates are theirs to refuse
    if pair:
        context.load_cert_chain(pair.certificate, pair.key)
    return context


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing() or certificates.missing()
        if why:
            raise unittest.SkipTest(why)
        cls.folder = tempfile.mkdtemp(prefix="flowkeep-tls-", dir="/tmp")
        cls.pki = certificates.Pki(os.path.join(cls.folder, "pki"))
        cls.server = cls.pki.issue("collector", san="DNS:collector.example.net")
        cls.good = cls.pki.issue("router1", san=GOOD)
        cls.c = Collector("tls", listeners={"secure": "tls"}, settings=cls.settings())
        cls.c.create_database()
        cls.c.start()
        path = os.path.join(cls.folder, "messages.ipfix")
        cls.c.flowgen("--numbered", "--total", 300, "--out", path)
        with open(path, "rb") as file:
            cls.messages = file.read()

    @classmethod
    def tearDownClass(cls):
        cls.c.close()
        shutil.rmtree(cls.folder)

    @classmethod
    def settings(cls, listen=None, **sections):
        """What a collector needs to know for a listener called "secure"."""
        return {"listen secure": {"tls_certificate": cls.server.certificate,
                                  "tls_key": cls.server.key,
                                  "tls_client_ca": cls.pki.ca,
                                  "tls_allowed_names": ALLOWED, **(listen or {})},
                "tcp": {"tls_handshakes_per_sec_and_address": 1000}, **sections}

    @contextlib.contextmanager
    def collector(self, name, listen=None, **sections):
        with Collector(name, listeners={"secure": "tls"},
                       settings=self.settings(listen, **sections)) as c:
            yield c

    def dial(self, pair=None, c=None, version=None, source=HOST):
        """A session as an exporter with that certificate; by default a good one."""
        plain = socket.create_connection((HOST, (c or self.c).port), 10,
                                         source_address=(source, 0))
        context = client_context(self.pki, pair or self.good, version)
        return context.wrap_socket(plain, suppress_ragged_eofs=True)

    @staticmethod
    def is_closed(stream):
        """The other side ended it, politely or not."""
        try:
            return stream.recv(1) == b""
        except (ssl.SSLError, ConnectionError):
            return True

    def refused(self, reason, c=None):
        return (c or self.c).number("SELECT sum(count) FROM flowkeep.loss WHERE"
                                    f" reason = 'refused' AND class = '{reason}'")

    @contextlib.contextmanager
    def assert_refused(self, reason, c=None):
        """One handshake more came to nothing for that reason, nothing was stored, and
        the log says who it was and why."""
        c = c or self.c
        before, rows = self.refused(reason, c), c.rows()
        yield
        wait_until(reason, lambda: self.refused(reason, c) == before + 1, 20)
        c.wait_idle()
        self.assertEqual(c.rows(), rows)
        c.check_alive()

    def knock(self, pair, version=None):
        """Sends messages as whoever has that certificate; must not be let in."""
        try:
            with self.dial(pair, version=version) as stream:
                # In TLS 1.3 a client may write before the server has looked at it.
                stream.sendall(self.messages)
                self.assertTrue(self.is_closed(stream))
        except (ssl.SSLError, ConnectionError):
            pass

    def assert_certificate_is_refused(self, pair, reason):
        for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
            with self.assert_refused(reason):
                self.knock(pair, version)

    def s_client(self, *options, say=b"", pair=None, c=None):
        """openssl s_client with the good certificate; returns (exit status, output)."""
        pair = pair or self.good
        command = ["openssl", "s_client", "-connect", f"{HOST}:{(c or self.c).port}",
                   "-CAfile", self.pki.ca, "-cert", pair.certificate, "-key", pair.key,
                   *options]
        done = subprocess.run(command, input=say, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, check=False)
        return done.returncode, done.stdout.decode(errors="replace")

    # --- what is sent is stored

    def test_every_record_of_many_sessions_is_stored_once(self):
        with self.collector("tls-load") as c:
            total, streams = 100000, 4
            senders = []
            for i in range(streams):
                path = os.path.join(self.folder, f"load-{i}.ipfix")
                c.flowgen("--numbered", "--total", total // streams, "--first-number",
                          1 + i * (total // streams), "--templates", 3, "--out", path)
                senders.append(threading.Thread(target=self.send_file, args=(path, c, i)))
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()
            c.wait_for_rows(total)
            c.wait_idle()
            self.assertEqual(c.numbered(), [total, total, 1, total, 0])
            self.assertEqual(c.losses(), {})

    def send_file(self, path, c, i):
        with open(path, "rb") as file, self.dial(c=c, source=f"127.5.0.{i + 1}") as stream:
            stream.sendall(file.read())
            stream.unwrap()

    def test_openssl_s_client_can_export(self):
        with self.collector("tls-openssl") as c:
            with subprocess.Popen(
                    ["openssl", "s_client", "-quiet", "-connect", f"{HOST}:{c.port}",
                     "-CAfile", self.pki.ca, "-cert", self.good.certificate, "-key",
                     self.good.key], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL) as exporter:
                exporter.stdin.write(self.messages)
                exporter.stdin.flush()
                c.wait_for_rows(300)
                exporter.terminate()
            self.assertEqual(c.numbered(), [300, 300, 1, 300, 0])

    def test_messages_cut_anywhere_by_records_are_put_together(self):
        with self.collector("tls-cut") as c:
            with self.dial(c=c) as stream:
                for at in range(0, len(self.messages), 101):  # each a record of its own
                    stream.sendall(self.messages[at:at + 101])
            c.wait_for_rows(300)
            self.assertEqual(c.numbered(), [300, 300, 1, 300, 0])

    def test_a_client_hello_in_many_fragments_is_understood(self):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client_context(self.pki, self.good).wrap_bio(incoming, outgoing)
        with socket.create_connection((HOST, self.c.port), 10) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    for octet in outgoing.read():
                        plain.sendall(bytes([octet]))
                    incoming.write(plain.recv(65536))
            self.assertIn(tls.version(), ("TLSv1.2", "TLSv1.3"))

    # --- versions and ciphers

    def test_TLS_1_2_and_TLS_1_3_are_spoken(self):
        for option, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            with self.subTest(version=name):
                status, said = self.s_client(option)
                self.assertEqual(status, 0, said)
                self.assertIn(name, said)
                self.assertIn("Verify return code: 0 (ok)", said)

    def assert_not_agreed(self, *options):
        with self.assert_refused("tls_handshake"):
            status, said = self.s_client(*options)
            self.assertNotEqual(status, 0, said)
            self.assertIn("Cipher is (NONE)", said)

    def test_TLS_1_1_is_refused(self):
        self.assert_not_agreed("-tls1_1", "-cipher", ANY_CIPHER)

    def test_TLS_1_0_is_refused(self):
        self.assert_not_agreed("-tls1", "-cipher", ANY_CIPHER)

    def test_SSL_3_is_refused(self):
        hello = bytes.fromhex("0300") + bytes(32) + b"\0" + bytes.fromhex("0004 002f 000a")
        hello += b"\1\0"
        hello = b"\1" + len(hello).to_bytes(3, "big") + hello
        record = bytes.fromhex("16 0300") + len(hello).to_bytes(2, "big") + hello
        with self.assert_refused("tls_handshake"), \
                socket.create_connection((HOST, self.c.port), 10) as plain:
            plain.sendall(record)
            answer = plain.recv(100)
            self.assertTrue(answer == b"" or answer[0] == 21, answer)  # an alert

    def test_a_NULL_cipher_is_refused(self):
        self.assert_not_agreed("-tls1_2", "-cipher", "eNULL:@SECLEVEL=0")

    def test_an_anonymous_cipher_is_refused(self):
        self.assert_not_agreed("-tls1_2", "-cipher", "aNULL:@SECLEVEL=0")

    def test_a_cipher_without_forward_secrecy_or_authentication_is_refused(self):
        for cipher in ("kRSA:@SECLEVEL=0", "ECDHE-ECDSA-AES128-SHA256"):
            with self.subTest(cipher=cipher):
                self.assert_not_agreed("-tls1_2", "-cipher", cipher)

    # --- certificates

    def test_a_client_without_a_certificate_is_refused(self):
        for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
            with self.assert_refused("tls_no_certificate"):
                try:
                    plain = socket.create_connection((HOST, self.c.port), 10)
                    context = client_context(self.pki, None, version)
                    with context.wrap_socket(plain) as stream:
                        stream.sendall(self.messages)
                        self.assertTrue(self.is_closed(stream))
                except (ssl.SSLError, ConnectionError):
                    pass

    def test_a_self_signed_certificate_is_refused(self):
        self.assert_certificate_is_refused(self.pki.self_sign("self", GOOD),
                                           "tls_untrusted")

    def test_a_certificate_of_the_wrong_CA_is_refused(self):
        other = certificates.Pki(os.path.join(self.folder, "other"))  # of the same name
        self.assert_certificate_is_refused(other.issue("router1", san=GOOD),
                                           "tls_untrusted")

    def test_an_expired_certificate_is_refused(self):
        self.assert_certificate_is_refused(
            self.pki.issue("old", san=GOOD, start_days=-3, end_days=-1), "tls_expired")

    def test_a_certificate_that_is_not_valid_yet_is_refused(self):
        self.assert_certificate_is_refused(
            self.pki.issue("young", san=GOOD, start_days=1), "tls_not_yet_valid")

    def test_a_certificate_with_a_wrong_name_is_refused(self):
        self.assert_certificate_is_refused(
            self.pki.issue("other", san="DNS:router2.example.net,IP:192.0.2.8"),
            "tls_name")

    def test_a_common_name_counts_only_if_it_is_listed_as_one(self):
        self.assert_certificate_is_refused(
            self.pki.issue("cn", cn="router1.example.net"), "tls_name")
        with self.dial(self.pki.issue("cn2", cn="Old Router")) as stream:
            self.assertTrue(stream.getpeercert())

    def test_an_address_in_the_certificate_or_a_name_under_a_star_is_enough(self):
        for name, san in (("ip", "IP:192.0.2.7"), ("lab", "DNS:x.lab.example.net")):
            pair = self.pki.issue(name, san=san)
            self.s_client("-quiet", "-no_ign_eof", pair=pair)
            wait_until("session", lambda s=san: self.c.count_in_log(
                f"certificate of {s.split(':')[1]}") > 0, 20)

    def test_a_wildcard_in_the_certificate_stands_for_nothing(self):
        self.assert_certificate_is_refused(self.pki.issue("wild", san="DNS:*.example.net"),
                                           "tls_name")

    def test_a_certificate_for_servers_only_is_refused(self):
        self.assert_certificate_is_refused(
            self.pki.issue("server", san=GOOD, usage="serverAuth"), "tls_purpose")

    def test_a_certificate_with_a_key_of_1024_bits_is_refused(self):
        self.assert_certificate_is_refused(self.pki.issue("short", san=GOOD, bits=1024),
                                           "tls_weak")

    def test_a_certificate_signed_with_SHA_1_is_refused(self):
        self.assert_certificate_is_refused(self.pki.issue("sha1", san=GOOD, md="sha1"),
                                           "tls_weak")

    def test_a_revoked_certificate_is_refused(self):
        gone = self.pki.issue("gone", san=GOOD)
        with self.collector("tls-crl") as c:
            with self.dial(gone, c=c) as stream:
                stream.sendall(self.messages)
                c.wait_for_rows(300)
            self.pki.revoke(gone)
            c.write_config({"listen secure": {"tls_client_crl": self.pki.make_crl()}})
            c.reload()
            with self.assert_refused("tls_revoked", c):
                with contextlib.suppress(ssl.SSLError, ConnectionError), \
                        self.dial(gone, c=c) as stream:
                    stream.sendall(self.messages)
                    self.assertTrue(self.is_closed(stream))
            with self.dial(c=c) as stream:  # who is not on the list
                stream.sendall(self.messages)
                c.wait_for_rows(600)
            self.pki.make_crl(days=-1)
            c.reload()
            with self.assert_refused("tls_stale_crl", c):
                with contextlib.suppress(ssl.SSLError, ConnectionError), \
                        self.dial(c=c) as stream:
                    self.assertTrue(self.is_closed(stream))

    def test_octets_after_a_handshake_that_failed_are_never_decoded(self):
        pair = self.pki.self_sign("late", GOOD)
        with self.collector("tls-late") as c:
            with contextlib.suppress(ssl.SSLError, ConnectionError), \
                    self.dial(pair, c=c, version=ssl.TLSVersion.TLSv1_3) as stream:
                for _ in range(50):
                    stream.sendall(self.messages)
            wait_until("refusal", lambda: self.refused("tls_untrusted", c) == 1, 20)
            c.wait_idle()
            self.assertEqual(c.rows(), 0)
            self.assertEqual(c.number("SELECT count(*) FROM flowkeep.exporter"), 0)
            self.assertGreater(c.count_in_log("TLS: 127.0.0.1 port"), 0)

    def test_the_log_says_who_was_refused_and_why(self):
        with self.collector("tls-log") as c:
            with contextlib.suppress(ssl.SSLError, ConnectionError), \
                    self.dial(self.pki.self_sign("selfish", GOOD), c=c) as stream:
                self.is_closed(stream)
            wait_until("line", lambda: any(
                "127.0.0.1 port" in line and "refused: its certificate is not signed by the"
                " client CA (router1.example.net)" in line for line in c.log_tail()), 10)

    # --- manners

    def test_what_is_not_TLS_is_refused(self):
        with self.assert_refused("tls_handshake"), \
                socket.create_connection((HOST, self.c.port), 10) as plain:
            plain.sendall(self.messages[:1000])
            with contextlib.suppress(ConnectionError):
                while plain.recv(100):
                    pass

    def test_a_client_that_says_nothing_loses_its_place(self):
        with self.collector("tls-mute", tcp={"tls_handshake_timeout_sec": 1}) as c:
            with self.assert_refused("tls_timeout", c), \
                    socket.create_connection((HOST, c.port), 10) as plain:
                self.assertTrue(self.is_closed(plain))
            with self.assert_refused("tls_timeout", c), \
                    socket.create_connection((HOST, c.port), 10) as plain:
                plain.sendall(bytes.fromhex("16 0301 0200 01 0001fc 0303"))  # half a hello
                self.assertTrue(self.is_closed(plain))

    def test_renegotiation_is_refused(self):
        with self.collector("tls-again") as c:
            # A line that begins with R asks s_client for another handshake.
            status, said = self.s_client("-tls1_2", "-no_ign_eof", say=b"R\n", c=c)
            self.assertIn("RENEGOTIATING", said)
            self.assertNotEqual(status, 0, said)
            c.wait_for("SELECT sum(count) FROM flowkeep.loss WHERE class = 'tcp_framing'",
                       1)

    def test_a_session_is_never_taken_up_again(self):
        """Or a certificate that was revoked meanwhile would not be looked at."""
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = client_context(self.pki, self.good, version)
            session = None
            for _ in range(2):
                with context.wrap_socket(socket.create_connection((HOST, self.c.port), 10),
                                         session=session) as stream:
                    self.assertFalse(stream.session_reused)
                    session = stream.session

    def test_closing_without_close_notify_keeps_what_was_whole(self):
        with self.collector("tls-rude") as c:
            stream = self.dial(c=c)
            stream.sendall(self.messages + self.messages[:50])
            plain = socket.socket(fileno=stream.detach())
            plain.close()
            c.wait_for_rows(300)
            c.wait_idle()
            self.assertEqual(c.numbered(), [300, 300, 1, 300, 0])

    def test_an_exporter_that_is_gone_at_the_end_kills_nobody(self):
        with self.collector("tls-pipe") as c:
            streams = [self.dial(c=c) for _ in range(8)]
            for stream in streams:
                stream.sendall(self.messages[:100])
            c.wait_idle()
            os.kill(c.process.pid, 19)  # SIGSTOP: it learns of all at once
            for stream in streams:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0" * 1
                                  + b"\0\0\0\0")
                stream.close()
            c.process.terminate()
            os.kill(c.process.pid, 18)
            self.assertEqual(c.process.wait(20), 0)

    def test_a_collector_that_ends_says_so_and_reads_what_was_sent(self):
        with self.collector("tls-end") as c:
            with self.dial(c=c) as stream:
                stream.sendall(self.messages)
                c.process.terminate()
                self.assertEqual(stream.recv(1), b"")  # close_notify
            self.assertEqual(c.process.wait(20), 0)
            c.start()
            c.wait_for_rows(300)
            self.assertEqual(c.numbered(), [300, 300, 1, 300, 0])

    def test_templates_of_a_session_die_with_it(self):
        path = os.path.join(self.folder, "without-templates.ipfix")
        with self.collector("tls-templates", decode={"wait_sec": 2}) as c:
            with self.dial(c=c) as stream:
                stream.sendall(self.messages)
            c.wait_for_rows(300)
            c.flowgen("--no-templates", "--total", 50, "--out", path)
            with open(path, "rb") as file, self.dial(c=c) as stream:
                stream.sendall(file.read())
            wait_until("loss", lambda: any(key[0] == "no_template" for key in c.losses()),
                       30, 0.5)
            self.assertEqual(c.rows(), 300)

    # --- limits

    def test_a_flood_of_a_thousand_handshakes_leaves_sessions_alone(self):
        limits = {"tls_handshakes_per_sec": 20, "tls_handshakes_per_sec_and_address": 10,
                  "max_connections_per_address": 2000, "max_connections": 5000}
        with self.collector("tls-flood", tcp=limits) as c, self.dial(c=c) as stream:
            stream.sendall(self.messages)
            c.wait_for_rows(300)
            over = threading.Event()
            floods = [threading.Thread(target=self.flood, args=(c, over, i))
                      for i in range(2)]
            for flood in floods:
                flood.start()
            try:
                for _ in range(10):
                    stream.sendall(self.messages)
                    time.sleep(0.1)
                c.wait_for_rows(300 * 11, 30)
                wait_until("flood", lambda: sum(self.knocks) > 1000, 60)
            finally:
                over.set()
                for flood in floods:
                    flood.join()
            c.wait_for("SELECT sum(count) > 500 FROM flowkeep.loss WHERE reason = 'refused'"
                       " AND class = 'not_allowed'", "t")
            # Someone else still comes in.
            with self.dial(c=c, source="127.6.0.1") as other:
                other.sendall(self.messages)
                c.wait_for_rows(300 * 12, 30)

    knocks = [0, 0]

    def flood(self, c, over, i):
        """Begins handshakes as fast as it can, from one address, and lets them be."""
        hello = bytes.fromhex("16 0301 0200 01 0001fc 0303")
        while not over.is_set():
            with contextlib.suppress(OSError), socket.socket() as plain:
                plain.bind(("127.7.0.1", 0))
                plain.connect((HOST, c.port))
                plain.send(hello)
                self.knocks[i] += 1

    def test_sessions_of_one_address_are_limited(self):
        with self.collector("tls-many", tcp={"max_connections_per_address": 2}) as c:
            with self.dial(c=c), self.dial(c=c):
                with self.assertRaises((ssl.SSLError, ConnectionError)):
                    self.dial(c=c)
                self.dial(c=c, source="127.6.0.1").close()

    # --- the files

    def test_a_reload_reads_the_certificates_again_for_new_sessions(self):
        second = certificates.Pki(os.path.join(self.folder, "second"), "Second CA")
        pair = second.issue("router2", san="DNS:router2.example.net")
        server = second.issue("collector2", san="DNS:collector2.example.net")
        with self.collector("tls-reload") as c, self.dial(c=c) as old:
            c.write_config({"listen secure": {
                "tls_certificate": server.certificate, "tls_key": server.key,
                "tls_client_ca": second.ca, "tls_allowed_names": "router2.example.net"}})
            c.reload()
            context = client_context(second, pair)
            with context.wrap_socket(
                    socket.create_connection((HOST, c.port), 10)) as new:
                new.sendall(self.messages)
                c.wait_for_rows(300)
            with self.assert_refused("tls_untrusted", c), \
                    contextlib.suppress(ssl.SSLError, ConnectionError):
                context = client_context(second, self.good)
                with context.wrap_socket(
                        socket.create_connection((HOST, c.port), 10)) as refused:
                    self.is_closed(refused)
            old.sendall(self.messages)
            c.wait_for_rows(600)

    def test_a_reload_with_a_bad_file_changes_nothing(self):
        with self.collector("tls-bad-reload") as c:
            bad = os.path.join(self.folder, "rubbish.pem")
            with open(bad, "w", encoding="ascii") as out:
                out.write("nothing\n")
            c.write_config({"listen secure": {"tls_client_ca": bad}})
            c.reload()
            self.assertGreater(c.count_in_log("what was in force stays"), 0)
            with self.dial(c=c) as stream:
                stream.sendall(self.messages)
                c.wait_for_rows(300)

    def test_a_key_of_another_certificate_or_one_that_all_can_read_is_an_error(self):
        with self.collector("tls-key") as c:
            c.stop()
            for key, complaint in ((self.good.key, "not a certificate and the key of it"),
                                   (self.pki.ca, "can be used by others")):
                c.write_config({"listen secure": {"tls_key": key}})
                self.assertNotEqual(c.spawn().wait(20), 0)
                self.assertGreater(c.count_in_log(complaint), 0)


if __name__ == "__main__":
    tap.main()
