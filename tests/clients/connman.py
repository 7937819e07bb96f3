# SPDX-License-Identifier: GPL-2.0-or-later
"""ConnMan's online check, the program itself, on a bus of its own with an agent that notes what it asks (connman_agent.py).

ConnMan manages the device: each look starts it with the addresses and the router that the device has, in one family, and
ends it; then addresses, default routes and settings are put back.  It asks the namespace's resolvers by itself, past the
hosts file: where the names that it probes lead is theirs to say.  Program: Debian's is broken by one of its patches (a reference
dropped too early: it never asks anybody), so scripts/common.sh builds Debian's source with that mended (need_connman).
"""
import json
import os
import re
import subprocess
import sys

import client
from models import NOTHING, ONLINE, PORTAL
from namespace import addr_add, ip_batch, link_is_ready, sysctl, wait_until

CHECK_MAX = 60.0  # seconds
FOLLOWED = ("200", "300", "301", "302", "303", "307", "308")  # of any other status nothing comes
CONFIGURATION = """[General]
EnableOnlineCheck=true
OnlineCheckIPv4URL=http://ipv4.connman.net/online/status.html
OnlineCheckIPv6URL=http://ipv6.connman.net/online/status.html
NetworkInterfaceBlacklist=lo
AllowHostnameUpdates=false
AllowDomainnameUpdates=false
FallbackTimeservers=
UseGatewaysAsTimeservers=false
"""
SERVICE = """[service_guest]
Type=ethernet
MAC={mac}
IPv4={ipv4}
IPv6={ipv6}
Nameservers={resolvers}
"""
MOUNTS = """mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /var/lib; mkdir /var/lib/connman;
cp {folder}/guest.config /var/lib/connman; mount --bind {folder}/resolv.conf /etc/resolv.conf; """


class ConnMan(client.Client):
    name = "ConnMan"
    hosts = ("ipv4.connman.net", "ipv6.connman.net")
    sheet = "http://ipv4.connman.net/online/status.html"

    @classmethod
    def program(cls):
        path = os.path.join(client.BUILD, "connman", "connmand")
        return path if os.access(path, os.X_OK) else None

    def start(self):
        self.start_bus()
        self.env = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.folder}/bus"}
        self.write("main.conf", CONFIGURATION)
        self.device = self._ip(f"-{min(self.addresses)}", "route", "show", "default")[0]["dev"]

    def _ip(self, *words):
        """What `ip -json` shows, or None."""
        shown = subprocess.run(["ip", "-n", self.namespace, "-json", *words], check=True, capture_output=True).stdout
        return json.loads(shown) if shown.strip() else None

    def _write_service(self, family):
        link = self._link()
        address = next(a for a in link["addr_info"] if a["family"] == {4: "inet", 6: "inet6"}[family]
                       and a["scope"] == "global")
        router = self._routes()[family][0]["gateway"]
        mine = f"{address['local']}/{address['prefixlen']}/{router}"
        text = subprocess.run(["ip", "netns", "exec", self.namespace, "cat", "/etc/resolv.conf"], check=True, text=True,
                              capture_output=True).stdout
        resolvers = [a for a in re.findall(r"^nameserver (\S+)", text, re.MULTILINE) if (":" in a) == (family == 6)]
        self.write("resolv.conf", text)
        self.write("guest.config", SERVICE.format(mac=link["address"], ipv4=mine if family == 4 else "off",
                                                  ipv6=mine if family == 6 else "off", resolvers=",".join(resolvers)))

    def look(self, family):
        self._write_service(family)
        setting = f"net.ipv6.conf.{self.device}.disable_ipv6"
        disabled, link, routes = sysctl(self.namespace, setting), self._link(), self._routes()
        try:
            return self._ask()
        finally:
            sysctl(self.namespace, setting, disabled)
            self._ip("addr", "flush", "dev", self.device, "scope", "global")
            addresses = [a for a in link["addr_info"] if a["scope"] == "global"]
            ip_batch(self.namespace, [
                f"link set {self.device} up dynamic off",
                *(addr_add(a["local"], self.device, a["prefixlen"], verb="replace") for a in addresses),
                *(f"route replace default via {r['gateway']} dev {r['dev']} metric {r.get('metric', 0)}"
                  for of in routes.values() for r in of)])
            wait_until(lambda: link_is_ready(self.namespace, self.device), what="the link is as it was")

    def _link(self):
        return self._ip("addr", "show", "dev", self.device)[0]

    def _routes(self):
        """family -> its default routes"""
        return {family: self._ip(f"-{family}", "route", "show", "default") or [] for family in (4, 6)}

    def _ask(self):
        """One run, and what came of it."""
        agent = self.spawn("agent", [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                                                  "connman_agent.py")], self.env)
        try:
            wait_until(lambda: "ready" in self.read("agent"), CHECK_MAX, "the agent is there")
            argv = [self.program(), "--nodaemon", "--debug", "--nobacktrace", "--nodnsproxy", "--config",
                    self.path("main.conf")]
            connman = self.spawn("log", self.inside(argv, MOUNTS.format(folder=self.folder)), self.env)
            try:
                return wait_until(self._verdict, CHECK_MAX, "ConnMan has checked", pause=0.1)
            finally:
                self.end(connman)
        finally:
            self.end(agent)

    def _verdict(self):
        said, log = self.read("agent"), self.read("log")
        if "\nbrowser " in said or "\ninput " in said:
            return PORTAL
        if "\nstate online" in said:
            return ONLINE
        answers = re.findall(r"wispr_portal_web_result\(\) status: (\d+)", log)
        if "Failed to proceed wispr" in log or (answers and answers[-1] not in FOLLOWED):
            return NOTHING
        return None
