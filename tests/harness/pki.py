# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests, made by openssl: a CA, what it signs, what it revokes.

    pki = Pki(folder)
    good = pki.issue("router1", san="DNS:router1.example.net")
    old = pki.issue("old", san="DNS:router1.example.net", end_days=-1)
    pki.revoke(good); pki.crl      # the path of its list

Each certificate is a Pair of paths: certificate and key."""

import collections
import datetime
import os
import shutil
import subprocess

Pair = collections.namedtuple("Pair", "certificate key")

CONFIG = """
[ca]
default_ca = ours
[ours]
database = {folder}/index.txt
serial = {folder}/serial
crlnumber = {folder}/crlnumber
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = optional
[req]
distinguished_name = dn
prompt = no
[dn]
[client]
basicConstraints = CA:FALSE
keyUsage = digitalSignature
{extensions}
"""


def missing():
    """Why there can be no certificates here, or None."""
    return None if shutil.which("openssl") else "openssl is not installed"


def openssl(*arguments, check=True):
    done = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"openssl {' '.join(arguments)}: {done.stderr}")
    return done


def date(days):
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return then.strftime("%Y%m%d%H%M%SZ")


class Pki:
    def __init__(self, folder, name="Test CA"):
        self.folder = folder
        os.makedirs(folder)
        self.ca = os.path.join(folder, "ca.pem")
        self.ca_key = os.path.join(folder, "ca.key")
        self.crl = os.path.join(folder, "ca.crl")
        for file, text in (("index.txt", ""), ("serial", "01\n"), ("crlnumber", "01\n")):
            with open(os.path.join(folder, file), "w", encoding="ascii") as out:
                out.write(text)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-keyout", self.ca_key, "-out", self.ca, "-days", "30",
                "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def path(self, name):
        return os.path.join(self.folder, name)

    def config(self, extensions=""):
        path = self.path("openssl.cnf")
        with open(path, "w", encoding="ascii") as out:
            out.write(CONFIG.format(folder=self.folder, extensions=extensions))
        return path

    def key(self, name, bits=None):
        path = self.path(name + ".key")
        kind = (["-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}"] if bits else
                ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
        openssl("genpkey", *kind, "-out", path)
        os.chmod(path, 0o600)
        return path

    def issue(self, name, san=None, cn=None, start_days=-1, end_days=30, bits=None,
              md="sha256", usage="clientAuth,serverAuth"):
        """@san as openssl writes it; @usage: extended key usages, or None."""
        key = self.key(name, bits)
        request, certificate = self.path(name + ".csr"), self.path(name + ".pem")
        extensions = "".join(
            f"{key} = {value}\n" for key, value in (("subjectAltName", san),
                                                    ("extendedKeyUsage", usage)) if value)
        config = self.config(extensions)
        openssl("req", "-new", "-key", key, "-out", request, "-config", config, "-subj",
                f"/CN={cn or name}")
        openssl("ca", "-batch", "-notext", "-config", config, "-in", request, "-out",
                certificate, "-extensions", "client", "-md", md,
                "-startdate", date(start_days), "-enddate", date(end_days))
        return Pair(certificate, key)

    def self_sign(self, name, san):
        key, certificate = self.key(name), self.path(name + ".pem")
        openssl("req", "-x509", "-key", key, "-out", certificate, "-days", "30",
                "-subj", f"/CN={name}", "-addext", f"subjectAltName={san}")
        return Pair(certificate, key)

    def revoke(self, pair):
        openssl("ca", "-config", self.config(), "-revoke", pair.certificate)

    def make_crl(self, days=30):
        """The list of what is revoked so far; one that is over when @days is negative."""
        when = ["-crldays", str(days)]
        if days < 0:
            when = ["-crl_lastupdate", date(2 * days), "-crl_nextupdate", date(days)]
        openssl("ca", "-config", self.config(), "-gencrl", "-out", self.crl, *when)
        return self.crl
