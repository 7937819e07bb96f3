# SPDX-License-Identifier: GPL-2.0-or-later
"""Portals in the network of tests/net/lab.py, each with two guests and the commands that log one in and out.

Upstream has a certificate of a private CA for www.google.com, so that https probes can succeed; guests trust that CA, which
stands for a public one.  The gateway's dnsmasq gives DHCP, router advertisements and DNS, and with a certificate what
`portalctl dnsmasq` prints.
"""
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "net")]

import gateway  # noqa: E402
import lab as lab_module  # noqa: E402
from authority import NAME, Authority  # noqa: E402
from browse import log_in  # noqa: E402
from lab import UP  # noqa: E402
from namespace import sysctl, wait_until  # noqa: E402
from subject import Subject  # noqa: E402
from suite import Commands  # noqa: E402

# A stranger needs the right time to validate a certificate: the network's time server is upstream.
ZONE = """
zone "guest" {{
  interface = "br-guest"
  divert = "{divert}"
  walled-garden = "203.0.113.2:123/udp [2001:db8:ff::2]:123/udp"
  venue-info-url = "https://venue.test/"
}}
"""
RANGES = """
dhcp-range=2001:db8:1::,ra-stateless,64,10m
enable-ra
"""


class Place:
    """Use as a context manager.  subject(family) and commands(family) are what suite.examine() wants."""

    name = ""
    families = (4, 6)

    def __init__(self, **lab_options):
        gateway.add_accounts()
        lab_module.remove_stale()
        self.folder = tempfile.mkdtemp(prefix="portal-place-")
        os.chmod(self.folder, 0o755)
        self.lab = None
        try:
            self.authority = Authority(os.path.join(self.folder, "ca"))
            self.authority.issue("google", "www.google.com")
            self.lab = lab_module.Lab(dnsmasq=False, sites=("br-guest",), pair=self.pair("google"), **lab_options)
            self.guest, self.other = (self.lab.add_guest(node) for node in ("g1", "g2"))
            for guest in (self.guest, self.other):  # they have their addresses
                sysctl(guest.namespace, "net.ipv6.conf.eth0.accept_ra", 0)
            self.start()
        except BaseException:
            self.close()
            raise

    def pair(self, file):
        return self.authority.path(f"{file}.pem"), self.authority.path(f"{file}.key")

    def start(self):
        raise NotImplementedError

    def commands(self, family):
        raise NotImplementedError

    def start_dnsmasq(self, lines="", ranges=RANGES):
        path = os.path.join(self.folder, "dnsmasq.conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(lab_module.DNSMASQ.replace("interface=br-two\n", "") + ranges + lines
                    + f"dhcp-leasefile={self.folder}/leases\n")
        server = self.lab.spawn("gw", ["dnsmasq", "--keep-in-foreground", "--user=root", "--log-facility=-", "-C", path,
                                       "--pid-file="], name="dnsmasq-place")
        wait_until(lambda: "started" in server.output() or not server.alive(), what="dnsmasq is up")
        if not server.alive():
            raise RuntimeError(server.output())

    def subject(self, family, **more):
        return Subject(self.guest.namespace, UP[family], self.authority.path("ca.pem"), other=self.other.namespace,
                       may_readdress=True, **more)

    def close(self):
        if self.lab:
            self.lab.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Portald(Place):
    """tls: with a certificate for the portal's name, and the API told by DHCP."""

    def __init__(self, divert="redirect", tls=False, zone=ZONE):
        self.divert, self.tls, self.zone = divert, tls, zone
        self.name = f"portald {divert}" + (", certificate" if tls else "")
        super().__init__()

    def start(self):
        keys = ""
        if self.tls:
            self.authority.issue("portal", NAME)
            keys = self.authority.keys("portal") + "advertise-api = yes\n"
        self.gateway = gateway.Gateway(self.lab, self.zone.format(divert=self.divert), globals_=keys)
        self.start_dnsmasq(self.gateway.ctl_raw("dnsmasq").stdout)

    def commands(self, family):
        def login():
            log_in(self.subject_world(family))

        def expire():
            self.gateway.grant(self.guest, for_="1s")
            wait_until(lambda: not self.gateway.sessions(), what="the session is over")

        return Commands(login, expire, lambda: self.gateway.revoke(self.guest))

    def subject_world(self, family):
        return self.subject(family).world()

    def close(self):
        if self.lab and hasattr(self, "gateway"):
            self.gateway.close()
        super().close()
