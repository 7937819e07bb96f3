# SPDX-License-Identifier: GPL-2.0-or-later
"""The walled garden: strangers reach what it lists, over IPv4 and IPv6 and whichever way port 80 is diverted, and nothing
else.

Guests of the lab are strangers here until they log in.
"""
import socket
import struct

import pytest

import gateway
from conftest import families
from frames import ACK, Wire, tcp
from guest import assert_cut, bracket
from lab import FORBIDDEN, UP, WAN
from namespace import open_socket, seconds, wait_until
from test_flush import restored_by
from test_refused import refused

GATEWAY_MAC = "02:00:5e:00:00:01"
OURS = 9999  # a port of the garden that upstream does not listen on
ENTRIES = " ".join(f"{net}:80-443/tcp {net}:123/udp {net}:{OURS}/udp" for net in ("203.0.113.0/30", "[2001:db8:ff::/126]"))
ZONE = """
zone "guest" {
  interface = "br-guest"
  connection-limit = %d
  walled-garden = "%s"
}
"""
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}


@pytest.fixture(scope="module")
def gw(lab):
    return gateway.Gateway(lab, ZONE % (20, ENTRIES), "accounting = 1s\n")


def connects(guest, host, port):
    try:
        guest.connect(host, port).close()
    except OSError:
        return False
    return True


@families
def test_what_is_listed(lab, fresh, family):
    g1, up = lab.add_guest("g1"), UP[family]
    assert g1.opens(family)
    g1.connect(up, 443).close()
    assert g1.udp(up, 123, b"listed") == b"listed"
    # the next ports, another protocol on a listed one, and other addresses
    assert refused(lambda: g1.connect(up, 444))
    assert refused(lambda: g1.connect(up, 79))
    assert refused(lambda: g1.udp(up, 7, b"x"))
    assert refused(lambda: g1.udp(up, 443, b"x"))
    assert refused(lambda: g1.udp(FORBIDDEN[family], 123, b"x"))
    assert g1.run(["ping", "-c", "1", "-W", seconds(5), "-n", up]).returncode == 1
    assert g1.is_stranger()


@families
def test_the_gateway_is_not_in_it(lab, fresh, family):
    """Its own address lies in a listed prefix: its services stay closed."""
    g1 = lab.add_guest("g1")
    with open_socket(lab.name("gw"), FAMILY[family], socket.SOCK_STREAM) as server:
        server.bind((WAN[family], 443))
        server.listen()
        assert refused(lambda: g1.connect(WAN[family], 443))
    assert refused(lambda: g1.connect(WAN[family], 80))
    assert g1.get(f"http://{bracket(g1.gateway[family])}/").status in (302, 303, 511, 200)


@families
def test_only_answers_come_back(lab, fresh, family):
    """A listed host cannot begin to speak with a stranger, from a listed port either."""
    g1 = lab.add_guest("g1")
    with Wire(g1.namespace) as wire, open_socket(lab.name("up"), FAMILY[family], socket.SOCK_DGRAM) as up, \
            g1.socket(family, socket.SOCK_DGRAM) as asker:
        up.settimeout(5.0)
        up.bind((UP[family], OURS))
        for port in range(5001, 5020):
            up.sendto(b"unasked", (g1.addresses[family], port))
        asker.sendto(b"question", (UP[family], OURS))
        up.sendto(b"the answer", up.recvfrom(100)[1])
        assert asker.recv(100) == b"the answer"
        while (frame := wire.receive(0.2)) is not None:
            assert b"unasked" not in frame


@families
def test_a_login_changes_nothing_for_its_connections(lab, fresh, family):
    g1 = lab.add_guest("g1")
    with g1.download(family) as flow:
        flow.wait_progress(flow.STEP)
        g1.login(family)
        flow.wait_progress(flow.STEP)
        assert not flow.error


@families
def test_a_member_pays_for_it(lab, fresh, family):
    """The garden is for strangers: what a member loads from there counts."""
    g1 = lab.add_guest("g1")
    g1.login(family)
    assert len(g1.get(f"http://{bracket(UP[family])}/bytes/200000").body) == 200000
    wait_until(lambda: fresh.sessions()["guest", g1.mac]["bytes-down"] > 200000, what="it is counted")


@families
def test_flush(lab, fresh, family):
    g1 = lab.add_guest("g1")
    with g1.download(family) as flow:
        flow.wait_progress(flow.STEP)
        restored_by(fresh, lambda: lab.nft("flush ruleset"))
        flow.wait_progress(flow.STEP)
    assert g1.opens(family) and g1.is_stranger()


