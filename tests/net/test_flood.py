# SPDX-License-Identifier: GPL-2.0-or-later
"""Strangers that send too much: the kernel's limits hold per MAC, and they fail closed when their sets are full."""
import contextlib
import socket
import time

import frames
from gateway import DIVERT
from conftest import families
from guest import bracket
from lab import FORBIDDEN, UP
from namespace import wait_until

GATEWAY_MAC = "02:00:5e:00:00:01"
SO_RCVBUFFORCE = 33
MACS = 40_000	 # more than the meters hold
PER_SECOND = 20 if DIVERT == "redirect" else 20 * 8  # connection-limit's default, in connections and in packets
BURST = 5 * PER_SECOND
LEAST = BURST * (0.5 if DIVERT == "queue" else 1) - 30	# what requests before have taken, or their answers
DNS_PER_SECOND = 20  # dns-limit's default


def source(family, number):
    """An address that no guest of the lab has; few of them, as a real neighbour table is small."""
    return f"192.0.2.{181 + number % 64}" if family == 4 else f"2001:db8:1::bad:{number % 64:x}"


def spoofed_syns(family, count, port=80, first=0):
    """One SYN from each of `count` MACs; made before the flood, so that it is as fast as it can be."""
    template = frames.tcp(GATEWAY_MAC, frames.spoofed_mac(0), source(family, 0), FORBIDDEN[family], 1024, port)
    made = []
    for number in range(first, first + count):
        if number % 64 == first % 64 or len(made) < 64:
            made.append(frames.tcp(GATEWAY_MAC, frames.spoofed_mac(number), source(family, number), FORBIDDEN[family],
                                   1024 + number % 60000, port))
        else:
            mac = frames.mac_bytes(frames.spoofed_mac(number))
            made.append(made[len(made) % 64][:6] + mac + made[len(made) % 64][12:])
    assert len(template) == len(made[0])
    return made


def answered_syns(guest, families, count):
    """The SYNs that were answered of `count` to each family, as (family, port), and the most that might be.  A packet takes
    a token: with redirect a SYN, with queue the reset of the guest's own kernel, which knows nothing of it, as well."""
    syns = [frames.tcp(GATEWAY_MAC, guest.mac, guest.addresses[f], FORBIDDEN[f], 10000 + number, 80)
            for number in range(count) for f in families]
    answered, begun = set(), time.monotonic()
    with frames.Wire(guest.namespace) as wire:
        for frame in syns:
            wire.send(frame)
        while frame := wire.receive(1.0):
            if port := frames.answered_port(frame):
                answered.add(port)
    return answered, BURST + PER_SECOND * (time.monotonic() - begun) + 1


@families
def test_one_stranger_s_connections_are_limited(lab, fresh, family):
    """Thousands of SYNs leave a bounded number of conntrack entries, or none where no socket answers them."""
    greedy, other = lab.add_guest(f"s{family}"), lab.add_guest("s2")
    greedy.get(f"http://{bracket(FORBIDDEN[family])}/")
    answered, most = answered_syns(greedy, [family], 5000)
    assert LEAST <= len(answered) <= most < 2500
    source = f"src={greedy.addresses[family]} "
    left = [line for line in lab.conntrack_of(greedy) if "dport=80" in line and source in line]
    assert len(left) <= most, f"{len(left)} entries of 5000 SYNs"
    assert (len(left) == 0) == (DIVERT == "queue")
    assert other.get(f"http://{bracket(FORBIDDEN[family])}/").status == 511, "the limit is per MAC"


def test_limits_of_one_mac_with_both_families(lab, fresh):
    """One bucket for both families: IPv6 is no second helping."""
    greedy = lab.add_guest("s8")
    for family in (4, 6):
        greedy.get(f"http://{bracket(FORBIDDEN[family])}/")
    answered, most = answered_syns(greedy, [4, 6], 1500)
    assert {family for family, _ in answered} == {4, 6}
    assert LEAST <= len(answered) <= most < 2500


@families
def test_spoofed_macs_that_fill_the_meters(lab, fresh, family):
    """Still closed; who was known before, and who is online, is served in the middle of it."""
    known, member = lab.add_guest("s2"), lab.add_guest("g1")
    liar = lab.add_guest("s3")
    fresh.grant(member)
    assert known.get(f"http://{bracket(FORBIDDEN[family])}/").status == 511
    before = len(lab.conntrack())
    syns = spoofed_syns(family, MACS)
    start = time.monotonic()
    with member.download(family) as flow, frames.Wire(liar.namespace) as wire:
        for number, frame in enumerate(syns):
            wire.send(frame)
            if number in (MACS // 2, MACS - 1000):
                assert known.get(f"http://{bracket(FORBIDDEN[family])}/").status == 511
                assert member.opens(family, UP[family])
        flow.wait_progress(flow.STEP)
        # the meters are full now: what does not fit is dropped or refused, whatever it is
        for port in (443, 22, 53):
            for frame in spoofed_syns(family, 2000, port=port, first=MACS):
                wire.send(frame)
        # From an address that answers: ICMP errors that wait for one that does not hold a socket of the kernel's, which all
        # network namespaces share (icmpv6_xmit_lock()), and so other tests would get none for three seconds.
        for number in range(2000):
            wire.send(frames.udp(GATEWAY_MAC, frames.spoofed_mac(MACS + number), liar.addresses[family], FORBIDDEN[family],
                                 5000, 443, b"quic"))
    lab.flush_capture()
    assert not lab.leaks()
    seconds = time.monotonic() - start
    grown = len(lab.conntrack()) - before
    assert grown < 20_000, f"{grown} conntrack entries after {MACS} SYNs in {seconds:.1f} s"
    assert known.is_stranger() and member.is_online()
    assert list(fresh.everywhere()) == [member.mac]


def is_answered(guest, server, query):
    try:
        return guest.udp(server, 53, query, timeout=0.5)[:2] == query[:2]
    except TimeoutError:
        return False


@families
def test_a_dns_flood_leaves_dns_to_others(lab, fresh, family):
    """Queries to the gateway's resolver are limited per MAC (a tunnel's bandwidth), others' go on."""
    tunnel, other = lab.add_guest(f"s{5 + family}"), lab.add_guest("s2")
    query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01"
    gateway_address = tunnel.gateway[family]
    with tunnel.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        sock.connect((gateway_address, 53))
        begun = time.monotonic()
        for _ in range(3000):
            sock.send(query)
        wait_until(lambda: is_answered(other, gateway_address, query), what="another guest's query is answered")
        answers = 0
        sock.settimeout(1.0)
        with contextlib.suppress(TimeoutError):
            while sock.recv(4096):
                answers += 1
    most = 5 * DNS_PER_SECOND + DNS_PER_SECOND * (time.monotonic() - begun) + 1
    assert 5 * DNS_PER_SECOND <= answers <= most < 2500


def test_the_ruleset_is_whole_after_all(lab, fresh):
    g1 = lab.add_guest("g2")
    g1.login(4)
    assert g1.is_online()


