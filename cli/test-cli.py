#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test-cli.py FLOWKEEP HARNESS: the operator's command against a real PostgreSQL.

Speaks TAP.  Builds its own captures, each flow numbered by its source port and
octets, so that what must come out is known exactly."""

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

PROGRAM, HARNESS = sys.argv[1:3]
sys.path.insert(0, HARNESS)
from cluster import Cluster, Missing  # noqa: E402
from sanitizer import Reports  # noqa: E402

LONG_AGO = 1_600_000_000  # 2020-09-13T12:26:40Z
V9_FIELDS = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (1, 4), (2, 4), (21, 4), (22, 4)]
IPFIX_FIELDS = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (1, 8), (2, 8), (152, 8),
                (153, 8)]


# --- export packets ---

def v5(at, number, n_flows=1, sequence=0):
    head = struct.pack("!HHIIIIBBH", 5, n_flows, 10_000, at, 0, sequence, 0, 0, 0)
    return head + b"".join(
        struct.pack("!4s4s4sHHIIIIHHBBBBHHBBH", bytes([10, 0, 0, 1]),
                    bytes([10, 0, 0, 2]), bytes(4), 1, 2, 3, 1000 + number + i,
                    9_000, 9_500, (number + i) % 60_000, 443, 0, 0x10, 6, 0, 0, 0, 0, 0,
                    0) for i in range(n_flows))


def v9(at, sequence, *sets, domain=7):
    body = b"".join(sets)
    return struct.pack("!HHIIII", 9, len(sets), 10_000, at, sequence, domain) + body


def a_set(identity, body):
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", identity, 4 + len(body)) + body


def template(identity, fields):
    return struct.pack("!HH", identity, len(fields)) + b"".join(
        struct.pack("!HH", *field) for field in fields)


def v9_template(identity=256):
    return a_set(0, template(identity, V9_FIELDS))


def v9_flow(number, identity=256):
    return a_set(identity, struct.pack("!4s4sHHBIIII", bytes([10, 0, 0, 1]),
                                       bytes([10, 0, 0, 2]), number, 443, 6,
                                       1000 + number, 3, 9_000, 9_500))


def v9_interface_option(name):
    """An options template and a row: interface 3 is called `name`."""
    announced = struct.pack("!HHHHHHHHH", 300, 4, 8, 1, 4, 10, 4, 82, 32)
    return a_set(1, announced) + a_set(300, struct.pack("!II32s", 1, 3, name))


def ipfix(at, sequence, *sets, domain=9):
    body = b"".join(sets)
    return struct.pack("!HHIII", 10, 16 + len(body), at, sequence, domain) + body


def ipfix_template(identity=256):
    return a_set(2, template(identity, IPFIX_FIELDS))


def ipfix_flow(at, number, identity=256):
    return a_set(identity, struct.pack("!4s4sHHBQQQQ", bytes([10, 0, 0, 3]),
                                       bytes([10, 0, 0, 4]), number, 443, 6,
                                       1000 + number, 3, at * 1000, at * 1000 + 500))


def pcap(path, packets):
    """packets: (seconds, source address, payload)."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for at, source, payload in packets:
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17,
                             0, socket.inet_aton(source), bytes([192, 0, 2, 254]))
            udp = struct.pack("!HHHH", 40_000, 2055, 8 + len(payload), 0)
            frame = ip + udp + payload
            file.write(struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(frame),
                                   len(frame)) + frame)
    return path


# --- the surroundings ---

