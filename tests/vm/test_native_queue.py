# SPDX-License-Identifier: GPL-2.0-or-later
"""nft's own queue expression, a module of this kernel: strangers' packets go to the workers' NFQUEUEs and the resolver's
answers to the one behind them, where the garden's names are read.  Both are used at once, over IPv4 and IPv6."""
import os
import re
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))

from conftest import accounts, families, make_lab  # noqa: E402, F401  # fixtures
import dnswire  # noqa: E402
import gateway  # noqa: E402
from guest import bracket  # noqa: E402
from nameserver import POOL  # noqa: E402
from resolvers import Upstream, ask, connects, opened, shut  # noqa: E402

WORKERS = 2  # NFQUEUE 0 and 1; the answers' is 2
ZONE = """
zone "guest" {
  interface = "br-guest"
  divert = "queue"
  connection-limit = 100
  walled-garden = "*.wild.garden.example never.garden.example"
}
"""
HOSTS = 16  # the kernel chooses the queue by both addresses
NETWORK = {4: "203.0.113.", 6: "2001:db8:ff::"}


@pytest.fixture(scope="module")
def lab(make_lab):  # noqa: F811
    return make_lab(dnsmasq=False)


@pytest.fixture(scope="module")
def gw(lab):
    resolver = Upstream(lab).resolver("dnsmasq")
    yield gateway.Gateway(lab, ZONE, globals_=f"workers = {WORKERS}\n")
    resolver.stop()


def queued(lab):
    """NFQUEUE -> how many packets it has had."""
    lines = lab.check("gw", ["cat", "/proc/net/netfilter/nfnetlink_queue"]).splitlines()
    return {int(words[0]): int(words[7]) for words in map(str.split, lines)}


def test_the_rules_have_the_expression(lab, gw):
    rules = lab.check("gw", ["nft", "list", "table", "inet", "portald"])
    assert set(re.findall(r"^\t+queue (?:flags bypass )?to (\S+)$", rules, re.MULTILINE)) == {"0-1", "2"}
    assert "xt target" not in rules
    assert queued(lab).keys() == {*range(WORKERS + 1)}


@families
def test_strangers_of_all_workers(lab, gw, family):
    stranger, before = lab.add_guest("s1"), queued(lab)
    for number in range(100, 100 + HOSTS):
        assert stranger.get(f"http://{bracket(NETWORK[family] + str(number))}/").status == 511
    after = queued(lab)
    assert all(after[number] > before[number] for number in range(WORKERS)), (before, after)


@families
@pytest.mark.parametrize("server", [4, 6], ids=["by-ipv4", "by-ipv6"])
def test_a_name_of_the_garden(lab, gw, family, server):
    g1 = lab.add_guest("g1")
    shut(gw, g1, ZONE)
    address, before = POOL[dnswire.TYPE[family]][2], queued(lab)[WORKERS]
    ask(g1, "other.garden.example", family, server)
    assert not opened(gw, family) and not connects(g1, address)
    (told, ttl), = ask(g1, "a.wild.garden.example", family, server)
    assert told == address and opened(gw, family) == {(address, None, None): ttl}
    g1.connect(address, 443).close()
    assert queued(lab)[WORKERS] >= before + 2
    assert g1.is_stranger()
