# SPDX-License-Identifier: GPL-2.0-or-later
"""A thief forges ARP or neighbour advertisements for a victim's address; the victim's login must not be the thief's."""
import ipaddress
import itertools
import threading

import pytest

import frames
from conftest import families
from guest import bracket, parse_page
from lab import FORBIDDEN, UP
from namespace import sysctl, wait_until

GATEWAY_MAC = "02:00:5e:00:00:01"


class Thief:
    """Says again and again that the victim's address is its own, and answers nothing."""

    ports = itertools.count(45000, 1000)  # each test its own: the kernel remembers them for a while

    def __init__(self, lab, node, victim, family):
        self.port = next(self.ports) % 20000 + 40000  # the victim's end of the connection that logs in
        self.guest, self.victim, self.family, self.lab = lab.guests[node], victim, family, lab
        self.wire = frames.Wire(self.guest.namespace)
        self._stop = threading.Event()
        self._thread = self._relay = None

    def claim(self):
        address = self.victim.addresses[self.family]
        if self.family == 4:
            return frames.arp_reply(self.guest.mac, address, GATEWAY_MAC, self.victim.gateway[4])
        return frames.neighbour_advertisement(self.guest.mac, address, GATEWAY_MAC, self.victim.gateway[6])

    def poison(self):
        """Returns when the gateway believes it."""
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        wait_until(lambda: self.guest.mac in self.entry(), what="the gateway believes the thief")

    def _work(self):
        while not self._stop.wait(0.02):
            self.wire.send(self.claim())

    def entry(self):
        return self.lab.check("gw", ["ip", "neigh", "show", "to", self.victim.addresses[self.family], "dev", "br-guest"])

    def syn(self, port=None):
        """A SYN from the victim's address, with the thief's own MAC."""
        self.wire.send(frames.tcp(GATEWAY_MAC, self.guest.mac, self.victim.addresses[self.family],
                                  self.victim.gateway[self.family], port or self.port, 80))

    def relay(self):
        """Hands the gateway's TCP packets for the victim on to it, so that it notices nothing."""
        self.lab.check("gw", ["ip", "link", "set", "br-guest", "gso_max_size", "1500", "gso_max_segs", "1"])
        self._relay = threading.Thread(target=self._hand_on, daemon=True)
        self._relay.start()

    def _hand_on(self):
        address = ipaddress.ip_address(self.victim.addresses[self.family]).packed
        at, protocol = (30, 23) if self.family == 4 else (38, 20)
        with frames.Wire(self.guest.namespace) as wire:
            while not self._stop.is_set():
                frame = wire.receive(0.1)
                if frame and frame[:6] == frames.mac_bytes(self.guest.mac) and frame[at:at + len(address)] == address and \
                        frame[protocol] == 6:
                    wire.send(frames.readdressed(frame, self.victim.mac, self.guest.mac))

    def close(self):
        self._stop.set()
        for thread in (self._thread, self._relay):
            if thread:
                thread.join()
        self.wire.close()
        self.lab.run("gw", ["ip", "neigh", "flush", "dev", "br-guest"])


@pytest.fixture
def scene(lab, fresh, family):
    victim = lab.add_guest("g1")
    sysctl(victim.namespace, "net.ipv4.ip_local_port_range", "20000 29999")  # never one that a thief has claimed
    lab.add_guest("s1")
    thief = Thief(lab, "s1", victim, family)
    yield fresh, victim, thief
    thief.close()


def post_login(victim, page, sock):
    """Sends the form; the thief may get the answer instead of the victim."""
    sock.settimeout(1.0)
    try:
        return victim.post_form(page, sock=sock)
    except OSError:
        return None


def connect(victim, thief):
    return victim.connect(victim.gateway[thief.family], 80, source=(victim.addresses[thief.family], thief.port))


def judge(gw, victim, thief):
    """The thief has nothing, now and after the victim's retransmissions have come through."""
    assert thief.guest.mac not in gw.everywhere()
    thief._stop.set()
    thief._thread.join()
    thief.lab.run("gw", ["ip", "neigh", "flush", "dev", "br-guest"])
    victim.get(f"http://{bracket(victim.gateway[thief.family])}/")
    wait_until(lambda: victim.mac in thief.entry(), what="the gateway knows the victim again")
    assert thief.guest.mac not in gw.everywhere()
    if victim.mac not in gw.everywhere():
        victim.login(thief.family)
    assert list(gw.everywhere()) == [victim.mac]


