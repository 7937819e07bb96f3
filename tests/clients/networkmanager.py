# SPDX-License-Identifier: GPL-2.0-or-later
"""NetworkManager's connectivity check, the program itself, in a network namespace that has its addresses already.

It has a bus of its own, a mount namespace in which /run and /var/lib are empty, and a configuration that lets it manage no
device: it looks, and changes nothing, neither in the namespace nor on the host.  Program: the one installed, or what
scripts/common.sh unpacks of Debian's packages (need_networkmanager).
"""
import glob
import os
import subprocess

import client
from models import NOTHING, ONLINE, PORTAL
from namespace import wait_until

UNPACKED = os.path.join(client.BUILD, "networkmanager", "usr")
CHECK_MAX = 40.0  # seconds; NetworkManager gives up a check after 20
SAYS = {"portal": PORTAL, "full": ONLINE}  # limited, none and unknown: NOTHING
CONFIGURATION = """[main]
plugins=keyfile
auth-polkit=false
dns=none
rc-manager=unmanaged
hostname-mode=none
no-auto-default=*
[keyfile]
path=/run/none
unmanaged-devices=*
[connectivity]
uri=http://network-test.debian.org/nm
response=NetworkManager is online
interval=300
"""
MOUNTS = "mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /var/lib; "


class NetworkManager(client.Client):
    name = "NetworkManager"
    hosts = ("network-test.debian.org",)
    sheet = "http://network-test.debian.org/nm"
    nowhere = {}  # it asks each family for itself, and through the device, where loopback is silent

    @classmethod
    def program(cls):
        return cls._find("NetworkManager")

    @staticmethod
    def _find(name):
        return client.find(name, "networkmanager/usr/bin", "networkmanager/usr/sbin")

    def start(self):
        self.env = {"LC_ALL": "C", "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.folder}/bus"}
        if libraries := glob.glob(f"{UNPACKED}/lib/*-linux-gnu*"):
            self.env["LD_LIBRARY_PATH"] = os.pathsep.join(libraries)
        self.start_bus()
        self.write("configuration", CONFIGURATION)
        process = self.spawn("log", self.inside([
            self.program(), "--debug", f"--config={self.folder}/configuration", "--config-dir=/run/none",
            "--system-config-dir=/run/none", "--intern-config=/run/intern.conf", "--state-file=/run/state",
            "--pid-file=/run/pid"], MOUNTS), self.env)

        def is_up():
            if process.poll() is not None:
                raise RuntimeError(f"NetworkManager has ended: {self.read('log')[-2000:]}")
            return self._states()
        wait_until(is_up, what="NetworkManager knows a device", pause=0.1)

    def _nmcli(self, *words):
        return subprocess.run([self._find("nmcli"), "-t", *words], env={**os.environ, **self.env}, text=True,
                              capture_output=True, timeout=CHECK_MAX, check=False)

    def _states(self):
        """family -> the best state of a device other than lo, as a word."""
        found = {4: [], 6: []}
        device = None
        for line in self._nmcli("-f", "GENERAL", "device", "show").stdout.splitlines():
            key, _, value = line.partition(":")
            device = value if key == "GENERAL.DEVICE" else device
            for family, states in found.items():
                if key == f"GENERAL.IP{family}-CONNECTIVITY" and device != "lo":
                    states.append(value)  # "4 (full)"
        return {f: max(states).partition("(")[2].rstrip(")") for f, states in found.items() if states}

    def states(self):
        """Checks now: {4: state, 6: state}; portal, full, limited, none or unknown, as nmcli has it."""
        done = self._nmcli("networking", "connectivity", "check")
        if done.returncode != 0:
            raise RuntimeError(f"nmcli: {done.stderr}")
        return self._states()

    def look(self, family):
        """Twice, for a check that was under way already may tell of what was before."""
        self.states()
        return SAYS.get(self.states()[family], NOTHING)
