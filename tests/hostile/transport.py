# SPDX-License-Identifier: Apache-2.0
"""Classes 18, 19, 81 and 82: what the network does, TCP and TLS."""

import os
import socket
import struct
import time

from catalogue import Case, Stream, bad, catalogued
from daemon import HOST, ROOT
from packets import PLAIN, a_set, ipfix, plain, template, templates, u, v9, v9_templates

KNOWN = templates(template(256, *PLAIN))


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data[:len(data) & ~1]))
    if len(data) % 2:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp(source, port, payload, right=True, add=0):
    """Header and payload; @add spoils the checksum, not @right leaves it out."""
    addresses = socket.inet_aton(source) + socket.inet_aton(HOST)
    head = struct.pack(">HHH", 40000, port, 8 + len(payload))
    fake = addresses + struct.pack(">BBH", 0, 17, 8 + len(payload))
    found = checksum(fake + head + b"\0\0" + payload) or 0xffff
    return head + u((found + add) % 65536 if right else 0, 2) + payload


def ip(source, payload, number=1, flags=0, offset=0):
    """A packet of IP; the kernel fills in length and checksum."""
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), number,
                       flags << 13 | offset // 8, 64, 17, 0, socket.inet_aton(source),
                       socket.inet_aton(HOST)) + payload


def raw_socket(test):
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    except PermissionError:
        test.skipTest("needs the right to make raw packets")


def v9_flow(sequence):
    return v9(v9_templates(template(256, *PLAIN)), plain(sequence), seq=sequence)


def run_fragments(test, fire):
    source, port = fire.address(18, 1), fire.c.ports["main"]
    with raw_socket(test) as raw:
        for sequence in range(10, 16):
            whole = udp(source, port, v9_flow(sequence))
            raw.sendto(ip(source, whole[:64], sequence, 1), (HOST, 0))
            if sequence not in (12, 13):  # of these the rest never comes
                raw.sendto(ip(source, whole[64:], sequence, 0, 64), (HOST, 0))
            fire.neighbour(18)
    fire.settle(18)
    test.assertEqual(fire.flows(18)[source][0], 4)
    fire.expect(test, source, {"sequence_gap//datagrams": 2})
    return 6


@catalogued(18, "of a datagram whose fragment is missing the sequence number tells", "A",
            run=run_fragments, inputs="two of six fragmented datagrams without their end",
            losses="`sequence_gap//datagrams`",
            note="the kernel drops it after its own timeout; the collector never sees "
                 "it.")
def _():
    return [Case("a datagram", [v9_flow(10)])]


def run_checksums(test, fire):
    source, port = fire.address(19, 1), fire.c.ports["main"]
    with raw_socket(test) as raw:
        for sequence in range(10, 16):
            data = udp(source, port, v9_flow(sequence), right=sequence != 11,
                       add=sequence in (12, 13))
            raw.sendto(ip(source, data, sequence), (HOST, 0))
            fire.neighbour(19)
    fire.settle(19)
    test.assertEqual(fire.sql.rows(
        "SELECT f.octets FROM flowkeep.flow f JOIN flowkeep.exporter e"
        f" ON e.id = f.exporter_id WHERE e.address = '{source}' ORDER BY 1"),
        [["10"], ["11"], ["14"], ["15"]])
    fire.expect(test, source, {"sequence_gap//datagrams": 2})
    return 6


@catalogued(19, "a wrong UDP checksum loses the datagram, a checksum of 0 does not", "A",
            run=run_checksums,
            inputs="two datagrams with a wrong checksum, one without, three good",
            losses="`sequence_gap//datagrams`",
            note="the kernel checks; what is missing is known by its sequence number.")
def _():
    return [Case("a datagram", [v9_flow(10)])]


# --- 81

def is_closed(sock, timeout_sec):
    """True when the other side ends the connection in time."""
    sock.settimeout(timeout_sec)
    try:
        return sock.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def good_stream(first, n, per_message=1):
    """Messages of @n flows with the template first."""
    made, at = ipfix(KNOWN, seq=0), 0
    while at < n:
        numbers = range(first + at, first + min(at + per_message, n))
        made += ipfix(plain(*numbers), seq=at)
        at += len(numbers)
    return made


