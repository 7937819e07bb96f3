# SPDX-License-Identifier: GPL-2.0-or-later
"""The end of a session, by revoke or by time: running transfers stop in both directions, everybody else's go on."""
import contextlib
import os
import signal
import socket

import pytest

import gateway
import namespace
from conftest import families
from guest import FAMILY, assert_cut
from lab import UP
from namespace import SLOW, wait_until

SESSION = round(2 + 3 * SLOW)  # seconds, in which all transfers have begun
CONFIG = f"""
zone "guest" {{
  interface = "br-guest"
  session = "{SESSION}s"
}}
"""
LIMIT = SESSION + 27.0  # seconds in which a session must have ended


@pytest.fixture(scope="module", params=[False, True], ids=["routed", "masqueraded"])
def place(request, make_lab):
    lab = make_lab(masquerade=request.param)
    for node in ("g1", "g2"):
        lab.add_guest(node)
    return lab, gateway.Gateway(lab, CONFIG)


@pytest.fixture
def running(place):
    """The lab, portald, and a function that starts every kind of transfer for a guest."""
    lab, gw = place
    if not gw.process.alive():
        gw.start()
    gw.revoke_all()
    with contextlib.ExitStack() as stack:
        def transfers(guest):
            flows = [stack.enter_context(kind(family)) for family in (4, 6) for kind in (guest.download, guest.stream)]
            for flow in flows:
                flow.wait_progress(flow.STEP // 4)
            return flows
        yield lab, gw, transfers
    if gw.process.alive():
        gw.revoke_all()


def test_revoke(running):
    lab, gw, transfers = running
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    gw.grant(g1, g2)
    mine, theirs = transfers(g1), transfers(g2)
    kept = lab.forwarded_of(g2)
    assert lab.forwarded_of(g1) and kept
    assert gw.revoke(g1)["revoked"] == 1
    assert_cut(mine, theirs)
    assert not any(f.error for f in theirs)
    assert g1.is_stranger()


def test_revoke_deletes_the_guest_s_conntrack_entries_and_nobody_else_s(running):
    lab, gw, transfers = running
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    gw.grant(g1, g2)
    mine, theirs = transfers(g1), transfers(g2)
    for flow in mine:
        flow.close()  # so that nothing of the guest's makes new entries
    gw.grant(g1)
    namespace.sysctl(lab.name("gw"), "net.netfilter.nf_conntrack_udp_timeout", 600)
    with namespace.open_socket(lab.name("gw"), socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.sendto(b"x", (UP[4], 7))
        ports = {f"sport={sock.getsockname()[1]}" for sock in (own, *(f.sock for f in theirs))}
        before = {e for e in map(entry, lab.conntrack()) if ports & set(e)}
        assert len(before) >= len(ports) and lab.forwarded_of(g1)
        gw.revoke(g1)
        assert not replied(lab.forwarded_of(g1))
        after = {entry(line) for line in lab.conntrack()}
    assert before <= after, f"lost: {before - after}"
    assert_cut([], theirs)
    assert not any(f.error for f in theirs)


def replied(lines):
    """Without those that upstream's retransmissions make anew: nothing answers them."""
    return [line for line in lines if "UNREPLIED" not in line]


def entry(line):
    """What names a conntrack entry: protocol, addresses and ports of the original direction."""
    words = line.split()
    return (words[0], *[w for w in words if w.startswith(("src=", "dst=", "sport=", "dport="))][:4])


@families
def test_who_waits_for_the_server_hears_of_it(running, family):
    """Its kernel's next probe, which is an acknowledgement alone, is answered with a reset."""
    lab, gw, _ = running
    g1 = lab.guests["g1"]
    gw.grant(g1, for_="1h")
    with g1.connect(UP[family], 80) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 100)):
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
        gw.revoke(g1)
        sock.settimeout(LIMIT)
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


def test_many_leave_at_once(running):
    """A hundred, each with an address of both families: more than glibc sorts without asking how much memory there is."""
    lab, gw, transfers = running
    g1, pids = lab.guests["g1"], gw.pids()
    many = [f"02:10:00:00:00:{n:02x}" for n in range(100)]
    gw.grant(g1, *many, for_="1h")
    flows = transfers(g1)
    namespace.ip_batch(lab.name("gw"), [
        f"neigh replace {address} lladdr {mac} dev br-guest nud reachable"
        for n, mac in enumerate(many) for address in (f"192.0.2.{50 + n}", f"2001:db8:1::{1000 + n}")])
    wait_until(lambda: all(len(s["addresses"]) == 2 for (_, mac), s in gw.sessions().items() if mac in many),
               what="portald knows the addresses")
    assert gw.revoke(*many, g1)["revoked"] == 101
    assert_cut(flows, [])
    assert not replied(lab.forwarded_of(g1))
    assert gw.process.alive() and gw.pids() == pids


