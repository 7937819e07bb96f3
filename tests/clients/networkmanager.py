# SPDX-License-Identifier: GPL-2.0-or-later
"""NetworkManager's connectivity check, the program itself, in a network namespace that has its addresses already.

It has a bus of its own, a mount namespace in which /run and /var/lib are empty, and a configuration that lets it manage no
device: it looks, and changes nothing, neither in the namespace nor on the host.  The name that it asks leads to the
addresses given.  Program: the one installed, or what scripts/common.sh unpacks of Debian's packages (need_networkmanager).
"""
import glob
import os
import shutil
import subprocess
import tempfile

from namespace import wait_until

UNPACKED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "networkmanager", "usr")
HOST = "network-test.debian.org"
CHECK_MAX = 40.0  # seconds; NetworkManager gives up a check after 20
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={folder}/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy>
</busconfig>
"""
CONFIGURATION = f"""[main]
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
uri=http://{HOST}/nm
response=NetworkManager is online
interval=300
"""
START = """mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mount --bind "$1/hosts" /etc/hosts
exec "$2" --debug --config="$1/configuration" --config-dir=/run/none --system-config-dir=/run/none \
	--intern-config=/run/intern.conf --state-file=/run/state --pid-file=/run/pid
"""


def program(name):
    """Its path, and None if there is none."""
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", f"{UNPACKED}/bin",
                                                    f"{UNPACKED}/sbin")))


class NetworkManager:
    """Use as a context manager.  addresses: where HOST is, at most one of each family."""

    def __init__(self, namespace, addresses):
        self.folder = tempfile.mkdtemp(prefix="networkmanager-")
        self.env = {**os.environ, "LC_ALL": "C", "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.folder}/bus"}
        if libraries := glob.glob(f"{UNPACKED}/lib/*-linux-gnu*"):
            self.env["LD_LIBRARY_PATH"] = os.pathsep.join(libraries)
        self._write("bus.conf", BUS.format(folder=self.folder))
        self._write("configuration", CONFIGURATION)
        self._write("hosts", "".join(f"{address} {HOST}\n" for address in addresses))
        self.processes = []
        try:
            self._start("bus", ["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={self.folder}/bus.conf"])
            wait_until(lambda: os.path.exists(f"{self.folder}/bus"), what="there is a bus")
            self._start("log", ["ip", "netns", "exec", namespace, "unshare", "--mount", "--uts", "--propagation", "private",
                                "sh", "-ec", START, "sh", self.folder, program("NetworkManager")])
            wait_until(self._is_up, what="NetworkManager knows a device", pause=0.1)
        except BaseException:
            self.close()
            raise

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)

    def _start(self, log, argv):
        with open(os.path.join(self.folder, f"{log}.log"), "wb") as f:
            self.processes.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=f, stderr=f, env=self.env))

    def _is_up(self):
        if self.processes[-1].poll() is not None:
            with open(f"{self.folder}/log.log", encoding="utf-8", errors="replace") as f:
                raise RuntimeError(f"NetworkManager has ended: {f.read()[-2000:]}")
        return self._states().get(4)

    def _nmcli(self, *words):
        return subprocess.run([program("nmcli"), "-t", *words], env=self.env, text=True, capture_output=True,
                              timeout=CHECK_MAX, check=False)

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

    def look(self):
        """Checks now: {4: state, 6: state}; portal, full, limited, none or unknown, as nmcli has it."""
        done = self._nmcli("networking", "connectivity", "check")
        if done.returncode != 0:
            raise RuntimeError(f"nmcli: {done.stderr}")
        return self._states()

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(5.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
