# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever happens to the gateway, at a random moment and in a random order, with logins and grants under way: no session
that was acknowledged is lost, none lives longer than sold, none forgets what it has used, no stranger's packet passes (the
lab's capture upstream); where the kernel cannot keep the guard, those that pass while somebody flushes are counted and
reported.

PORTALD_ROUNDS=200 is the long run; PORTALD_SEED=N the same order again (not the same moments).
"""
import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

import frames
import gateway
from capture import parse_frame
from guest import up_address
from lab import FORBIDDEN
from machine import Machine
from namespace import SLOW, wait_until
from test_flush import restored_by, stays

ROUNDS = int(os.environ.get("PORTALD_ROUNDS", "26"))
SEED = int(os.environ.get("PORTALD_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
CONFIG = """
zone "guest" {
  interface = "br-guest"
  session = 1h
}
"""
GUESTS, GRANTERS = 4, 2
SLACK = 3  # seconds: what is shown is rounded once, what is stored once; and the wait for a turn to be put back
HOUR, DAY = 3600, 86400

# Datagrams and connections of a stranger's to where it may not go; ends when it is told to.
STRANGER = """
import socket, sys, time
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
udp = socket.socket(family, socket.SOCK_DGRAM)
print("ready", flush=True)
while True:
    for _ in range(5):
        try:
            udp.sendto(b"x", (sys.argv[1], 7007))
        except OSError:
            pass
    with socket.socket(family, socket.SOCK_STREAM) as tcp:
        tcp.setblocking(False)
        tcp.connect_ex((sys.argv[1], 7443))
    time.sleep(float(sys.argv[2]))
