# SPDX-License-Identifier: GPL-2.0-or-later
"""The test network, in throwaway network namespaces.

    g1 ... gN   s1 s2                 t1 t2           each guest: eth0, one MAC, IPv4 and IPv6
      |     |    |  |                  |  |           g, t: may log in;  s: strangers for ever
    ==+=====+====+==+== br-guest     ==+==+== br-two
     192.0.2.1/24                     198.51.100.1/24
     2001:db8:1::1/64, fe80::1        2001:db8:2::1/64, fe80::1
    +----------------------- gw ------------------------+
    |  forwards IPv4 and IPv6; portald; dnsmasq         |
    +-----------------------wan0------------------------+
                             | 203.0.113.1/24  2001:db8:ff::1/64
                            eth0
    +----------------------- up ------------------------+
    |  203.0.113.2   2001:db8:ff::2     web, UDP, DNS   |
    |  203.0.113.66  2001:db8:ff::66    the same, but   |
    |  only guests that must not get through call it    |
    +---------------------------------------------------+

Guest number n has 192.0.2.(10+n) and 2001:db8:1::(10+n), MAC 02:00:5e:10:00:nn; a stranger's n starts at 100.  Without
masquerade up has routes to the guests' networks; with it the gateway's own table `lab_nat` hides them.

A lab's namespaces are called <prefix>-gw and so on.  Everything it starts is tracked and ended by its process id; what is
left in its namespaces at the end (they are its own) is ended too.
"""
import atexit
import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import namespace
from capture import Capture
from guest import Guest
from namespace import SLOW, addr_add, ip_batch, sysctl, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
UP = {4: "203.0.113.2", 6: "2001:db8:ff::2"}
FORBIDDEN = {4: "203.0.113.66", 6: "2001:db8:ff::66"}
WAN = {4: "203.0.113.1", 6: "2001:db8:ff::1"}
SITES = {  # bridge -> first part of the guests' addresses
    "br-guest": {4: "192.0.2.", 6: "2001:db8:1::"},
    "br-two": {4: "198.51.100.", 6: "2001:db8:2::"},
}
STRANGERS_FROM = 100
NAT = """
table ip lab_nat {{ chain post {{ type nat hook postrouting priority srcnat; oifname "{wan}" masquerade; }}
}}
table ip6 lab_nat {{ chain post {{ type nat hook postrouting priority srcnat; oifname "{wan}" masquerade; }}
}}
"""
DNSMASQ = """
port=53
no-resolv
no-hosts
bind-dynamic
interface=br-guest
interface=br-two
address=/#/203.0.113.2
address=/#/2001:db8:ff::2
address=/forbidden.example/203.0.113.66
address=/forbidden.example/2001:db8:ff::66
dhcp-range=192.0.2.150,192.0.2.180,2m
dhcp-range=198.51.100.150,198.51.100.180,2m
dhcp-authoritative
no-ping
"""


class Process:
    """A tracked child with its output in a file."""

    def __init__(self, argv, log, env=None):
        self.log = log
        self._file = open(log, "ab")
        self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self._file, stderr=self._file,
                                      env={**os.environ, **(env or {})}, start_new_session=True)

    @property
    def pid(self):
        return self.popen.pid

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def alive(self):
        return self.popen.poll() is None

    def wait(self, timeout=10.0):
        return self.popen.wait(timeout * SLOW)

    def stop(self, sig=signal.SIGTERM, timeout=5.0):
        if self.alive():
            self.popen.send_signal(sig)
            try:
                self.popen.wait(timeout * SLOW)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        self._file.close()
        return self.popen.returncode


