#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""softflowd and pmacctd export known traffic; what is in `flow` afterwards is what
nfdump's collector stores of the same datagrams."""

import csv
import importlib.util
import io
import ipaddress
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from daemon import HOST, ROOT, Collector, missing

QUIET_SEC = 1.5  # no datagram for so long after the exporter ended: that was all
EXPORT_TIMEOUT_SEC = 60
PMACCTD = """\
daemonize: false
plugins: nfprobe[x]
pcap_savefile: {traffic}
aggregate: src_host, dst_host, src_port, dst_port, proto, tos, tcpflags
nfprobe_receiver: 127.0.0.1:{port}
nfprobe_version: {version}
nfprobe_source_ip: 127.0.0.1
"""
FLOWS = ("SELECT host(src), host(dst), protocol,"
         " CASE WHEN protocol IN (6, 17) THEN src_port ELSE 0 END,"
         " CASE WHEN protocol IN (6, 17) THEN dst_port ELSE 0 END,"
         " octets, packets FROM flowkeep.flow")


def make_traffic(path):
    where = os.path.join(ROOT, "tests", "tools", "make-traffic.py")
    spec = importlib.util.spec_from_file_location("make_traffic", where)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make(path, start=int(time.time()) - 60)


def programs_missing(*names):
    absent = [name for name in names if not shutil.which(name)]
    return f"not installed: {', '.join(absent)}" if absent else None


class Probes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing() or programs_missing("nfcapd", "nfdump")
        if why:
            raise unittest.SkipTest(why)
        cls.folder = tempfile.mkdtemp(prefix="flowkeep-probes-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.traffic = os.path.join(cls.folder, "traffic.pcap")
        cls.known = make_traffic(cls.traffic)

    # --- exporters

    def export(self, command_of_port):
        """Runs an exporter; returns the datagrams it sent."""
        datagrams = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            sock.bind((HOST, 0))
            process = subprocess.Popen(command_of_port(sock.getsockname()[1]),
                                       cwd=self.folder, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            until = time.monotonic() + EXPORT_TIMEOUT_SEC
            while time.monotonic() < until:
                if select.select([sock], [], [], QUIET_SEC)[0]:
                    datagrams.append(sock.recv(65536))
                elif process.poll() is not None:
                    break
            process.kill()
            process.wait()
        self.assertTrue(datagrams, "the exporter sent nothing")
        return datagrams

    def softflowd(self, version):
        return self.export(lambda port: [
            "softflowd", "-r", self.traffic, "-d", "-n", f"{HOST}:{port}", "-v",
            str(version), "-p", os.path.join(self.folder, "pid"), "-c", "none"])

    def pmacctd(self, version):
        def command(port):
            conf = os.path.join(self.folder, "pmacctd.conf")
            with open(conf, "w", encoding="utf-8") as out:
                out.write(PMACCTD.format(traffic=self.traffic, port=port,
                                         version=version))
            return ["pmacctd", "-f", conf]
        return self.export(command)

    # --- the two collectors

    def nfcapd(self, datagrams):
        """The flows nfdump's collector makes of them."""
        store = tempfile.mkdtemp(dir=self.folder)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((HOST, 0))
            port = sock.getsockname()[1]
        log = open(os.path.join(store, "log"), "w+", encoding="utf-8")
        with log, subprocess.Popen(["nfcapd", "-w", store, "-p", str(port), "-b", HOST,
                                    "-B", "4000000"], stdout=log, stderr=log) as nfcapd:
            until = time.monotonic() + 20
            while time.monotonic() < until and "Startup" not in open(
                    log.name, encoding="utf-8").read():
                time.sleep(0.05)
            self.send(datagrams, port)
            time.sleep(1)
            nfcapd.terminate()
            nfcapd.wait(20)
        os.unlink(log.name)
        done = subprocess.run(["nfdump", "-R", store, "-o", "csv", "-N", "-q"],
                              stdout=subprocess.PIPE, text=True, check=True, timeout=60)
        flows = Counter()
        names = {"TCP": 6, "UDP": 17, "ICMP": 1, "ICMP6": 58}
        for row in csv.reader(io.StringIO(done.stdout)):
            if len(row) < 13 or row[0] == "ts":
                continue
            protocol = names.get(row[7], row[7])
            ports = (row[5], row[6]) if protocol in (6, 17) else ("0", "0")
            hosts = [str(ipaddress.ip_address(text.strip())) for text in row[3:5]]
            flows[(*hosts, str(protocol), *ports, row[12], row[11])] += 1
        return flows

    @staticmethod
    def send(datagrams, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((HOST, 0))
            for data in datagrams:
                sock.sendto(data, (HOST, port))
                time.sleep(0.0005)

    def compare(self, name, datagrams, v6=True):
        wanted = self.nfcapd(datagrams)
        with Collector(name) as c:
            self.send(datagrams, c.port)
            c.wait_idle()
            found = Counter(tuple(row) for row in c.sql(FLOWS))
            losses = c.losses()
        only_nfcapd, only_flow = wanted - found, found - wanted
        self.assertEqual((only_nfcapd, only_flow), (Counter(), Counter()))
        self.assertEqual(losses, {})
        tap.note(f"{name}: {len(datagrams)} datagrams, {sum(found.values())} flows")
        known = Counter()
        for flow in self.known:
            if v6 or ":" not in flow["src"]:
                known["flows"] += 1
                known["octets"] += flow["octets"]
                known["packets"] += flow["packets"]
        return found, known

    def check_known(self, found, known):
        """And both are what was in the traffic."""
        self.assertEqual(
            (sum(found.values()), sum(int(f[5]) * n for f, n in found.items()),
             sum(int(f[6]) * n for f, n in found.items())),
            (known["flows"], known["octets"], known["packets"]))

    # --- the tests

    @unittest.skipIf(programs_missing("softflowd"), "softflowd is not installed")
    def test_softflowd_v5(self):
        self.check_known(*self.compare("softflowd-5", self.softflowd(5), v6=False))

    @unittest.skipIf(programs_missing("softflowd"), "softflowd is not installed")
    def test_softflowd_v9(self):
        self.check_known(*self.compare("softflowd-9", self.softflowd(9)))

    @unittest.skipIf(programs_missing("softflowd"), "softflowd is not installed")
    def test_softflowd_ipfix(self):
        # softflowd 1.1.0 numbers an IPFIX message by its last record instead of its
        # first (RFC 7011 3.1), which is no loss either.
        self.check_known(*self.compare("softflowd-10", self.softflowd(10)))

    @unittest.skipIf(programs_missing("pmacctd"), "pmacctd is not installed")
    def test_pmacctd_v5(self):
        self.check_known(*self.compare("pmacctd-5", self.pmacctd(5), v6=False))

    @unittest.skipIf(programs_missing("pmacctd"), "pmacctd is not installed")
    def test_pmacctd_v9(self):
        self.check_known(*self.compare("pmacctd-9", self.pmacctd(9)))

    @unittest.skipIf(programs_missing("pmacctd"), "pmacctd is not installed")
    def test_pmacctd_ipfix(self):
        self.check_known(*self.compare("pmacctd-10", self.pmacctd(10)))


if __name__ == "__main__":
    tap.main()