"""


class Sold:
    """What was acknowledged: MAC -> the earliest and latest end, by a clock that nobody sets."""

    def __init__(self):
        self.skipped = 0  # seconds for which the machine was off, as its clock says
        self.ends, self.lock = {}, threading.Lock()
        self.gone = set()  # revoked for ever

    def now(self):
        return time.monotonic() + self.skipped

    def sell(self, mac, began, seconds):
        with self.lock:
            self.ends[mac] = (began + seconds, self.now() + seconds)

    def take_back(self, mac):
        """From now on both are right: that it is there, and that it is not."""
        with self.lock:
            self.ends.pop(mac, None)

    def snapshot(self):
        with self.lock:
            return dict(self.ends)


class World:
    """The machine, its guests, and what is under way."""

    def __init__(self, lab, machine):
        self.lab, self.machine, self.sold, self.random = lab, machine, Sold(), random.Random(SEED)
        self.differs, self.stop, self.failures = 0, threading.Event(), []  # differs: the clock from the real one, seconds
        self.guarded = stays(lab)
        self.done = {"login 4": 0, "login 6": 0, "grant": 0, "revoke": 0}
        self.threads = [threading.Thread(target=self._guest, args=(lab.add_guest(f"g{n}"), random.Random(SEED + n)))
                        for n in range(1, GUESTS + 1)]
        self.threads += [threading.Thread(target=self._granter, args=(n, random.Random(SEED - n))) for n in range(1, GRANTERS + 1)]

    def __enter__(self):
        s1 = self.lab.add_guest("s1")
        self.strangers = [self.lab.spawn(s1.node, [sys.executable, "-c", STRANGER, FORBIDDEN[f], str(0.005 * SLOW)],
                                         name=f"stranger{f}") for f in (4, 6)]
        self.strangers_try()
        self._use()
        for thread in self.threads:
            thread.start()
        return self

    def strangers_try(self):
        """What they send arrives at the gateway, of each kind."""
        missing = {(FORBIDDEN[family], port) for family in (4, 6) for port in (7007, 7443)}

        def arrives():
            packet = parse_frame(wire.receive(0.1) or bytes(14))
            missing.discard(packet and (packet.destination, packet.dport))
            return not missing

        with frames.Wire(self.lab.name("gw"), "v-s1") as wire:
            wait_until(arrives, 30, "the strangers try everything", pause=0)

    def _use(self):
        """A guest that has used something, and is quiet from now on."""
        self.user = self.lab.add_guest("g9")
        self.user.login(4)
        for family in (4, 6):
            for _ in range(20):
                self.user.udp(up_address(family), 7, bytes(500))
        self.used = self._used(self.machine.sessions())
        assert min(self.used) >= 40 * 500
        wait_until(self.usage_is_kept, 30, "all that was used is on the disk")

    def _kept(self):
        """What the database says that it has used."""
        found = self.machine.rows(f"SELECT bytes_up, bytes_down FROM sessions WHERE mac = '{self.user.mac}'")
        return found[0] if found else (0, 0)

    def usage_is_kept(self):
        return self._kept() == self.used

    def _used(self, sessions):
        session = sessions.get(("guest", self.user.mac), {})
        return session.get("bytes-up"), session.get("bytes-down")

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        for stranger in self.strangers:
            stranger.stop(signal.SIGTERM)

    def _revoke(self, mac):
        self.sold.take_back(mac)
        self.machine.ctl("revoke", mac)
        self.done["revoke"] += 1

    @staticmethod
    def _login(guest, family):
        """Through an address that members may call: an earlier try may yet succeed."""
        answer = guest.post_form(guest.login_page(family, up_address(family)))
        assert answer.status == 303 and guest.follow(answer).status == 200

    def _guest(self, guest, dice):
        """Logs in and out again; what broke in the middle counts as neither."""
        while not self.stop.is_set():
            family = dice.choice((4, 6))
            try:
                if guest.mac in self.sold.snapshot():
                    self.stop.wait(dice.uniform(0.2, 3))
                if ("guest", guest.mac) in self.machine.sessions():
                    self._revoke(guest.mac)
                began = self.sold.now()
                self._login(guest, family)
                self.sold.sell(guest.mac, began, HOUR)
                self.done[f"login {family}"] += 1
            except (OSError, AssertionError, IndexError, gateway.ControlError, ValueError, TypeError):
                self.stop.wait(0.05)

    def _granter(self, number, dice):
        """Grants of seconds and of hours."""
        for n in itertools.count():
            if self.stop.wait(dice.uniform(0, 0.2 * SLOW)):
                return
            mac = f"02:00:00:{number:02x}:{n >> 8 & 255:02x}:{n & 255:02x}"
            seconds = dice.choice((3, 5, 10, 30, HOUR, 2 * HOUR))
            try:
                began = self.sold.now()
                self.machine.ctl("grant", mac, "--for", f"{seconds}s")
                self.sold.sell(mac, began, seconds)
                self.done["grant"] += 1
                if n % 7 == 0:
                    self._revoke(mac)
                    self.sold.gone.add(mac)
            except gateway.ControlError:
                self.stop.wait(0.05)

    # ---- the judgement

    def judge(self, act):
        """Compares what was sold with what portald and the kernel have."""
        before, early, gone = self.sold.snapshot(), self.sold.now(), set(self.sold.gone)
        sessions = self.machine.sessions()
        shown = {mac: s["seconds-left"] for (_, mac), s in sessions.items()}
        if self._used(sessions) != self.used:
            self.failures.append(f"{act}: {self.user.mac} has used {self.used}, it is said {self._used(sessions)}")
        kernel = self.machine.members()
        after, late = self.sold.snapshot(), self.sold.now()
        self.failures += [f"{act}: revoked, and there again: {mac}" for mac in gone & (shown.keys() | kernel.keys())]
        for mac, ends in before.items():
            if after.get(mac) is not ends:
                continue
            low, high = ends
            for who, there in (("portald", shown), ("the kernel", kernel)):
                if low - SLACK > late and mac not in there:
                    self.failures.append(f"{act}: lost in {who}: {mac}, {low - late:.1f} s before its end")
                if mac in there and not low - late - SLACK <= there[mac] <= max(high - early, 0) + SLACK:
                    self.failures.append(f"{act}: in {who} {mac} has {there[mac]} s instead of {high - early:.1f}")
            if early > high + SLACK:
                self.sold.take_back(mac)  # judged: gone
        assert not self.failures, "\n".join(self.failures[:10])

    def settle(self):
        """All that is in memory is on the disk as well."""
        wait_until(lambda: not any("store" in w for w in self.machine.status()["warnings"]), 30, "the store is written")

    def set_clock(self, differs):
        self.differs = differs
        self.machine.set_clock(differs)


# ---- what may happen

def restart(world):
    world.machine.restart()


def kill(name):
    def act(world):
        world.machine.kill([world.random.choice(world.machine.pids()[name])])
        world.machine.start()

    return act


def reboot(world):
    world.machine.power_cut()
    off = world.random.choice((0, 2, 8))
    world.sold.skipped += off
    world.set_clock(world.differs + off)
    world.machine.power_on()


def reboot_without_a_clock(world):
    """No battery; the network's time comes later."""
    world.machine.power_cut()
    off = world.random.choice((0, 2, 8))
    world.sold.skipped += off
    right = world.differs + off
    world.set_clock(right - world.random.choice((HOUR, DAY, 400 * DAY)))
    world.machine.power_on()
    time.sleep(world.random.uniform(0, 1))
    kill_maybe(world)
    world.set_clock(right)
    time.sleep(world.random.uniform(0, 0.05))
    kill_maybe(world)
    wait_until(lambda: not owing(world), 30, "the time away is taken off")


