# SPDX-License-Identifier: GPL-2.0-or-later
"""Another version, newer or older, whose sets are defined otherwise, starts over tables with members in them: their time,
counters, quotas and rates go on, transfers that run do as well, and no stranger passes."""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

import gateway
from conftest import CLOSED, families
from gateway import ONE_ZONE, TWO_ZONES, lasting
from lab import UP
from namespace import SLOW, wait_until
from test_flush import BACK_PORT, TCP_PORT, UDP_PORT, flood, slipped
from test_limits import PACKET, PORT, QUOTA, allowed, blast, grant, received, udp

VERSIONS = {  # what portal.nft has otherwise: pattern and replacement
    "a set's size": [(r"set ZONE_up \{ type ether_addr;", r"\g<0> size 70000;")],
    "a set's flags": [(r"set web_ports \{ type inet_service;", r"\g<0> flags interval;")],
    "a set's key": [(r"inet_proto \. inet_service", "inet_service . inet_proto"),
                    (r"(meta l4proto) \. (th .port) (@ZONE_(garden|ports))", r"\2 . \1 \3")],
    "a counter": [(r"set ZONE \{ type ether_addr; flags timeout;", r"\g<0> counter;")],
    "a set less": [(r"\tset ZONE_(up|down)_rate .*\n", ""), (r"\t\tether .addr @ZONE_(up|down)_rate drop\n", "")],
    "a set more": [(r"\tset ZONE_up ", "\tset ZONE_more { type ipv4_addr; flags interval; }\n\\g<0>")],
    "a hook": [(r"hook forward priority filter - 5", "hook forward priority filter - 6")],
    "no comment": [(r'\tcomment "definitions .*\n', "")],
}