@families
def test_revoke_closes_what_upstream_sends_by_itself(running, family):
    """A sender that never waits for the guest (no NAT between) is cut as well."""
    lab, gw, _ = running
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    if lab.masquerade:
        pytest.skip("behind a masquerade nothing from upstream comes unasked")
    gw.grant(g1, g2)
    with g1.socket(family, socket.SOCK_DGRAM) as to_g1, g2.socket(family, socket.SOCK_DGRAM) as to_g2, \
            namespace.open_socket(lab.name("up"), FAMILY[family], socket.SOCK_DGRAM) as up:
        to_g1.bind((g1.addresses[family], 6000))
        to_g2.bind((g2.addresses[family], 6000))

        def arrives(number):
            up.sendto(b"%d" % number, (g1.addresses[family], 6000))
            up.sendto(b"%d" % number, (g2.addresses[family], 6000))
            while to_g2.recv(100) != b"%d" % number:
                pass
            to_g1.settimeout(0.05)
            try:
                while to_g1.recv(100) != b"%d" % number:
                    pass
                return True
            except TimeoutError:
                return False

        wait_until(lambda: arrives(1), what="a datagram from upstream reaches the guest")
        gw.revoke(g1)
        assert not any(arrives(number) for number in range(2, 30))
        gw.grant(g1)
        wait_until(lambda: arrives(99), what="a datagram reaches the guest again")


def test_logout_by_the_guest_cuts_its_transfers(running):
    lab, gw, transfers = running
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    gw.grant(g1, g2)
    mine, theirs = transfers(g1), transfers(g2)
    page = g1.reach(f"http://{g1.gateway[4]}/logout")
    assert g1.post_form(page).status == 303
    assert_cut(mine, theirs)


@families
def test_expiry(running, family):
    lab, gw, transfers = running
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    gw.grant(g2, for_="1h")
    theirs = transfers(g2)
    g1.login(family)
    mine = transfers(g1)
    wait_until(lambda: g1.mac not in gw.everywhere(), LIMIT, "the session has ended")
    assert_cut(mine, theirs)
    assert g1.is_stranger()
    wait_until(lambda: list(gw.sessions()) == [("guest", g2.mac)], what="portalctl list knows it")
    wait_until(lambda: not replied(lab.forwarded_of(g1)), what="no entry is left")


def test_expiry_with_every_process_dead(running):
    lab, gw, transfers = running
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    gw.grant(g2, for_="1h")
    theirs = transfers(g2)
    gw.grant(g1, for_=f"{SESSION + 1}s")
    mine = transfers(g1)
    gw.kill(gw.all_pids())
    assert g1.mac in gw.everywhere(), "the session outlives the programs"
    wait_until(lambda: g1.mac not in gw.everywhere(), LIMIT, "the session has ended")
    assert_cut(mine, theirs)
    assert not any(f.error for f in theirs)
    with pytest.raises(OSError):
        g1.connect("203.0.113.66", 443, 2.0)
    gw.start()
    assert list(gw.sessions()) == [("guest", g2.mac)]
    assert g1.is_stranger() and g2.is_online()


def test_a_new_grant_changes_the_end(running):
    """Longer and shorter: the kernel's timeout is the new one, and the transfers go on."""
    lab, gw, transfers = running
    g1 = lab.guests["g1"]
    gw.grant(g1, for_="1h")
    flows = transfers(g1)
    for text, seconds in (("2h", 7200), ("10m", 600), ("3d", 3 * 86400)):
        gw.grant(g1, for_=text)
        left = gw.everywhere()[g1.mac]
        assert seconds - 60 <= left <= seconds
    assert_cut([], flows)
    assert not any(f.error for f in flows)


def test_the_engine_s_death_does_not_prolong_a_session(running):
    """After kill -9 and a restart the end is the kernel's."""
    lab, gw, _ = running
    g1 = lab.guests["g1"]
    gw.grant(g1, for_="10m")
    os.kill(gw.process.pid, signal.SIGKILL)
    gw.wait_gone(gw.known)
    gw.start()
    earlier, told, later = gw.members()[g1.mac], gw.sessions()[("guest", g1.mac)]["seconds-left"], gw.members()[g1.mac]
    assert later - 1 <= told <= earlier + 1 <= 601  # one rounds up, the other down