class Lab:
    """Use as a context manager, or call close()."""

    _counter = 0

    def __init__(self, prefix=None, masquerade=False, dnsmasq=True, sites=("br-guest", "br-two"), keep=False,
                 pair=None):
        """pair: certificate and key of the upstream server; by default made anew, and trusted by nobody."""
        Lab._counter += 1
        self.prefix = prefix or f"plab{os.getpid()}x{Lab._counter}"
        self.folder = tempfile.mkdtemp(prefix=self.prefix + "-")
        os.chmod(self.folder, 0o755)
        self.masquerade = masquerade
        self.guests = {}
        self.processes = []
        self.capture = None
        self.holes = []  # ranges of the capture's packets
        self._cleanup = []
        self._closed = False
        if not keep:
            atexit.register(self.close)
        try:
            self._build(sites)
            if dnsmasq:
                self.start_dnsmasq()
            self._start_upstream(*(pair or self._make_pair()))
        except BaseException:
            self.close()
            raise

    # ---- building

    def name(self, node):
        return f"{self.prefix}-{node}"

    def _add_namespace(self, node):
        subprocess.run(["ip", "netns", "add", self.name(node)], check=True)
        for scope in ("all", "default"):
            sysctl(self.name(node), f"net.ipv6.conf.{scope}.accept_dad", 0)
            sysctl(self.name(node), f"net.ipv4.conf.{scope}.rp_filter", 0)
        ip_batch(self.name(node), ["link set lo up"])

    def _build(self, sites):
        gw, up = self.name("gw"), self.name("up")
        self._add_namespace("gw")
        self._add_namespace("up")
        for key in ("iptables", "ip6tables", "arptables"):
            sysctl(gw, f"net.bridge.bridge-nf-call-{key}", 0)
        # The kernel's own limit, six ICMP errors and then one a second for each guest, would hide portald's.
        sysctl(gw, "net.ipv4.icmp_ratelimit", 0)
        sysctl(gw, "net.ipv6.icmp.ratelimit", 0)
        sysctl(gw, "net.ipv4.ip_forward", 1)
        sysctl(gw, "net.ipv6.conf.all.forwarding", 1)
        ip_batch(gw, [f"link add wan0 type veth peer name eth0 netns {up}",
                      *(addr_add(a, "wan0") for a in WAN.values()), "link set wan0 up"])
        ip_batch(up, [*map(addr_add, (UP[4], FORBIDDEN[4], UP[6])), "link set eth0 up",
                      addr_add(FORBIDDEN[6], more="preferred_lft 0")])  # never chosen for what up itself sends
        for bridge in sites:
            self.add_bridge(bridge)
        if self.masquerade:
            self.nft(NAT.format(wan="wan0"))
        else:
            ip_batch(up, [line for site in SITES.values() for line in (
                f"route add {site[4]}0/24 via {WAN[4]}", f"route add {site[6]}/64 via {WAN[6]}")])

    def add_bridge(self, bridge):
        """A zone's bridge with the gateway's addresses; ports of its guests, if there are any, are plugged in again."""
        site = SITES[bridge]
        ip_batch(self.name("gw"), [
            f"link add {bridge} address 02:00:5e:00:00:{1 + list(SITES).index(bridge):02x} type bridge",
            *(addr_add(a, bridge) for a in (f"{site[4]}1", f"{site[6]}1", "fe80::1")), f"link set {bridge} up",
            *(f"link set v-{g.node} master {bridge}" for g in self.guests.values() if g.bridge == bridge)])

    def delete_bridge(self, bridge):
        ip_batch(self.name("gw"), [f"link del {bridge}"])

    def add_guest(self, node, bridge="br-guest", mac=None, number=None):
        """node: g1, s1, t1 ...; an existing one is returned as it is."""
        if node in self.guests:
            return self.guests[node]
        if number is None:
            number = int(node[1:]) + (STRANGERS_FROM if node[0] == "s" else 0)
        site = SITES[bridge]
        guest = Guest(self, node, bridge, mac or f"02:00:5e:10:{list(SITES).index(bridge):02x}:{number:02x}",
                      {f: site[f] + str(10 + number) for f in (4, 6)}, {f: site[f] + "1" for f in (4, 6)})
        self._add_namespace(node)
        self._plug(guest)
        ip_batch(self.name(node), [f"link set eth0 address {guest.mac}", "link set eth0 up",
                                   *guest.address_commands()])
        wait_until(lambda: namespace.link_is_ready(self.name(node), "eth0"), what="packets can come and go", pause=0.01)
        self._write_resolv_conf(guest)
        self.guests[node] = guest
        return guest

    def _plug(self, guest):
        node = guest.node
        ip_batch(self.name("gw"), [f"link add v-{node} type veth peer name eth0 netns {self.name(node)}",
                                   f"link set v-{node} master {guest.bridge} up"])

    def _write_resolv_conf(self, guest):
        """`ip netns exec` shows this file as /etc/resolv.conf."""
        folder = f"/etc/netns/{self.name(guest.node)}"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/resolv.conf", "w", encoding="ascii") as f:
            f.write(f"nameserver {guest.gateway[4]}\nnameserver {guest.gateway[6]}\noptions timeout:2 attempts:1\n")

    # ---- running things

    def run(self, node, argv, timeout=30.0, **kw):
        """Runs to its end inside a node; subprocess.CompletedProcess with text output.  Guests need
        `ip netns exec`, which shows them a resolv.conf and a /sys of their own; the others do without."""
        how = {"text": True, "capture_output": True, "timeout": timeout * SLOW, "check": False, **kw}
        if node in self.guests:
            return subprocess.run(["ip", "netns", "exec", self.name(node), *argv], **how)
        with namespace.inside(self.name(node)):
            return subprocess.run(argv, **how)

    def check(self, node, argv, **kw):
        done = self.run(node, argv, **kw)
        if done.returncode != 0:
            raise RuntimeError(f"{node}: {' '.join(argv)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def spawn(self, node, argv, name, env=None):
        process = Process(["ip", "netns", "exec", self.name(node), *argv], os.path.join(self.folder, name + ".log"), env)
        self.processes.append(process)
        return process

    def nft(self, text, node="gw"):
        return self.check(node, ["nft", "-f", "-"], input=text)

    def conntrack(self):
        """All entries of the gateway, one line of `conntrack -L` each, both families."""
        return [line for f in ("ipv4", "ipv6") for line in self.check("gw", ["conntrack", "-L", "-f", f]).splitlines()]

    def conntrack_of(self, guest):
        """Those that begin at one of the guest's addresses."""
        wanted = {f"src={a}" for a in guest.all_addresses}
        return [line for line in self.conntrack() if wanted & set(line.split())]

    def forwarded_of(self, guest):
        """Those of them that lead through the gateway, not to it."""
        here = {f"src={a}" for a in (*guest.gateway.values(), "fe80::1")}
        return [line for line in self.conntrack_of(guest) if not here & set(line.split())]

    def start_dnsmasq(self):
        path = os.path.join(self.folder, "dnsmasq.conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(DNSMASQ + f"dhcp-leasefile={self.folder}/leases\n")
        self.dnsmasq = self.spawn("gw", ["dnsmasq", "--keep-in-foreground", "--user=root", "--log-facility=-", "-C", path,
                                         "--pid-file="], name="dnsmasq")
        wait_until(lambda: "started" in self.dnsmasq.output() or not self.dnsmasq.alive(), what="dnsmasq is up")
        assert self.dnsmasq.alive(), self.dnsmasq.output()

    def _make_pair(self):
        cert, key = f"{self.folder}/cert.pem", f"{self.folder}/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "30", "-subj", "/CN=upstream", "-keyout", key, "-out", cert], check=True,
                       capture_output=True)
        return cert, key

    def _start_upstream(self, cert, key):
        server = self.spawn("up", [sys.executable, os.path.join(HERE, "upstream.py"), cert, key, *UP.values(),
                                   *FORBIDDEN.values()], name="upstream")
        wait_until(lambda: "ready" in server.output() or not server.alive(), what="the upstream server is up")
        assert server.alive(), server.output()

    # ---- the proof

    def start_capture(self):
        """Records from now on what the gateway sends upstream."""
        self.capture = Capture(self, "up")
        return self.capture

    def leaks(self):
        """Packets that came upstream and must not have: from an address that is neither the gateway's nor that of a guest
        that may log in, or to an address that only guests call which must not get through."""
        may = set(WAN.values()) | {"0.0.0.0", "::"}
        may |= {a for g in self.guests.values() if not g.stranger for a in g.all_addresses}
        return [p for n, p in enumerate(self.capture.packets()) if not any(n in hole for hole in self.holes)
                and (p.destination in FORBIDDEN.values() and not own_error(p) and not own_question(p)
                     or p.source not in may and not p.source.startswith("fe80:"))]

    @contextlib.contextmanager
    def hole(self):
        """What passes meanwhile is no leak: for what this kernel gives nobody the means to stop."""
        self.flush_capture()
        first = len(self.capture.packets())
        yield
        self.flush_capture()
        self.holes.append(range(first, len(self.capture.packets())))

    def flush_capture(self):
        """Returns when everything that the gateway has sent so far, on whichever CPU, is in the capture."""
        def arrives(family, mark):
            """Sent again and again: one that waits for a neighbour's answer may be lost."""
            with namespace.open_socket(self.name("gw"), {4: 2, 6: 10}[family], 2) as sock:
                sock.sendto(mark, (UP[family], 7))
            return any(p.payload == mark for p in self.capture.packets())

        cpus = os.sched_getaffinity(0)
        for cpu, family in itertools.product(cpus, (4, 6)):
            os.sched_setaffinity(0, {cpu})
            try:
                wait_until(lambda f=family, m=os.urandom(8): arrives(f, m), what="the mark in the capture", pause=0.1)
            finally:
                os.sched_setaffinity(0, cpus)

    # ---- the end

    def on_close(self, what):
        self._cleanup.append(what)

    def close(self):
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        for what in reversed(self._cleanup):
            what()
        for process in reversed(self.processes):
            process.stop(signal.SIGTERM if process.alive() else 0, timeout=3.0)
        remove_namespaces(self.prefix)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def own_error(packet):
    """The kernel's "host unreachable" about a reset that it could not deliver: the stranger's address was made up."""
    unreachable = {1: 3, 58: 1}.get(packet.protocol)
    return packet.source in WAN.values() and packet.payload[:1] == bytes([unreachable or 255])


def own_question(packet):
    """The kernel asks whether a neighbour is still there, to which something was sent in a hole() a while before."""
    solicitation = 135
    return packet.protocol == 58 and packet.source.startswith("fe80:") and packet.payload[:1] == bytes([solicitation])


def namespaces(prefix):
    try:
        return [n for n in os.listdir("/run/netns") if n.startswith(prefix + "-")]
    except FileNotFoundError:
        return []


def remove_namespaces(prefix):
    """Deletes the namespaces of a lab with the processes that are still in them."""
    for name in namespaces(prefix):
        done = subprocess.run(["ip", "netns", "pids", name], text=True, capture_output=True, check=False)
        for pid in done.stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        subprocess.run(["ip", "netns", "del", name], check=False)
        shutil.rmtree(f"/etc/netns/{name}", ignore_errors=True)


def remove_stale():
    """Labs whose process ended without cleaning up (kill -9)."""
    names = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
    for prefix in {n.split("-")[0] for n in names if re.match(r"plab\d+x\d+-", n)}:
        if not os.path.exists(f"/proc/{prefix[4:].split('x')[0]}"):
            remove_namespaces(prefix)

