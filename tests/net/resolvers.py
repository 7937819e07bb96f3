# SPDX-License-Identifier: GPL-2.0-or-later
"""Real resolvers on the lab's gateway, and the servers that they ask upstream.

    guest --- gw: dnsmasq or unbound, port 53 --- up: port 5301, nameserver.py, garden.example and cdn.example, not signed
                                                      port 5302, unbound, signed.example: DNSSEC, signed by ldns-signzone

Both validate.  unbound and the tools of ldns: those installed, or what scripts/common.sh unpacks of Debian's packages
(need_unbound).
"""
import json
import os
import re
import shutil
import subprocess
import sys

import dnswire
import gateway
from lab import HERE, UP
from namespace import addr_add, ip_batch, wait_until
from nameserver import POOL

UNPACKED = os.path.join(gateway.REPO, "build", "unbound")
PLAIN_PORT, SIGNED_PORT = 5301, 5302
ZONE_FILE = """
$ORIGIN signed.example.
$TTL 600
@ SOA ns hostmaster 1 3600 900 86400 600
@ NS ns
ns A 203.0.113.2
www A 203.0.113.85
www AAAA 2001:db8:ff::85
alias CNAME www
big A 203.0.113.86
big AAAA 2001:db8:ff::86
"""
BIG = 40  # TXT records of 80 bytes: more than one frame holds
DNSMASQ = """
port=53
no-resolv
no-hosts
bind-dynamic
interface=br-guest
edns-packet-max=4096
dnssec
dnssec-check-unsigned=no
trust-anchor=.,1,13,2,{nobodys}
trust-anchor=signed.example,{anchor}
server=/garden.example/cdn.example/{up}#{plain}
server=/signed.example/{up}#{signed}
"""
UNBOUND = """
server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  use-caps-for-id: no
  rrset-roundrobin: no
  module-config: "{modules}"
  edns-buffer-size: 4096
  max-udp-size: 4096
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
{more}
remote-control:
  control-enable: no
"""
RESOLVER = """
  port: 53
  interface: br-guest
  interface: 127.0.0.1
  do-not-query-localhost: no
  trust-anchor-file: "{folder}/anchor"
stub-zone:
  name: "garden.example"
  stub-addr: {up}@{plain}
stub-zone:
  name: "cdn.example"
  stub-addr: {up}@{plain}
stub-zone:
  name: "signed.example"
  stub-addr: {up}@{signed}
"""
AUTHORITY = """
  port: {signed}
  interface: {up}
auth-zone:
  name: "signed.example"
  zonefile: "{folder}/zone.signed"
  for-upstream: no
  for-downstream: yes
"""


