# SPDX-License-Identifier: GPL-2.0-or-later
"""What sessions cost: a gateway that holds many, and its path for packets with and without it."""
import contextlib
import json
import mmap
import os
import resource
import sqlite3
import struct
import subprocess
import time

from measure import TICK, Failed, busy, memory, stat_of
from topology import GATEWAY_CORE, GATEWAY_MAC, LOAD_CORE, TARGET, Network, addresses

PORTALD = """
run-dir = "{folder}/run"
state-dir = "{folder}/state"
workers = 1
accounting = "{accounting}s"
zone "guest" {{
	interface = "guest0"
	session = "8h"
}}
"""
# What any router with a firewall or masquerading has.
TRACKING = """
table inet tracking {
	chain forward {
		type filter hook forward priority filter
		ct state established,related accept
	}

	chain postrouting {
		type nat hook postrouting priority srcnat
	}
}
"""
NOBODY = "02:00:5e:00:00:99"	# upstream's interface has another: what is forwarded ends there
# What portalctl grant does to the kernel, by nft: three elements of the same kinds for each MAC.
RIVAL_SETS = """
table inet rival {
	set asked { type ether_addr; flags timeout; }
	set up { type ether_addr; flags timeout; counter; }
}
table netdev rival {
	set down { type ether_addr; flags timeout; counter; }
}
"""
RIVAL = """
add element inet rival asked {{ {asked} }}
add element inet rival up {{ {counted} }}
add element netdev rival down {{ {counted} }}
"""
OUR_SETS = (("inet", "portald", "z_guest"), ("inet", "portald", "z_guest_up"), ("netdev", "portald", "z_guest_down"))
RIVALS_SETS = (("inet", "rival", "asked"), ("inet", "rival", "up"), ("netdev", "rival", "down"))


def macs(count):
    return [addresses(number)[0] for number in range(count)]


def cpu_of(pid):
    """Seconds, of all threads."""
    return sum(map(int, stat_of(pid)[11:13])) / TICK


def kernel_memory():
    """Bytes that the kernel has taken for itself, whoever made it do so."""
    with open("/proc/meminfo", encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f if line.split(":")[0] in ("SUnreclaim", "Percpu", "VmallocUsed")) * 1024


def until(true, what, timeout=120.0):
    end = time.monotonic() + timeout
    while not true():
        if time.monotonic() > end:
            raise Failed(f"not so after {timeout:.0f} s: {what}")
        time.sleep(0.01)


class Gateway:
    """portald in a network; `with`."""

    def __init__(self, tools, accounting):
        self.tools, self.net = tools, Network(0)
        self.folder = os.path.join(tools.scratch, self.net.prefix)
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.config, self.log = os.path.join(self.folder, "portald.conf"), os.path.join(self.folder, "log")
        with open(self.config, "w", encoding="ascii") as f:
            f.write(PORTALD.format(folder=self.folder, accounting=accounting))
        self.turns = Turns(os.path.join(self.folder, "turns"))
        self.child = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.net.close()

    def portald(self, *options):
        return self.net.command("gw", [os.path.join(self.tools.build, "portald"), "-c", self.config, *options], GATEWAY_CORE)

    def start(self):
        """Seconds until all sessions are there."""
        began = time.monotonic()
        loop = ["env", f"LD_PRELOAD={self.tools.programs}/turns.so", f"LOOP_TURNS={self.turns.path}"]
        program = os.path.join(self.tools.build, "portald")
        self.child = self.net.spawn(self.net.command("gw", [*loop, program, "-c", self.config], GATEWAY_CORE), self.log)
        until(lambda: self.child.poll() is not None or self.ctl("status", check=False).returncode == 0, "portald answers")
        if self.child.poll() is not None:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                raise Failed(f"portald ended with status {self.child.returncode}: {f.read()[-500:]}")
        return time.monotonic() - began

    def stop(self):
        self.child.terminate()
        self.child.wait(60)

    def teardown(self):
        subprocess.run(self.portald("--teardown"), check=True, capture_output=True)

    def ctl(self, *words, check=True, **kw):
        done = subprocess.run([os.path.join(self.tools.build, "portalctl"), "--socket", f"{self.folder}/run/control.sock",
                               *words], text=True, capture_output=True, check=False, timeout=300, **kw)
        if check and done.returncode != 0:
            raise Failed(f"portalctl {words[0]}: {done.stderr.strip()[-300:]}")
        return done

    def status(self):
        return json.loads(self.ctl("status", "--json").stdout)

    def processes(self):
        """Name -> process id."""
        return {p["name"]: p["pid"] for p in self.status()["processes"]}

    def grant(self, count):
        done = self.ctl("grant", "--file", "-", "--for", "8h", "--json", input="\n".join(macs(count)) + "\n")
        answer = json.loads(done.stdout)
        if answer["granted"] != count or answer["refused"]:
            raise Failed(f"granted {answer['granted']} of {count}")

    def members(self, sets=OUR_SETS):
        """How many the kernel has, of each set."""
        return [self.net.check("gw", ["nft", "list", "set", *names]).count("expires") for names in sets]

    def expect(self, count):
        found = [self.status()["zones"][0]["sessions"], *self.members()]
        if found != [count] * 4:
            raise Failed(f"{found[0]} sessions, {found[1:]} members in the kernel, instead of {count}")


