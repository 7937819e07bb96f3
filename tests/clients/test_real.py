# SPDX-License-Identifier: GPL-2.0-or-later
"""Every real client notices portald, the login, the end of the session by itself and by a revoke, over IPv4 and IPv6."""
import json
import os
import re
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

import real  # noqa: E402
from conftest import families  # noqa: E402
from lab import UP  # noqa: E402
from models import ONLINE, PORTAL  # noqa: E402
from namespace import wait_until  # noqa: E402

COUNT = f"""table inet lab_count {{
  chain requests {{
    type filter hook prerouting priority -400;
    ip daddr {UP[4]} tcp dport 80 tcp flags & (syn | ack) == syn counter
    ip6 daddr {UP[6]} tcp dport 80 tcp flags & (syn | ack) == syn counter
  }}
}}
"""


@pytest.fixture(scope="module", autouse=True)
def counted(lab):
    lab.nft(COUNT)


@pytest.fixture(scope="module", params=real.PROBING, ids=[c.name for c in real.PROBING])
def client(gw, request):
    with request.param(gw.lab.guests["g1"].namespace, UP) as running:
        yield running


def requests(gw):
    """family -> connections to port 80 of what lies beyond the portal"""
    listing = gw.lab.check("gw", ["nft", "list", "table", "inet", "lab_count"])
    return dict(zip(UP, map(int, re.findall(r"packets (\d+)", listing))))


@families
def test_portal_login_expiry_login_revoke(gw, client, family):
    def says(verdict):
        before = requests(gw)[family]
        assert client.look(family) == verdict
        assert requests(gw)[family] > before, "it looked over this family"

    guest = gw.lab.guests["g1"]
    gw.revoke_all()
    says(PORTAL)
    guest.login(family)
    says(ONLINE)
    gw.grant(guest, for_="1s")
    wait_until(lambda: not gw.sessions() and not gw.members(), what="the session is over")
    says(PORTAL)
    guest.login(family)
    says(ONLINE)
    gw.revoke(guest)
    says(PORTAL)


@families
def test_the_command(gw, family):
    """tests/clients/run --real asks them beside the models."""
    gw.revoke_all()
    argv = [os.path.join(HERE, "run"), "--netns", gw.lab.guests["g1"].namespace, "--real", "--json", "--address", UP[family]]
    found = subprocess.run(argv, stdout=subprocess.PIPE, check=False)
    clients = json.loads(found.stdout)["outcomes"][0]["clients"]
    assert (found.returncode, {row["notices"] for row in clients.values()}) == (0, {"yes"})
    assert {c.name for c in real.PROBING} < set(clients)
