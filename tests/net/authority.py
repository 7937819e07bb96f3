# SPDX-License-Identifier: GPL-2.0-or-later
"""A private CA, for gateways with TLS."""
import datetime
import os
import shutil
import subprocess

from gateway import BUILD

NAME = "portal.test"
TIME = "%Y%m%d%H%M%SZ"
CONFIG = """
[ca]
default_ca = it
[it]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
unique_subject = no
policy = any
[any]
commonName = supplied
"""


class Authority:
    """A CA, and the pairs that it issues, in one folder."""

    def __init__(self, folder):
        self.folder = folder
        os.mkdir(folder, 0o755)
        self.write("index", "")
        self.write("serial", "1000\n")
        self.write("ca.conf", CONFIG)
        self.make_key("ca")
        self.openssl("req", "-x509", "-new", "-key", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=Test CA")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text)

    def read(self, name):
        with open(self.path(name), encoding="ascii") as f:
            return f.read()

    def openssl(self, *args):
        return subprocess.run(["openssl", *args], cwd=self.folder, check=True, capture_output=True)

    def make_key(self, file, *kind):
        self.openssl("genpkey", *(kind or ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")), "-out", f"{file}.key")
        shutil.chown(self.path(f"{file}.key"), group="portald")
        os.chmod(self.path(f"{file}.key"), 0o640)

    def issue(self, file, name=NAME, days=30, start=None, more="", kind=(), ca="ca"):
        """FILE.pem and FILE.key; start: days from now; more: lines of extensions; ca: the file of the issuer."""
        now = datetime.datetime.now(datetime.timezone.utc)
        begin = now + datetime.timedelta(days=min(days, 0) - 1 if start is None else start)
        end = now + datetime.timedelta(days=days)
        self.write("ext", f"subjectAltName=DNS:{name}\n{more}")
        self.make_key(file, *kind)
        self.openssl("req", "-new", "-key", f"{file}.key", "-out", "request", "-subj", f"/CN={name}")
        self.openssl("ca", "-batch", "-notext", "-config", "ca.conf", "-in", "request", "-out", f"{file}.pem", "-cert",
                     f"{ca}.pem", "-keyfile", f"{ca}.key", "-extfile", "ext", "-startdate", begin.strftime(TIME),
                     "-enddate", end.strftime(TIME))

    def issue_intermediate(self, file):
        """A CA below this one."""
        self.issue(file, "Intermediate", more="basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n")

    def join(self, file, *parts):
        """FILE.pem, with the certificates of the parts, and FILE.key, of the first."""
        self.write(f"{file}.pem", "".join(self.read(f"{part}.pem") for part in parts))
        shutil.copy(self.path(f"{parts[0]}.key"), self.path(f"{file}.key"))
        shutil.chown(self.path(f"{file}.key"), group="portald")

    def revoke(self, file):
        self.openssl("ca", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key", "-revoke", f"{file}.pem")

    def write_list(self, path):
        """The CRL, in DER, as it is published."""
        self.openssl("ca", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key", "-gencrl", "-crldays", "1", "-out",
                     "crl.pem")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.openssl("crl", "-in", "crl.pem", "-outform", "DER", "-out", path)

    def respond(self, file, minutes=60, since=0, ca="ca", signer=None, index="index", name=None):
        """What the CA says of FILE.pem, as `openssl ocsp` says it: FILE.der.  since: seconds from now at which it was said;
        minutes: how long it holds, None: no end."""
        clock = self.path("clock")
        with open(clock, "wb") as f:
            f.write((since * 1000).to_bytes(8, "little", signed=True))
        env = {**os.environ, "LD_PRELOAD": os.path.join(BUILD, "tests", "net", "wall_clock.so"), "WALL_CLOCK": clock}
        signer = signer or ca
        subprocess.run(["openssl", "ocsp", "-index", index, "-CA", f"{ca}.pem", "-issuer", f"{ca}.pem", "-rsigner",
                        f"{signer}.pem", "-rkey", f"{signer}.key", "-cert", f"{file}.pem", "-respout", f"{name or file}.der",
                        "-noverify", *(["-nmin", str(minutes)] if minutes else [])],
                       cwd=self.folder, check=True, capture_output=True, env=env)

    def keys(self, file, name=NAME, more=""):
        return (f'hostname = "{name}"\ncertificate = "{self.path(file)}.pem"\n'
                f'certificate-key = "{self.path(file)}.key"\n' + more)
