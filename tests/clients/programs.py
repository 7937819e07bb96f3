# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that are no browsers and fetch things by http: what each is told, and how it ends when it is answered 511.

PROGRAMS is the table.  Everything that a program keeps goes to the folder `out` of a run, and publish() puts what they fetch
where tests/net/upstream.py serves it.
"""
import collections
import hashlib
import io
import json
import os
import subprocess
import tarfile
import zipfile

from lab import UP

ROOTS = {family: f"http://files{family}.example" for family in UP}  # npm takes no IPv6 address
DATA = b"what was asked for\n" * 50
PACKAGES = b"""Package: example
Version: 1.0
Architecture: all
Filename: ./example_1.0_all.deb
Size: 1
SHA256: %s
""" % (b"0" * 64)
WHEEL = "example-1.0-py3-none-any.whl"

# argv(root, run): root: one of ROOTS, run: the folder of this run, which has out/; fails: status at 511;
# says: what it tells of it; keeps: a file below out/ that is there after success
Program = collections.namedtuple("Program", "name argv fails says keeps")


def curl(root, run):
    return ["curl", "-sS", "-f", "-o", f"{run}/out/data", f"{root}/files/data"]


def wget(root, run):
    return ["wget", "-nv", "-t", "1", "-P", f"{run}/out", f"{root}/files/data"]


def apt(root, run):
    with open(f"{run}/sources.list", "w", encoding="ascii") as f:
        f.write(f"deb [trusted=yes] {root}/files/apt ./\n")
    options = {"Dir::State::lists": f"{run}/out", "Dir::Cache": f"{run}/cache", "Dir::Etc::sourcelist": f"{run}/sources.list",
               "Dir::Etc::sourceparts": "-", "APT::Sandbox::User": "root", "Acquire::Retries": "0",
               "Acquire::Languages": "none", "Acquire::GzipIndexes": "false"}
    return ["apt-get", *(word for key, value in options.items() for word in ("-o", f"{key}={value}")), "update"]


def git(root, run):
    return ["git", "clone", "--quiet", f"{root}/files/example.git", f"{run}/out/example{len(os.listdir(run + '/out'))}"]


def pip(root, run):
    return ["/usr/bin/python3", "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--disable-pip-version-check",
            "--retries", "0", "--index-url", f"{root}/files/simple", "--trusted-host", root.partition("//")[2], "-d",
            f"{run}/out", "example"]


def npm(root, run):
    kind = "npm6" if root == ROOTS[6] else "npm4"
    return ["npm", "pack", "example", "--registry", f"{root}/files/{kind}/", "--cache", f"{run}/cache", "--prefer-online",
            "--fetch-retries", "0", "--pack-destination", f"{run}/out"]


PROGRAMS = (
    Program("curl", curl, 22, "511", "data"),
    Program("wget", wget, 8, "511", "data"),
    Program("apt", apt, 100, "511", "_files_apt_._Packages"),
    Program("git", git, 128, "511", "example0/read"),
    Program("pip", pip, 1, "", WHEEL),  # it tells no status
    Program("npm", npm, 1, "511", "example-1.0.0.tgz"),
)


def _write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def _publish_git(folder):
    work = os.path.join(folder, "work")
    _write(f"{work}/read", DATA)
    identity = ["-c", "user.name=lab", "-c", "user.email=lab@example.org"]
    for argv in (["init", "--quiet", "--initial-branch=main"], ["add", "read"], [*identity, "commit", "--quiet", "-m", "one"],
                 ["clone", "--quiet", "--bare", ".", f"{folder}/example.git"],
                 ["--git-dir", f"{folder}/example.git", "update-server-info"]):
        subprocess.run(["git", *argv], cwd=work, check=True, capture_output=True)


def _publish_npm(folder):
    package = json.dumps({"name": "example", "version": "1.0.0"}).encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("package/package.json")
        entry.size = len(package)
        tar.addfile(entry, io.BytesIO(package))
    for family, root in ROOTS.items():
        tarball = f"{root}/files/npm{family}/example.tgz"
        _write(f"{folder}/npm{family}/example.tgz", archive.getvalue())
        _write(f"{folder}/npm{family}/example", json.dumps({
            "name": "example", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": {
                "name": "example", "version": "1.0.0",
                "dist": {"tarball": tarball, "shasum": hashlib.sha1(archive.getvalue()).hexdigest()}}}}).encode())


def publish(lab, guest):
    """Puts what PROGRAMS fetch where upstream serves it; for the guest each of ROOTS is in its family alone."""
    with open(f"/etc/netns/{guest.namespace}/hosts", "w", encoding="ascii") as f:
        f.write("".join(f"{UP[family]} {root.partition('//')[2]}\n" for family, root in ROOTS.items()))
    folder = os.path.join(lab.folder, "files")
    _write(f"{folder}/data", DATA)
    _write(f"{folder}/apt/Packages", PACKAGES)
    digest = hashlib.sha256(PACKAGES).hexdigest()
    _write(f"{folder}/apt/Release",
           f"Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n {digest} {len(PACKAGES)} Packages\n".encode())
    _publish_git(folder)
    _write(f"{folder}/simple/example/index.html", f'<!DOCTYPE html><a href="{WHEEL}">{WHEEL}</a>\n'.encode())
    with zipfile.ZipFile(f"{folder}/simple/example/{WHEEL}", "w") as wheel:
        wheel.writestr("example.py", "")
        wheel.writestr("example-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: example\nVersion: 1.0\n")
        wheel.writestr("example-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("example-1.0.dist-info/RECORD", "")
    _publish_npm(folder)
