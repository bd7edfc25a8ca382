# SPDX-License-Identifier: Apache-2.0
"""A mail server under a test's control, and what arrived there.

    with Mailbox(certificates(folder), login=True) as box:
        box.behave(data="451 4.7.1 greylisted")
        box.messages()                     # email.message.EmailMessage, in order"""

import email
import email.policy
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mail-server.py")
USER, PASSWORD = "flowkeep", "correct horse; battery"


def python():
    """One that has aiosmtpd; a distribution's package is for its own Python."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([candidate, "-c", "import aiosmtpd"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0:
            return candidate
    return None


def missing():
    if not python():
        return "no aiosmtpd (package python3-aiosmtpd)"
    if not shutil.which("openssl"):
        return "no openssl"
    return None


def certificates(folder, name="good"):
    """A certificate for localhost that signs itself: (certificate, key)."""
    paths = [os.path.join(folder, f"{name}.{end}") for end in ("pem", "key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-out", paths[0], "-keyout", paths[1]], check=True,
                   stderr=subprocess.DEVNULL)
    return paths


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


class Mailbox:
    """@security: starttls, tls or none."""

    def __init__(self, pair=None, security="starttls", login=True):
        self.folder = tempfile.mkdtemp(prefix="flowkeep-mail-", dir="/tmp")
        self.port = free_port()
        self.options = [] if security == "none" else [
            "--" + security, "--cert", pair[0], "--key", pair[1]]
        if login:
            self.options += ["--user", USER, "--password", PASSWORD]
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        if not os.environ.get("FLOWKEEP_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        self.process = subprocess.Popen(
            [python(), SERVER, self.folder, str(self.port), *self.options],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout.readline() == "ready\n"
        return self

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def behave(self, **behaviour):
        path = os.path.join(self.folder, "behaviour")
        with open(path + ".new", "w", encoding="utf-8") as to:
            json.dump(behaviour, to)
        os.replace(path + ".new", path)

    def lines(self, name):
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8") as lines:
                return [json.loads(line) for line in lines]
        except FileNotFoundError:
            return []

    def seen(self, what):
        return [one for one in self.lines("seen") if one["what"] == what]

    def received(self):
        return self.lines("received")

    def messages(self):
        return [email.message_from_string(one["message"], policy=email.policy.default)
                for one in self.received()]

    def ids(self):
        return [str(message["Message-ID"]) for message in self.messages()]
