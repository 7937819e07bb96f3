# SPDX-License-Identifier: GPL-2.0-or-later
"""Strangers that send too much: the kernel's limits hold per MAC, and they fail closed when their sets are full."""
import time

import frames
from gateway import DIVERT
from conftest import families
from guest import bracket
from lab import FORBIDDEN, UP
from namespace import wait_until

GATEWAY_MAC = "02:00:5e:00:00:01"
MACS = 40_000	 # more than the meters hold
PER_SECOND = 20	 # connection-limit's default
BURST = 5 * PER_SECOND
SLACK = 50


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


@families
def test_one_stranger_s_connections_are_limited(lab, fresh, family):
    """Thousands of SYNs leave a bounded number of conntrack entries, or none where no socket answers them."""
    greedy = lab.add_guest("s1")
    greedy.get(f"http://{bracket(FORBIDDEN[family])}/")
    start = time.monotonic()
    with frames.Wire(greedy.namespace) as wire:
        for number in range(5000):
            wire.send(frames.tcp(GATEWAY_MAC, greedy.mac, greedy.addresses[family], FORBIDDEN[family], 10000 + number, 80))
    allowed = BURST + PER_SECOND * (time.monotonic() - start) + SLACK
    assert allowed < 2500
    source = f"src={greedy.addresses[family]} "
    left = [line for line in lab.conntrack_of(greedy) if "dport=80" in line and source in line]
    assert len(left) <= allowed, f"{len(left)} entries of 5000 SYNs"
    assert (len(left) == 0) == (DIVERT == "queue")
    other = lab.add_guest("s2")
    assert other.get(f"http://{bracket(FORBIDDEN[family])}/").status == 511, "the limit is per MAC"


@families
def test_limits_of_one_mac_with_both_families(lab, fresh, family):
    """One bucket for both families: IPv6 is no second helping."""
    greedy = lab.add_guest(f"s{3 + family}")
    start = time.monotonic()
    with frames.Wire(greedy.namespace) as wire:
        for number in range(1500):
            for f in (4, 6):
                wire.send(frames.tcp(GATEWAY_MAC, greedy.mac, greedy.addresses[f], FORBIDDEN[f], 10000 + number, 80))
    allowed = BURST + PER_SECOND * (time.monotonic() - start) + SLACK
    assert len([line for line in lab.conntrack_of(greedy) if "dport=80" in line]) <= allowed


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
        for number in range(2000):
            wire.send(frames.udp(GATEWAY_MAC, frames.spoofed_mac(MACS + number), source(family, number), FORBIDDEN[family],
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
    tunnel, other = lab.add_guest("s5"), lab.add_guest("s6")
    query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01"
    gateway_address = tunnel.gateway[family]
    with tunnel.socket(family, 2) as sock:
        sock.connect((gateway_address, 53))
        for _ in range(3000):
            sock.send(query)
        wait_until(lambda: is_answered(other, gateway_address, query), what="another guest's query is answered")
        answers = 0
        sock.settimeout(0.5)
        try:
            while sock.recv(4096):
                answers += 1
        except TimeoutError:
            pass
    assert 0 < answers < 1500, f"{answers} answers to 3000 queries"


def test_the_ruleset_is_whole_after_all(lab, fresh):
    g1 = lab.add_guest("g2")
    g1.login(4)
    assert g1.is_online()


