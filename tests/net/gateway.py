# SPDX-License-Identifier: GPL-2.0-or-later
"""portald in the lab's gateway: its configuration, its processes, portalctl, and what the kernel holds for it."""
import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import subprocess

from namespace import SLOW, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("PORTALD_BUILD", os.path.join(REPO, "build")))
PORTALD, PORTALCTL = os.path.join(BUILD, "portald"), os.path.join(BUILD, "portalctl")
USUALLY = ["prlimit", "--nofile=1024:"]  # the soft limit that boot and a login have
DIVERT = os.environ.get("PORTALD_DIVERT", "redirect")  # of each zone that does not say
SANITIZER = {
    # The sealed processes cannot look for leaks at their end (ptrace is not in their filter), nor start a symbolizer.
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:external_symbolizer_path=",
    "UBSAN_OPTIONS": "print_stacktrace=0:halt_on_error=1:external_symbolizer_path=",
}
REPORTS = ("AddressSanitizer", "runtime error:", "LeakSanitizer")

ONE_ZONE = """
zone "guest" {
  interface = "br-guest"
}
"""
TWO_ZONES = """
zone "guest" {
  interface = "br-guest"
  session = "8h"
}
zone "rt" {
  interface = "br-two"
  session = "2h"
  title = "The second zone"
  portal-port = 8090
  divert-port = 8091
}
"""


class ControlError(Exception):
    def __init__(self, done):
        super().__init__(f"portalctl: status {done.returncode}: {done.stdout}{done.stderr}")
        self.status, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr


class Gateway:
    """One configuration file and the portald that runs with it; start() may follow stop() or kill()."""

    def __init__(self, lab, config=ONE_ZONE, globals_="", start=True):
        Gateway.count = getattr(Gateway, "count", 0) + 1
        self.lab = lab
        self.folder = os.path.join(lab.folder, f"gateway{Gateway.count}")
        os.mkdir(self.folder)
        self.config_path = os.path.join(self.folder, "portald.conf")
        self.run_dir, self.state_dir = os.path.join(self.folder, "run"), os.path.join(self.folder, "state")
        self.socket = os.path.join(self.run_dir, "control.sock")
        self.globals = f'run-dir = "{self.run_dir}"\nstate-dir = "{self.state_dir}"\nuser = "portald"\n' + globals_
        self.write_config(config)
        self.process = None
        self.portald = PORTALD  # or another version's
        self.lack(None)
        self.known = []
        self._starts = 0
        lab.on_close(self.close)
        if start:
            self.start()

    # ---- configuration

    def write_config(self, zones):
        """Returns the number of lines that stand before the zones."""
        if "divert =" not in zones:
            zones = re.sub(r'(interface = "[^"]*")', rf'\1 divert = "{DIVERT}"', zones)
        with open(self.config_path, "w", encoding="utf-8") as f:
            f.write(self.globals + zones)
        return self.globals.count("\n")

    def check_config(self, *more):
        """portald -n, inside the gateway."""
        return self.lab.run("gw", [*USUALLY, self.portald, "-n", "-c", self.config_path, *more], env={**os.environ, **self.env})

    def reload(self):
        os.kill(self.process.pid, signal.SIGHUP)

    def reload_now(self):
        """The same, and waits until the new configuration is in force."""
        before = len(self.log_lines("is in force"))
        self.reload()
        wait_until(lambda: len(self.log_lines("is in force")) > before, what="the reload")

    # ---- life

    def lack(self, what):
        """From its next start on it has a kernel that lacks something (old_kernel.c); None: this kernel as it is."""
        self.env = dict(SANITIZER)
        if what:
            self.env |= {"LD_PRELOAD": os.path.join(BUILD, "tests", "net", "old_kernel.so"), "LACKS": what}
            self.env["ASAN_OPTIONS"] += ":verify_asan_link_order=0"

    def launch(self):
        """Starts it and does not wait."""
        self._starts += 1
        self.process = self.lab.spawn("gw", [*USUALLY, self.portald, "-c", self.config_path],
                                      f"portald{Gateway.count}-{self._starts}", env=self.env)
        return self.process

    def start(self):
        self.launch()
        wait_until(lambda: not self.process.alive() or self.answers(), 20.0, "portald answers")
        if not self.process.alive():
            raise RuntimeError(f"portald ended with status {self.process.wait()}:\n{self.log()}")
        wait_until(lambda: all(z["state"] != "failed" for z in self.status()["zones"]), what="zones are loaded")
        self.known = self.all_pids()

    def answers(self):
        return self.ctl_raw("status").returncode == 0

    def log(self):
        return self.process.output() if self.process else ""

    def log_lines(self, pattern):
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def pids(self):
        """Name -> process ids, portald's own among them."""
        pids = {"portald": [self.process.pid]}
        for p in self.status()["processes"]:
            if p["pid"] not in pids.setdefault(p["name"], []):
                pids[p["name"]].append(p["pid"])
        return pids

    def all_pids(self):
        return [pid for pids in self.pids().values() for pid in pids]

    def kill(self, pids):
        """kill -9, and waits until every process of this portald is gone.  Who has gone with another one is not there any more."""
        everyone = self.all_pids()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.wait_gone(everyone)

    def wait_gone(self, pids):
        wait_until(lambda: not self.process.alive() and not any(is_running(p) for p in pids), what="all processes ended")

    def stop(self):
        """SIGTERM, and waits for the children as well; the exit status."""
        if not self.process:
            return 0
        status = self.process.stop()
        self.wait_gone(self.known)
        return status

    def restart(self):
        self.stop()
        self.start()

    def teardown(self):
        return self.lab.run("gw", [self.portald, "-c", self.config_path, "--teardown"], env={**os.environ, **self.env})

    def close(self):
        if self.process:
            self.stop()
        self.process = None

    # ---- portalctl

    def ctl_raw(self, *args, **kw):
        return subprocess.run([PORTALCTL, "--socket", self.socket, *args], text=True, capture_output=True, check=False,
                              timeout=60 * SLOW, env={**os.environ, **SANITIZER}, **kw)

    def ctl(self, *args, **kw):
        """portalctl ... --json: the decoded document; ControlError if the status is not 0."""
        done = self.ctl_raw(*args, "--json", **kw)
        if done.returncode != 0:
            raise ControlError(done)
        return json.loads(done.stdout)

    def status(self):
        return self.ctl("status")

    def sessions(self, zone=None):
        """(zone, MAC) -> session"""
        return {(s["zone"], s["mac"]): s for s in self.ctl("list", *(["--zone", zone] if zone else []))["sessions"]}

    def grant(self, *guests, for_="1h", zone=None):
        return self.ctl("grant", *[getattr(g, "mac", g) for g in guests], "--for", for_, *(["--zone", zone] if zone else []))

    def revoke(self, *guests, zone=None):
        return self.ctl("revoke", *[getattr(g, "mac", g) for g in guests], *(["--zone", zone] if zone else []))

    def revoke_all(self):
        return self.ctl("revoke", "--all")

    # ---- the kernel

    def members(self, zone="guest", part="", table="inet"):
        """MAC -> seconds left (None: no timeout) of a set of the zone's."""
        out = self.lab.check("gw", ["nft", "-j", "list", "set", table, "portald", f"z_{zone}{part}"])
        found = {}
        for item in json.loads(out)["nftables"]:
            for element in item.get("set", {}).get("elem", []):
                value = element["elem"] if isinstance(element, dict) else {"val": element}
                found[value["val"]] = value.get("expires", value.get("timeout"))
        return found

    def everywhere(self, zone="guest"):
        """The members of all three sets of a zone.  They must be the same, but while some end."""
        def alike():
            sets.append([self.members(zone), self.members(zone, "_up"), self.members(zone, "_down", "netdev")])
            return sets[-1][0].keys() == sets[-1][1].keys() == sets[-1][2].keys()

        sets = []
        wait_until(alike, 20.0, "the three sets have the same members")
        return sets[-1][0]

    def ruleset(self):
        """The kernel's listing of all tables, without what changes by itself, without the guard, whose flags depend on the
        kernel, and without the figure that tells versions from each other."""
        listing = self.lab.check("gw", ["nft", "-s", "list", "ruleset"])
        listing = re.sub(r'^\tcomment "definitions [0-9a-f]{16}"\n', "", listing, flags=re.MULTILINE)
        listing = re.sub(r"^table inet portald_guard \{.*?^}\n", "", listing, flags=re.MULTILINE | re.DOTALL)
        # divert "queue": nft's own expression, or (which nft cannot show) the target xt_NFQUEUE and then a drop
        listing = re.sub(r"^\t\t(queue .*|xt target .*|)\n(?=\t})", "", listing, flags=re.MULTILINE)
        listing = re.sub(r"(\tchain z_\w+_queue \{\n(?:\t\t.*\n)*)\t\tdrop\n", r"\1", listing)
        return normalise(listing)


