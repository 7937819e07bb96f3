# SPDX-License-Identifier: GPL-2.0-or-later
"""Logging in and out: over both families, twice, from a link-local address, after an address has moved on."""
import contextlib
import json
import re
import urllib.parse

import pytest

from conftest import families
from gateway import compare_with_golden
from guest import bracket, parse_page, refresh_target
from lab import FORBIDDEN, UP
from namespace import addr_add, ip_batch, wait_until

@pytest.fixture(scope="module", autouse=True)
def guests(lab, gw):
    return [lab.add_guest(f"g{n}") for n in range(1, 5)]


@families
def test_one_login_opens_both_families(lab, fresh, family):
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    assert g1.is_stranger() and g2.is_stranger()
    success = g1.login(family)
    assert g1.is_online()
    assert g1.udp(UP[4], 443, b"x") == g1.udp(UP[6], 443, b"x") == b"x"
    assert g2.is_stranger()
    assert UP[family] in success.body.decode() or FORBIDDEN[family] in success.body.decode(), \
        "the success page shows where the guest wanted to go"


@families
def test_the_kernel_holds_the_session(lab, fresh, family):
    g1 = lab.guests["g1"]
    assert fresh.everywhere() == {}
    compare_with_golden("one-zone", fresh.ruleset())
    g1.login(family)
    members = fresh.everywhere()
    assert list(members) == [g1.mac]
    assert 8 * 3600 - 60 <= members[g1.mac] <= 8 * 3600
    compare_with_golden("one-zone", fresh.ruleset())
    fresh.revoke(g1)
    assert fresh.everywhere() == {}
    compare_with_golden("one-zone", fresh.ruleset())


def test_the_number_of_rules_does_not_grow(lab, fresh):
    def rules():
        return len(json.loads(lab.check("gw", ["nft", "-j", "list", "ruleset"]))["nftables"])
    before = rules()
    fresh.grant(*(f"02:00:5e:77:00:{n:02x}" for n in range(200)))
    assert len(fresh.everywhere()) == 200
    assert rules() == before


@families
def test_a_second_login_changes_nothing(lab, fresh, family):
    g1 = lab.guests["g1"]
    page = g1.login_page(family)
    first = g1.post_form(page)
    second = g1.post_form(page)
    assert first.status == second.status == 303
    assert g1.follow(second).status == 200
    assert list(fresh.sessions()) == [("guest", g1.mac)]
    again = g1.reach(f"http://{bracket(g1.gateway[10 - family])}/login")
    assert again.status == 200 and list(fresh.everywhere()) == [g1.mac]


@families
def test_logout(lab, fresh, family):
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    fresh.grant(g2)
    g1.login(family)
    portal = f"http://{bracket(g1.gateway[family])}"
    status = g1.reach(portal + "/status")
    assert status.status == 200
    forms = parse_page(status).forms
    page = status if forms else g1.get(portal + "/logout")
    answer = g1.post_form(page)
    assert answer.status in (200, 303)
    wait_until(lambda: g1.mac not in fresh.everywhere(), what="the element is gone")
    assert g1.is_stranger()
    assert g2.is_online()
    assert [m for _, m in fresh.sessions()] == [g2.mac]


@families
def test_a_login_without_its_token_is_refused(lab, fresh, family):
    """Another site cannot log a guest in, nor out: it does not know the token."""
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    page = g1.login_page(family)
    hidden = [name for kind, name, _ in parse_page(page).forms[0]["fields"] if kind == "hidden"]
    assert hidden
    tokens = {name: value for kind, name, value in parse_page(page).forms[0]["fields"] if kind == "hidden" and len(value) > 15}
    for change in ({n: None for n in hidden}, {n: "" for n in hidden}, {n: "A" * len(v) for n, v in tokens.items()}):
        assert g1.post_form(page, change=change).status in (400, 403, 200)
    other = g2.login_page(family)
    stolen = {name: value for kind, name, value in parse_page(other).forms[0]["fields"] if kind == "hidden"}
    g1.post_form(page, change=stolen)
    assert fresh.everywhere() == {}
    assert g1.is_stranger()


@families
def test_the_terms_must_be_accepted(lab, fresh, family):
    g1 = lab.guests["g1"]
    page = g1.login_page(family)
    boxes = [name for kind, name, _ in parse_page(page).forms[0]["fields"] if kind == "checkbox"]
    assert boxes
    answer = g1.post_form(page, change={name: None for name in boxes})
    assert answer.status in (200, 400, 403)
    assert fresh.everywhere() == {}


