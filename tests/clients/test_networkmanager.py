# SPDX-License-Identifier: GPL-2.0-or-later
"""What is NetworkManager's own: it changes nothing, and a portal that does not answer is none to it."""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

import lab as lab_module  # noqa: E402
from lab import UP  # noqa: E402
from namespace import wait_until  # noqa: E402
from networkmanager import CHECK_MAX, NetworkManager  # noqa: E402

DROP = """table inet lab_drop {
  chain drop_web { type filter hook prerouting priority -400; tcp dport 80 drop; }
}
"""


@pytest.fixture(scope="module")
def manager(gw):
    with NetworkManager(gw.lab.guests["g1"].namespace, UP) as the_manager:
        yield the_manager


def test_it_changes_nothing(gw, manager):
    """It looks at a device that it does not manage: addresses and routes stay as they were."""
    guest = gw.lab.guests["g1"]
    show = "ip -o addr show dev eth0 scope global; ip route; ip -6 route show proto static; ip -6 route show default"
    with lab_module.Lab(sites=("br-guest",), dnsmasq=False) as other:
        untouched = other.add_guest("g1").check(["sh", "-c", show])
    assert manager.look(4)
    assert guest.check(["sh", "-c", show]) == untouched


def test_dropped_web_is_limited(gw, manager):
    """Nothing but a portal that answers is noticed: with port 80 dropped there is no sheet.  Lasts its 20 s."""
    gw.revoke_all()
    gw.lab.nft(DROP)
    try:
        said = {4: "limited", 6: "limited"}
        wait_until(lambda: manager.states() == said, 2 * CHECK_MAX, f"NetworkManager says {said}")
    finally:
        gw.lab.nft("delete table inet lab_drop\n")