def version(folder, changes):
    """A folder with the programs and a portal.nft of another version; the path of its portald."""
    folder = str(folder)
    for name in ("portald", "portald-gate", "portald-web"):
        shutil.copy(os.path.join(gateway.BUILD, name), folder)
    os.symlink(os.path.join(gateway.BUILD, "pages"), os.path.join(folder, "pages"))
    with open(os.path.join(gateway.BUILD, "portal.nft"), encoding="utf-8") as f:
        text = f.read()
    for pattern, replacement in changes:
        text, n = re.subn(pattern, replacement, text)
        assert n > 0, pattern
    with open(os.path.join(folder, "portal.nft"), "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(folder, 0o755)
    return os.path.join(folder, "portald")


@pytest.fixture(scope="module")
def place(make_lab):
    lab = make_lab()
    for node, bridge in (("g1", "br-guest"), ("g2", "br-guest"), ("g3", "br-guest"), ("s1", "br-guest"), ("g9", "br-guest"),
                         ("t1", "br-two")):
        lab.add_guest(node, bridge)
    return lab


@pytest.fixture
def old(place, tmp_path_factory, request):
    """portald of another version, and its successor's path."""
    gw = gateway.Gateway(place, ONE_ZONE, globals_='accounting = "1s"\n', start=False)
    gw.portald = version(tmp_path_factory.mktemp("version"), VERSIONS[getattr(request, "param", "a set's size")])
    os.chmod(os.path.dirname(os.path.dirname(gw.portald)), 0o755)
    gw.start()
    place.nft(CLOSED + "delete table inet lab_closed\n")
    yield gw
    place.nft(CLOSED)
    gw.close()
    gw.teardown()


def takeovers(gw):
    """Those that were completed."""
    return gw.log_lines("they are members again")


def switch(gw, portald, taken=True):
    """Stops the one, and starts the other."""
    gw.stop()
    gw.portald = portald
    gw.start()
    assert len(takeovers(gw)) == taken


def idle_ones(lab, gw):
    """Sessions of those who send nothing now."""
    busy = {lab.guests[n].mac for n in ("g1",)}
    return {key: lasting(s) for key, s in gw.sessions().items() if key[1] not in busy}


def assert_ends_alike(gw, guests):
    """The kernel ends each session when portald says that it ends; one rounds up, the other down."""
    for zone, members in guests.items():
        earlier, kernel, later = gw.sessions(zone), gw.members(zone), gw.sessions(zone)
        assert len(later) == len(members)
        for key, session in later.items():
            assert session["seconds-left"] - 2 <= kernel[key[1]] <= earlier[key]["seconds-left"] + 1


@pytest.mark.parametrize("old", VERSIONS, indirect=True)
def test_there_and_back(place, old, request):
    """What the guests had, they have: with the newer version, and with the older one again."""
    lab, older = place, old.portald
    alike = "no comment" in request.node.name  # a version from before there was one, whose sets are the same
    g1, g2, g3, g9, t1 = (lab.guests[n] for n in ("g1", "g2", "g3", "g9", "t1"))
    old.globals = old.globals.replace('"1s"', '"60s"')  # nobody is ended by it here
    old.write_config(TWO_ZONES)
    old.restart()
    g1.login(4)
    grant(old, g2, "--zone", "guest", "--quota-up", str(QUOTA), "--quota-down", str(QUOTA), "--note", 'say "hello"')
    grant(old, t1, "--zone", "rt", "--quota-total", "1G", "--for", "3h")
    old.ctl("trust", g3.mac)
    blast(lab, g2, 4, "up", 20)
    blast(lab, g2, 6, "down", 30)
    before = {key: s for key, s in old.sessions().items() if key[1] == g2.mac}
    assert before["guest", g2.mac]["bytes-up"] == 20 * PACKET and before["guest", g2.mac]["bytes-down"] == 30 * PACKET
    expected, slips = idle_ones(lab, old), len(slipped(lab))
    with g1.download(4) as a, g1.download(6) as b, g9.socket(6, socket.SOCK_DGRAM, 0.2) as inbox:
        inbox.bind(("", BACK_PORT))
        floods = [flood(lab, "g9", UP[4], UDP_PORT, TCP_PORT), flood(lab, "g9", UP[6], UDP_PORT, TCP_PORT),
                  flood(lab, "up", g9.addresses[6], BACK_PORT)]
        for flow in (a, b):
            flow.wait_progress(flow.STEP)
        used = old.sessions()["guest", g1.mac]["bytes-down"]
        for i, portald in enumerate((gateway.PORTALD, older, gateway.PORTALD)):
            switch(old, portald, taken=i == 0 or not alike)
            assert idle_ones(lab, old) == expected
            assert_ends_alike(old, {"guest": [g1, g2], "rt": [t1]})
            assert old.members()[g3.mac] is None, "trusted: without an end"
            now = old.sessions()["guest", g1.mac]["bytes-down"]
            assert now >= used
            used = now
            for flow in (a, b):
                flow.wait_progress(flow.STEP)
        assert not a.error and not b.error, "the downloads are the ones from before"
        assert received(inbox) == 0
        lab.flush_capture()
        assert len(slipped(lab)) == slips
        old.grant(g9, zone="guest")
        everything = {(family, port) for family in (4, 6) for port in (UDP_PORT, TCP_PORT)}
        wait_until(lambda: {(p.family, p.dport) for p in slipped(lab)[slips:]} == everything, what="the floods were floods")
        inbox.settimeout(5 * SLOW)
        assert inbox.recv(100), "towards the guest as well"
        for process in floods:
            process.stop(signal.SIGTERM)
        old.revoke(g9, zone="guest")
    assert blast(lab, g2, 6, "up", 150) == allowed("up") - 20, "the quota goes on where it was"
    assert blast(lab, g2, 4, "down", 150) == allowed("down") - 30
    assert g1.is_online() and t1.is_online() and g3.is_online() and g9.is_stranger()


@families
def test_a_rate_and_a_used_up_quota(place, old, family):
    """Both are held by the next version from its first packet on: it is asked with its engine dead."""
    lab = place
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    grant(old, g1, "--rate-up", "4M", "--rate-down", "8M")
    grant(old, g2, "--quota-up", str(QUOTA))
    old.stop()
    assert blast(lab, g2, family, "up", 150) == allowed("up"), "with nobody there to end it"
    old.portald = gateway.PORTALD
    old.launch()
    wait_until(lambda: takeovers(old), what="the tables are made anew")
    elements = lab.check("gw", ["nft", "list", "set", "inet", "portald", "z_guest_up_rate"])
    assert re.search(rf"{g1.mac} limit rate over (500000 bytes|488.*kbytes)/second", elements), elements
    elements = lab.check("gw", ["nft", "list", "set", "netdev", "portald", "z_guest_down_rate"])
    assert re.search(rf"{g1.mac} limit rate over (1000000 bytes|976.*kbytes)/second", elements), elements
    with udp(g2.namespace, family, g2.addresses[family]) as inside, udp(lab.name("up"), family, UP[family]) as outside:
        inside.sendto(b"x", (UP[family], PORT))
        assert received(outside) == 0, "there would be room for it, but not for the one that the quota was used up by"
    wait_until(old.answers, what="portald answers")
    wait_until(lambda: ("guest", g2.mac) not in old.sessions(), 20, "the session ends")
    assert old.sessions()["guest", g1.mac]["rate-up"] == 4_000_000


def test_the_same_version_changes_nothing(place, old):
    handle = re.compile(r"table inet portald \{ # handle \d+")
    listing = place.check("gw", ["nft", "-a", "list", "table", "inet", "portald"])
    old.restart()
    again = place.check("gw", ["nft", "-a", "list", "table", "inet", "portald"])
    assert handle.search(listing).group() == handle.search(again).group() and not takeovers(old)


def test_a_stranger_s_set_among_ours(place, old):
    """Somebody replaced a set of ours by one of his: the comment is ours, but the kernel refuses the ruleset."""
    g1 = place.guests["g1"]
    old.grant(g1)
    old.stop()
    place.nft("flush chain inet portald input\ndelete set inet portald web_ports\n"
              "add set inet portald web_ports { type ipv4_addr; }\n")
    old.start()
    assert takeovers(old) and g1.is_online() and place.guests["s1"].is_stranger()


def many(count):
    return [f"02:00:01:{n >> 16:02x}:{n >> 8 & 255:02x}:{n & 255:02x}" for n in range(count)]


def test_ten_thousand(place, old):
    lab, macs = place, many(10_000)
    g1 = lab.guests["g1"]
    g1.login(6)
    assert old.ctl("grant", "--file", "-", "--quota-down", "1G", "--for", "2h", input="\n".join(macs))["granted"] == 10_000
    expected = {key: lasting(s) for key, s in old.sessions().items() if key[1] != g1.mac}
    with g1.download(4) as a, g1.download(6) as b:
        switch(old, gateway.PORTALD)
        assert {key: lasting(s) for key, s in old.sessions().items() if key[1] != g1.mac} == expected
        assert old.everywhere().keys() == {*macs, g1.mac}
        for flow in (a, b):
            flow.wait_progress(flow.STEP)
        assert not a.error and not b.error
    assert_ends_alike(old, {"guest": [g1, *macs]})


def test_killed_in_the_middle(place, old):
    """Nobody passes until the next start, which finds in the store whoever is missing in the kernel."""
    lab, macs = place, many(10_000)
    g1, s1 = lab.guests["g1"], lab.guests["s1"]
    g1.login(4)
    old.ctl("grant", "--file", "-", "--quota-down", "1G", "--for", "2h", input="\n".join(macs))
    expected = {key: lasting(s) for key, s in old.sessions().items() if key[1] != g1.mac}
    old.stop()
    old.portald = gateway.PORTALD
    old.lack("speed")
    old.launch()
    wait_until(lambda: old.log_lines("another version's"), what="the tables are the new ones")
    wait_until(old.members, what="some are members again", pause=0)
    for pid in gates(lab):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    old.process.wait(20)
    old.lack(None)
    assert not takeovers(old) and 0 < len(old.members()) < 10_000, "it was killed before it was done"
    for guest in (g1, s1):
        for family in (4, 6):
            with pytest.raises(TimeoutError):  # a reset would end members' connections
                guest.connect(UP[family], 443, 0.5)
    old.start()
    assert {key: lasting(s) for key, s in old.sessions().items() if key[1] != g1.mac} == expected
    assert g1.is_online() and s1.is_stranger()


def gates(lab):
    pids = subprocess.run(["ip", "netns", "pids", lab.name("gw")], text=True, capture_output=True, check=True).stdout.split()
    found = []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                found += [int(pid)] if f.read().strip() == "portald-gate" else []
        except OSError:
            pass
    return found