def test_login_from_a_link_local_address(lab, fresh):
    """The gateway knows the guest by its MAC: a session made over fe80:: opens everything."""
    g3 = lab.guests["g3"]
    portal = "http://[fe80::1]"
    landing = g3.get(portal + "/")
    page = g3.reach(urllib.parse.urljoin(portal, refresh_target(parse_page(landing)) or landing.headers["Location"] or
                                         "/login"))
    answer = g3.post_form(page)
    assert answer.status == 303
    assert g3.follow(answer).status == 200
    assert list(fresh.everywhere()) == [g3.mac]
    assert g3.is_online()


@families
def test_login_over_one_connection(lab, fresh, family):
    """Page, form and success over one keep-alive connection: the grant does not cut the connection that asked for it."""
    g1 = lab.guests["g1"]
    login = g1.login_page(family)
    with g1.connect(g1.gateway[family], 80) as sock:
        page = g1.get(login.url, sock=sock)
        answer = g1.post_form(page, sock=sock)
        assert answer.status == 303
        assert answer.headers.get("Connection", "").lower() != "close"
        assert g1.follow(answer, sock=sock).status == 200
    assert g1.is_online()


@families
def test_an_old_diverted_connection_does_not_go_on(lab, fresh, family):
    """Browsers keep spare connections.  One that was diverted before the login is dead after it, and at once, so that the
    browser opens another; it does not get 511 in the middle of the internet."""
    g1 = lab.guests["g1"]
    with g1.connect(UP[family], 80) as old:
        g1.login(family)
        old.settimeout(3.0)
        with pytest.raises(ConnectionError):
            old.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            if not old.recv(100):
                raise ConnectionResetError("closed")


@families
def test_two_devices(lab, fresh, family):
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    g1.login(family)
    g2.login(10 - family)
    assert sorted(m for _, m in fresh.sessions()) == [g1.mac, g2.mac]
    fresh.revoke(g1)
    assert g1.is_stranger() and g2.is_online()


@families
def test_an_address_that_moves_on(lab, fresh, family):
    """After a new lease another device has the address: it is a stranger until it logs in itself."""
    g1, g4 = lab.guests["g1"], lab.guests["g4"]
    g1.login(family)
    assert g1.is_online()
    first, other = dict(g1.addresses), dict(g4.addresses)
    g1.readdress({4: "192.0.2.60", 6: "2001:db8:1::60"})
    g4.readdress(first)
    try:
        assert g4.is_stranger()
        assert g1.is_online(), "the session is the device's, not the address's"
        g4.login_soon(family)  # told to try again if it has a port that g1 had
        assert g4.is_online() and g1.is_online()
        assert sorted(m for _, m in fresh.sessions()) == [g1.mac, g4.mac]
        fresh.revoke(g1)
        assert g1.is_stranger() and g4.is_online()
    finally:
        g1.readdress({4: "192.0.2.61", 6: "2001:db8:1::61"})
        g4.readdress(other)
        g1.readdress(first)
        lab.check("gw", ["ip", "neigh", "flush", "dev", "br-guest"])  # who had them meanwhile


