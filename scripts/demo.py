# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/run: a guest's journey in a network of namespaces, shown command by command.

Every step is checked; a step that does not end as it should ends the demo with status 1."""
import os
import shlex
import signal
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "net"))

import gateway  # noqa: E402
import lab as network  # noqa: E402
from guest import parse_page  # noqa: E402

CONFIG = """zone "guest" {
  interface = "br-guest"
  title = "Harbour Café"
  session = "8h"
}
"""
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
BOLD, GREEN, RED, BLUE, DIM, PLAIN = ("\33[1m", "\33[32m", "\33[31m", "\33[36m", "\33[2m", "\33[0m") if COLOUR else ("",) * 6
PICTURE = """
   guest 192.0.2.11            gateway 192.0.2.1             upstream 203.0.113.2
   2001:db8:1::b  ----br-guest---- portald ------wan0------ 2001:db8:ff::2
"""


class Failed(Exception):
    pass


def step(text):
    print(f"\n{BOLD}{text}{PLAIN}")


def show(node, argv, hide=()):
    print(f"{DIM}{node}${PLAIN} {BLUE}{shlex.join(a for a in argv if a not in hide)}{PLAIN}")


def told(text, lines=12):
    for line in text.rstrip().splitlines()[:lines]:
        print("    " + line.rstrip()[:110])


def expect(condition, good, bad):
    if not condition:
        print(f"  {RED}✗ {bad}{PLAIN}")
        raise Failed(bad)
    print(f"  {GREEN}✓ {good}{PLAIN}")


def curl(guest, *args):
    """Shows and runs curl in the guest; its output."""
    argv = ["curl", "-sS", "-m", "10", *args]
    show(guest.node, argv, hide=("-sS", "-m", "10"))
    return guest.run(argv).stdout


def status_of(guest, url):
    return curl(guest, "-o", "/dev/null", "-w", "%{http_code}", url)


def ctl(portald, *args):
    show("gateway", ["portalctl", *args])
    done = portald.ctl_raw(*args)
    told(done.stdout + done.stderr)
    return done


def log_in(guest):
    """As a browser does it, with curl: the form with its token, then its answer followed."""
    class Page:
        pass

    page = Page()
    url = f"http://{guest.gateway[4]}/login"
    page.body = curl(guest, url).encode()
    fields = [f for f in parse_page(page).forms[0]["fields"] if f[1]]
    told("\n".join(f"{kind} field {name} = {value[:40]}{'...' if len(value) > 40 else ''}" for kind, name, value in fields))
    data = [x for kind, name, value in fields for x in ("--data-urlencode", f"{name}={value}")]
    answer = curl(guest, "-i", *data, url)
    told(answer.split("\r\n\r\n")[0], 1)
    expect(" 303 " in answer.split("\r\n")[0], "the login is accepted: 303 to the success page", "the login was not accepted")


def journey(the_lab, portald):
    g1, g2 = the_lab.guests["g1"], the_lab.guests["g2"]
    step("1. A stranger opens a page and is stopped with 511, over IPv4 and IPv6")
    answer = curl(g1, "-i", "http://203.0.113.2/")
    told(answer)
    expect("511 Network Authentication Required" in answer.split("\r\n")[0], "511, with a link to the login page", "no 511")
    expect(status_of(g1, "http://[2001:db8:ff::2]/") == "511", "the same over IPv6", "no 511 over IPv6")
    show("g1", ["curl", "https://203.0.113.2/"])
    done = g1.run(["curl", "-sSk", "-m", "10", "https://203.0.113.2/"])
    told(done.stderr)
    expect(done.returncode == 7, "HTTPS is refused at once", "HTTPS was not refused")

    step("2. It logs in on the portal's page")
    log_in(g1)

    step("3. It is online: both families, HTTPS as well")
    for url in ("http://203.0.113.2/", "http://[2001:db8:ff::2]/", "https://203.0.113.2/", "https://[2001:db8:ff::2]/"):
        expect(g1.run(["curl", "-sSk", "-m", "10", url]).stdout.count("The open internet") == 1, url, f"{url} does not open")
    expect(status_of(g2, "http://203.0.113.2/") == "511", "the other guest is still a stranger", "the other guest is online")
    expect(ctl(portald, "list").returncode == 0, "one session", "portalctl list failed")

    step("4. The session is revoked, in the middle of a download")
    with g1.download(4) as flow:
        flow.wait_progress(flow.STEP)
        expect(ctl(portald, "revoke", g1.mac).returncode == 0, "revoked", "portalctl revoke failed")
        expect(status_of(g1, "http://203.0.113.2/") == "511", "511 again", "still online")
        g1.lab.check("gw", ["conntrack", "-C"])
        before = flow.count
        expect(status_of(g1, "http://[2001:db8:ff::2]/") == "511", "over IPv6 too", "still online over IPv6")
        expect(flow.count == before, f"the download has stopped at {before:,} bytes", "the download goes on")


def instructions(portald):
    lab_prefix = portald.lab.prefix
    print(f"""
{BOLD}The network stays up until Ctrl-C.{PLAIN}  In another terminal:

  {BLUE}ip netns exec {lab_prefix}-g1 curl -i http://203.0.113.2/{PLAIN}      as guest 1 (g2: guest 2)
  {BLUE}ip netns exec {lab_prefix}-g1 bash{PLAIN}                             a shell in guest 1
  {BLUE}ip netns exec {lab_prefix}-gw nft list ruleset{PLAIN}                 what the kernel holds
  {BLUE}{gateway.PORTALCTL} --socket {portald.socket} list{PLAIN}
  {BLUE}{gateway.PORTALCTL} --socket {portald.socket} watch{PLAIN}
  {BLUE}less {portald.config_path}{PLAIN}                     the configuration
""", flush=True)


def main():
    once = "--once" in sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    network.remove_stale()
    print(f"{BOLD}portald: a demo network{PLAIN}\n{DIM}{PICTURE}{PLAIN}")
    with network.Lab() as the_lab:
        the_lab.add_guest("g1")
        the_lab.add_guest("g2")
        portald = gateway.Gateway(the_lab, CONFIG)
        try:
            journey(the_lab, portald)
        except (Failed, AssertionError) as e:
            print(f"\n{RED}The journey ended early: {e}{PLAIN}\n{portald.log()}")
            return 1
        print(f"\n{GREEN}{BOLD}The journey went as it should.{PLAIN}")
        if not once:
            instructions(portald)
            signal.pause()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ncleaned up")