class Place:
    """A database, a configuration and a folder for one test."""

    def __init__(self, pg, folder, name, migrate=True, lines=""):
        self.pg, self.database = pg, name
        self.folder = os.path.join(folder, name)
        self.journal = os.path.join(self.folder, "journal")
        os.makedirs(self.folder)
        self.conf = self.file("flowkeep.conf")
        with open(self.conf, "w", encoding="utf-8") as conf:
            conf.write(f"[database]\nconninfo={pg.create_database(name)}\n"
                       f"connect_timeout_sec=2\n[journal]\ndirectory={self.journal}\n"
                       + lines)
        if migrate:
            self.run("migrate")

    def file(self, name):
        return os.path.join(self.folder, name)

    def start(self, *words):
        return subprocess.Popen([PROGRAM, "--config", self.conf, *words], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                errors="surrogateescape")

    def run(self, *words, status=0):
        process = self.start(*words)
        out, err = process.communicate(timeout=120)
        expect(process.returncode, status, f"flowkeep {' '.join(words)}\n{out}{err}")
        return out if status == 0 else out + err

    def json(self, *words):
        return json.loads(self.run(*words, "--json"))

    def value(self, sql):
        return self.pg.value(sql, self.database)

    def psql(self, sql):
        return self.pg.psql(sql, self.database)

    def flows(self):
        """What was stored, by the number in the octets."""
        return sorted(int(row[0]) - 1000 for row in
                      self.psql("SELECT octets FROM flowkeep.flow"))

    def nothing_is_left(self):
        expect(self.value("SELECT count(*) FROM flowkeep.ingest_position"), "0")
        expect(self.value("SELECT count(*) FROM flowkeep.exporter_state"), "0")
        expect(os.listdir(self.journal), [])


def expect(actual, wanted, why=""):
    if actual != wanted:
        raise AssertionError(f"{actual!r} instead of {wanted!r}  {why}")


def expect_in(part, whole):
    if part not in whole:
        raise AssertionError(f"{part!r} not in: {whole}")


# --- the tests; their names are what is true ---