class Turns:
    """The longest turn of portald's event loop; see turns.c."""

    LAYOUT = struct.Struct("4Q")

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as f:
            f.write(bytes(self.LAYOUT.size))
        os.chmod(path, 0o666)
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), self.LAYOUT.size)

    @contextlib.contextmanager
    def longest(self, into, what):
        """into["turn_..."]: milliseconds; into["cpu_..."]: the most that one had of a processor"""
        self.map[:] = bytes(self.LAYOUT.size)
        yield
        into[f"turn_{what}"], into[f"cpu_{what}"] = (ns / 1e6 for ns in self.LAYOUT.unpack(self.map[:])[2:])


def granting(gateway, count):
    """One file through portalctl; what it leaves in memory."""
    pids, figures = gateway.processes(), {}
    before = {name: memory([pid]) for name, pid in pids.items()}
    kernel, cpu = kernel_memory(), {name: cpu_of(pid) for name, pid in pids.items()}
    began = time.monotonic()
    with gateway.turns.longest(figures, "grant"):
        gateway.grant(count)
    figures["grants"] = count / (time.monotonic() - began)
    gateway.expect(count)
    for name, key in (("portald", "engine"), ("portald-gate", "gate")):
        figures[f"{key}_us"] = (cpu_of(pids[name]) - cpu[name]) / count * 1e6
        figures[f"{key}_bytes"] = (memory([pids[name]]) - before[name]) / count
    figures["kernel_bytes"] = (kernel_memory() - kernel) / count
    return figures


def by_nft(tools, count):
    """The same MACs by nft -f, where no portald runs."""
    with Gateway(tools, 10) as other:
        other.net.check("gw", ["nft", "-f", "-"], input=RIVAL_SETS)
        path = os.path.join(other.folder, "elements")
        with open(path, "w", encoding="ascii") as f:
            f.write(RIVAL.format(asked=", ".join(f'{mac} timeout 8h comment "1795350000 grant"' for mac in macs(count)),
                                 counted=", ".join(f"{mac} timeout 8h" for mac in macs(count))))
        cpu, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(other.net.command("gw", ["nft", "-f", path], GATEWAY_CORE), check=True)
        seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if other.members(RIVALS_SETS) != [count] * 3:
            raise Failed(f"nft -f: {other.members(RIVALS_SETS)} members instead of {count}")
    used = after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime
    return {"nft_grants": count / seconds, "nft_us": used / count * 1e6}


def tick(gateway, seconds):
    """A whole round of accounting, idle otherwise."""
    pids, figures = gateway.processes(), {}
    cpu = {name: cpu_of(pid) for name, pid in pids.items()}
    with gateway.turns.longest(figures, "tick"):
        time.sleep(seconds)
    for name, key in (("portald", "engine"), ("portald-gate", "gate")):
        figures[f"tick_{key}_ms"] = (cpu_of(pids[name]) - cpu[name]) * 1000
    return figures


def restarts(gateway, count):
    """From the kernel, then from the store alone, then back after somebody's flush."""
    figures = {}
    gateway.stop()
    with gateway.turns.longest(figures, "start_kernel"):
        figures["start_kernel"] = gateway.start()
    gateway.expect(count)
    gateway.stop()
    gateway.teardown()
    with gateway.turns.longest(figures, "start_store"):
        figures["start_store"] = gateway.start()
    gateway.expect(count)
    began = time.monotonic()
    with gateway.turns.longest(figures, "flush"):
        gateway.net.check("gw", ["nft", "flush", "ruleset"])
        until(lambda: "the zones are open again" in open(gateway.log, encoding="utf-8", errors="replace").read(),
              "the sessions are restored")
    figures["flush"] = time.monotonic() - began
    gateway.expect(count)
    return figures


