# SPDX-License-Identifier: GPL-2.0-or-later
"""Host names in the walled garden, with dnsmasq and with unbound: a stranger reaches what answers tell of listed names, for as
long as they tell, over IPv4 and IPv6, and nothing else.  Answers reach it as the resolver gave them.

Guests of the lab are strangers here.  nameserver.py says what stands behind the names.
"""
import socket

import pytest

import dnswire
import gateway
from conftest import families
from dnswire import A, AAAA, TXT, TYPE
from guest import bracket
from nameserver import SHORT
from namespace import open_socket, seconds, wait_until
from resolvers import Upstream, ask, connects, opened, pool, shut, wait_closed

LISTED = ("www.garden.example *.wild.garden.example alias.garden.example:443/tcp many.garden.example bad.garden.example "
          "short.garden.example twice.garden.example long.garden.example never.garden.example www.signed.example "
          "Big.Signed.Example:443")
ZONE = """
zone "guest" {
  interface = "br-guest"
  connection-limit = 100
  dns-limit = 200
  walled-garden = "%s"
}
""" % LISTED


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(dnsmasq=False)


@pytest.fixture(scope="module")
def upstream(lab):
    return Upstream(lab)


@pytest.fixture(scope="module", params=["dnsmasq", "unbound"])
def resolver(upstream, request):
    server = upstream.resolver(request.param)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def gw(lab):
    return gateway.Gateway(lab, ZONE)


@pytest.fixture
def g1(gw, lab, resolver):
    guest = lab.add_guest("g1")
    shut(gw, guest, ZONE)
    yield guest
    assert guest.is_stranger()


@families
def test_an_address_that_moves(gw, g1, family):
    """Another one every SHORT seconds, TTL SHORT: what was told last is open, the others are not, and none stays."""
    assert not any(connects(g1, a) for a in pool(family, *range(8)))
    seen = set()
    while len(seen) < 3:
        (address, ttl), = ask(g1, "www.garden.example", family)
        g1.connect(address, 443).close()
        assert opened(gw, family)[address, None, None] in range(1, SHORT + 1) and ttl <= SHORT
        assert not connects(g1, next(a for a in pool(family, *range(8)) if a not in {address, *seen}))
        seen.add(address)
        wait_closed(gw, g1, address)
    assert not opened(gw, family)


@families
def test_a_connection_ends_with_the_ttl(gw, g1, family):
    (address, _), = ask(g1, "short.garden.example", family)
    with g1.connect(address, 443) as sock:
        wait_closed(gw, g1, address)
        sock.send(b"late")
        with pytest.raises(ConnectionResetError):
            sock.recv(10)


@families
def test_every_protocol_and_port(g1, family):
    """A name alone opens all of an address, as an address does: a web page of it is not diverted, and it answers pings."""
    (address, _), = ask(g1, "a.wild.garden.example", family)
    assert g1.get(f"http://{bracket(address)}/").status == 200
    assert g1.run(["ping", "-c", "1", "-W", seconds(5), "-n", address]).returncode == 0


@families
def test_ports_and_aliases(gw, g1, family):
    """The shortest TTL on the way to the address counts."""
    address, = pool(family, 1)
    assert [a for a, _ in ask(g1, "ALIAS.garden.example", family)] == [address]
    g1.connect(address, 443).close()
    assert opened(gw, family).keys() == {(address, "tcp", 443)} and max(opened(gw, family).values()) <= SHORT
    assert g1.get(f"http://{bracket(address)}/").status == 511
    assert not connects(g1, address, 22)
    wait_until(lambda: not opened(gw, family), what="it has ended")
    assert not connects(g1, address)


@families
def test_wildcards(gw, g1, family):
    address, = pool(family, 2)
    for name in ("wild.garden.example", "xwild.garden.example", "other.garden.example"):
        ask(g1, name, family)
    assert not opened(gw, family) and not connects(g1, address)
    told = [ask(g1, name, family) for name in ("a.wild.garden.example", "b.C.wild.garden.example")]
    assert [a for answer in told for a, _ in answer] == [address, address]
    assert opened(gw, family) == {(address, None, None): max(ttl for answer in told for _, ttl in answer)}
    g1.connect(address, 443).close()


