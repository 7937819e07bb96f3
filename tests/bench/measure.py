# SPDX-License-Identifier: GPL-2.0-or-later
"""One measurement of one rival in a network of its own; each returns a dict of figures."""
import json
import os
import shutil
import statistics
import subprocess
import time

from topology import GATEWAY, GATEWAY_CORE, LOAD_CORE, TARGET, Network

TICK = os.sysconf("SC_CLK_TCK")
KTHREADD = 2	# parent of the kernel's threads, which work for the network that is measured (ksoftirqd)
OTHERS_MAX = 0.05	# of a core: more, and the figures say more about the machine's other work


class Failed(Exception):
    """A rival that does not answer as it should."""


def busy(core):
    """Seconds that a core was not idle, interrupts of the network included."""
    with open("/proc/stat", encoding="ascii") as f:
        for line in f:
            words = line.split()
            if words[0] == f"cpu{core}":
                ticks = [int(w) for w in words[1:9]]
                return (sum(ticks) - ticks[3] - ticks[4]) / TICK
    raise RuntimeError(f"there is no core {core}")


def stat_of(pid):
    """The words of proc_pid_stat(5) from the third one on, the state."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        return f.read().rsplit(")", 1)[1].split()


def processes():
    """pid -> (parent, CPU seconds, the same with those of ended children)"""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                words = stat_of(name)
            except (FileNotFoundError, ProcessLookupError):
                continue
            found[int(name)] = (int(words[1]), sum(map(int, words[11:13])) / TICK, sum(map(int, words[11:15])) / TICK)
    return found


def family_tree(root, everyone):
    mine, grown = {root}, True
    while grown:
        more = {pid for pid, (parent, *_) in everyone.items() if parent in mine} - mine
        mine, grown = mine | more, bool(more)
    return mine


def memory(pids):
    """Bytes that these processes have written to, with their part of what they share; what is only read of a program's
    file is counted for all who run it, rivals too."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total * 1024


class Meter:
    """What a stretch of time cost: `with Meter(child) as m`, then m.cost()."""

    def __init__(self, root):
        self.root = root

    @staticmethod
    def _cores():
        return {"time": time.monotonic(), "gateway": busy(GATEWAY_CORE), "load": busy(LOAD_CORE)}

    def _processes(self):
        everyone = processes()
        mine = family_tree(self.root, everyone)
        ours = family_tree(os.getpid(), everyone)
        return {"processes": sum(cpu for pid, (*_, cpu) in everyone.items() if pid in mine),
                "others": {pid: cpu for pid, (parent, cpu, _) in everyone.items() if pid not in ours and parent != KTHREADD}}

    def __enter__(self):
        self.before = {**self._processes(), **self._cores()}	# reading about all processes is no cost of a rival's
        return self

    def __exit__(self, *_):
        self.after = {**self._cores(), **self._processes()}

    def cost(self):
        seconds = self.after["time"] - self.before["time"]
        others = sum(cpu - self.before["others"].get(pid, 0) for pid, cpu in self.after["others"].items())
        cost = {key: self.after[key] - self.before[key] for key in ("gateway", "load", "processes")}
        return {"gateway_cpu": cost["gateway"], "gateway_busy": cost["gateway"] / seconds,
                "process_cpu": cost["processes"], "load_busy": cost["load"] / seconds, "others": max(0, others) / seconds}


