# SPDX-License-Identifier: GPL-2.0-or-later
"""Beside other people's rules: a host table with policy drop, a flushed ruleset's neighbours, Docker's bridge setting."""
import socket

import pytest

import gateway
from conftest import families
from guest import assert_cut
from lab import UP
from namespace import open_socket, seconds, sysctl, wait_until

# The two lines that such a host needs for portald, as the README gives them, are marked.
HOST = """
table inet host {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iifname "lo" accept
		iifname "wan0" icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
		meta mark and 0x00800000 == 0x00800000 accept	# portald
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		iifname "br-guest" oifname "wan0" accept	# portald
	}
}
"""


@pytest.fixture(scope="module", params=[False, True], ids=["routed", "masqueraded"])
def place(request, make_lab):
    lab = make_lab(masquerade=request.param)
    for node in ("g1", "g2", "s1"):
        lab.add_guest(node)
    lab.nft(HOST)
    return lab, gateway.Gateway(lab)


@pytest.fixture
def clean(place):
    lab, gw = place
    gw.revoke_all()
    yield lab, gw
    gw.revoke_all()


@families
def test_the_whole_journey_behind_policy_drop(clean, family):
    lab, gw = clean
    g1, g2, s1 = (lab.guests[n] for n in ("g1", "g2", "s1"))
    assert g1.is_stranger() and s1.is_stranger()
    assert g1.run(["curl", f"-s{family}", "-m", seconds(8), "-o", "/dev/null", "-w", "%{http_code}",
                   "http://anything.example/"]).stdout == "511", "DNS to the gateway works as well"
    g1.login(family)
    gw.grant(g2)
    assert g1.is_online()
    assert g1.run(["curl", f"-s{family}", "-m", seconds(8), "http://anything.example/"]).stdout.count("open internet") == 1
    with g1.download(family) as a, g1.stream(family) as b, g2.download(family) as c, g2.stream(family) as d:
        for flow in (a, b, c, d):
            flow.wait_progress(50)
        gw.revoke(g1)
        assert_cut([a, b], [c, d])
    assert g1.is_stranger()


def test_the_host_s_table_is_as_it_was(clean):
    lab, gw = clean
    listing = lab.check("gw", ["nft", "list", "table", "inet", "host"])
    lab.guests["g1"].login(4)
    gw.restart()
    gw.reload_now()
    assert lab.check("gw", ["nft", "list", "table", "inet", "host"]) == listing
    assert "portald" not in listing


@families
def test_the_host_decides_what_members_reach_of_it(clean, family):
    """A service of the gateway: the host's policy holds for members, ours for strangers."""
    lab, gw = clean
    g1, s1 = lab.guests["g1"], lab.guests["s1"]
    with open_socket(lab.name("gw"), socket.AF_INET6, socket.SOCK_STREAM) as server:
        server.bind(("::", 2222))
        server.listen()
        gw.grant(g1)
        for guest in (g1, s1):
            with pytest.raises(OSError):
                guest.connect(guest.gateway[family], 2222, 1.0)
        lab.nft("insert rule inet host input tcp dport 2222 accept")
        try:
            g1.connect(g1.gateway[family], 2222, 5.0).close()
            with pytest.raises(ConnectionRefusedError):
                s1.connect(s1.gateway[family], 2222, 5.0)
        finally:
            handle = [line for line in lab.check("gw", ["nft", "-a", "list", "chain", "inet", "host", "input"]).splitlines()
                      if "2222" in line][0].rsplit(" ", 1)[1]
            lab.nft(f"delete rule inet host input handle {handle}")


def test_a_host_firewall_that_reloads(clean):
    """The host's own script deletes and loads its table (not ours): strangers stay out, members stay online."""
    lab, gw = clean
    g1, s1 = lab.guests["g1"], lab.guests["s1"]
    gw.grant(g1)
    with g1.download(4) as flow:
        lab.nft("delete table inet host\n" + HOST)
        flow.wait_progress(flow.STEP)
    assert g1.is_online() and s1.is_stranger()


def test_bridged_frames_through_our_chains(clean):
    """bridge-nf-call-iptables=1: named by status, members of one bridge still reach each other and the internet."""
    lab, gw = clean
    name = lab.name("gw")
    if sysctl(name, "net.bridge.bridge-nf-call-iptables") is None:
        pytest.skip("this kernel has no br_netfilter")
    lab.nft("delete table inet host")
    for key in ("iptables", "ip6tables"):
        sysctl(name, f"net.bridge.bridge-nf-call-{key}", 1)
    try:
        g1, g2, s1 = (lab.guests[n] for n in ("g1", "g2", "s1"))
        check = gw.check_config()
        assert check.returncode == 0 and "bridge-nf-call-iptables" in check.stdout + check.stderr
        assert s1.is_stranger()
        g1.login(4)
        gw.grant(g2)
        assert g1.is_online() and g2.is_online()
        for family in (4, 6):
            with g2.socket(family, socket.SOCK_DGRAM) as there:
                there.bind((g2.addresses[family], 7000))
                with g1.socket(family, socket.SOCK_DGRAM) as here:
                    there.settimeout(0.3)

                    def arrives():
                        here.sendto(b"x", (g2.addresses[family], 7000))
                        try:
                            return there.recv(10) == b"x"
                        except TimeoutError:
                            return False

                    wait_until(arrives, what="a datagram from member to member")
        with g1.download(4) as mine, g1.stream(6) as stream, g2.download(6) as theirs:
            mine.wait_progress(1000)
            stream.wait_progress(10)
            gw.revoke(g1)
            assert_cut([mine, stream], [theirs])
        assert g1.is_stranger()
    finally:
        for key in ("iptables", "ip6tables"):
            sysctl(name, f"net.bridge.bridge-nf-call-{key}", 0)
        lab.nft(HOST)


@pytest.mark.parametrize("key,what", [("net.ipv4.ip_forward", "IPv4"), ("net.ipv6.conf.all.forwarding", "IPv6")])
def test_forwarding_that_is_off_is_named(clean, key, what):
    lab, gw = clean
    sysctl(lab.name("gw"), key, 0)
    try:
        check = gw.check_config()
        assert check.returncode == 0
        assert key in check.stdout + check.stderr, f"{what} forwarding is off, and nobody says which setting mends it"
    finally:
        sysctl(lab.name("gw"), key, 1)
        if what == "IPv6":  # turning it off and on removes nothing of the lab's but the bridge's all-routers memberships
            wait_until(lambda: lab.guests["g1"].get(f"http://[{UP[6]}]/").status == 511)
