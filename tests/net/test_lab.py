# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab itself, without portald: what the other tests conclude from "nothing arrived" can be otherwise."""
import os

import pytest

import frames
from capture import parse_frame
from guest import assert_cut
from lab import FORBIDDEN, UP, Lab
from namespace import ip_batch, link_is_ready, seconds, wait_until

both = pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])


@pytest.fixture(scope="module", params=[False, True], ids=["routed", "masqueraded"])
def open_lab(request):
    """No gateway program: everything is forwarded.  Its verdict is not one of the run's."""
    with Lab(masquerade=request.param) as the_lab:
        the_lab.start_capture()
        the_lab.add_guest("g1")
        the_lab.add_guest("g2")
        the_lab.add_guest("s1")
        the_lab.add_guest("t1", "br-two")
        yield the_lab


@both
def test_upstream_serves(open_lab, family):
    for node in ("g1", "t1"):
        guest = open_lab.guests[node]
        assert guest.opens(family)
        assert guest.udp(UP[family], 443, b"quic") == b"quic"
        with guest.connect(UP[family], 22) as ssh:
            assert ssh.recv(64).startswith(b"SSH-")
        name = "[%s]" % UP[6] if family == 6 else UP[4]
        done = guest.run(["curl", "-sk", "-m", seconds(5), f"https://{name}/"])
        assert "The open internet" in done.stdout


@both
def test_names_resolve(open_lab, family):
    done = open_lab.guests["g1"].run(["curl", f"-s{family}", "-m", seconds(5), "http://anything.example/"])
    assert "The open internet" in done.stdout, done


def test_a_link_that_is_not_ready(open_lab):
    """IPv6 packets to an address whose route the kernel has not made yet are dropped."""
    g2 = open_lab.guests["g2"]
    route = f"local {g2.addresses[6]} dev eth0 table local"
    assert link_is_ready(g2.namespace, "eth0") and g2.opens(6)
    ip_batch(g2.namespace, [f"route del {route}"])
    assert not link_is_ready(g2.namespace, "eth0") and not g2.opens(6)
    ip_batch(g2.namespace, [f"route add {route}"])
    assert link_is_ready(g2.namespace, "eth0") and g2.opens(6)


def test_the_capture_sees_a_stranger(open_lab):
    """The proof of all other modules fails here, as it must."""
    stranger = open_lab.guests["s1"]
    for family in (4, 6):
        before = len(open_lab.leaks())
        assert stranger.opens(family, FORBIDDEN[family])
        open_lab.flush_capture()
        assert len(open_lab.leaks()) > before
    assert {p.family for p in open_lab.leaks()} == {4, 6}
    if not open_lab.masquerade:
        before = len(open_lab.leaks())
        assert stranger.opens(4)
        open_lab.flush_capture()
        assert len(open_lab.leaks()) > before, "a stranger is known by its address, wherever it calls"


@both
def test_what_passes_through_a_hole_is_no_leak(open_lab, family):
    """But what passes before or after it is."""
    stranger = open_lab.guests["s1"]
    open_lab.flush_capture()
    before = len(open_lab.leaks())
    assert stranger.opens(family, FORBIDDEN[family])
    with open_lab.hole():
        outside = len(open_lab.leaks())
        assert outside > before
        assert stranger.opens(family, FORBIDDEN[family])
    hole = open_lab.holes[-1]
    assert any(p.destination == FORBIDDEN[family] for p in open_lab.capture.packets()[hole.start:hole.stop])
    assert len(open_lab.leaks()) == outside
    assert stranger.opens(family, FORBIDDEN[family])
    open_lab.flush_capture()
    assert len(open_lab.leaks()) > outside


@both
def test_forged_frames_reach_upstream(open_lab, family):
    """Hand-made frames are right to their checksums: upstream answers a forged SYN."""
    stranger = open_lab.guests["s1"]
    gateway_mac = "02:00:5e:00:00:01"
    source = {4: "192.0.2.240", 6: "2001:db8:1::f0"}[family]
    with frames.Wire(stranger.namespace) as wire:
        wire.send(frames.tcp(gateway_mac, frames.spoofed_mac(1), source, FORBIDDEN[family], 40000, 80))
        open_lab.capture.wait_for(lambda p: p.sport == 40000 and p.destination == FORBIDDEN[family])
    if open_lab.masquerade:
        return
    claim = frames.arp_reply(frames.spoofed_mac(1), source, gateway_mac, "192.0.2.1") if family == 4 else \
        frames.neighbour_advertisement(frames.spoofed_mac(1), source, gateway_mac, "fe80::1")
    with frames.Wire(stranger.namespace) as wire:

        def answered():
            wire.send(claim)
            packet = parse_frame(wire.receive(0.2) or bytes(14))
            return packet and packet.source == FORBIDDEN[family] and packet.dport == 40000

        wait_until(answered, what="the SYN-ACK comes back to the forged MAC")


@both
def test_flows_move_and_stand(open_lab, family):
    g1, g2 = open_lab.guests["g1"], open_lab.guests["g2"]
    with g1.download(family) as a, g1.stream(family) as b, g2.download(family) as c, g2.stream(family) as d:
        with pytest.raises(AssertionError, match="still moving"):
            assert_cut([a], [c, d])
        with pytest.raises(AssertionError, match="still moving"):
            assert_cut([b], [c, d])
        open_lab.check("gw", ["ip", "link", "set", "v-g1", "down"])
        assert_cut([a, b], [c, d])
        open_lab.check("gw", ["ip", "link", "set", "v-g1", "up"])


def test_capture_is_whole(open_lab):
    open_lab.flush_capture()
    assert len(open_lab.capture.packets()) > 100


def test_nothing_is_left_over():
    with Lab() as the_lab:
        prefix, folder = the_lab.prefix, the_lab.folder
        pids = [p.pid for p in the_lab.processes]
        the_lab.add_guest("g1")
    assert not [n for n in os.listdir("/run/netns") if n.startswith(prefix)]
    assert not os.path.exists(folder)
    assert not os.path.exists(f"/etc/netns/{prefix}-g1")
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