def pipelined(test, fire, honest):
    """Ten thousand messages in one write."""
    address = fire.address(81, 1)
    with fire.connect(address) as sock:
        sock.sendall(good_stream(1, 10000))
    fire.c.wait_for(
        "SELECT count(*) || ' ' || count(DISTINCT octets) FROM flowkeep.flow f JOIN"
        f" flowkeep.exporter e ON e.id = f.exporter_id WHERE e.address = '{address}'",
        "10000 10000")
    honest(1)


def slow(test, fire, honest):
    """A length bomb, a partial header and one octet now and then."""
    bombs = [fire.connect(fire.address(81, 2)) for _ in range(3)]
    bombs[0].sendall(struct.pack(">HH", 10, 65535) + bytes(100))
    bombs[1].sendall(b"\0")
    bombs[2].sendall(struct.pack(">HH", 10, 65535))
    began = time.monotonic()
    open_still = set(bombs)
    while open_still and time.monotonic() - began < 10:
        if bombs[2] in open_still:
            try:
                bombs[2].send(b"\0")
            except ConnectionError:
                pass
        open_still = {sock for sock in open_still if not is_closed(sock, 0.1)}
        honest(1)
    test.assertFalse(open_still, "a message that never ends keeps its connection")
    test.assertGreater(time.monotonic() - began, 1.5)
    for sock in bombs:
        sock.close()


def half_open(test, fire, honest):
    """Connections that say nothing, and one that was reset within a message."""
    silent = [fire.connect(fire.address(81, 3)) for _ in range(10)]
    with fire.connect(fire.address(81, 4)) as sock:
        sock.sendall(good_stream(1, 5) + bytes(ipfix(plain(6), seq=5))[:20])
        fire.c.wait_for("SELECT count(*) FROM flowkeep.flow f JOIN flowkeep.exporter e"
                        " ON e.id = f.exporter_id"
                        f" WHERE e.address = '{fire.address(81, 4)}'", 5)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    honest(1)
    for sock in silent:
        sock.close()


def version_change(test, fire, honest):
    """What is no IPFIX ends the connection; what came before stays."""
    before = fire.count_of("tcp_framing")
    rest = (struct.pack(">HH", 9, 100) + bytes(96), b"GET / HTTP/1.1\r\n\r\n",
            struct.pack(">HH", 10, 15) + bytes(20), struct.pack(">HH", 5, 1) + bytes(68))
    for i, wrong in enumerate(rest):
        with fire.connect(fire.address(81, 5 + i)) as sock:
            sock.sendall(good_stream(1, 3) + wrong + good_stream(4, 3))
            test.assertTrue(is_closed(sock, 10), wrong)
    for i in range(len(rest)):
        fire.c.wait_for("SELECT count(*) FROM flowkeep.flow f JOIN flowkeep.exporter e"
                        " ON e.id = f.exporter_id"
                        f" WHERE e.address = '{fire.address(81, 5 + i)}'", 3)
    fire.c.wait_for("SELECT sum(count) FROM flowkeep.loss WHERE class = 'tcp_framing'",
                    before + len(rest))
    honest(1)


def crowd(test, fire, honest):
    """Ten thousand connections from one address, of which it may have sixteen."""
    address, n, allowed = fire.address(81, 9), 10000, 16
    before = fire.count_of("not_allowed")
    mine = [fire.connect(address) for _ in range(allowed)]
    n_closed, batch = 0, []
    for i in range(n):
        try:
            batch.append(fire.connect(address))
        except ConnectionError:  # before connect() had returned
            n_closed += 1
        if len(batch) == 50 or i == n - 1:
            n_closed += sum(is_closed(sock, 10) for sock in batch)
            for sock in batch:
                sock.close()
            batch = []
            honest(1)
    test.assertEqual(n_closed, n)
    with fire.connect(fire.address(81, 10)) as other:
        other.sendall(good_stream(1, 3))
    for sock in mine:
        sock.sendall(good_stream(1, 2))
        sock.close()
    fire.c.wait_for("SELECT string_agg(n::text, ' ' ORDER BY n) FROM (SELECT count(*)"
                    " AS n FROM flowkeep.flow f JOIN flowkeep.exporter e ON e.id ="
                    f" f.exporter_id WHERE e.address IN ('{address}',"
                    f" '{fire.address(81, 10)}') GROUP BY e.id) AS counts",
                    f"3 {2 * allowed}")
    fire.c.wait_for("SELECT sum(count) FROM flowkeep.loss WHERE class = 'not_allowed'",
                    before + n)
    return n