@families
def test_what_the_connection_table_does_not_follow(lab, fresh, family):
    """After a flush it may have missed what the server sent, and takes a guest's acknowledgement of that for invalid: without
    it the download would stand still for good."""
    g1 = lab.add_guest("g1")
    with g1.download(family) as flow, Wire(g1.namespace) as wire, Wire(lab.name("up")) as up:
        flow.wait_progress(flow.STEP)
        ports = struct.pack("!HH", 80, flow.sock.getsockname()[1])
        frame = wait_until(lambda: next((f for f in [wire.receive(1.0)] if f and ports in f), None), what="the server sends")
        sent, own = struct.unpack_from("!II", frame, frame.index(ports) + 4)
        ahead = sent + 100_000_000 & 0xFFFFFFFF
        wire.send(tcp(GATEWAY_MAC, g1.mac, g1.addresses[family], UP[family], flow.sock.getsockname()[1], 80, ACK, own, ahead))
        # many at a time: all of the download's acknowledgements are before it
        wait_until(lambda: any(struct.pack("!II", own, ahead) in (up.receive(0.1) or b"") for _ in range(100)),
                   what="it arrives upstream")


def reloaded(gw, limit, entries):
    gw.write_config(ZONE % (limit, entries))
    gw.reload_now()


@families
def test_reload_closes_and_opens(lab, fresh, family):
    """What is not listed any more ends, running connections as well."""
    g1, member = lab.add_guest("g1"), lab.add_guest("g2")
    member.login(family)
    try:
        with g1.download(family) as flow, member.download(family) as control:
            flow.wait_progress(flow.STEP)
            reloaded(fresh, 20, "none")
            wait_until(lambda: not connects(g1, UP[family], 443), what="the garden is closed")
            assert g1.get(f"http://{bracket(UP[family])}/").status == 511
            assert_cut([flow], [control])
    finally:
        reloaded(fresh, 20, ENTRIES)
    wait_until(lambda: connects(g1, UP[family], 443), what="the garden is open again")
    assert g1.opens(family)


@families
def test_answers_end_with_the_entry(lab, fresh, family):
    """The other end of a connection whose guest is silent is not listed any more: it cannot go on, until it is again."""
    g1 = lab.add_guest("g1")
    with open_socket(lab.name("up"), FAMILY[family], socket.SOCK_DGRAM) as up, g1.socket(family, socket.SOCK_DGRAM) as asker:
        up.settimeout(5.0)
        up.bind((UP[family], OURS))
        asker.sendto(b"question", (UP[family], OURS))
        peer = up.recvfrom(100)[1]
        try:
            reloaded(fresh, 20, "none")
            wait_until(lambda: not connects(g1, UP[family], 443), what="the garden is closed")
            up.sendto(b"late", peer)
        finally:
            reloaded(fresh, 20, ENTRIES)
        wait_until(lambda: connects(g1, UP[family], 443), what="the garden is open again")
        up.sendto(b"again", peer)
        assert asker.recv(100) == b"again"


@families
def test_a_flood_fills_nothing(lab, fresh, family):
    """New connections to the garden are limited for each stranger: of 300, the burst of 5 and a few more."""
    greedy, modest = lab.add_guest(f"g{family}"), lab.add_guest(f"g{family + 4}")
    try:
        reloaded(fresh, 1, ENTRIES)
        assert greedy.udp(UP[family], 123, b"first") == b"first"
        answered = 0
        socks = [greedy.socket(family, socket.SOCK_DGRAM, 1.0) for _ in range(300)]
        for sock in socks:
            sock.sendto(b"x", (UP[family], 123))
        assert modest.udp(UP[family], 123, b"modest") == b"modest"
        for sock in socks:
            sock.setblocking(False)
            try:
                answered += sock.recv(10) == b"x"
            except OSError:
                pass
            sock.close()
        assert 0 < answered < 100
    finally:
        reloaded(fresh, 20, ENTRIES)


@pytest.mark.parametrize("entries, said", [
    ("192.0.2.1/24", 'walled-garden: "192.0.2.1/24" cannot be'),
    ("example", 'walled-garden: "example" cannot be'),
    ("192.0.2.0/24 192.0.2.7:443", 'walled-garden: "192.0.2.7:443" overlaps'),
    (" ".join(f"192.0.2.{n}" for n in range(65)), 'walled-garden: "192.0.2.64" is one too many'),
])
def test_errors_name_the_line(gw, entries, said):
    line = gw.write_config(ZONE % (20, entries)) + 5
    done = gw.check_config()
    gw.write_config(ZONE % (20, ENTRIES))
    assert done.returncode != 0 and f":{line}: zone \"guest\": {said}" in done.stdout + done.stderr
