# SPDX-License-Identifier: GPL-2.0-or-later
"""The network of the benchmark, made anew for every measurement, so that none inherits anything from the one before.

    loadgen (core 0)                          the gateway under test (core 1)
    +-- guests ---+                +--------------- gw ----------------+              +-- up --+
    | eth0 -------+----- veth -----+ guest0  10.64.0.1/10        wan0 -+---- veth ----+ eth0   |
    | no address  |                |         2001:db8:64::1/64         |              |        |
    +-------------+                +-----------------------------------+              +--------+

A veth frame is received by the core that sent it, which no network card does.  Receive packet steering moves it: what
the guests send is received by the gateway's core, what the gateway sends by loadgen's.  So the gateway's core does
all the gateway's work, and none of loadgen's.
"""
import contextlib
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "net"))

from namespace import addr_add, inside, ip_batch, sysctl  # noqa: E402

LOAD_CORE, GATEWAY_CORE = 0, 1
GATEWAY = {4: "10.64.0.1", 6: "2001:db8:64::1"}
NET = {4: (10 << 24) + (64 << 16), 6: "2001:db8:64::"}
TARGET = {4: "203.0.113.66", 6: "2001:db8:ff::66"}
WAN = {4: "203.0.113.1", 6: "2001:db8:ff::1"}
GATEWAY_MAC = "02:00:5e:00:00:01"
GUEST_OFFSET, FLOODERS_FROM = 256, 1 << 20	# as in guests.h


def addresses(number):
    """Of guest `number`, as in guests.c: MAC, IPv4, IPv6."""
    mac = "02:b0:" + ":".join(f"{number >> shift & 255:02x}" for shift in (24, 16, 8, 0))
    tail = number + GUEST_OFFSET
    v4 = ".".join(str(NET[4] + tail >> shift & 255) for shift in (24, 16, 8, 0))
    return mac, v4, f"{NET[6]}{tail >> 16:x}:{tail & 0xffff:x}"


class Network:
    """Use as a context manager."""

    _made = 0

    def __init__(self, guests, flooders=0):
        Network._made += 1
        self.prefix = f"pbench{os.getpid()}x{Network._made}"
        self.children = []
        try:
            self._build()
            self._add_neighbours([*range(guests), *range(FLOODERS_FROM, FLOODERS_FROM + flooders)])
        except BaseException:
            self.close()
            raise

    def name(self, node):
        return f"{self.prefix}-{node}"

    def _build(self):
        gw, guests, up = self.name("gw"), self.name("guests"), self.name("up")
        for name in (gw, guests, up):
            subprocess.run(["ip", "netns", "add", name], check=True)
            ip_batch(name, ["link set lo up"])
        for scope in ("all", "default"):
            sysctl(gw, f"net.ipv6.conf.{scope}.accept_dad", 0)
            sysctl(gw, f"net.ipv4.conf.{scope}.rp_filter", 0)
            sysctl(guests, f"net.ipv6.conf.{scope}.disable_ipv6", 1)
        for key in ("iptables", "ip6tables", "arptables"):
            sysctl(gw, f"net.bridge.bridge-nf-call-{key}", 0)
        sysctl(gw, "net.ipv4.ip_forward", 1)
        sysctl(gw, "net.ipv6.conf.all.forwarding", 1)
        ip_batch(gw, [f"link add guest0 address {GATEWAY_MAC} type veth peer name eth0 netns {guests}",
                      f"link add wan0 type veth peer name eth0 netns {up}",
                      "link set guest0 gso_max_segs 1",	 # segments as they are on a wire
                      addr_add(GATEWAY[4], "guest0", 10), addr_add(GATEWAY[6], "guest0"),
                      *(addr_add(a, "wan0") for a in WAN.values()),
                      "link set guest0 up", "link set wan0 up"])
        ip_batch(guests, ["link set eth0 up"])
        ip_batch(up, ["link set eth0 up"])
        self._steer("gw", "guest0", GATEWAY_CORE)
        self._steer("guests", "eth0", LOAD_CORE)

    def _steer(self, node, interface, core):
        self.check(node, ["sh", "-c", f"echo {1 << core:x} >/sys/class/net/{interface}/queues/rx-0/rps_cpus"])

    def _add_neighbours(self, numbers):
        """Permanent ones, which the kernel's limit (1,024 by default, for all namespaces together) does not count."""
        for start in range(0, len(numbers), 4000):
            ip_batch(self.name("gw"), [f"neigh replace {address} lladdr {mac} dev guest0 nud permanent"
                                       for mac, *both in map(addresses, numbers[start:start + 4000]) for address in both])

    # ---- running things

    def command(self, node, argv, core):
        return ["ip", "netns", "exec", self.name(node), "taskset", "-c", str(core), *argv]

    def check(self, node, argv, **kw):
        done = subprocess.run(self.command(node, argv, LOAD_CORE), text=True, capture_output=True, check=False, **kw)
        if done.returncode != 0:
            raise RuntimeError(f"{node}: {' '.join(argv)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def spawn(self, argv, log):
        """On the gateway's core; `argv` as command() made it, or with something before it."""
        with open(log, "ab") as out:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        self.children.append(child)
        return child

    def conntrack(self):
        return int(sysctl(self.name("gw"), "net.netfilter.nf_conntrack_count") or 0)

    def sockets(self):
        """TCP sockets of the gateway: those of processes, and those that the kernel keeps after them."""
        found = {"open": 0, "time_wait": 0}
        with inside(self.name("gw")):
            for name in ("sockstat", "sockstat6"):
                with open(f"/proc/thread-self/net/{name}", encoding="ascii") as f:
                    for line in f:
                        words = line.split()
                        if words[0] in ("TCP:", "TCP6:"):
                            found["open"] += int(words[words.index("inuse") + 1])
                            found["time_wait"] += int(words[words.index("tw") + 1]) if "tw" in words else 0
        return found

    # ---- the end

    def close(self):
        for child in reversed(self.children):
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for node in ("guests", "gw", "up"):	 # and what a child left behind in them: they are ours
            pids = subprocess.run(["ip", "netns", "pids", self.name(node)], text=True, capture_output=True, check=False)
            for pid in pids.stdout.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", self.name(node)], capture_output=True, check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
