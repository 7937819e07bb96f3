# SPDX-License-Identifier: GPL-2.0-or-later
"""Every real client notices portald, the login, the end of the session by itself and by a revoke, over IPv4 and IPv6."""
import json
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

import gateway  # noqa: E402
import lab as lab_module  # noqa: E402
import real  # noqa: E402
from lab import UP  # noqa: E402
from models import ONLINE, PORTAL  # noqa: E402
from namespace import wait_until  # noqa: E402

families = pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])


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


@pytest.fixture(scope="module", params=real.CLIENTS, ids=[c.name for c in real.CLIENTS])
def client(gw, request):
    with request.param(gw.lab.guests["g1"].namespace, UP) as running:
        yield running


@families
def test_portal_login_expiry_login_revoke(gw, client, family):
    guest = gw.lab.guests["g1"]
    gw.revoke_all()
    assert client.look(family) == PORTAL
    guest.login(family)
    assert client.look(family) == ONLINE
    gw.grant(guest, for_="1s")
    wait_until(lambda: not gw.sessions(), what="the session is over")
    assert client.look(family) == PORTAL
    guest.login(family)
    assert client.look(family) == ONLINE
    gw.revoke(guest)
    assert client.look(family) == PORTAL


@families
def test_the_command(gw, family):
    """tests/clients/run --real asks them beside the models."""
    gw.revoke_all()
    argv = [os.path.join(HERE, "run"), "--netns", gw.lab.guests["g1"].namespace, "--real", "--json", "--address", UP[family]]
    found = subprocess.run(argv, stdout=subprocess.PIPE, check=False)
    verdicts = json.loads(found.stdout)["before login"]
    assert (found.returncode, set(verdicts.values())) == (0, {PORTAL})
    assert {c.name for c in real.CLIENTS} < set(verdicts)
