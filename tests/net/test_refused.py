# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything but the portal is refused to a stranger at once, and nothing of it arrives upstream."""
import contextlib
import errno
import os
import socket
import time

import pytest

import gateway
import namespace
from conftest import families
from frames import ACK, RST, Wire, answered_port, tcp, udp
from guest import bracket
from lab import FORBIDDEN
from namespace import open_socket, seconds, wait_until

PER_SECOND = 20  # refuse-limit's default
PATIENCE = 8.0  # seconds, after which it was dropped


@pytest.fixture(scope="module", params=[False, True], ids=["routed", "masqueraded"])
def place(request, make_lab):
    lab = make_lab(masquerade=request.param)
    return lab, gateway.Gateway(lab)


@pytest.fixture(scope="module")
def stranger(place):
    return place[0].add_guest("s1")


def refused(call):
    """Runs call(), which must be told so by a reset or an ICMP error; the error number."""
    with pytest.raises(OSError) as e:
        call()
    assert e.value.errno in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.EACCES), repr(e.value)
    return e.value.errno


@families
@pytest.mark.parametrize("port", [443, 22, 25, 53, 853, 8080, 81, 65535])
def test_tcp(stranger, family, port):
    assert refused(lambda: stranger.connect(FORBIDDEN[family], port, PATIENCE)) == errno.ECONNREFUSED


@families
@pytest.mark.parametrize("port", [443, 53, 123, 7, 9000, 51820])
def test_udp(stranger, family, port):
    assert refused(lambda: stranger.udp(FORBIDDEN[family], port, b"hello", PATIENCE))


@families
def test_ping(stranger, family):
    done = stranger.run(["ping", "-c", "1", "-W", str(int(PATIENCE)), "-n", FORBIDDEN[family]])
    assert done.returncode == 1
    assert "+1 errors" in done.stdout, done.stdout


@families
def test_programs(stranger, family):
    """curl over HTTPS and a foreign DNS server, as a person would try them."""
    done = stranger.run(["curl", "-sSk", "-m", seconds(20), f"https://{bracket(FORBIDDEN[family])}/"])
    assert done.returncode == 7, done.stderr  # could not connect; 28: nobody answered


@families
def test_other_protocols(place, stranger, family):
    """GRE, ESP and SCTP: an ICMP error, and nothing upstream (the lab's verdict).  For a protocol that the kernel does not
    know it sends none, because it cannot check the packet."""
    for protocol in (47, 50, 132):
        with namespace.open_socket(stranger.namespace, {4: socket.AF_INET, 6: socket.AF_INET6}[family], socket.SOCK_RAW,
                                   protocol) as sock:
            sock.settimeout(PATIENCE)
            sock.connect((FORBIDDEN[family], 0))
            sock.send(b"\x20\0" + bytes(62))
            assert refused(lambda s=sock: s.recv(100))


@families
def test_towards_a_stranger(place, stranger, family):
    """Nothing from upstream reaches a stranger either."""
    lab, _ = place
    member = lab.add_guest("g1")
    place[1].grant(member)
    with Wire(stranger.namespace) as wire, Wire(member.namespace) as other, \
            namespace.open_socket(lab.name("up"), {4: socket.AF_INET, 6: socket.AF_INET6}[family], socket.SOCK_DGRAM) as up:
        if lab.masquerade:  # from outside of the NAT, with a route that an attacker upstream would give itself
            via = {4: "203.0.113.1", 6: "2001:db8:ff::1"}[family]
            for guest in (stranger, member):
                lab.run("up", ["ip", "route", "replace", guest.addresses[family], "via", via])
        for number in range(20):
            up.sendto(b"to the stranger", (stranger.addresses[family], 5000 + number))
        up.sendto(b"to the member", (member.addresses[family], 5000))
        seen = b""
        while b"to the member" not in seen:
            frame = other.receive(5.0)
            assert frame, "the member's datagram did not arrive"
            seen = frame
        while (frame := wire.receive(0.2)) is not None:
            assert b"to the stranger" not in frame


def is_refused(guest, family):
    try:
        guest.udp(FORBIDDEN[family], 7, b"x", 0.2)
    except TimeoutError:
        return False
    except OSError:
        return True
    raise AssertionError("it was answered")