@families
def test_an_address_is_open_by_whatever_name(g1, family):
    """The kernel sees addresses: other names of one that is open lead there as well."""
    (address, _), = ask(g1, "other.garden.example", family)
    assert not connects(g1, address)
    ask(g1, "a.wild.garden.example", family)
    assert ask(g1, "other.garden.example", family)[0][0] == address and connects(g1, address)


@families
def test_never_shorter_never_longer(gw, g1, family):
    """Two names with one address: it stays open until the last TTL that was told, in whichever order."""
    key = (*pool(family, 3), None, None)
    ask(g1, "short.garden.example", family)
    assert opened(gw, family)[key] <= SHORT
    ask(g1, "long.garden.example", family)
    assert opened(gw, family)[key] > 3000
    ask(g1, "short.garden.example", family)
    assert opened(gw, family)[key] > 3000
    wait_until(lambda: ask(g1, "short.garden.example", family)[0][1], what="short has ended and begun again")
    assert opened(gw, family)[key] > 3000


@families
def test_what_no_answer_opens(gw, g1, family):
    assert len(ask(g1, "bad.garden.example", family)) > 1
    assert set(opened(gw, family)) == {(a, None, None) for a in pool(family, 4)}


@families
def test_an_address_that_an_answer_tells_twice(gw, g1, family):
    """With different TTLs, as no honest server does."""
    address, = pool(family, 4)
    assert ask(g1, "twice.garden.example", family)[0][0] == address
    assert opened(gw, family)[address, None, None] >= 50
    g1.connect(address, 443).close()
    assert not gw.log_lines("could not be opened")


@families
def test_all_of_an_answer(gw, g1, family):
    assert {a for a, _ in ask(g1, "many.garden.example", family)} == set(pool(family, *range(8)))
    assert all(connects(g1, a) for a in pool(family, *range(8)))


@families
def test_over_tcp(gw, g1, family):
    address, = pool(family, 5)
    with g1.connect(g1.gateway[family], 53) as sock:
        answer = dnswire.ask_tcp(sock, dnswire.question("www.signed.example", TYPE[family], edns=4096, do=True))
    assert dnswire.addresses(answer)[0][0] == address
    g1.connect(address, 443).close()
    assert opened(gw, family)[address, None, None] <= 600


def ask_locally(lab, message):
    with open_socket(lab.name("gw"), socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5.0)
        sock.sendto(message, ("127.0.0.1", 53))
        return sock.recv(65536)


@pytest.mark.parametrize("name, type_", [
    ("www.signed.example", A), ("www.signed.example", AAAA), ("alias.signed.example", A), ("big.signed.example", A),
    ("big.signed.example", TXT), ("none.signed.example", A), ("many.garden.example", A), ("many.garden.example", AAAA),
    ("bad.garden.example", A), ("never.garden.example", A), ("none.garden.example", A),
])
@pytest.mark.parametrize("edns, do", [(0, False), (1232, True), (4096, False), (4096, True)])
@families
def test_answers_are_the_resolvers(lab, gw, resolver, name, type_, edns, do, family):
    """To the byte: the resolver is asked on the gateway itself, before and after, until its TTLs did not run down between.
    dnsmasq rolls the addresses of an answer round; of such an answer its records are compared."""
    g1, message = lab.add_guest("g1"), dnswire.question(name, type_, edns=edns, do=do, flags=dnswire.FLAG_RD | dnswire.FLAG_AD)
    ask_locally(lab, message)
    alike = normal if name.startswith(("many", "bad")) else bytes

    def same():
        before, guests, after = ask_locally(lab, message), g1.udp(g1.gateway[family], 53, message), ask_locally(lab, message)
        return alike(before) == alike(guests) == alike(after) and guests

    answer = wait_until(same, what="the same answers")
    read = dnswire.read(answer)
    signed = name.endswith("signed.example")
    if edns == 4096:
        assert not read.flags & dnswire.FLAG_TC
    if name == "big.signed.example" and type_ == TXT and edns == 4096:
        assert len(answer) > 1500
    if signed and not read.flags & dnswire.FLAG_TC:
        assert read.flags & dnswire.FLAG_AD
        assert any(r.type == dnswire.RRSIG for r in read.records) == (do and bool(read.records))


def normal(message):
    """A message with its records in order."""
    read = dnswire.read(message)
    return read._replace(records=sorted(read.records)), len(message)
