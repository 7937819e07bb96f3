# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel without the netdev family's egress hook (before 5.16, or built without it), and one without the netdev family:
portald says what is off, and the rest works.  tests/net/old_kernel.c makes this kernel refuse as those do."""
import ipaddress
import os
import re
import struct

import pytest

import frames
import gateway
from conftest import families
from gateway import ControlError
from guest import assert_cut
from lab import UP
from namespace import SLOW, wait_until
from test_limits import PACKET, PORT, QUOTA, allowed, blast, received, udp

CONFIG = """
zone "guest" {
  interface = "br-guest"
  walled-garden = "203.0.113.2:123/udp [2001:db8:ff::2]:123/udp"
}
zone "rt" {
  interface = "br-two"
  portal-port = 8090
  divert-port = 8091
  rate-down = "20M"
  quota-up = "1G"
}
"""
OFF = ["this kernel has no netdev egress hook", "quota-down, quota-total and rate-down, and the count",
       "connections from outside to a guest", "the end of streams towards a guest", 'zone "rt": rate-down has no effect']
GATEWAY_MAC = "02:00:5e:00:00:01"
SYN_FIN = 0x03
NEEDING = ("--quota-down", "--quota-total", "--rate-down")


class OldKernel(gateway.Gateway):
    def __init__(self, lab, lacks, **options):
        super().__init__(lab, CONFIG, start=False, **options)
        self.lack(lacks)

    def members(self, zone="guest", part="", table="inet"):
        return super().members(zone, part, table) if table == "inet" else super().members(zone, "_up")


@pytest.fixture(scope="module", params=["egress", "netdev"])
def place(make_lab, request):
    lab = make_lab()
    for node, bridge in (("g1", "br-guest"), ("g2", "br-guest"), ("g9", "br-guest"), ("s1", "br-guest"), ("t1", "br-two")):
        lab.add_guest(node, bridge)
    gw = OldKernel(lab, request.param, globals_='accounting = "1s"\n')
    gw.start()
    return lab, gw


@pytest.fixture
def running(place):
    lab, gw = place
    if not gw.process.alive():
        gw.start()
    gw.revoke_all()
    yield lab, gw
    if gw.process.alive():
        gw.revoke_all()


def missing(text):
    return [what for what in OFF if what not in text]


def test_it_says_what_is_off(running):
    """At the start, in the status, and before it is started; none of it on this kernel as it is."""
    _, gw = running
    assert not missing(gw.log())
    assert not missing("\n".join(gw.status()["warnings"]))
    done = gw.check_config()
    assert done.returncode == 0 and not missing(done.stderr)
    lacks = gw.env["LACKS"]
    gw.lack(None)
    assert "egress" not in gw.check_config().stderr
    gw.lack(lacks)


def test_without_privilege_it_says_what_it_cannot_know(running):
    lab, gw = running
    argv = ["setpriv", "--reuid", "nobody", "--clear-groups", gateway.PORTALD, "-n", "-c", gw.config_path]
    done = lab.run("gw", argv, env={**os.environ, **gateway.SANITIZER})
    assert "run portald -n as root" in done.stderr and "egress" not in done.stderr


def test_the_kernel_has_nothing_of_the_netdev_family(running):
    lab, gw = running
    gw.ctl("grant", lab.guests["g1"].mac, "--zone", "guest")
    listing = lab.check("gw", ["nft", "list", "ruleset"])
    assert "netdev" not in listing and "table inet portald {" in listing


@families
def test_members_and_strangers(running, family):
    lab, gw = running
    g1, t1, s1 = lab.guests["g1"], lab.guests["t1"], lab.guests["s1"]
    g1.login(family)
    gw.ctl("grant", t1.mac, "--zone", "rt")
    assert g1.is_online() and t1.is_online()
    assert blast(lab, g1, family, "up", 20) == 20
    session = gw.sessions("guest")["guest", g1.mac]
    assert session["bytes-up"] >= 20 * PACKET and session["bytes-down"] == 0
    with pytest.raises((ConnectionRefusedError, OSError)):
        s1.connect(UP[family], 443, 2.0)


@families
def test_the_garden_is_open_both_ways(running, family):
    lab, _ = running
    g9 = lab.guests["g9"]
    assert g9.udp(UP[family], 123, b"listed") == b"listed"
    with pytest.raises(OSError):
        g9.connect(UP[family], 443, 2.0)


@families
def test_nobody_outside_begins(running, family):
    """What a member did not ask for is dropped; what answers it, arrives."""
    lab, gw = running
    g1, g9 = lab.guests["g1"], lab.guests["g9"]
    gw.ctl("grant", g1.mac, "--zone", "guest")
    with (udp(g1.namespace, family, g1.addresses[family]) as member, udp(g9.namespace, family, g9.addresses[family]) as
          stranger, udp(lab.name("up"), family, UP[family]) as outside):
        for guest in (g1, g9):
            outside.sendto(b"x", (guest.addresses[family], PORT))
        assert received(member) == received(stranger) == 0
        member.sendto(b"x", (UP[family], PORT))
        assert received(outside) == 1
        outside.sendto(b"x", (g1.addresses[family], PORT))
        assert received(member) == 1


@families
def test_what_the_connection_table_cannot_place(running, family):
    """An acknowledgement of what passed while somebody had flushed the ruleset, say: a member's passes, a stranger's does not."""
    lab, gw = running
    g1, s1 = lab.guests["g1"], lab.guests["s1"]
    gw.ctl("grant", g1.mac, "--zone", "guest")
    with frames.Wire(lab.name("up")) as up:
        for guest in (s1, g1):
            with frames.Wire(guest.namespace) as wire:
                wire.send(frames.tcp(GATEWAY_MAC, guest.mac, guest.addresses[family], UP[family], 1111, 4242, flags=SYN_FIN))
        ports = struct.pack("!HH", 1111, 4242)
        first = next((f for f in iter(lambda: up.receive(5.0 * SLOW), None) if ports in f), b"nothing arrived")
    assert ipaddress.ip_address(g1.addresses[family]).packed in first


@families
@pytest.mark.parametrize("how", ["revoke", "block", "untrust", "expiry", "quota"])
def test_streams_towards_a_guest_end_with_its_access(running, family, how):
    """portald deletes its connections; a neighbour's go on."""
    lab, gw = running
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    options = {"expiry": ["--for", "5s"], "quota": ["--quota-up", str(QUOTA)]}.get(how, [])
    gw.ctl("trust" if how == "untrust" else "grant", g1.mac, "--zone", "guest", *options)
    gw.ctl("grant", g2.mac, "--zone", "guest")
    with g1.download(family) as a, g1.stream(family) as b, g2.download(family) as c, g2.stream(family) as d:
        for flow in (a, b, c, d):
            flow.wait_progress(flow.STEP // 4)
        if how in ("revoke", "block", "untrust"):
            gw.ctl(how, g1.mac, "--zone", "guest")
        if how == "quota":
            assert blast(lab, g1, family, "up", 150) <= allowed("up")
        wait_until(lambda: ("guest", g1.mac) not in gw.sessions(), 30, "the session ends")
        assert_cut([a, b], [c, d])
    assert not lab.forwarded_of(g1)
    if how == "block":
        gw.ctl("unblock", g1.mac, "--zone", "guest")


def test_limits_that_need_it_are_refused(running):
    lab, gw = running
    g1 = lab.guests["g1"]
    for option in NEEDING:
        with pytest.raises(ControlError, match="this kernel has no egress hook"):
            gw.ctl("grant", g1.mac, "--zone", "guest", option, "1G")
    assert gw.sessions() == {}
    gw.ctl("grant", g1.mac, "--zone", "guest", "--rate-up", "4M", "--quota-down", "none")
    for option in NEEDING:
        with pytest.raises(ControlError, match="this kernel has no egress hook"):
            gw.ctl("set", g1.mac, option, "1G")
    assert gw.ctl("set", g1.mac, "--quota-up", "1G")["changed"] == 1


def test_the_zone_s_are_left_out(running):
    """A session shows what it is held to."""
    lab, gw = running
    t1 = lab.guests["t1"]
    t1.login(4)
    session = gw.sessions("rt")["rt", t1.mac]
    assert session["rate-down"] == 0 and session["quota-up"] == 10**9


@families
def test_a_quota_up_is_exact_with_portald_dead(running, family):
    lab, gw = running
    g1 = lab.guests["g1"]
    gw.ctl("grant", g1.mac, "--zone", "guest", "--quota-up", str(QUOTA))
    gw.kill(gw.pids()["portald"])
    assert blast(lab, g1, family, "up", 150) == allowed("up")


def test_restart_flush_and_link(running):
    """What else the gate does with its tables."""
    lab, gw = running
    g1 = lab.guests["g1"]
    gw.ctl("grant", g1.mac, "--zone", "guest", "--for", "1h")
    with g1.download(4) as a, g1.download(6) as b:
        for change in (gw.restart, lambda: lab.nft("flush ruleset"), lambda: lab.nft("delete table inet portald"), gw.reload):
            change()
            for flow in (a, b):
                flow.wait_progress(flow.STEP)
        assert not a.error and not b.error
    assert g1.is_online()
    lab.delete_bridge("br-guest")
    wait_until(lambda: gw.status()["zones"][0]["state"] == "missing", what="it is missed")
    lab.add_bridge("br-guest")
    wait_until(lambda: gw.status()["zones"][0]["state"] == "ready", what="it is ready")
    assert g1.is_online()


def test_a_kernel_with_the_hook_again(running):
    """The tables are completed for it, or made anew without it; sessions go on."""
    lab, gw = running
    g1, lacks = lab.guests["g1"], gw.env["LACKS"]
    gw.ctl("grant", g1.mac, "--zone", "guest", "--quota-up", "1G")
    blast(lab, g1, 4, "up", 20)

    def judge(netdev):
        session = gw.sessions()["guest", g1.mac]
        assert session["bytes-up"] >= 20 * PACKET and session["quota-up"] == 10**9
        assert ("table netdev portald" in lab.check("gw", ["nft", "list", "tables"])) == netdev
        assert g1.is_online()

    try:
        gw.lack(None)
        gw.restart()
        judge(True)
        assert "egress" not in gw.log()
        gw.stop()
        if lacks == "netdev":  # such a kernel cannot have the table
            lab.nft("delete table netdev portald")
    finally:
        gw.lack(lacks)
    gw.start()
    judge(False)


def test_teardown(running):
    lab, gw = running
    gw.stop()
    assert gw.teardown().returncode == 0
    assert not re.search("portald", lab.check("gw", ["nft", "list", "tables"]))
    gw.start()
