# SPDX-License-Identifier: GPL-2.0-or-later
"""Every modelled device notices portald, notices the login, and notices that its session was revoked."""
import json
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))

import gateway  # noqa: E402
import lab as lab_module  # noqa: E402
from authority import Authority  # noqa: E402
from device import World, connector  # noqa: E402
from lab import FORBIDDEN, UP  # noqa: E402
from models import HOSTS, MODELS, NOTHING, ONLINE, PORTAL  # noqa: E402

STRICT = """
zone "guest" {
  interface = "br-guest"
  probes = strict
}
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    gateway.add_accounts()
    ca = Authority(str(tmp_path_factory.mktemp("conformance") / "ca"))
    ca.issue("google", "www.google.com")
    return ca


@pytest.fixture(scope="module")
def gw(authority):
    lab_module.remove_stale()
    with lab_module.Lab(pair=(authority.path("google.pem"), authority.path("google.key"))) as the_lab:
        the_lab.add_guest("g1")
        the_gateway = gateway.Gateway(the_lab)
        yield the_gateway
        the_gateway.close()
        the_gateway.teardown()


def verdicts(guest, address, authority):
    world = World(connector(address, HOSTS, guest.connect), authority.path("ca.pem"), family=6 if ":" in address else 4)
    return {m.name: m.look(world).verdict for m in MODELS}


def all_say(verdict):
    return {m.name: verdict for m in MODELS}


@pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])
def test_portal_login_revoke(gw, authority, family):
    guest = gw.lab.guests["g1"]
    gw.revoke_all()
    assert verdicts(guest, FORBIDDEN[family], authority) == all_say(PORTAL)
    guest.login(family)
    assert verdicts(guest, UP[family], authority) == all_say(ONLINE)
    gw.revoke(guest)
    assert verdicts(guest, UP[family], authority) == all_say(PORTAL)


def test_the_command(gw, authority):
    """tests/clients/run says the same, with status 0 for a portal that all notice and 1 otherwise."""
    guest = gw.lab.guests["g1"]
    argv = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "run"), "--netns", guest.namespace, "--json",
            "--ca", authority.path("ca.pem"), "--address"]
    gw.revoke_all()
    found = subprocess.run(argv + [FORBIDDEN[4]], stdout=subprocess.PIPE, check=False)
    assert (found.returncode, json.loads(found.stdout)) == (0, {"before login": all_say(PORTAL)})
    guest.login()
    found = subprocess.run(argv + [UP[4]], stdout=subprocess.PIPE, check=False)
    assert (found.returncode, json.loads(found.stdout)) == (1, {"before login": all_say(ONLINE)})


def test_plain_511_is_missed_by_some(authority):
    """With probes = strict portald says 511 to all: the models that need more say so."""
    with lab_module.Lab() as the_lab:
        the_lab.add_guest("g1")
        the_gateway = gateway.Gateway(the_lab, STRICT)
        found = verdicts(the_lab.guests["g1"], FORBIDDEN[4], authority)
        the_gateway.close()
        the_gateway.teardown()
    missed = {"Android 10", "Android 14", "ChromeOS", "Kindle", "Nintendo"}
    assert found == {m.name: NOTHING if m.name in missed else PORTAL for m in MODELS}