def kill_maybe(world):
    if world.random.random() < 0.5:
        kill("portald")(world)


def owing(world):
    """Sessions whose time away is still to be taken off, by the database and the kernel."""
    return world.machine.rows("SELECT mac FROM sessions WHERE booted > 0") or \
        "booted=" in world.lab.check("gw", ["nft", "list", "set", "inet", "portald", "z_guest"])


def step_clock(by):
    def act(world):
        world.set_clock(world.differs + by)

    return act


def step_clock_while_down(world):
    world.machine.stop()
    world.set_clock(world.differs + world.random.choice((-HOUR, HOUR)))
    world.machine.start()


def flush(world):
    with contextlib.nullcontext() if world.guarded else world.lab.hole():
        restored_by(world.machine, lambda: world.lab.check("gw", ["nft", "flush", "ruleset"]))


def flush_while_down(world):
    """Forwarding is off meanwhile: without portald nobody else can close the hole."""
    world.machine.forward(False)
    world.machine.stop()
    world.lab.check("gw", ["nft", "flush", "ruleset"])
    world.machine.start()
    world.machine.forward(True)


def fill_disk(world):
    filler = os.path.join(world.machine.state_dir, "filler")
    with open(filler, "wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(65536))
        except OSError:
            pass
    time.sleep(world.random.uniform(0.1, 1))
    os.unlink(filler)
    world.settle()


def corrupt(world):
    """The kernel has the sessions."""
    world.machine.stop()
    for suffix in ("-wal", "-shm"):
        if os.path.exists(world.machine.database() + suffix):
            os.unlink(world.machine.database() + suffix)
    with open(world.machine.database(), "r+b") as f:
        f.write(world.random.randbytes(4096))
    world.machine.start()
    world.settle()
    wait_until(world.usage_is_kept, 30, "what was used is in the new database")  # by the accounting: a reboot may follow
    for name in os.listdir(world.machine.state_dir):
        if ".corrupt-" in name:
            os.unlink(os.path.join(world.machine.state_dir, name))


ACTS = {
    "restart": restart,
    "kill portald": kill("portald"),
    "kill gate": kill("portald-gate"),
    "kill web": kill("portald-web"),
    "reboot": reboot,
    "reboot without a clock": reboot_without_a_clock,
    "clock forwards": step_clock(HOUR),
    "clock backwards": step_clock(-HOUR),
    "clock while down": step_clock_while_down,
    "flush": flush,
    "flush while down": flush_while_down,
    "disk full": fill_disk,
    "database corrupted": corrupt,
}


@pytest.fixture
def machine(lab):
    gw = Machine(lab, CONFIG, globals_="accounting = 1s\n", start=False)
    os.mkdir(gw.state_dir)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", gw.state_dir], check=True)
    gw.own_clock()
    gw.start()
    yield gw
    gw.forward(True)
    gw.close()
    gw.teardown()
    subprocess.run(["umount", gw.state_dir], check=True)


def order(dice):
    """Each act once, in random order, again and again."""
    acts = []
    while len(acts) < ROUNDS:
        acts += dice.sample(list(ACTS), len(ACTS))
    return acts[:ROUNDS]


def test_whatever_happens(lab, machine, record_property):
    print(f"PORTALD_SEED={SEED}, {ROUNDS} rounds")
    with World(lab, machine) as world:
        for number, act in enumerate(order(world.random)):
            time.sleep(world.random.uniform(0, 0.8))
            began = time.monotonic()
            print(f"{number} {act}", end=" ", flush=True)
            ACTS[act](world)
            world.judge(act)
            world.strangers_try()
            print(f"{time.monotonic() - began:.1f} s", flush=True)
    assert min(world.done.values()) > 0, world.done
    print(f"{world.done}")
    world.judge("the end")
    for guest in [g for name, g in lab.guests.items() if name.startswith("g")]:
        if ("guest", guest.mac) not in machine.sessions():
            guest.login(6)
        assert guest.is_online()
    assert lab.guests["s1"].is_stranger()
    if not world.guarded:
        slipped = sum(p.destination in FORBIDDEN.values() for hole in lab.holes for p in lab.capture.packets()[hole.start:hole.stop])
        record_property(f"packets of strangers in {len(lab.holes)} flushes", slipped)
