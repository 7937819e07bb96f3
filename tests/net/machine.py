# SPDX-License-Identifier: GPL-2.0-or-later
"""A gateway whose machine can be booted again, with a wall clock that can be set."""
import contextlib
import os
import sqlite3
import struct
import uuid

import gateway
from namespace import sysctl

BOOT_ID = "/proc/sys/kernel/random/boot_id"
FORWARDING = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")


class Machine(gateway.Gateway):
    """The boot id is a file of ours, in portald's own mount namespace; the clock is wall_clock.c."""

    def __init__(self, *args, **kw):
        self._clock = None
        super().__init__(*args, **kw)

    def launch(self):
        self._starts += 1
        path = os.path.join(self.folder, "boot_id")
        if not os.path.exists(path):
            self.new_boot_id()
        script = f'mount --make-rprivate / && mount --bind "{path}" {BOOT_ID} && exec env $PRELOAD "$@"'
        self.process = self.lab.spawn("gw", ["unshare", "--mount", "sh", "-c", script, "sh", gateway.PORTALD, "-c",
                                             self.config_path], f"machine{gateway.Gateway.count}-{self._starts}", env=self._environment())
        return self.process

    def _environment(self):
        env = dict(gateway.SANITIZER)
        if self._clock:
            env["ASAN_OPTIONS"] += ":verify_asan_link_order=0"
            env["WALL_CLOCK"] = self._clock
            env["PRELOAD"] = "LD_PRELOAD=" + os.path.join(gateway.BUILD, "tests", "net", "wall_clock.so")
        return env

    def new_boot_id(self):
        with open(os.path.join(self.folder, "boot_id"), "w", encoding="ascii") as f:
            f.write(f"{uuid.uuid4()}\n")

    def power_cut(self):
        """Every process gone at once, and the kernel's tables.  Forwarding stays off until power_on()."""
        self.forward(False)
        self.kill(self.all_pids())
        assert self.teardown().returncode == 0
        self.new_boot_id()

    def power_on(self):
        self.start()
        self.forward(True)

    def forward(self, on):
        for key in FORWARDING:
            sysctl(self.lab.name("gw"), key, int(on))

    # ---- the clock

    def own_clock(self):
        """From the next start on; it is the machine's until it is set."""
        self._clock = os.path.join(self.folder, "clock")
        os.mkfifo(self._clock + ".set")
        os.chmod(self._clock + ".set", 0o666)
        self.set_clock(0)

    def set_clock(self, differs):
        """Seconds from the real one; told to a portald that runs.  Nobody has synchronised it until synchronise_clock()."""
        fd = os.open(self._clock, os.O_RDWR | os.O_CREAT, 0o644)
        os.pwrite(fd, struct.pack("=q", round(differs * 1000)), 0)
        os.close(fd)
        self._tell_clock()

    def synchronise_clock(self, synchronised):
        """As the kernel says, which a portald that runs asks now and then."""
        with open(self._clock, "r+b", buffering=0) as f:
            os.pwrite(f.fileno(), struct.pack("=q", synchronised), 8)

    def _tell_clock(self):
        try:
            fd = os.open(self._clock + ".set", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody runs
            return
        os.write(fd, bytes(8))
        os.close(fd)

    # ---- the database

    def database(self):
        return os.path.join(self.state_dir, "portald.db")

    def rows(self, query):
        with contextlib.closing(sqlite3.connect(self.database())) as db:
            return db.execute(query).fetchall()
