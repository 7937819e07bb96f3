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

import client  # noqa: E402
import gateway  # noqa: E402
import lab as lab_module  # noqa: E402
from authority import NAME, Authority  # noqa: E402
from browse import log_in  # noqa: E402
from lab import UP  # noqa: E402
from namespace import addr_add, ip_batch, sysctl, wait_until  # noqa: E402
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
RANGES_BESIDE_RADVD = "dhcp-range=2001:db8:1::100,2001:db8:1::1ff,64,10m\n"
RADVD = """{
	AdvSendAdvert on;
	AdvOtherConfigFlag on;
	MinRtrAdvInterval 3;
	MaxRtrAdvInterval 4;
"""
CRL_HOST, CRL_ADDRESS = "crl.test", {4: "203.0.113.90", 6: "2001:db8:ff::90"}  # upstream's, that no other name leads to
CRL_LINES = "local-ttl=60\n" + "".join(f"address=/{CRL_HOST}/{a}\n" for a in CRL_ADDRESS.values())


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
    """tls: with a certificate for the portal's name that names a CRL, and the API told by DHCP, and by router advertisements
    if there is a radvd that can (scripts/common.sh builds one: need_radvd)."""

    def __init__(self, divert="redirect", tls=False, zone=ZONE):
        self.divert, self.tls, self.zone = divert, tls, zone
        self.name = f"portald {divert}" + (", certificate" if tls else "")
        super().__init__()

    def start(self):
        keys = self._certify() if self.tls else ""
        self.gateway = gateway.Gateway(self.lab, self.zone.format(divert=self.divert), globals_=keys)
        lines = self.gateway.ctl_raw("dnsmasq").stdout + (CRL_LINES if self.tls else "")
        radvd = self.tls and client.find("radvd", "radvd")
        if radvd:
            self._start_radvd(radvd)
        self.start_dnsmasq(lines, RANGES_BESIDE_RADVD if radvd else RANGES)

    def _certify(self):
        """The CRL is where the certificate says."""
        self.authority.issue("portal", NAME, more=f"crlDistributionPoints=URI:http://{CRL_HOST}/files/ca.crl\n")
        self.authority.write_list(self.authority.path("files/ca.crl"))
        ip_batch(self.lab.name("up"), [addr_add(CRL_ADDRESS[4]), addr_add(CRL_ADDRESS[6], more="preferred_lft 0")])
        return self.authority.keys("portal") + "advertise-api = yes\n"

    def _start_radvd(self, radvd):
        path = os.path.join(self.folder, "radvd.conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(self.gateway.ctl_raw("radvd").stdout.replace("{\n", RADVD, 1))
        server = self.lab.spawn("gw", [radvd, "--nodaemon", "--logmethod", "stderr", "--config", path, "--pidfile",
                                       os.path.join(self.folder, "radvd.pid")], "radvd")
        wait_until(lambda: "started" in server.output() or not server.alive(), what="radvd is up")
        if not server.alive():
            raise RuntimeError(server.output())

    def commands(self, family):
        def login():
            log_in(self.subject_world(family))

        def expire():
            self.gateway.grant(self.guest, for_="1s")
            wait_until(lambda: not self.gateway.sessions() and not self.gateway.members(), what="the session is over")

        return Commands(login, expire, lambda: self.gateway.revoke(self.guest))

    def subject_world(self, family):
        return self.subject(family).world()

    def close(self):
        if self.lab and hasattr(self, "gateway"):
            self.gateway.close()
        super().close()