@families
def test_refusals_do_not_run_out_for_others(place, family):
    """While one guest wants thousands of refusals, another gets its own."""
    lab, _ = place
    greedy, modest = lab.add_guest("s2"), lab.add_guest("s3")

    with Wire(greedy.namespace) as wire:
        frame = udp("02:00:5e:00:00:01", greedy.mac, greedy.addresses[family], FORBIDDEN[family], 7777, 7, b"x")
        for _ in range(5000):
            wire.send(frame)
        # The kernel sends at most 50 ICMP errors in 20 ms, whoever they are for: a datagram may have to be sent again.
        wait_until(lambda: is_refused(modest, family), what="the modest guest is refused")


@contextlib.contextmanager
def on_one_processor():
    """What this thread sends goes its way through the gateway on the same processor, up to the next process."""
    all_of_them = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(all_of_them)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_of_them)


@families
def test_made_up_addresses_keep_nobody_s_refusals_back(place, family):
    """ICMP errors to them wait, in a socket that all of the processor's errors share."""
    lab, _ = place
    liar, modest = lab.add_guest(f"s{4 + family}"), lab.add_guest(f"s{5 + family}")
    made_up = {4: "192.0.2.{}", 6: "2001:db8:1::bad:{:x}"}[family]
    with on_one_processor(), Wire(liar.namespace) as wire:
        for second in range(5):
            for number in range(150 if second == 0 else PER_SECOND):
                source = made_up.format(30 + (number + second * PER_SECOND) % 70)
                wire.send(udp("02:00:5e:00:00:01", liar.mac, source, FORBIDDEN[family], 7777, 443, bytes(1200)))
            time.sleep(1)
            assert is_refused(modest, family), f"{second} s after the first"


@families
def test_resets_of_one_guest_are_limited(place, family):
    """The kernel itself would reset as much as is asked of it."""
    lab, _ = place
    greedy, modest = lab.add_guest(f"s{family}"), lab.add_guest("s3")
    refused(lambda: greedy.connect(FORBIDDEN[family], 443, PATIENCE))
    syns = [tcp("02:00:5e:00:00:01", greedy.mac, greedy.addresses[family], FORBIDDEN[family], 10000 + number, 443)
            for number in range(5000)]
    resets, begun = set(), time.monotonic()
    with Wire(greedy.namespace) as wire:
        for frame in syns:
            wire.send(frame)
        assert refused(lambda: modest.connect(FORBIDDEN[family], 443, PATIENCE)) == errno.ECONNREFUSED
        while frame := wire.receive(1.0):
            if port := answered_port(frame, RST | ACK):
                resets.add(port)
    most = 5 * PER_SECOND + PER_SECOND * (time.monotonic() - begun) + 1
    assert 5 * PER_SECOND - 5 <= len(resets) <= most < 4000


def test_the_gateway_s_own_services(place, stranger):
    """A server of the gateway (here: SSH) is not open to strangers, in either family, on any of its addresses."""
    lab, _ = place
    with open_socket(lab.name("gw"), socket.AF_INET6, socket.SOCK_STREAM) as server:
        server.bind(("::", 22))
        server.listen()
        for host in (stranger.gateway[4], stranger.gateway[6], "203.0.113.1", "2001:db8:ff::1"):
            assert refused(lambda h=host: stranger.connect(h, 22, PATIENCE)) == errno.ECONNREFUSED
        with pytest.raises(OSError):  # the kernel's reset finds no way to a link-local address: closed, but not at once
            stranger.connect("fe80::1", 22, 1.0)
        # the server does listen
        with open_socket(lab.name("up"), socket.AF_INET, socket.SOCK_STREAM) as client:
            client.settimeout(PATIENCE)
            client.connect(("203.0.113.1", 22))


def test_the_web_ports_are_closed_upstream(place):
    """portald-web is not reachable from the WAN side."""
    lab, gw = place
    zone = gw.status()["zones"][0]
    for family, host in ((socket.AF_INET, "203.0.113.1"), (socket.AF_INET6, "2001:db8:ff::1")):
        for port in (80, zone["portal-port"], zone["divert-port"]):
            with open_socket(lab.name("up"), family, socket.SOCK_STREAM) as client:
                client.settimeout(1.0)
                with pytest.raises(OSError):
                    client.connect((host, port))


def test_the_web_ports_of_another_zone_are_closed(place):
    """A guest of a bridge that is no zone's, or of another zone's, does not reach this zone's portal by its ports."""
    lab, gw = place
    zone = gw.status()["zones"][0]
    other = lab.add_guest("t9", "br-two")
    for family in (4, 6):
        for host in (other.gateway[family], "192.0.2.1" if family == 4 else "2001:db8:1::1"):
            for port in (zone["portal-port"], zone["divert-port"]):
                with pytest.raises(OSError):
                    other.connect(host, port, 1.0)
