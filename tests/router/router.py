#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A Debian of its own that is the gateway of the test network: systemd, apt, dnsmasq and portald as the README installs it,
in a container on this kernel.

Run as a program it makes the Debian, and in it does what the README's first step says: tests/router takes it up from there.
"""
import contextlib
import glob
import os
import re
import shutil
import subprocess
import sys

import readme

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "net"))

import conftest  # noqa: E402, F401  # its asserts are rewritten
from gateway import BUILD  # noqa: E402
from lab import FORBIDDEN, SITES, UP, WAN, Lab, Process  # noqa: E402
from namespace import addr_add, ip_batch, sysctl, wait_until  # noqa: E402

DEBIAN = os.path.join(BUILD, "router")
MADE = DEBIAN + ".made"  # it is as new
SUITE = "bookworm"
PACKAGES = ("systemd-sysv", "dbus", "iproute2", "procps", "ca-certificates")	# what any router has before the README
SOURCE = "/root/portald"
SECTION = "Put it on a Debian router with dnsmasq"
MINUTES = 60  # seconds in one


def mirror():
    """Where this machine's apt gets its packages from."""
    uris = subprocess.run(["apt-get", "download", "--print-uris", "netbase"], text=True, capture_output=True, check=True).stdout
    return re.search(r"^'(.*)/pool/", uris).group(1)


def steps():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        return readme.steps(f.read(), SECTION)


