# SPDX-License-Identifier: GPL-2.0-or-later
"""NetworkManager itself notices portald, the login and the end of the session, over IPv4 and IPv6."""
import json
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

import gateway  # noqa: E402
import lab as lab_module  # noqa: E402
from lab import UP  # noqa: E402
from namespace import wait_until  # noqa: E402
from networkmanager import CHECK_MAX, NetworkManager  # noqa: E402

DROP = """table inet lab_drop {
  chain drop_web { type filter hook prerouting priority -400; tcp dport 80 drop; }
}
"""


@pytest.fixture(scope="module")
def gw():
    gateway.add_accounts()
    lab_module.remove_stale()
    with lab_module.Lab() as the_lab:
        the_lab.add_guest("g1")
        the_gateway = gateway.Gateway(the_lab)
        yield the_gateway
        the_gateway.close()
        the_gateway.teardown()


@pytest.fixture(scope="module")
def manager(gw):
    with NetworkManager(gw.lab.guests["g1"].namespace, UP.values()) as the_manager:
        yield the_manager


def notices(manager, state):
    """Over both families; a check that was under way already may tell of what was before."""
    wait_until(lambda: manager.look() == {4: state, 6: state}, 2 * CHECK_MAX, f"NetworkManager says {state}")


def test_portal_login_revoke(gw, manager):
    guest = gw.lab.guests["g1"]
    gw.revoke_all()
    notices(manager, "portal")
    guest.login()
    notices(manager, "full")
    gw.revoke(guest)
    notices(manager, "portal")


def test_it_changes_nothing(gw, manager):
    """It looks at a device that it does not manage: addresses and routes stay as they were."""
    guest = gw.lab.guests["g1"]
    show = "ip -o addr show dev eth0 scope global; ip route; ip -6 route show proto static; ip -6 route show default"
    with lab_module.Lab(sites=("br-guest",), dnsmasq=False) as other:
        untouched = other.add_guest("g1").check(["sh", "-c", show])
    assert manager.look()
    assert guest.check(["sh", "-c", show]) == untouched


def test_dropped_web_is_limited(gw, manager):
    """Nothing but a portal that answers is noticed: with port 80 dropped there is no sheet.  Lasts its 20 s."""
    gw.revoke_all()
    gw.lab.nft(DROP)
    try:
        notices(manager, "limited")
    finally:
        gw.lab.nft("delete table inet lab_drop\n")


@pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])
def test_the_command(gw, family):
    """tests/clients/run --real asks it beside the models."""
    guest = gw.lab.guests["g1"]
    gw.revoke_all()
    found = subprocess.run([os.path.join(HERE, "run"), "--netns", guest.namespace, "--real", "--json", "--address", UP[family]],
                           stdout=subprocess.PIPE, check=False)
    verdicts = json.loads(found.stdout)["before login"]
    assert (found.returncode, verdicts["NetworkManager"], set(verdicts.values())) == (0, "portal", {"portal"})