@families
def test_several_addresses_of_one_guest(lab, fresh, family):
    """A grant opens, and a revoke closes, every address of the device."""
    g1 = lab.guests["g1"]
    more = {4: "192.0.2.70", 6: "2001:db8:1::70"}[family]
    ip_batch(g1.namespace, [addr_add(more)])
    g1.all_addresses.add(more)
    try:
        g1.login(family)
        with g1.connect(UP[family], 80, source=(more, 0)) as sock:
            sock.sendall(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
            assert sock.recv(20).startswith(b"HTTP/1.1 200")
        assert lab.forwarded_of(g1)
        fresh.revoke(g1)
        assert not lab.forwarded_of(g1)
        with pytest.raises(OSError):
            g1.connect(FORBIDDEN[family], 443, 3.0, source=(more, 0))
    finally:
        ip_batch(g1.namespace, [f"addr del {more}/{24 if family == 4 else 64} dev eth0"])


def test_what_list_and_show_say(lab, fresh):
    g1 = lab.guests["g1"]
    g1.login(4)
    g1.get(f"http://{UP[4]}/bytes/1000000")
    wait_until(lambda: fresh.sessions()[("guest", g1.mac)]["bytes-down"] >= 1_000_000, what="bytes are counted")
    session = fresh.sessions()[("guest", g1.mac)]
    assert session["how"] == "login"
    assert session["bytes-down"] < 1_500_000 and 100 < session["bytes-up"] < 500_000
    assert g1.addresses[4] in session["addresses"]
    assert 0 <= session["seconds-used"] < 60 and 8 * 3600 - 60 < session["seconds-left"] <= 8 * 3600
    assert fresh.ctl("show", g1.mac)["sessions"][0]["mac"] == g1.mac
    page = g1.reach(f"http://{g1.gateway[4]}/status").body.decode()
    assert re.search(r"\b1\.0\b|1 MB|\bMB\b", page), "the status page shows the data used"


@families
def test_a_session_of_a_guest_that_has_never_been_seen(lab, fresh, family):
    """A grant before the device arrives: it is online from its first packet on."""
    fresh.grant("02:00:5e:10:00:7f", for_="10m")
    late = lab.add_guest(f"g{90 + family}", mac="02:00:5e:10:00:7f", number=80 + family)
    try:
        assert late.opens(family)
    finally:
        fresh.revoke(late)
        lab.check("gw", ["ip", "link", "del", f"v-{late.node}"])


@contextlib.contextmanager
def silent(guest, family):
    """The guest says nothing of its MAC, asked or not; it knows the gateway's."""
    own = guest.lab.check("gw", ["ip", "-j", "link", "show", guest.bridge])
    entry = f"neigh replace {guest.gateway[family]} dev eth0"
    ip_batch(guest.namespace, [f"{entry} lladdr {json.loads(own)[0]['address']} nud permanent"])
    guest.lab.nft("table arp silent { chain output { type filter hook output priority 0; policy drop; }; }\n"
                  "table ip6 silent { chain output { type filter hook output priority 0; icmpv6 type "
                  "{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } drop; }; }\n", guest.node)
    try:
        yield
    finally:
        guest.lab.nft("delete table arp silent\ndelete table ip6 silent\n", guest.node)
        ip_batch(guest.namespace, [f"neigh del {guest.gateway[family]} dev eth0"])


def unsent(lab, sock):
    """Has the gateway written bytes into this connection that the guest has not acknowledged?"""
    lines = lab.check("gw", ["ss", "-Htan", f"dport = :{sock.getsockname()[1]}"]).splitlines()
    return any(int(line.split()[2]) > 0 for line in lines)


@families
def test_login_fails_closed_without_a_neighbour_entry(lab, fresh, family):
    """A guest whose neighbour entry has failed gets a page that tries again, and no grant."""
    g1 = lab.guests["g1"]
    page = g1.login_page(family)
    form, site = parse_page(page).forms[0], bracket(g1.gateway[family])
    body = urllib.parse.urlencode({name: value for _, name, value in form["fields"]}).encode()
    head = (f"POST {urllib.parse.urlsplit(urllib.parse.urljoin(page.url, form['action'])).path} HTTP/1.1\r\n"
            f"Host: {site}\r\nContent-Type: application/x-www-form-urlencoded\r\nOrigin: http://{site}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    with g1.connect(g1.gateway[family], 80) as sock:
        with silent(g1, family):
            lab.check("gw", ["ip", "neigh", "replace", g1.addresses[family], "dev", "br-guest", "nud", "failed"])
            sock.sendall(head + body)
            wait_until(lambda: unsent(lab, sock), what="an answer waits for the guest's MAC")
        assert sock.recv(65536).startswith(b"HTTP/1.1 503 ")
    assert not fresh.everywhere() and not fresh.sessions()


def test_the_control_socket_refuses_others(lab, fresh):
    """Other users than root and the group portald do not get in; a member of the group does."""
    from gateway import PORTALCTL
    denied = lab.run("gw", ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", PORTALCTL, "--socket",
                            fresh.socket, "status"])
    assert denied.returncode == 3, denied
    assert denied.stderr.strip()
    import grp
    group = str(grp.getgrnam("portald").gr_gid)
    member = lab.run("gw", ["setpriv", "--reuid", "65534", "--regid", "65534", "--groups", group, PORTALCTL, "--socket",
                            fresh.socket, "status"])
    assert member.returncode == 0, member.stderr