def lasting(session):
    """A session without its times, and without neighbours, which come and go."""
    return {k: v for k, v in session.items() if not k.startswith(("seconds", "addresses"))}


def normalise(listing):
    """A ruleset without the elements of sets with a timeout; other elements, the blocks of a table, and tables are
    sorted: what was made anew stands in another place than before."""
    tables = []
    for table in re.findall(r"^table .*?^}\n", listing, re.MULTILINE | re.DOTALL):
        head, *blocks = re.split(r"^(?=\t(?:set|map|chain|limit|counter) )", table[:-2], flags=re.MULTILINE)
        tables.append(head + "\n".join(sorted(_block(b.rstrip("\n")) for b in blocks)) + "}\n")
    return "".join(sorted(tables))


def _block(text):
    found = re.search(r"\n\t\telements = \{(.*?)\}", text, re.DOTALL)
    if not found:
        return text + "\n"
    timed = re.search(r"flags .*timeout", text)
    elements = ", ".join(sorted(" ".join(e.split()) for e in found.group(1).split(",")))
    return text[:found.start()] + ("" if timed else f"\n\t\telements = {{ {elements} }}") + text[found.end():] + "\n"


def compare_with_golden(name, text):
    """UPDATE_GOLDEN=1 writes the file instead: look at the difference before it is committed."""
    path = os.path.join(HERE, "golden", f"{name}.{DIVERT}.nft")
    if os.environ.get("UPDATE_GOLDEN"):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    with open(path, encoding="utf-8") as f:
        assert text.splitlines() == f.read().splitlines()


def is_running(pid):
    """A zombie does not run."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def add_accounts():
    """The system users of portald.  They are made as the package's sysusers file would."""
    for user in ("portald", "portald-web", "portald-gate"):
        try:
            pwd.getpwnam(user)
        except KeyError:
            subprocess.run([shutil.which("useradd") or "/usr/sbin/useradd", "--system", "--user-group", "--no-create-home",
                            "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", user], check=True)
