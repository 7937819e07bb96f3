# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices that ask the captive portal API and nothing else: a DHCP client, the program itself, is told it (RFC 8910), and
curl asks it (RFC 8908).

dhcpcd, over IPv4 and IPv6, and busybox's udhcpc, over IPv4, tell a hook what they were told, and configure nothing.  dhcpcd
comes as its package has it, with the options' numbers, which Debian 12's is too old to know.  Programs: those installed, or
what scripts/common.sh unpacks (need_dhcpcd).
"""
import json
import os
import subprocess

import client
from models import CAPTIVE_JSON, NOTHING, ONLINE, PORTAL
from namespace import wait_until

TOLD_MAX = 90.0  # seconds
ASKED_MAX = 10  # seconds
DHCPCD = """define 114 string captive_portal_uri
define6 103 string captive_portal_uri
option captive_portal_uri
option dhcp6_captive_portal_uri
noconfigure
noarp
"""
HOOK = """#!/bin/sh
hook=$1 env >{folder}/new.$$ && mv {folder}/new.$$ {folder}/told/
"""
OVER = {"hook": ("bound",), "reason": ("BOUND", "INFORM6")}  # it has been told all
MOUNTS = "mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /var/lib; mkdir -p /run/dhcpcd /var/lib/dhcpcd; "


def api_of(env):
    """The captive portal API, as it is in a hook's variables; None if it is not there."""
    uris = {env[key] for key in ("new_captive_portal_uri", "new_dhcp6_captive_portal_uri") if key in env}
    uris |= {bytes.fromhex(env["opt114"]).decode()} if "opt114" in env else set()
    if len(uris) > 1:
        raise RuntimeError(f"it was told several: {uris}")
    return uris.pop() if uris else None


class DhcpClient(client.Client):
    families = (4,)

    @classmethod
    def applies(cls, subject):
        """Where nobody is told of an API there is nothing to see."""
        return subject.family in cls.families and {4: "DHCPv4", 6: "DHCPv6"}[subject.family] in subject.uris

    def argv(self, family):
        """The command that runs it, with the hook."""
        raise NotImplementedError

    def start(self):
        """apis: family -> the URI that it is told, or None"""
        self.write("hook", HOOK.format(folder=self.folder))
        os.chmod(self.path("hook"), 0o755)
        self.apis = {family: api_of(self._told(family)) for family in self.addresses if family in self.families}

    def _told(self, family):
        """What it tells its hook when it has all: {variable: value}"""
        folder = self.path("told")
        os.mkdir(folder)

        def over():
            for name in os.listdir(folder):
                env = dict(line.partition("=")[::2] for line in self.read(os.path.join("told", name)).splitlines())
                if any(env.get(key) in values for key, values in OVER.items()):
                    return env
            if process.poll() is not None:
                raise RuntimeError(f"{self.name} has ended: {self.read('log')[-2000:]}")
            return None

        process = self.spawn("log", self.inside(self.argv(family), MOUNTS))
        try:
            return wait_until(over, TOLD_MAX, f"{self.name} has been told all", pause=0.1)
        finally:
            self.end(process)
            os.rename(folder, f"{folder}{family}")

    def look(self, family):
        if not self.apis[family]:
            return NOTHING
        trust = ["--cacert", self.trust] if self.trust else []
        done = subprocess.run(self.inside(["curl", "-sS", f"-{family}", "--noproxy", "*", "-m", str(ASKED_MAX), *trust,
                                           "-H", f"Accept: {CAPTIVE_JSON}", self.apis[family]]),
                              capture_output=True, text=True, check=False)
        try:
            state = json.loads(done.stdout)
            self.sheet = state.get("user-portal-url")
            return {True: PORTAL, False: ONLINE}[state["captive"]]
        except (ValueError, KeyError, AttributeError, TypeError):
            return NOTHING


class Dhcpcd(DhcpClient):
    name = "dhcpcd"
    families = (4, 6)

    @classmethod
    def program(cls):
        return client.find("dhcpcd", "dhcpcd/usr/sbin")

    def argv(self, family):
        self.write("dhcpcd.conf", DHCPCD)
        return [self.program(), f"-{family}", "--nobackground", "--config", self.path("dhcpcd.conf"), "--script",
                self.path("hook"), "eth0"]


class Udhcpc(DhcpClient):
    name = "udhcpc"

    @classmethod
    def program(cls):
        return client.find("udhcpc")

    def argv(self, family):
        return [self.program(), "-i", "eth0", "-f", "-t", "20", "-T", "3", "-O", "114", "-s", self.path("hook")]