def loadgen(net, tools, families, *options, to=None, timeout=200):
    """Runs it to its end; its report.  to: what the guests call, by family; an address upstream if it is not given."""
    argv = [os.path.join(tools.programs, "loadgen"), "--interface", "eth0", "--json"]
    for family in families:
        argv += [f"--gateway{family}", GATEWAY[family], f"--target{family}", (to or TARGET)[family]]
    done = subprocess.run(net.command("guests", [*argv, *map(str, options)], LOAD_CORE), text=True, capture_output=True,
                          timeout=timeout, check=False)
    if done.returncode not in (0, 1):
        raise Failed(f"loadgen: status {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


class Running:
    """A rival that answers, in its network."""

    def __init__(self, rival, tools, guests, flooders=0, guarded=False):
        self.rival, self.tools, self.guests = rival, tools, guests
        self.net = Network(guests, flooders)
        try:
            rival.start(self.net, guests, guarded)
            self._wait()
        except BaseException:
            self.net.close()
            raise

    def ask(self, *options):
        more = ["--status", self.rival.expected, "--paths", self.tools.paths, *(["--bare-ack"] if self.tools.bare_ack else [])]
        return loadgen(self.net, self.tools, self.rival.families, "--guests", self.guests, *more, *options)

    def _wait(self):
        """Until a guest is answered; then some more, so that nothing happens for the first time while it is measured."""
        end = time.monotonic() + 30
        while True:
            if self.rival.child.poll() is not None:
                raise Failed(f"it ended with status {self.rival.child.returncode}: {self._log()}")
            report = self.ask("--exchanges", 1, "--timeout", 2)
            if report["right"] == 1:
                break
            if time.monotonic() > end:
                raise Failed(f"no right answer: {report['first_wrong'] or report}: {self._log()}")
            time.sleep(0.2)
        if not self.rival.slow:
            self.ask("--exchanges", 500)

    def _log(self):
        with open(self.rival.log, encoding="utf-8", errors="replace") as f:
            return f.read()[-500:]

    def meter(self):
        return Meter(self.rival.child.pid)

    def left(self):
        return {"conntrack": self.net.conntrack(), **self.net.sockets(),
                "memory": memory(family_tree(self.rival.child.pid, processes()))}

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.net.close()
        if kind is None:	# else its log says why
            shutil.rmtree(self.rival.folder(self.net), ignore_errors=True)


class Exchanges:
    """As many exchanges as the gateway's core can do, some at each turn(), and what they leave behind."""

    def __init__(self, rival, tools, plan):
        self.options = ["--seconds", plan.seconds, "--concurrency", 4 if rival.slow else plan.concurrency]
        self.count = plan.slow_exchanges if rival.slow else plan.exchanges
        self.reports, self.costs = [], []
        self.running = Running(rival, tools, plan.guests)
        self.before = self.running.left()

    def turn(self, turns):
        """One of so many: its share of the exchanges."""
        with self.running.meter() as meter:
            self.reports.append(self.running.ask("--exchanges", max(1, self.count // turns), *self.options))
        self.costs.append(meter.cost())

    def figures(self):
        """Sums over the turns; of what cannot be added up the median."""
        after = self.running.left()
        left = {f"left_{key}": after[key] - self.before[key] for key in after}
        both = {**merge(self.reports), **merge(self.costs), **left}
        return {**both, "rate": both["right"] / max(both["seconds"], 1e-3),
                "per_cpu_second": both["right"] / max(both["gateway_cpu"], 1 / TICK)}

    def __enter__(self):
        return self

    def __exit__(self, *what):
        return self.running.__exit__(*what)


def merge(reports):
    """Counts and seconds of all, the median of shares and times, and the first answer that was wrong."""
    merged = {}
    for key in reports[0]:
        values = [r[key] for r in reports]
        if key == "first_wrong":
            merged[key] = next(filter(None, values), "")
        elif key == "max_ms":
            merged[key] = max(values)
        elif key.endswith(("_ms", "_busy", "_each", "rate", "others")):
            merged[key] = statistics.median(values)
        else:
            merged[key] = sum(values)
    return merged


def steady(rival, tools, plan):
    """Latency far from the limit: so many exchanges a second, whatever the answers take."""
    rate = 1 if rival.slow else plan.rate
    with Running(rival, tools, plan.guests) as running:
        with running.meter() as meter:
            report = running.ask("--rate", rate, "--seconds", plan.steady_seconds, "--concurrency", 1024)
    return {**report, **meter.cost()}


def flood(rival, tools, plan, macs):
    """Guests that arrive without, and then with, a flood of SYNs beside them."""
    arrive = ["--rate", plan.arrivals, "--seconds", plan.flood_seconds, "--concurrency", 4096, "--timeout", 15]
    with Running(rival, tools, plan.flood_guests, flooders=macs, guarded=True) as running:
        calm = running.ask(*arrive)
        with running.meter() as meter:
            storm = running.ask(*arrive, "--flood-rate", plan.flood_rate, "--flood-macs", macs)
        conntrack = running.net.conntrack()
    within = storm["tries_1"] + storm["tries_2"] + storm["tries_3"]
    begun = max(storm["begun"], 1)
    return {"calm": calm, "storm": storm, "success": storm["right"] / begun, "within_three": within / begun,
            "calm_success": calm["right"] / max(calm["begun"], 1), "p90_calm": calm["p90_ms"], "p90_storm": storm["p90_ms"],
            "p99_calm": calm["p99_ms"], "p99_storm": storm["p99_ms"], "p99_ratio": storm["p99_ms"] / max(calm["p99_ms"], 0.001),
            "flood_rate": storm["flood_rate"], "conntrack": conntrack, **meter.cost()}