def expiry(gateway, count):
    """All in the same second, as the store of a gateway that starts says."""
    figures, soon = {}, 10 + count // 5000	# seconds in which a gateway has started
    gateway.grant(count)
    gateway.stop()
    gateway.teardown()
    ends = int(time.time()) + soon
    with contextlib.closing(sqlite3.connect(os.path.join(gateway.folder, "state", "portald.db"))) as db:
        db.execute("UPDATE sessions SET ends = ?", (ends,))
        db.commit()
    gateway.start()
    if time.time() > ends or gateway.status()["zones"][0]["sessions"] != count:
        raise Failed(f"not started within {soon} s")
    with gateway.turns.longest(figures, "expiry"):
        time.sleep(ends - time.time())
        until(lambda: gateway.status()["zones"][0]["sessions"] == 0, "all have ended")
        figures["expiry"] = time.time() - ends
    gateway.expect(0)
    return figures


def holding(tools, count, accounting):
    """All that one gateway with so many sessions costs."""
    with Gateway(tools, accounting) as gateway:
        gateway.start()
        figures = granting(gateway, count)
        figures.update(tick(gateway, accounting))
        with gateway.turns.longest(figures, "list"):
            listed = len(json.loads(gateway.ctl("list", "--json").stdout)["sessions"])
        if listed != count:
            raise Failed(f"{listed} sessions listed instead of {count}")
        figures.update(restarts(gateway, count))
        with gateway.turns.longest(figures, "revoke"):
            gateway.ctl("revoke", "--all")
        gateway.expect(0)
        figures.update(expiry(gateway, count))
    figures.update(by_nft(tools, count))
    figures["ratio_wall"] = figures["grants"] / figures["nft_grants"]
    figures["ratio_cpu"] = figures["gate_us"] / max(figures["nft_us"], 0.001)
    return figures


class Path:
    """Guests' packets through the gateway; guests 0: portald is not there, and the kernel has this ruleset."""

    def __init__(self, tools, guests, ruleset=""):
        self.tools, self.guests, self.ruleset = tools, guests, ruleset
        self.gateway = Gateway(tools, 3600)
        try:
            self._build()
        except BaseException:
            self.gateway.net.close()
            raise

    def _build(self):
        net = self.gateway.net
        net.check("gw", ["sh", "-c", "".join(f"ip neigh replace {a} lladdr {NOBODY} dev wan0 nud permanent;"
                                             for a in TARGET.values())])
        if self.ruleset:
            net.check("gw", ["nft", self.ruleset])
        if self.guests:
            self.gateway.start()
            self.gateway.grant(self.guests)
            self.gateway.expect(self.guests)

    def close(self):
        self.gateway.net.close()

    def forwarded(self):
        path = "/sys/class/net/wan0/statistics/tx_packets"
        return int(self.gateway.net.check("gw", ["cat", path]))

    def send(self, guests, seconds):
        """Packets sent, packets forwarded, of each second; and how busy the gateway's core was."""
        argv = [os.path.join(self.tools.programs, "sender"), "eth0", GATEWAY_MAC, TARGET[4], TARGET[6], str(guests),
                str(seconds)]
        before, cpu, began = self.forwarded(), busy(GATEWAY_CORE), time.monotonic()
        done = subprocess.run(self.gateway.net.command("guests", argv, LOAD_CORE), text=True, capture_output=True,
                              check=False, timeout=seconds + 60)
        if done.returncode != 0:
            raise Failed(f"sender: {done.stderr.strip()}")
        took = time.monotonic() - began
        return {"sent": int(done.stdout) / seconds, "forwarded": (self.forwarded() - before) / seconds,
                "core": (busy(GATEWAY_CORE) - cpu) / took}


def forwarding(paths, seconds, number):
    """{name: figures} of one round; each path is warm before it is measured."""
    figures, names = {}, list(paths)
    for name in names[number % len(names):] + names[:number % len(names)]:
        path = paths[name]
        guests = path.guests or 1000
        path.send(guests, 1)
        figures[name] = path.send(guests, seconds)
        if figures[name]["forwarded"] == 0:
            raise Failed(f"{name}: nothing is forwarded")
    for name in names:
        figures[name]["ratio"] = figures[name]["forwarded"] / figures["no ruleset"]["forwarded"]
    return figures


def strangers_pass(path):
    """Packets of guests that nobody granted, among those that somebody did."""
    before = path.forwarded()
    path.send(2 * path.guests, 1)
    some = path.forwarded() - before
    path.gateway.ctl("revoke", "--all")
    before = path.forwarded()
    path.send(path.guests, 1)
    return some == 0 or path.forwarded() != before
