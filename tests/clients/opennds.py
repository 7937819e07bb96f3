# SPDX-License-Identifier: GPL-2.0-or-later
"""openNDS of Debian's packages as a Place, unpacked and not installed, as tests/bench/rivals.py starts it.  IPv4 only."""
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "bench"))

import client  # noqa: E402
import rivals  # noqa: E402
from browse import log_in  # noqa: E402
from device import Failure  # noqa: E402
from lab import UP  # noqa: E402
from namespace import ip_batch, sysctl, wait_until  # noqa: E402
from places import Place  # noqa: E402
from suite import Commands  # noqa: E402

UNPACKED = os.path.abspath(os.path.join(client.BUILD, "opennds"))
# as Debian's package has it, and like portald's time servers are open to strangers
OPEN = """FirewallRuleSet preauthenticated-users {
	FirewallRule allow udp port 123
}
FirewallRuleSet users-to-router {
	FirewallRule allow udp port 67
	FirewallRule allow tcp port 53
"""
CONFIGURATION = rivals.OPENNDS.replace("guest0", "br-guest").replace("checkinterval 60", "checkinterval 5").replace(
    "FirewallRuleSet users-to-router {\n", OPEN)
LOCKED = 4  # ndsctl's status while another one runs
MINUTES = 1  # the shortest session that it knows
PATIENCE = 60.0  # seconds for one of its pages
EXPIRY_MAX = 60.0 * MINUTES + 60.0  # seconds


def unpack():
    """rivals.Unusable if the packages cannot be had."""
    try:
        rivals.unpack(rivals.OpenNds.packages, UNPACKED)
    except rivals.Unusable:  # the list of packages may be old
        subprocess.run(["apt-get", "update", "-qq"], capture_output=True, check=False)
        rivals.unpack(rivals.OpenNds.packages, UNPACKED)


class OpenNds(Place):
    name = "openNDS"
    families = (4,)

    def start(self):
        unpack()
        for key, value in (("net.ipv4.icmp_ratelimit", 1000), ("net.ipv6.icmp.ratelimit", 1000)):
            sysctl(self.lab.name("gw"), key, value)  # the kernel's own limit, which the lab lifts for portald's
        ip_batch(self.lab.name("gw"), [f"route add default via {UP[4]}"])  # it looks whether there is one
        os.makedirs(os.path.join(self.folder, "etc", "opennds"))
        self._write("etc/opennds/opennds.conf", CONFIGURATION)
        self._write("dhcp.leases", "".join(f"{int(time.time()) + 86400} {g.mac} {g.addresses[4]} * *\n"
                                           for g in (self.guest, self.other)))
        self._write("in-place", rivals.IN_PLACE.format(root=UNPACKED, folder=self.folder, xtables="xtables-legacy-multi"))
        self.process = self.lab.spawn("gw", ["unshare", "--mount", "sh", "-e", os.path.join(self.folder, "in-place"),
                                             "/usr/bin/opennds", "-f"], "opennds")
        self.start_dnsmasq("address=/status.client/192.0.2.1\n")  # which it tells the host's dnsmasq, of which it has a copy
        wait_until(lambda: not self.process.alive() or self.control("status").returncode == 0, 3 * PATIENCE,
                   "openNDS answers", 0.5)
        if not self.process.alive():
            raise rivals.Unusable(self.process.output()[-2000:])

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="ascii") as f:
            f.write(text)

    def control(self, *words):
        """ndsctl, in openNDS' own namespaces, as soon as no other one runs: openNDS itself calls it as well."""
        def ask():
            done = subprocess.run(["nsenter", "-t", str(self.process.pid), "-m", "-n", "/usr/bin/ndsctl", *words],
                                  capture_output=True, text=True, check=False, timeout=60)
            return done if done.returncode != LOCKED else None

        return wait_until(ask, PATIENCE, "no other ndsctl runs", 0.1)

    def is_online(self):
        return json.loads(self.control("json", self.guest.mac).stdout).get("state") == "Authenticated"

    def commands(self, family):
        def clicks():
            """It forks many times for each page, which takes 20 s on a busy machine."""
            world = self.subject(family).world()
            world.patience = PATIENCE
            try:
                log_in(world, is_online=self.is_online)
            except Failure:
                pass
            return self.is_online()

        def login():
            wait_until(clicks, 4 * PATIENCE, "openNDS lets the guest in", 0.5)

        def revoke():
            self.control("deauth", self.guest.mac)
            wait_until(lambda: not self.is_online(), PATIENCE, "the guest is out", 0.5)

        def expire():
            """It forgets a guest that it has put out: a request makes it known again, so that it can be let in for a minute."""
            revoke()
            self.subject(family).stranger_s_page()
            self.control("auth", self.guest.mac, str(MINUTES))
            wait_until(self.is_online, PATIENCE, "the guest has a minute", 0.5)
            wait_until(lambda: not self.is_online(), EXPIRY_MAX, "the session is over", 1.0)

        return Commands(login, expire, revoke)