def database_away_is_said_clearly(pg, folder):
    place = Place(pg, folder, "away", migrate=False)
    conf = place.file("other.conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write("[database]\nconninfo=host=/nonexistent dbname=flowkeep\n")
    capture = pcap(place.file("x.pcap"), [(LONG_AGO, "192.0.2.1", v5(LONG_AGO, 1))])
    for words in (["migrate"], ["status"], ["doctor"], ["replay", capture],
                  ["export", "--since", "-1h", "-o", place.file("x.ipfix")]):
        said = place.run(*words, "--config", conf, status=1)
        expect_in("is the server running? conninfo: host=/nonexistent", said)


def missing_schema_names_the_command(pg, folder):
    place = Place(pg, folder, "noschema", migrate=False)
    capture = pcap(place.file("x.pcap"), [(LONG_AGO, "192.0.2.1", v5(LONG_AGO, 1))])
    for words in (["status"], ["doctor"], ["replay", capture],
                  ["export", "--since", "-1h", "-o", place.file("x.ipfix")]):
        expect_in("flowkeep migrate", place.run(*words, status=1))


def migrate_is_idempotent(pg, folder):
    place = Place(pg, folder, "migrating", migrate=False)
    expect_in("0001-flow\n", place.run("migrate", "--dry-run"))
    expect(place.value("SELECT to_regclass('flowkeep.flow') IS NULL"), "t")
    expect_in("0001-flow\n", place.run("migrate"))
    expect_in("up to date", place.run("migrate"))
    place.psql("INSERT INTO flowkeep.migration VALUES ('9999-future', 'x')")
    expect_in("upgrade the program", place.run("status", status=1))


def wrong_configuration_is_status_2(pg, folder):
    place = Place(pg, folder, "wrong", lines="[store]\nbatch_rows=many\n",
                  migrate=False)
    said = place.run("check-config", status=2)
    for part in (place.conf, "[store]", "batch_rows", "many"):
        expect_in(part, said)
    expect_in("batch_rows", place.run("status", status=2))
    right = Place(pg, folder, "right", migrate=False)
    expect_in("OK", right.run("check-config"))
    expect_in("conninfo=", right.run("dump-config"))
    expect_in("did you mean \"status\"", right.run("stauts", status=2))
    expect_in("which file?", right.run("replay", status=2))


def empty_database_is_no_error(pg, folder):
    place = Place(pg, folder, "empty")
    expect_in("no collector has stored anything", place.run("status"))
    expect(place.json("status")["exporters"], [])
    expect_in("audit OK", place.run("status", "--audit"))
    expect_in("No exporter", place.run("doctor"))
    expect(place.json("doctor"), [])
    expect_in("0 flows exported", place.run("export", "--since", "-1h", "-o",
                                            place.file("x.ipfix")))


def replay_counts_what_came(pg, folder):
    place = Place(pg, folder, "counts")
    at = LONG_AGO
    capture = pcap(place.file("x.pcap"), [
        (at, "192.0.2.5", v5(at, 1, n_flows=30)),
        (at + 1, "192.0.2.9", v9(at, 1, v9_flow(100))),      # waits
        (at + 2, "192.0.2.9", v9(at, 2, v9_template(), v9_flow(101))),
        (at + 3, "192.0.2.9", v9(at, 3, v9_flow(102, identity=999))),  # for ever
        (at + 4, "192.0.2.10", ipfix(at, 0, ipfix_template(), ipfix_flow(at, 200))),
        (at + 5, "192.0.2.10", b"\0\x0a\0\x11rubbish"),
    ])
    result = place.json("replay", capture)
    total = result["total"]
    expect(total["datagrams"], 6)
    expect(total["messages"], 5)
    expect(total["flow_records"], 33)
    expect(total["flows_stored"], 33)
    expect(total["sets_without_template"], 1)
    expect(sum(total["malformed"].values()), 1, total)
    by_address = {row["address"]: row for row in result["exporters"]}
    expect(by_address["192.0.2.5"]["flows"], 30)
    expect(by_address["192.0.2.9"]["flows"], 2)
    expect(by_address["192.0.2.9"]["no_template"], 1)
    expect(by_address["192.0.2.10"]["domain"], 9)
    expect(place.flows(), [*range(1, 31), 100, 101, 200])
    expect_in("audit OK", place.run("status", "--audit"))
    place.nothing_is_left()
    text = place.run("replay", capture)
    expect_in("192.0.2.10", text)
    expect(place.value("SELECT count(*) FROM flowkeep.flow"), "66")


def replay_ends_now(pg, folder):
    place = Place(pg, folder, "shifted")
    old = pcap(place.file("old.pcap"), [(LONG_AGO + i, "192.0.2.1", v5(LONG_AGO + i, i))
                                        for i in range(0, 100, 10)])
    older = pcap(place.file("older.pcap"), [(LONG_AGO - 9e7, "192.0.2.2",
                                             v5(int(LONG_AGO - 9e7), 500))])
    place.run("replay", old, older)
    rows = place.psql("SELECT octets - 1000, extract(epoch FROM now() - received_at),"
                      "       extract(epoch FROM received_at - end_at)"
                      "  FROM flowkeep.flow ORDER BY 1")
    expect(len(rows), 11)
    for number, age, delay in rows:
        wanted = 90 - int(number) if int(number) < 500 else 0
        expect(wanted - 1 <= float(age) <= wanted + 60, True, rows)
        expect(abs(float(delay) - 0.5) < 2, True, rows)  # the export was at once
    expect(place.value("SELECT count(*) FROM flowkeep.backfill"), "0")


def kept_times_are_a_backfill(pg, folder):
    place = Place(pg, folder, "kept")
    capture = pcap(place.file("x.pcap"), [(LONG_AGO + i, "192.0.2.1",
                                           v5(LONG_AGO + i, i)) for i in range(3)])
    place.run("replay", "--keep-times", capture)
    expect(place.psql("SELECT extract(epoch FROM received_at)::bigint FROM flowkeep.flow"
                      " ORDER BY 1"), [[str(LONG_AGO + i)] for i in range(3)])
    expect(place.psql("SELECT extract(epoch FROM from_at)::bigint,"
                      " extract(epoch FROM to_at)::bigint, state"
                      " FROM flowkeep.backfill"),
           [[str(LONG_AGO), str(LONG_AGO + 2), "ready"]])
    expect(place.value("SELECT count(*) FROM flowkeep.flow_default"), "0")
    expect(place.value("SELECT bool_and(imported) FROM flowkeep.time_partition"
                       " WHERE parent = 'flow'"), "t")
    place.nothing_is_left()


def files_in_a_row_share_templates(pg, folder):
    place = Place(pg, folder, "rotated")
    at = LONG_AGO
    first = pcap(place.file("1.pcap"), [(at, "192.0.2.9", v9(at, 1, v9_flow(1)))])
    second = pcap(place.file("2.pcap"), [
        (at + 60, "192.0.2.9", v9(at + 60, 2, v9_template(), v9_flow(2)))])
    third = pcap(place.file("3.pcap"), [
        (at + 120, "192.0.2.9", v9(at + 120, 3, v9_flow(3)))])
    result = place.json("replay", third, first, second)
    expect(place.flows(), [1, 2, 3])
    expect([os.path.basename(file["file"]) for file in result["files"]],
           ["3.pcap", "1.pcap", "2.pcap"])
    expect([file["flows_stored"] for file in result["files"]], [1, 0, 2])
    expect(result["total"]["sets_without_template"], 0)
    expect(result["exporters"][0]["sequence_gap"], 0)
    place.nothing_is_left()


def each_ipfix_file_is_a_session(pg, folder):
    place = Place(pg, folder, "sessions")
    at = LONG_AGO
    with open(place.file("1.ipfix"), "wb") as file:
        file.write(ipfix(at, 0, ipfix_template(), ipfix_flow(at, 1)))
        file.write(ipfix(at + 1, 1, ipfix_flow(at, 2)))
    with open(place.file("2.ipfix"), "wb") as file:
        file.write(ipfix(at + 2, 0, ipfix_flow(at, 3)))
    result = place.json("replay", "--exporter", "198.51.100.1", place.file("1.ipfix"),
                        place.file("2.ipfix"))
    expect(place.flows(), [1, 2])
    expect(result["files"][1]["sets_without_template"], 1)
    expect(result["exporters"][0]["address"], "198.51.100.1")


def a_cut_capture_is_replayed_and_said(pg, folder):
    place = Place(pg, folder, "cut")
    capture = pcap(place.file("x.pcap"), [(LONG_AGO + i, "192.0.2.1",
                                           v5(LONG_AGO + i, i)) for i in range(3)])
    os.truncate(capture, os.path.getsize(capture) - 10)
    result = place.json("replay", capture)
    expect(result["total"]["flows_stored"], 2)
    expect(bool(result["files"][0]["note"]), True)
    expect_in("neither a capture", place.run("replay", PROGRAM, status=1))
    expect_in("No such file", place.run("replay", place.file("none"), status=1))


def journal_is_bounded(pg, folder):
    place = Place(pg, folder, "bounded",
                  lines="max_bytes=2M\nsegment_bytes=1M\n")
    n = 6_000
    capture = pcap(place.file("x.pcap"), [
        (LONG_AGO + i / 1000, "192.0.2.1", v5(LONG_AGO + i // 1000, i * 30, 30, i * 30))
        for i in range(n)])
    most, done = [0], threading.Event()

    def watch():
        while not done.is_set():
            size = 0
            for root, _, files in os.walk(place.journal):
                for name in files:
                    try:
                        size += os.stat(os.path.join(root, name)).st_size
                    except FileNotFoundError:
                        pass
            most[0] = max(most[0], size)
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    result = place.json("replay", capture)
    done.set()
    watcher.join()
    expect(result["total"]["flows_stored"], n * 30)
    expect(place.value("SELECT count(DISTINCT octets) FROM flowkeep.flow"), str(n * 30))
    expect(0 < most[0] <= 3 << 20, True, f"{most[0]} bytes of journal")
    place.nothing_is_left()


def a_restarted_server_costs_nothing(pg, folder):
    place = Place(pg, folder, "restarted")
    n = 40
    capture = pcap(place.file("x.pcap"), [
        (LONG_AGO + i / 10, "192.0.2.1", v5(LONG_AGO, i * 30, 30, i * 30))
        for i in range(n)])
    process = place.start("replay", "--speed", "1", "--json", capture)
    time.sleep(2)
    pg.stop("immediate")
    pg.start()
    out, err = process.communicate(timeout=60)
    expect(process.returncode, 0, err)
    expect(place.flows(), list(range(n * 30)))
    expect(json.loads(out)["total"]["flows_stored"], n * 30)
    expect_in("audit OK", place.run("status", "--audit"))


def an_interrupted_replay_stores_what_it_read(pg, folder):
    place = Place(pg, folder, "interrupted")
    capture = pcap(place.file("x.pcap"), [(LONG_AGO + i, "192.0.2.1",
                                           v5(LONG_AGO + i, i, 1, i))
                                          for i in range(600)])
    process = place.start("replay", "--speed", "10", capture)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    expect(process.returncode, 1, out)
    expect_in("interrupted", err)
    stored = place.flows()
    expect(stored, list(range(len(stored))))
    expect(1 <= len(stored) < 600, True)
    place.nothing_is_left()


def names_from_the_wire_are_harmless(pg, folder):
    place = Place(pg, folder, "hostile")
    at = int(time.time())
    name = b"\x1b]0;owned\x07\xe2\x80\xae"
    capture = pcap(place.file("x.pcap"), [
        (at, "192.0.2.9", v9(at, 1, v9_template(), v9_flow(1),
                             v9_interface_option(name)))])
    result = place.json("replay", capture)
    expect(result["total"]["options_records"], 1)
    # As a collector that goes on would have left it.
    place.psql("INSERT INTO flowkeep.exporter_option SELECT 'main', 0, id, 'interface',"
               " 3, NULL, E'\\x1b]0;owned\\x07\\u202e', NULL, now()"
               " FROM flowkeep.exporter")
    place.psql("UPDATE flowkeep.exporter SET name = E'\\x1b[31mred'")
    for words in (["status"], ["doctor"], ["doctor", "--json"], ["status", "--json"],
                  ["doctor", "\x1b[31mred"]):
        said = place.run(*words)
        expect("\x1b" in said or "\u202e" in said or "\x07" in said, False, words)
        expect_in("31mred", said)
    said = place.run("doctor", "\x1b[1mnobody", status=1)
    expect("\x1b" in said, False)


def doctor_tells_templates_and_troubles(pg, folder):
    place = Place(pg, folder, "doctor")
    body = template(256, V9_FIELDS + [(32_001, 4)]).hex()
    place.psql("INSERT INTO flowkeep.exporter (address, domain, version, first_seen_at,"
               " last_seen_at, clock_skew_ms) VALUES ('192.0.2.9', 7, 10, now(), now(),"
               " -7200000);"
               "INSERT INTO flowkeep.exporter_template SELECT 'main', 0, id, 10, 256,"
               f" 40000, false, decode('{body}', 'hex'), now() FROM flowkeep.exporter;"
               "INSERT INTO flowkeep.loss SELECT date_trunc('minute', now()), 'main',"
               " id, 'sequence_gap', '', 'flows', 5 FROM flowkeep.exporter")
    [seen] = place.json("doctor", "192.0.2.9")
    [told] = seen["templates"]
    expect((told["template_id"], told["peer_port"], told["options"]),
           (256, 40000, False))
    expect([field["name"] for field in told["definition"]][:3],
           ["sourceIPv4Address", "destinationIPv4Address", "sourceTransportPort"])
    expect(told["definition"][-1]["known"], False)
    troubles = " ".join(seen["problems"])
    for part in ("clock is 2 h 0 min behind", "never arrived", "element 32001"):
        expect_in(part, troubles)
    expect_in("sourceIPv4Address", place.run("doctor"))
    expect_in("no exporter has", place.run("doctor", "edge", status=1))


def audit_finds_a_missing_row(pg, folder):
    place = Place(pg, folder, "audited")
    place.run("replay", pcap(place.file("x.pcap"), [
        (LONG_AGO, "192.0.2.1", v5(LONG_AGO, 1, n_flows=5))]))
    expect_in("audit OK: 5 rows", place.run("status", "--audit"))
    place.psql("DELETE FROM flowkeep.flow WHERE octets = 1003")
    expect_in("audit FAILED", place.run("status", "--audit", status=1))
    found = subprocess.run([PROGRAM, "status", "--audit", "--json", "--config",
                            place.conf], text=True, stdout=subprocess.PIPE, check=False)
    expect(found.returncode, 1)
    [difference] = json.loads(found.stdout)["differences"]
    expect((difference["stored"], difference["counted"]), (4, 5))


def exported_flows_come_back_the_same(pg, folder):
    place = Place(pg, folder, "exporting")
    at = int(time.time()) - 60
    place.run("replay", "--keep-times", pcap(place.file("x.pcap"), [
        (at, "192.0.2.5", v5(at, 1, n_flows=30)),
        (at, "192.0.2.9", v9(at, 1, v9_template(), v9_flow(100), domain=70)),
        (at, "192.0.2.10", ipfix(at, 0, ipfix_template(), ipfix_flow(at, 200)))]))
    place.psql("UPDATE flowkeep.flow SET extra = '{\"reverse_octets\": 77,"
               " \"reverse_packets\": 2, \"tos\": 8, \"next_hop\": \"2001:db8::9\","
               " \"nat\": {\"src\": \"203.0.113.1\", \"src_port\": 7}}',"
               " src = '2001:db8::1', dst = '2001:db8::2', sampling = 100"
               " WHERE octets = 1200;"
               "UPDATE flowkeep.flow SET protocol = 1, dst_port = 2048, src_port = NULL"
               " WHERE octets = 1100")
    path = place.file("out.ipfix")
    expect_in("32 flows exported", place.run("export", "--since", "-1h", "-o", path))
    expect_in("1 flows exported", place.run("export", "--since", "-1h", "-o",
                                            place.file("one.ipfix"), "--where-host",
                                            "2001:db8::2"))
    expect(os.path.exists(path + ".part"), False)
    if shutil.which("tshark"):
        seen = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e",
                               "cflow.octets"], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True).stdout
        octets = sorted(int(x) for x in seen.replace(",", " ").split())
        expect(octets, sorted([*range(1001, 1031), 1100, 1200, 77]))

    columns = ("start_at, end_at, src, dst, src_port, dst_port, protocol, tcp_flags,"
               " input_if, output_if, octets, packets")
    other = Place(pg, folder, "imported", lines="[store]\nextra=all\n[listen a]\n"
                  "transport=tcp\nport=4739\ntrust_exporter_address=true\n")
    other.run("replay", "--keep-times", "--listen-as", "a", path)
    query = (f"SELECT host(e.address), e.domain, {columns} FROM flowkeep.flow AS f"
             " JOIN flowkeep.exporter AS e ON e.id = f.exporter_id ORDER BY octets")
    expect(other.psql(query), place.psql(query))
    extra = json.loads(other.value("SELECT extra FROM flowkeep.flow"
                                   " WHERE octets = 1200"))
    expect((extra["reverse_octets"], extra["reverse_packets"], extra["tos"]),
           (77, 2, 8))
    expect((extra["next_hop"], extra["nat"]["src"], extra["nat"]["src_port"]),
           ("2001:db8::9", "203.0.113.1", 7))
    expect(other.value("SELECT count(sampling) FROM flowkeep.flow"), "0")


def export_speaks_tcp(pg, folder):
    place = Place(pg, folder, "tcp")
    place.run("replay", pcap(place.file("x.pcap"), [
        (LONG_AGO, "192.0.2.5", v5(LONG_AGO, 1, n_flows=30))]))
    received = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:
        def take():
            connection, _ = server.accept()
            with connection:
                while piece := connection.recv(65536):
                    received.extend(piece)

        taker = threading.Thread(target=take)
        taker.start()
        port = server.getsockname()[1]
        expect_in("30 flows exported", place.run("export", "--since", "-1h", "--to",
                                                 f"127.0.0.1:{port}"))
        taker.join()
    n, at = 0, 0
    while at < len(received):
        version, length = struct.unpack_from("!HH", received, at)
        expect(version, 10)
        at, n = at + length, n + 1
    expect(at, len(received))
    expect(n > 1, True)
    said = place.run("export", "--since", "-1h", "--to", f"127.0.0.1:{port}", status=1)
    expect_in(f"127.0.0.1:{port}: ", said)


def a_dead_replay_is_swept(pg, folder):
    place = Place(pg, folder, "swept")
    name = "replay-1000-2000000000-0"  # a process that cannot be
    os.makedirs(os.path.join(place.journal, name))
    with open(os.path.join(place.journal, name, "segment"), "w", encoding="utf-8"):
        pass
    place.psql("INSERT INTO flowkeep.ingest_position (collector, worker, journal_id,"
               f" updated_at) VALUES ('{name}', 0, 'x', now() - interval '2 hours')")
    place.run("replay", pcap(place.file("x.pcap"), [
        (LONG_AGO, "192.0.2.1", v5(LONG_AGO, 1))]))
    place.nothing_is_left()


def roles_are_enough(pg, folder):
    place = Place(pg, folder, "roles")
    place.psql("DROP ROLE IF EXISTS cli_collector; DROP ROLE IF EXISTS cli_reader;"
               "CREATE ROLE cli_collector LOGIN IN ROLE flowkeep_collector;"
               "CREATE ROLE cli_reader LOGIN IN ROLE flowkeep_reader")
    capture = pcap(place.file("x.pcap"), [(LONG_AGO, "192.0.2.1", v5(LONG_AGO, 1))])
    for role in ("collector", "reader"):
        with open(place.conf, "w", encoding="utf-8") as conf:
            conf.write("[database]\nconninfo="
                       f"{pg.conninfo('roles', user=f'cli_{role}')}\n"
                       f"[journal]\ndirectory={place.journal}\n")
        if role == "collector":
            place.run("replay", capture)
            place.run("replay", "--keep-times", capture)
            expect(place.flows(), [1, 1])
            place.nothing_is_left()
        place.run("status")
        expect_in("audit OK", place.run("status", "--audit"))
        expect_in("192.0.2.1", place.run("doctor"))
        expect_in("2 flows", place.run("export", "--since", "@0", "-o",
                                       place.file("x.ipfix")))


TESTS = [
    database_away_is_said_clearly, missing_schema_names_the_command,
    migrate_is_idempotent, wrong_configuration_is_status_2, empty_database_is_no_error,
    replay_counts_what_came, replay_ends_now, kept_times_are_a_backfill,
    files_in_a_row_share_templates, each_ipfix_file_is_a_session,
    a_cut_capture_is_replayed_and_said, journal_is_bounded,
    a_restarted_server_costs_nothing, an_interrupted_replay_stores_what_it_read,
    names_from_the_wire_are_harmless, doctor_tells_templates_and_troubles,
    audit_finds_a_missing_row, exported_flows_come_back_the_same, export_speaks_tcp,
    a_dead_replay_is_swept, roles_are_enough,
]


def main():
    wanted = sys.argv[3:]
    tests = [test for test in TESTS if not wanted or test.__name__ in wanted]
    failed = 0
    reports = Reports()
    try:
        pg = Cluster()
    except Missing as missing:
        print(f"1..0 # SKIP {missing}")
        return 0
    print(f"1..{len(tests)}", flush=True)
    folder = tempfile.mkdtemp(prefix="flowkeep-cli-")
    with pg:
        for number, test in enumerate(tests, 1):
            name = test.__name__.replace("_", "-")
            try:
                test(pg, folder)
                expect([], reports.take())
                print(f"ok {number} - {name}", flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                for line in traceback.format_exc().splitlines():
                    print(f"# {line}")
                print(f"not ok {number} - {name}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