def program(name):
    """(argv, environment) of one that may be unpacked only."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found:
        return [found], {}
    paths = [os.path.join(UNPACKED, "usr", folder, name) for folder in ("bin", "sbin")]
    libraries = os.path.join(UNPACKED, "usr/lib", os.uname().machine + "-linux-gnu")
    return [next(p for p in paths if os.path.exists(p))], {"LD_LIBRARY_PATH": libraries}


class Upstream:
    """The authoritative servers; the addresses of the pool belong to up."""

    def __init__(self, lab):
        self.lab, self.folder = lab, lab.folder
        self._sign()
        ip_batch(lab.name("up"), [addr_add(a, more="preferred_lft 0" if ":" in a else "")
                                  for pool in POOL.values() for a in [*pool]])
        plain = lab.spawn("up", [sys.executable, os.path.join(HERE, "nameserver.py"), str(PLAIN_PORT)], "nameserver")
        signed = self.unbound("up", "authority", AUTHORITY, "respip iterator")
        for server, word in ((plain, "ready"), (signed, "start of service")):
            wait_until(lambda s=server, w=word: w in s.output() or not s.alive(), what="an authoritative server is up")
            assert server.alive(), server.output()

    def _ldns(self, tool, *args):
        argv, env = program(tool)
        return subprocess.run([*argv, *args], cwd=self.folder, env={**os.environ, **env}, check=True, text=True,
                              capture_output=True).stdout.strip()

    def _sign(self):
        with open(os.path.join(self.folder, "zone"), "w", encoding="ascii") as f:
            f.write(ZONE_FILE + "".join(f'big TXT "{n:080d}"\n' for n in range(BIG)))
        key = self._ldns("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "signed.example")
        self._ldns("ldns-signzone", "-f", "zone.signed", "zone", key)
        ds = self._ldns("ldns-key2ds", "-n", "-2", key + ".key")
        with open(os.path.join(self.folder, "anchor"), "w", encoding="ascii") as f:
            f.write(ds + "\n")
        self.anchor = ",".join(re.search(r"DS\s+(\d+)\s+(\d+)\s+(\d+)\s+(\w+)", ds).groups())

    def values(self, **more):
        return {"folder": self.folder, "up": UP[4], "plain": PLAIN_PORT, "signed": SIGNED_PORT, "anchor": self.anchor,
                "nobodys": "0" * 64, **more}

    def write(self, name, text, **more):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text.format(**self.values(**more)))
        return path

    def unbound(self, node, name, settings, modules):
        path = self.write(name + ".conf", UNBOUND, modules=modules, more=settings.format(**self.values()))
        argv, env = program("unbound")
        return self.lab.spawn(node, [*argv, "-d", "-p", "-v", "-c", path], name, env={**env, "PATH": os.environ["PATH"]})

    def resolver(self, name):
        """Starts "dnsmasq" or "unbound" on the gateway."""
        if name == "unbound":
            server = self.unbound("gw", "unbound", RESOLVER, "validator iterator")
        else:
            server = self.lab.spawn("gw", ["dnsmasq", "--keep-in-foreground", "--user=root", "--log-facility=-", "--pid-file=",
                                           "-C", self.write("dnsmasq.conf", DNSMASQ)], name)
        wait_until(lambda: "start" in server.output() or not server.alive(), what=f"{name} is up")
        assert server.alive(), server.output()
        return server


def ask(guest, name, family, server=4, **how):
    """A stranger's question for addresses, to the gateway by IPv4 or IPv6: [(address, TTL)]."""
    answer = guest.udp(guest.gateway[server], 53, dnswire.question(name, dnswire.TYPE[family], **how))
    return dnswire.addresses(answer)


def opened(gw, family, what="timeout"):
    """What answers have opened: (address, "tcp" or None, port or None) -> the timeout that it was given, in seconds, or what
    is left of it ("expires"), or which name opened it and until when ("comment")."""
    found = {}
    for kind in ("names", "ports"):
        out = gw.lab.check("gw", ["nft", "-j", "list", "set", "inet", "portald", f"z_guest_{kind}{family}"])
        for item in json.loads(out)["nftables"]:
            for element in item.get("set", {}).get("elem", []):
                value = element["elem"]["val"]
                key = tuple(value["concat"]) if isinstance(value, dict) else (value, None, None)
                found[key] = element["elem"].get(what)
    return found


def connects(guest, host, port=443):
    try:
        guest.connect(host, port).close()
    except OSError:
        return False
    return True


def reload(gw, zone):
    before = gw.log().count("is in force")
    gw.write_config(zone)
    gw.reload()
    wait_until(lambda: gw.log().count("is in force") > before, what="the new configuration is in force")


def pool(family, *numbers):
    return [POOL[dnswire.TYPE[family]][n] for n in numbers]


def wait_closed(gw, guest, address):
    wait_until(lambda: not connects(guest, address), what=f"{address} is closed")
    assert (address, None, None) not in opened(gw, 6 if ":" in address else 4)


def shut(gw, guest, zone):
    """Forgets all that was opened, and waits until never.garden.example, which `zone` must list, is opened and has ended:
    then the web worker has the list as well."""
    key = (POOL[dnswire.A][3], None, None)
    reload(gw, re.sub('walled-garden = ".*"', "walled-garden = none", zone))
    reload(gw, zone)
    assert not opened(gw, 4) and not opened(gw, 6)
    wait_until(lambda: ask(guest, "never.garden.example", 4) and key in opened(gw, 4), what="the garden opens")
    wait_until(lambda: key not in opened(gw, 4), what="the garden closes")
