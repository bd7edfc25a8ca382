# SPDX-License-Identifier: Apache-2.0
"""flowkeep-analytics under test, on the database and configuration of a Collector that
need not run.

    with Watched("beacon") as c:                  # migrated; no collector started
        c.job("session", now="2026-03-10T12:00:00Z")
        c.contacts("10.20.0.1", "203.0.113.9", 443, starts=[...])"""

import datetime
import os
import signal
import subprocess
import time

from daemon import BUILD, Collector

ANALYTICS = os.path.join(BUILD, "analytics", "flowkeep-analytics")


def iso(seconds):
    """Seconds since 1970 as ISO 8601."""
    at = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Watched(Collector):
    """A migrated database with 10.20.0.0/16 watched as group servers."""

    GROUPS = {"servers": "10.20.0.0/16"}
    pending = None  # rows of contacts() that are not written yet

    def __init__(self, name, settings=None, **options):
        watch = {f"watch {group}": {"networks": networks}
                 for group, networks in self.GROUPS.items()}
        super().__init__(name, settings={**watch, **(settings or {})}, **options)

    def __enter__(self):
        self.create_database()
        for name, network in self.GROUPS.items():
            self.sql("INSERT INTO flowkeep.watch_group (name, description)"
                     f" VALUES ('{name}', 'test')")
            self.sql("INSERT INTO flowkeep.watch_network (group_name, network)"
                     f" VALUES ('{name}', '{network}')")
        return self

    def spawn_job(self, job, now=None, **options):
        self.flush()
        command = [ANALYTICS, "--config", self.config_path, "--once", job]
        if now is not None:
            command += ["--now", now if isinstance(now, str) else iso(now)]
        return subprocess.Popen(command, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                **options)

    def job(self, job, now=None, check=True, timeout=300):
        """Runs a job once; returns the process and what it said.  Waits for the server
        to notice that an earlier run was killed, which has the job's lock until then."""
        until = time.monotonic() + 60
        while True:
            process = self.spawn_job(job, now)
            said, _ = process.communicate(timeout=timeout)
            if "another process" not in said or time.monotonic() > until:
                break
            time.sleep(0.1)
        if check and process.returncode:
            raise AssertionError(f"job {job}: exit {process.returncode}: {said}")
        return process, said

    def job_killed(self, job, now, after_sec):
        """Starts a job and kills it after so long; whether it was killed in its run."""
        process = self.spawn_job(job, now)
        try:
            process.communicate(timeout=after_sec)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        return process.returncode == -signal.SIGKILL

    def contacts(self, host, peer, port, starts, octets=1000, protocol=6, initiator=1,
                 sampling=None, exporter_id=None, packets=10, in_packets=10):
        """Rows of contact_hour for sessions that begin at `starts` (seconds); written
        before the next job runs."""
        hours = {}
        for start in starts:
            hours.setdefault(int(start // 3600), []).append(start % 3600)
        self.pending = self.pending or []
        for hour, within in hours.items():
            n = len(within)
            starts_ms = ",".join(str(int(second * 1000)) for second in within)
            sizes = ",".join([str(octets)] * n)
            self.pending.append("\t".join(map(str, [
                iso(hour * 3600), host, peer, port, protocol, initiator, n, n,
                octets * n, octets * n, packets * n, in_packets * n, 100,
                sampling or "\\N", exporter_id or "\\N", f"{{{starts_ms}}}",
                f"{{{sizes}}}"])))

    def flush(self):
        rows, self.pending = self.pending, None
        if not rows:
            return
        times = [row.split("\t", 1)[0] for row in rows]
        self.sql("SELECT flowkeep.partition_ensure('contact_hour',"
                 f" '{min(times)}', '{max(times)}'::timestamptz + interval '1 hour',"
                 " '1 day')")
        self.sql("COPY flowkeep.contact_hour (hour, host, peer, service_port, protocol,"
                 " initiator, sessions, records, out_octets, in_octets, out_packets,"
                 " in_packets, longest_ms, sampling, exporter_id, starts,"
                 " start_octets) FROM STDIN;\n" + "\n".join(rows) + "\n\\.\n")
