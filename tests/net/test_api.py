# SPDX-License-Identifier: GPL-2.0-or-later
"""The captive portal API (RFC 8908), asked by guests over TLS with a private CA."""
import json

import pytest

import gateway
from authority import NAME, Authority
from browser import Browser
from conftest import families
from guest import bracket
from namespace import wait_until

API = f"https://{NAME}/api"
JSON = ("-H", "Accept: application/captive+json")
BROWSER = ("-H", "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
SIZE_MAX = 4096  # characters that Android reads
HOUR = 3600
VENUE = "https://venue.test/map?floor=2"


@pytest.fixture(scope="module")
def place(make_lab):
    lab = make_lab()
    for node in ("g1", "g2"):
        lab.add_guest(node)
    authority = Authority(f"{lab.folder}/ca")
    authority.issue("one")
    zone = f'zone "guest" {{\n  interface = "br-guest"\n  venue-info-url = "{VENUE}"\n}}\n'
    return lab, gateway.Gateway(lab, zone, globals_=authority.keys("one")), authority


@pytest.fixture
def running(place):
    place[1].revoke_all()
    return place


def no_duplicates(pairs):
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def ask(browser, *args):
    """The state, after what holds for each answer that has one."""
    status, head, body = browser.get(API, *(args or JSON))
    assert status == 200
    assert "\ncontent-type: application/captive+json\n" in head + "\n"
    assert "\ncache-control: no-store\n" in head + "\n" and "set-cookie" not in head
    assert len(body) <= SIZE_MAX
    state = json.loads(body, object_pairs_hook=no_duplicates)
    assert type(state["captive"]) is bool
    assert state["user-portal-url"].startswith(f"https://{NAME}/")
    return state


CAPTIVE = {"captive": True, "user-portal-url": f"https://{NAME}/login"}


def is_online(state, seconds):
    left = state.pop("seconds-remaining", None)
    return type(left) is int and 0 <= left <= seconds and state == {
        "captive": False, "user-portal-url": f"https://{NAME}/status", "venue-info-url": VENUE, "can-extend-session": False}


@families
def test_from_login_to_the_end(running, family):
    """The page that a captive guest is sent to logs it in; the next answer says so, and when it is over."""
    lab, gw, authority = running
    g1 = lab.guests["g1"]
    browser = Browser(g1, authority, family)
    assert ask(browser) == CAPTIVE
    assert browser.send("login")[0] == 303
    assert is_online(ask(browser), 24 * HOUR)
    gw.revoke(g1)
    assert ask(browser) == CAPTIVE
    gw.grant(g1, for_="2s")
    wait_until(lambda: ask(browser) == CAPTIVE, what="the session is over")
    assert g1.is_stranger()


def test_each_its_own(running):
    """Two guests at a time; one guest by both families."""
    lab, gw, authority = running
    gw.grant(lab.guests["g1"])
    for family in (4, 6):
        assert is_online(ask(Browser(lab.guests["g1"], authority, family)), HOUR)
        assert ask(Browser(lab.guests["g2"], authority, family)) == CAPTIVE


def test_bytes(running):
    """Of the quota that is used up first."""
    lab, gw, authority = running
    g1 = lab.guests["g1"]
    browser = Browser(g1, authority, 4)
    gw.ctl("grant", g1.mac, "--quota-up", "700000", "--quota-total", "50000000")
    state = ask(browser)
    assert state.pop("bytes-remaining") == 700_000
    assert is_online(state, 24 * HOUR)
    with g1.download(4) as download:
        download.wait_progress(100_000)
    wait_until(lambda: 0 < ask(browser)["bytes-remaining"] < 700_000, what="what the guest sent is off")


@families
def test_who_gets_what(running, family):
    """By Accept and by method; none but GET says a state."""
    lab, gw, authority = running
    browser = Browser(lab.guests["g1"], authority, family)
    for accept in (("-H", "Accept: */*"), ("-H", "Accept:"), ("-H", "Accept: application/capport+json, text/html")):
        assert ask(browser, *accept) == CAPTIVE
    status, head, body = browser.get(API + "?a=%ff&b", *JSON)
    assert status == 200 and json.loads(body) == CAPTIVE
    status, head, _ = browser.get(API, *BROWSER)
    assert status == 302 and f"location: https://{NAME}/login" in head
    assert "\nvary: accept\n" in head + "\n" and "\ncache-control: no-store\n" in head + "\n"
    gw.grant(lab.guests["g1"])
    assert f"location: https://{NAME}/status" in browser.get(API, *BROWSER)[1]
    status, head, body = browser.get(API, "-I", *JSON)
    assert status == 200 and "content-type: application/captive+json" in head and not body
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        status, head, body = browser.get(API, "-X", method, "-d", "", *JSON)
        assert status == 405 and "\nallow: get, head\n" in head + "\n" and '"captive"' not in body


@families
def test_not_in_the_clear(running, family):
    lab, gw, authority = running
    g1 = lab.guests["g1"]
    gw.grant(g1)
    for host in (NAME, bracket(g1.gateway[family])):
        status, head, body = Browser(g1, authority, family).get(f"http://{host}/api", *JSON)
        assert status == 303 and f"location: {API}" in head and '"captive"' not in body


def test_without_a_certificate(make_lab):
    """No API; the login works all the same, and says what is lost, as does `portalctl status`."""
    lab = make_lab()
    g1 = lab.add_guest("g1")
    gw = gateway.Gateway(lab, globals_=f'hostname = "{NAME}"\n')
    gw.grant(g1)
    for family in (4, 6):
        answer = g1.get(f"http://{bracket(g1.gateway[family])}/api")
        assert answer.status == 404 and b'"captive"' not in answer.body
    gw.revoke(g1)
    gw.globals = gw.globals.replace(f'hostname = "{NAME}"\n', "")
    gw.write_config(gateway.ONE_ZONE)
    gw.reload_now()
    for family in (4, 6):
        assert b"This page is not encrypted" in g1.login_page(family).body
    g1.login(6)
    assert g1.is_online()
    status = gw.ctl_raw("status").stdout
    assert "without https: guest\n" in status and "devices have no captive portal API" in status
