# SPDX-License-Identifier: GPL-2.0-or-later
"""RFC 8910 as DHCP clients see it: dhcpcd and busybox's udhcpc are told the captive portal API by a dnsmasq (and a radvd) with
portalctl's lines, and what they were told answers.  A network without a portal that devices would trust tells none.
"""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "net")]

import gateway  # noqa: E402
import real  # noqa: E402
from authority import NAME  # noqa: E402
from dhcp import Dhcpcd, Udhcpc  # noqa: E402
from lab import UP  # noqa: E402
from models import NOTHING, ONLINE, PORTAL  # noqa: E402
from places import Portald  # noqa: E402
from suite import COLUMNS, YES, examine, problems  # noqa: E402

CLIENTS = pytest.mark.parametrize("program, family", [(Udhcpc, 4), (Dhcpcd, 4), (Dhcpcd, 6)],
                                  ids=["udhcpc-114", "dhcpcd-114", "dhcpcd-103"])


@pytest.fixture(scope="module")
def place():
    with Portald(gateway.DIVERT, tls=True) as the_place:
        yield the_place


@pytest.fixture(scope="module")
def plain():
    with Portald(gateway.DIVERT) as the_place:
        yield the_place


def network(guest):
    """Its addresses and routes, without what is left of their lives."""
    return [guest.check(["ip", "-o", *what]) for what in (["addr", "show", "dev", "eth0", "scope", "global"], ["route"],
                                                          ["-6", "route"])]


@CLIENTS
def test_they_are_told_the_api(place, program, family):
    """And it answers, to one who has not logged in and to one who has; the lease is not used."""
    guest = place.guest
    place.gateway.revoke_all()
    before = network(guest)
    with program(guest.namespace, {family: UP[family]}, place.authority.path("ca.pem")) as device:
        assert device.apis == {family: f"https://{NAME}/api"}
        assert device.look(family) == PORTAL and device.sheet == f"https://{NAME}/login"
        place.gateway.grant(guest)
        assert device.look(family) == ONLINE
        place.gateway.revoke(guest)
        assert device.look(family) == PORTAL
    assert network(guest) == before
    with program(guest.namespace, {family: UP[family]}) as device:
        assert device.apis[family] and device.look(family) == NOTHING, "it does not trust the certificate"


@CLIENTS
def test_a_network_without_a_portal_tells_none(plain, program, family):
    with program(plain.guest.namespace, {family: UP[family]}) as device:
        assert device.apis == {family: None} and device.look(family) == NOTHING


@pytest.mark.parametrize("family, names", [(4, {"dhcpcd", "udhcpc"}), (6, {"dhcpcd"})], ids=["ipv4", "ipv6"])
def test_their_rows(place, plain, family, names):
    """In the suite's table where there is something for them to see."""
    place.gateway.revoke_all()
    outcome = examine(place.subject(family), place.commands(family), real_clients=real.ASKING)
    assert not problems(outcome)
    assert {n: outcome.clients[n] for n in names} == dict.fromkeys(names, dict.fromkeys(COLUMNS, YES))
    assert names == {"dhcpcd", "udhcpc"} & set(outcome.clients)
    assert not {"dhcpcd", "udhcpc"} & set(examine(plain.subject(family), real_clients=real.ASKING).clients)
