# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/lab: the network of tests/net/lab.py, kept until `down`.

usage: scripts/lab up                    makes the network (3 guests of zone "guest", 1 of zone "two") and starts portald
       scripts/lab up --bare             the same without portald
       scripts/lab guest N [COMMAND...]  a shell, or a command, in guest N (1, 2, 3; t1 is the second zone's)
       scripts/lab gw [COMMAND...]       the same in the gateway
       scripts/lab upstream [COMMAND...] the same in the network behind it
       scripts/lab ctl ARGUMENTS...      portalctl
       scripts/lab status                what is up
       scripts/lab down                  ends and removes everything
"""
import json
import os
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "net"))

import gateway  # noqa: E402
import lab as network  # noqa: E402

PREFIX = "portald-lab"
STATE = "/run/portald-lab.json"
CONFIG = """
zone "guest" {
  interface = "br-guest"
  title = "The lab"
}
zone "two" {
  interface = "br-two"
  title = "The lab's second zone"
}
"""


def start_time(pid):
    """Tells a process from a later one with the same number."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return None


def state():
    try:
        with open(STATE, encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return None


def up(bare=False):
    if state():
        sys.exit("the lab is up already; `scripts/lab down` removes it")
    the_lab = network.Lab(prefix=PREFIX, keep=True)
    try:
        for node in ("g1", "g2", "g3"):
            the_lab.add_guest(node)
        the_lab.add_guest("t1", "br-two")
        portald = None if bare else gateway.Gateway(the_lab, CONFIG)
        with open(STATE, "w", encoding="utf-8") as f:
            json.dump({"folder": the_lab.folder, "socket": portald and portald.socket, "config": portald and
                       portald.config_path, "pids": [[p.pid, start_time(p.pid)] for p in the_lab.processes]}, f)
    except BaseException:
        the_lab.close()
        raise
    print(__doc__.split("\n\n", 1)[1].rstrip())
    if portald:
        print(f"\nconfiguration: {portald.config_path}\nlog:           {portald.process.log}")


def down():
    known = state()
    if known:
        for pid, started in known["pids"]:
            if start_time(pid) == started:
                os.kill(pid, signal.SIGTERM)
        subprocess.run(["rm", "-rf", known["folder"]], check=True)
        os.unlink(STATE)
    network.remove_namespaces(PREFIX)


def enter(node, command):
    name = f"{PREFIX}-{node}"
    if not os.path.exists(f"/run/netns/{name}"):
        sys.exit(f"there is no {node} (`scripts/lab up` makes the network)")
    argv = command or [os.environ.get("SHELL", "/bin/sh")]
    os.execvp("ip", ["ip", "netns", "exec", name, *argv])


def ctl(arguments):
    known = state()
    if not known or not known["socket"]:
        sys.exit("portald is not up (`scripts/lab up` starts it)")
    os.execv(gateway.PORTALCTL, [gateway.PORTALCTL, "--socket", known["socket"], *arguments])


def status():
    known = state()
    print("\n".join(sorted(network.namespaces(PREFIX))) or "nothing is up")
    if known and known["socket"]:
        ctl(["status"])


def main(arguments):
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if verb == "up" and rest in ([], ["--bare"]):
        up(bare=bool(rest))
    elif verb == "down" and not rest:
        down()
    elif verb == "guest" and rest:
        enter(rest[0] if rest[0][0] in "gt" else "g" + rest[0], rest[1:])
    elif verb in ("gw", "upstream"):
        enter("up" if verb == "upstream" else "gw", rest)
    elif verb == "ctl":
        ctl(rest)
    elif verb == "status" and not rest:
        status()
    else:
        print(__doc__)
        sys.exit(0 if verb in ("help", "--help", "-h") else 2)


if __name__ == "__main__":
    main(sys.argv[1:])