def run_tcp(test, fire):
    """An honest connection goes on through all of it."""
    address, sent = fire.address(81, 254), 0
    with fire.connect(address) as stream:
        stream.sendall(ipfix(KNOWN, seq=0))

        def honest(n):
            nonlocal sent
            for _ in range(n):
                stream.sendall(ipfix(plain(sent + 1), seq=sent))
                sent += 1
            fire.neighbour(81)
        for attack in (pipelined, slow, half_open, version_change, crowd):
            attack(test, fire, honest)
    fire.c.wait_for(
        "SELECT count(*) || ' ' || count(DISTINCT octets) FROM flowkeep.flow f JOIN"
        f" flowkeep.exporter e ON e.id = f.exporter_id WHERE e.address = '{address}'",
        f"{sent} {sent}")
    fire.settle(81)
    test.assertEqual(fire.lost(81).get(address, {}), {})
    return 20000


@catalogued(81, "TCP that is slow, endless, cut, crowded or no IPFIX ends alone", "R",
            run=run_tcp,
            inputs="10 000 messages in one write, 65 535 octets announced and one sent "
                   "now and then, half a header, silent connections, a reset within a "
                   "message, v9, v5 and HTTP in mid-stream, 10 000 connections from one "
                   "address",
            losses="`malformed/tcp_framing/datagrams`<br>"
                   "`refused/not_allowed/datagrams`",
            note="tcp.message_timeout_sec is 2 here.  Connections that never finish "
                 "their handshake are the kernel's (SYN cookies).")
def _():
    return [Case("v9 in mid-stream", [Stream([ipfix(KNOWN, plain(1), n=1),
                                              v9(plain(2))])])]


# --- 82

TLS_TEST = os.path.join(ROOT, "tests", "integration", "test-tls.py")

# What the class is made of, and the test there that has it.
TLS_INPUTS = [
    ("no client certificate", "a_client_without_a_certificate_is_refused"),
    ("self-signed", "a_self_signed_certificate_is_refused"),
    ("of another authority", "a_certificate_of_the_wrong_CA_is_refused"),
    ("expired", "an_expired_certificate_is_refused"),
    ("not yet valid", "a_certificate_that_is_not_valid_yet_is_refused"),
    ("revoked", "a_revoked_certificate_is_refused"),
    ("for another name", "a_certificate_with_a_wrong_name_is_refused"),
    ("common name only", "a_common_name_counts_only_if_it_is_listed_as_one"),
    ("SHA-1", "a_certificate_signed_with_SHA_1_is_refused"),
    ("1024 bits", "a_certificate_with_a_key_of_1024_bits_is_refused"),
    ("SSL 3", "SSL_3_is_refused"), ("TLS 1.0", "TLS_1_0_is_refused"),
    ("TLS 1.1", "TLS_1_1_is_refused"), ("NULL cipher", "a_NULL_cipher_is_refused"),
    ("renegotiation", "renegotiation_is_refused"),
    ("flood of handshakes", "a_flood_of_a_thousand_handshakes_leaves_sessions_alone"),
    ("ClientHello in fragments", "a_client_hello_in_many_fragments_is_understood"),
    ("no close_notify", "closing_without_close_notify_keeps_what_was_whole"),
    ("gone at shutdown", "an_exporter_that_is_gone_at_the_end_kills_nobody"),
    ("log with peer and reason", "the_log_says_who_was_refused_and_why"),
]


def run_tls(test, _):
    if not os.path.exists(TLS_TEST):
        test.skipTest("tests/integration/test-tls.py is not there")
    with open(TLS_TEST, encoding="utf-8") as file:
        source = file.read()
    missing = [name for _, name in TLS_INPUTS if f"def test_{name}(" not in source]
    test.assertEqual(missing, [], "no such tests in test-tls.py")


@catalogued(82, "TLS without a certificate that counts is refused", "R", run=run_tls,
            inputs="; ".join(what for what, _ in TLS_INPUTS), losses="see there",
            test="tests of `integration-tls`, which are named in `transport.py`",
            note="DTLS is not offered, so floods and replays of it reach nobody.")
def _():
    return [Case("the first octets of TLS", [Stream([
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32)])])]
