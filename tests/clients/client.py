# SPDX-License-Identifier: GPL-2.0-or-later
"""What the real clients have in common: a class for each, in the manner of networkmanager.py; real.py lists them.

A client is the program itself, in a network namespace that has its addresses already, with a mount namespace of its own in
which the names that it probes lead to the addresses given and nowhere else.  Any other name is the namespace's resolver's.
It tells in the words of models.py what it makes of the network, and leaves namespace and host as they were.

    with Firefox(namespace, {4: "203.0.113.2"}) as client:
        client.look(4)      # PORTAL, ONLINE or NOTHING
"""
import os
import shutil
import subprocess
import tempfile

from namespace import wait_until

BUILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build")
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={folder}/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy>
</busconfig>
"""
MOUNTS = 'mount --bind "$1" /etc/hosts; shift; '


def find(name, *folders):
    """The path of a program: installed, or in one of these folders below build/ (scripts/common.sh unpacks it there)."""
    places = (os.environ.get("PATH", ""), "/usr/sbin", *(os.path.join(BUILD, folder) for folder in folders))
    return shutil.which(name, path=os.pathsep.join(places))


class Client:
    """Use as a context manager.  addresses: family -> where the names that it probes are, one family at least.  trust: a file
    of authorities, for those that ask over https."""

    name = ""  # as tables have it
    sheet = None  # the page that it opens where it notices a portal
    hosts = ()  # the names that it probes
    nowhere = {4: "127.0.0.254", 6: "::1"}  # where nobody listens

    def __init__(self, namespace, addresses, trust=None):
        self.namespace, self.addresses, self.trust = namespace, dict(addresses), trust
        self.folder = tempfile.mkdtemp(prefix="portald-client-")
        self.processes = []
        try:
            self.lead(*self.addresses)
            self.start()
        except BaseException:
            self.close()
            raise

    # ---- what each client says for itself

    @classmethod
    def program(cls):
        """Its path, and None if it is not here."""
        raise NotImplementedError

    @classmethod
    def applies(cls, subject):
        """Has this portal anything that it could notice?"""
        return True

    def start(self):
        """Returns when it can be asked."""
        raise NotImplementedError

    def look(self, family):
        """Has it check now, over this family, and returns its verdict: PORTAL, ONLINE or NOTHING."""
        raise NotImplementedError

    # ---- what they use

    def lead(self, *families):
        """The names lead to the addresses of these families.  In another family they lead to where nobody listens: a family
        that is not in the hosts file would be asked of the resolver."""
        where = {**self.nowhere, **{family: self.addresses[family] for family in families}}
        self.write("hosts", "".join(f"{address} {host}\n" for address in where.values() for host in self.hosts))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as f:
            return f.read()

    def spawn(self, log, argv, env=None, **kw):
        """A process outside the namespace; its output is in the file `log`."""
        with open(self.path(log), "wb") as f:
            self.processes.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=f, stderr=f,
                                                   env={**os.environ, **(env or {})}, **kw))
        return self.processes[-1]

    def start_bus(self):
        """A D-Bus of its own, at `bus` in its folder."""
        self.write("bus.conf", BUS.format(folder=self.folder))
        self.spawn("bus.log", ["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={self.folder}/bus.conf"])
        wait_until(lambda: os.path.exists(self.path("bus")), what="there is a bus")

    def inside(self, argv, mounts=""):
        """The command that runs this inside the namespace.  mounts: more shell commands in its mount namespace, each ended
        with a semicolon."""
        return ["ip", "netns", "exec", self.namespace, "unshare", "--mount", "--uts", "--propagation", "private",
                "sh", "-ec", MOUNTS + mounts + 'exec "$@"', "sh", self.path("hosts"), *argv]

    def end(self, process):
        self.processes.remove(process)
        process.terminate()
        try:
            process.wait(10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self):
        while self.processes:
            self.end(self.processes[-1])
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
