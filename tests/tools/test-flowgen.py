#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What flowgen says it sent is what independent decoders find: tshark in its capture
files, nfdump's collector on its sockets."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap

FLOWGEN = os.environ.get("FLOWGEN", "flowgen")
VERSIONS = {5: [], 9: ["--templates", "5", "--ipv6-share", "0.3"],
            10: ["--templates", "5", "--ipv6-share", "0.3"]}


def flowgen(*options, status=0):
    done = subprocess.run([FLOWGEN, "--json", *map(str, options)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                          check=False)
    if done.returncode != status:
        raise AssertionError(f"flowgen {options}: {done.returncode}: {done.stderr}")
    return json.loads(done.stdout) if status == 0 else done.stderr


def tshark_sums(path):
    """Numbers, and sums of octets and packets, of all records."""
    done = subprocess.run(["tshark", "-r", path, "-d", "udp.port==2055,cflow", "-T",
                           "json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          timeout=120, check=True, text=True)
    octets = [int(n) for n in re.findall(r'"cflow\.octets(?:64)?": "(\d+)"', done.stdout)]
    packets = [int(n)
               for n in re.findall(r'"cflow\.packets(?:64)?": "(\d+)"', done.stdout)]
    return len(octets), sum(octets), sum(packets), octets


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Flowgen(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="flowkeep-flowgen-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    def test_tshark_finds_what_flowgen_reports(self):
        for version, options in VERSIONS.items():
            with self.subTest(version=version):
                out = self.path(f"{version}.pcap")
                sent = flowgen("--version", version, "--total", 2000, "--out", out,
                               "--exporters", 3, "--domains", 2, *options)
                count, octets, packets, _ = tshark_sums(out)
                self.assertEqual((count, octets, packets),
                                 (sent["flows"], sent["octets"], sent["packets"]))

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    def test_numbers_are_in_the_octets_and_gaps_are_reported(self):
        for version, options in VERSIONS.items():
            with self.subTest(version=version):
                out = self.path(f"{version}.pcap")
                sent = flowgen("--version", version, "--total", 2000, "--out", out,
                               "--numbered", "--gap-every", 7, "--first-number", 501,
                               "--templates", 2 if version > 5 else 1, *options[2:])
                count, _, _, numbers = tshark_sums(out)
                self.assertEqual(count, sent["flows"])
                self.assertEqual(count + sent["withheld_flows"], 2000)
                self.assertEqual(len(set(numbers)), count)
                self.assertGreaterEqual(min(numbers), 501)
                self.assertLessEqual(max(numbers), 2500)

    @unittest.skipUnless(shutil.which("nfcapd") and shutil.which("nfdump"),
                         "nfdump is not installed")
    def test_nfcapd_stores_what_flowgen_reports(self):
        for version, options in VERSIONS.items():
            with self.subTest(version=version):
                folder = self.path(f"nf{version}")
                os.mkdir(folder)
                port = free_port()
                with open(self.path("nfcapd.log"), "w", encoding="utf-8") as log:
                    nfcapd = subprocess.Popen(["nfcapd", "-w", folder, "-p", str(port),
                                               "-b", "127.0.0.1"], stdout=log,
                                              stderr=log)
                try:
                    time.sleep(1)
                    sent = flowgen("--version", version, "--total", 3000, "--rate",
                                   30000, "--target", f"127.0.0.1:{port}",
                                   "--exporters", 3, "--domains", 2, *options)
                    time.sleep(1)
                finally:
                    nfcapd.send_signal(signal.SIGTERM)
                    nfcapd.wait(30)
                done = subprocess.run(["nfdump", "-R", folder, "-I"], text=True,
                                      stdout=subprocess.PIPE, timeout=60, check=True)
                found = {name: int(value) for name, value in
                         re.findall(r"^(Flows|Packets|Bytes): (\d+)", done.stdout, re.M)}
                self.assertEqual((found["Flows"], found["Bytes"], found["Packets"]),
                                 (sent["flows"], sent["octets"], sent["packets"]))

    def test_the_same_seed_gives_the_same_bytes(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                files = []
                for name in ("a.pcap", "b.pcap", "c.pcap"):
                    flowgen("--version", version, "--total", 500, "--exporters", 4,
                            "--shuffle", "--out", self.path(name), "--seed",
                            2 if name == "c.pcap" else 1)
                    with open(self.path(name), "rb") as file:
                        files.append(file.read())
                self.assertEqual(files[0], files[1])
                self.assertNotEqual(files[0], files[2])

    def test_ten_thousand_exporters_send_from_ten_thousand_addresses(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            receiver.bind(("127.0.0.1", 0))
            receiver.settimeout(10)
            command = [FLOWGEN, "--json", "--exporters", "10000", "--total", "20000",
                       "--records-per-datagram", "1", "--rate", "10000", "--target",
                       "127.0.0.1:%d" % receiver.getsockname()[1]]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as sender:
                peers = set()
                for _ in range(30000):  # 10 000 templates and 20 000 flows
                    peers.add(receiver.recvfrom(65536)[1][0])
                sent = json.loads(sender.communicate(timeout=60)[0])
        self.assertEqual(sent["datagrams"], 30000)
        self.assertEqual(len(peers), 10000)

    def test_over_tcp_messages_arrive_whole(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            command = [FLOWGEN, "--json", "--tcp", "--total", "5000", "--rate", "0",
                       "--target", "127.0.0.1:%d" % server.getsockname()[1]]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as sender:
                server.settimeout(10)
                stream, _ = server.accept()
                data = b""
                with stream:
                    while chunk := stream.recv(1 << 16):
                        data += chunk
                sent = json.loads(sender.communicate(timeout=60)[0])
        self.assertEqual(len(data), sent["bytes"])
        n_messages = 0
        while data:
            self.assertEqual(data[:2], b"\0\x0a")
            data = data[int.from_bytes(data[2:4], "big"):]
            n_messages += 1
        self.assertEqual(n_messages, sent["datagrams"])

    def test_wrong_options_are_refused_with_a_reason(self):
        for options, word in [
                (["--version", 7], "5, 9 or 10"),
                (["--target", "192.0.2.1:2055"], "loopback"),
                (["--target", "nowhere"], "HOST:PORT"),
                (["--tcp", "--version", 9], "IPFIX"),
                (["--ipv6-share", 2], "between 0 and 1"),
                (["--records-per-datagram", 1000], "do not fit"),
                (["--exporters", 0], "0 where it counts"),
                (["--no-such-option"], "no-such-option"),
        ]:
            with self.subTest(options=options):
                self.assertIn(word, flowgen(*options, status=2))


if __name__ == "__main__":
    tap.main()