def prepare():
    """The router before its first boot."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(MADE)
    make_debian(DEBIAN)
    for action in steps()[0].actions:
        install(DEBIAN, action.text)
    with open(MADE, "w", encoding="ascii"):
        pass


def take():
    """Its folder, for one boot after the other: what prepare() made, once."""
    if not os.path.exists(MADE):
        prepare()
    os.unlink(MADE)
    return DEBIAN


def make_debian(folder):
    """A minimal Debian, and the source of portald in it, as git has it."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, folder, mirror()],
                   check=True, timeout=10 * MINUTES)
    for path in glob.glob(f"{folder}/usr/lib/sysctl.d/*.conf"):	# the kernel is not the container's to change
        os.unlink(path)
    subprocess.run(["systemctl", f"--root={folder}", "--quiet", "enable", "systemd-networkd"], check=True)
    os.makedirs(folder + SOURCE)
    files = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           capture_output=True, check=True).stdout
    names = b"\0".join(n for n in files.split(b"\0") if n and os.path.exists(os.path.join(os.fsencode(ROOT), n)))
    packed = subprocess.run(["tar", "-C", ROOT, "--null", "-T", "-", "-c"], input=names, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-C", folder + SOURCE, "-x"], input=packed, check=True)


def install(folder, command):
    """Runs a command of the README that needs the internet: before the router's first boot, with this machine's network."""
    done = subprocess.run(["systemd-nspawn", "--quiet", "-D", folder, "--register=no", "--keep-unit", "--pipe",
                           "--resolv-conf=copy-host", f"--chdir={SOURCE}", "--setenv=DEBIAN_FRONTEND=noninteractive",
                           "sh", "-ec", command.replace("apt-get install", "apt-get -qq update && apt-get -qq install -y")],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20 * MINUTES, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


# What the README takes for granted: "The router has a bridge br-guest ...".
NETWORK = {
    "br-guest.netdev": "[NetDev]\nName=br-guest\nKind=bridge\n",
    "ports.network": "[Match]\nName=v-*\n[Network]\nBridge=br-guest\nLinkLocalAddressing=no\n",
    "br-guest.network": """[Match]
Name=br-guest
[Network]
Address=192.0.2.1/24
Address=2001:db8:1::1/64
IPv6AcceptRA=no
ConfigureWithoutCarrier=yes
""",
    "wan0.network": f"[Match]\nName=wan0\n[Network]\nAddress={WAN[4]}/24\nAddress={WAN[6]}/64\nIPv6AcceptRA=no\n",
}


class House(Lab):
    """The test network (lab.py), whose gateway is a container that boots, and loses all that a kernel keeps when it does.
    eth0 of the others is a bridge, so that only its cable is lost then."""

    def __init__(self, debian):
        self.debian, self.boots, self.container, self.init = debian, 0, None, None
        for name, text in NETWORK.items():
            self.write(f"/etc/systemd/network/{name}", text)
        super().__init__(dnsmasq=False, sites=())

    # ---- the network

    def _build(self, sites):
        self._add_namespace("up")
        ip_batch(self.name("up"), ["link add eth0 type bridge", "link set eth0 up",
                                   *(addr_add(to[family]) for family in (4, 6) for to in (UP, FORBIDDEN)),
                                   f"route add {SITES['br-guest'][6]}/64 via {WAN[6]}"])
        self._cables()

    def _plug(self, guest):
        ip_batch(self.name(guest.node), ["link add eth0 type bridge"])
        self._cable(guest.node, f"v-{guest.node}")

    def _cable(self, node, to):
        ip_batch(self.name("gw"), [f"link add {to} type veth peer name cable netns {self.name(node)}"])
        ip_batch(self.name(node), ["link set cable master eth0 up"])

    def _cables(self):
        """To a gateway that has just been switched on: nothing is up there yet."""
        self._add_namespace("gw")
        for key in ("iptables", "ip6tables"):
            sysctl(self.name("gw"), f"net.bridge.bridge-nf-call-{key}", 0)
        self._cable("up", "wan0")
        for guest in self.guests.values():
            self._cable(guest.node, f"v-{guest.node}")

    # ---- the container

    def boot(self):
        """Ends when systemd has started everything."""
        self.boots += 1
        argv = ["systemd-nspawn", "--quiet", "-D", self.debian, f"--network-namespace-path=/run/netns/{self.name('gw')}",
                "--capability=all", "--register=no", "--keep-unit", "--console=pipe", "--boot"]
        self.container = Process(argv, os.path.join(self.folder, f"boot{self.boots}.log"),
                                 env={"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"})
        self.processes.append(self.container)
        self.init = wait_until(self._find_init, what="the container's init", timeout=20)
        wait_until(lambda: self.sh("systemctl is-system-running 2>/dev/null || true") in ("running", "degraded"),
                   what="systemd has started everything", timeout=90, pause=0.2)

    def _find_init(self):
        assert self.container.alive(), self.container.output()
        path = f"/proc/{self.container.pid}/task/{self.container.pid}/children"
        with open(path, encoding="ascii") as f:
            children = f.read().split()
        for pid in children:
            with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                if f.read().strip() == "systemd":
                    return int(pid)
        return None

    def power_off(self):
        """Everything that the kernel kept for the gateway is gone with its namespace."""
        self.sh("systemctl poweroff --no-block")
        self.container.wait(60)
        self.init = None
        subprocess.run(["ip", "netns", "del", self.name("gw")], check=True)

    def reboot(self):
        self.power_off()
        wait_until(lambda: "cable" not in self.check("up", ["ip", "-o", "link"]), what="the cables are gone")
        self._cables()
        self.boot()

    def sh(self, command, ok=True, timeout=60):
        """A command in the container, as root; its output, without the last newline."""
        done = subprocess.run(["nsenter", "--all", f"--target={self.init}", "sh", "-ec", command], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False)
        assert not ok or done.returncode == 0, f"{command}: status {done.returncode}\n{done.stdout}"
        return done.stdout.rstrip("\n")

    def write(self, path, text, append=False):
        target = self.debian + path
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "a" if append else "w", encoding="utf-8") as f:
            f.write(text)

    def follow(self, action):
        """An action of the README."""
        if isinstance(action, readme.File):
            self.write(action.path, action.text, action.append)
        else:
            return self.sh(action.text)
        return None

    def close(self):
        if self.init:
            self.sh("systemctl poweroff --no-block", ok=False)
            try:
                self.container.wait(30)
            except subprocess.TimeoutExpired:
                pass
        super().close()


if __name__ == "__main__":
    prepare()