@families
def test_poisoned_between_the_page_and_the_form(lab, scene, family):
    gw, victim, thief = scene
    url = victim.login_page(family).url
    with connect(victim, thief) as sock:
        page = victim.get(url, sock=sock)
        thief.poison()
        answer = post_login(victim, page, sock)
        assert answer is None or answer.status != 303 or victim.mac in gw.everywhere()
        judge(gw, victim, thief)


@families
@pytest.mark.parametrize("order", ["before", "between", "after", "always"])
def test_with_syns_from_the_victim_s_address(lab, scene, family, order):
    """The thief also opens "the same" connection: before the victim does, while the page is shown, or after."""
    gw, victim, thief = scene
    url = victim.login_page(family).url
    if order in ("before", "always"):
        thief.syn()
    with connect(victim, thief) as sock:
        if order in ("between", "always"):
            thief.syn()
        page = victim.get(url, sock=sock)
        thief.poison()
        if order in ("after", "always"):
            thief.syn()
        post_login(victim, page, sock)
        judge(gw, victim, thief)


@families
def test_with_syns_from_many_ports(lab, scene, family):
    """The thief guesses: a hundred ports, as many as its limit lets through, the victim's among them."""
    gw, victim, thief = scene
    url = victim.login_page(family).url
    for port in range(thief.port - 50, thief.port + 50):
        thief.syn(port)
    with connect(victim, thief) as sock:
        page = victim.get(url, sock=sock)
        thief.poison()
        post_login(victim, page, sock)
        judge(gw, victim, thief)


@families
@pytest.mark.parametrize("first", [False, True], ids=["alone", "with-a-syn-before"])
def test_with_a_relay(lab, scene, family, first):
    """The thief stands between the gateway and the victim in one direction, and has guessed the victim's next port."""
    gw, victim, thief = scene
    url = victim.login_page(family).url
    if first:
        thief.syn()
    thief.poison()
    thief.relay()
    with connect(victim, thief) as sock:
        page = victim.get(url, sock=sock)
        if parse_page(page).forms:
            post_login(victim, page, sock)
        judge(gw, victim, thief)


@pytest.fixture
def disguised(scene):
    """The thief has the victim's addresses, and the victim is online."""
    gw, victim, thief = scene
    own = dict(thief.guest.addresses)
    sysctl(thief.guest.namespace, "net.ipv4.ip_local_port_range", "10000 19999")  # neither the victim's nor a claimed one
    victim.login(thief.family)
    thief.guest.readdress(victim.addresses)
    yield gw, victim, thief
    thief.guest.readdress(own)


@families
def test_the_thief_logs_in_itself_with_the_victim_s_address(lab, disguised, family):
    """It may: that is its own session.  The victim's is another."""
    gw, victim, thief = disguised
    thief.poison()
    thief.syn()
    assert list(gw.everywhere()) == [victim.mac], "a poisoned table is no grant"
    page = thief.guest.reach(f"http://{bracket(victim.gateway[family])}/login")
    assert list(gw.everywhere()) == [victim.mac], "nor is the page"
    assert thief.guest.post_form(page).status == 303
    assert gw.everywhere().keys() == {victim.mac, thief.guest.mac}
    gw.revoke(thief.guest)
    assert list(gw.everywhere()) == [victim.mac]


def send_beyond(guest, source, host, port):
    """A SYN to each port of the web and a datagram, with the guest's MAC."""
    with frames.Wire(guest.namespace) as wire:
        for to in (80, 443):
            wire.send(frames.tcp(GATEWAY_MAC, guest.mac, source, host, port, to))
        wire.send(frames.udp(GATEWAY_MAC, guest.mac, source, host, port, 443))


@families
def test_the_thief_s_own_traffic_with_the_victim_s_address(lab, scene, family):
    """The victim is online; the thief sends with the victim's address and its own MAC: nothing passes."""
    gw, victim, thief = scene
    victim.login(family)
    send_beyond(thief.guest, victim.addresses[family], FORBIDDEN[family], 4000)
    send_beyond(victim, victim.addresses[family], UP[family], 4001)
    lab.flush_capture()
    passed = {(p.sport, p.dport, p.protocol) for p in lab.capture.packets() if p.family == family and p.sport in (4000, 4001)}
    assert passed == {(4001, 80, 6), (4001, 443, 6), (4001, 443, 17)}, "the victim's own, and nothing else"
