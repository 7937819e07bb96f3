# SPDX-License-Identifier: GPL-2.0-or-later
"""A private CA, for gateways with TLS."""
import os
import shutil
import subprocess

NAME = "portal.test"


class Authority:
    """A CA, and the pairs that it issues, in one folder."""

    def __init__(self, folder):
        self.folder = folder
        os.mkdir(folder, 0o755)
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
                     "-out", "ca.pem", "-days", "30", "-subj", "/CN=Test CA")

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.folder, check=True, capture_output=True)

    def issue(self, file, name=NAME, days=30):
        """FILE.pem and FILE.key"""
        with open(self.path("ext"), "w", encoding="ascii") as f:
            f.write(f"subjectAltName=DNS:{name}\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{file}.key",
                     "-out", "request", "-subj", f"/CN={name}")
        self.openssl("x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", str(days), "-extfile",
                     "ext", "-out", f"{file}.pem")
        shutil.chown(self.path(f"{file}.key"), group="portald")
        os.chmod(self.path(f"{file}.key"), 0o640)

    def keys(self, file, name=NAME):
        return (f'hostname = "{name}"\ncertificate = "{self.path(file)}.pem"\n'
                f'certificate-key = "{self.path(file)}.key"\n')
