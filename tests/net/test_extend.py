# SPDX-License-Identifier: GPL-2.0-or-later
"""More time by the status page: who may, how much, what the API says, and that a session goes on as it was."""
import json
import os
import re
import sqlite3
import time

import pytest

import gateway
from authority import NAME, Authority
from browser import Browser
from conftest import families
from guest import bracket, parse_page
from namespace import SLOW, wait_until
from prometheus import check, metrics

HOUR = 3600
JSON = ("-H", "Accept: application/captive+json")
OFFER = "Stay longer"
SESSION = round(3 + 5 * SLOW)  # seconds, in which it is extended and looked at
BOUNDED = f'session = "{SESSION}s"\n  extend = "{8 * SESSION}s"\n  extend-max = "{{longest}}"'


class Place:
    def __init__(self, lab):
        self.lab = lab
        self.guest, self.other = lab.add_guest("g1"), lab.add_guest("g2")
        self.ca = Authority(os.path.join(lab.folder, "ca"))
        self.ca.issue("one")
        self.gw = gateway.Gateway(lab, self.zone(BOUNDED.format(longest="10h")), globals_=self.ca.keys("one"))

    @staticmethod
    def zone(keys):
        return f'zone "guest" {{\n  interface = "br-guest"\n  {keys}\n}}\n'

    def configure(self, keys, start=True):
        self.gw.write_config(self.zone(keys))
        if start:
            self.gw.reload_now()

    def browser(self, family):
        return Browser(self.guest, self.ca, family)

    def left(self, guest=None):
        """Seconds; None without a session."""
        session = self.gw.sessions().get(("guest", (guest or self.guest).mac))
        return session and session["seconds-left"]

    def log_in(self, keys, family=4):
        """Logs in with these keys for the zone; the session ends before the test can, unless it is extended."""
        self.gw.revoke_all()
        self.configure(keys)
        assert self.browser(family).send("login")[0] == 303


@pytest.fixture(scope="module")
def place(make_lab):
    return Place(make_lab())


def api(browser):
    return json.loads(browser.get(f"https://{NAME}/api", *JSON)[2])


def extend(browser):
    """As a browser does it: the form of the status page, then where it leads; (status, head, page)."""
    status, head, page = browser.send("status", action="extend")
    assert status == 303 and f"\nlocation: /extended\n" in head + "\n"
    return browser.get(f"https://{NAME}/extended")


@families
def test_a_guest_extends_its_session(place, family):
    """The button, what it says before and after, the API, and the guest's connections through it."""
    browser = place.browser(family)
    place.log_in('session = "10m"\n  extend = "1h"', family)
    state = api(browser)
    assert state["can-extend-session"] is True and state["user-portal-url"] == f"https://{NAME}/status"
    assert state["seconds-remaining"] <= 600
    status, _, page = browser.get(state["user-portal-url"])
    assert status == 200 and page.count(OFFER) == 1 and "<strong><bdi>1&nbsp;h</bdi></strong> from now on" in page
    with place.guest.download(family) as download:
        download.wait_progress(100_000)
        wait_until(lambda: place.gw.ctl("list")["sessions"][0]["bytes-down"] > 100_000, 20, "the traffic is accounted")
        before = place.gw.ctl("list")["sessions"][0]
        status, _, page = extend(browser)
        download.wait_progress(100_000)
        assert download.error is None
    assert status == 200 and "You have more time" in page and OFFER not in page
    after = place.gw.ctl("list")["sessions"][0]
    assert HOUR - 60 < after["seconds-left"] <= HOUR
    assert after["started"] == before["started"] and after["how"] == "login"
    assert after["bytes-down"] >= before["bytes-down"], "the counters go on"
    assert HOUR - 60 < api(browser)["seconds-remaining"] <= HOUR
    assert place.gw.everywhere().keys() == {place.guest.mac}
    assert max(place.gw.everywhere().values()) > HOUR - 60, "the kernel has the new end"
    assert place.guest.is_online()


@families
def test_the_session_lives_past_its_first_end(place, family):
    """And has the end that it was given: `extend-max` after the login, whatever `extend` says."""
    browser = place.browser(family)
    place.log_in(BOUNDED.format(longest=f"{2 * SESSION}s"), family)
    first = place.left()
    extend(browser)
    assert first < place.left() <= 2 * SESSION
    state = api(browser)
    assert state["can-extend-session"] is False and state["captive"] is False
    assert OFFER not in browser.get(f"https://{NAME}/status")[2]
    started = place.gw.ctl("list")["sessions"][0]["started"]
    wait_until(lambda: place.left() is None, 30, "the session ends")
    ended = [e for e in place.gw.ctl("history")["ended"] if e["started"] == started][-1]
    assert ended["why"] == "expiry" and 2 * SESSION - 2 < ended["ended"] - started <= 2 * SESSION + 2
    assert place.guest.is_stranger() and api(browser)["captive"] is True


def test_a_quota_stays_used(place):
    """Kernel and engine count on with what was used before."""
    place.log_in('session = "10m"\n  extend = "1h"\n  quota-down = 3M')
    browser = place.browser(4)
    with place.guest.download(4) as download:
        download.wait_progress(1_500_000)
    wait_until(lambda: api(browser)["bytes-remaining"] < 1_600_000, 20, "it is counted")
    before = api(browser)["bytes-remaining"]
    extend(browser)
    assert 0 < api(browser)["bytes-remaining"] <= before
    with place.guest.download(4) as download:
        wait_until(lambda: place.left() is None, 30, "the quota is used up")
        assert download.count < 1_700_000
    assert place.gw.ctl("history")["ended"][-1]["why"] == "quota"


def test_twice_is_once(place):
    """A second press at once changes nothing; neither audit log nor metrics count it."""
    browser = place.browser(4)
    place.log_in('session = "10m"\n  extend = "1h"')
    name = 'portald_session_events_total{zone="guest",event="extend"}'
    before = metrics(place.gw)[name]
    status, _, page = browser.get(f"https://{NAME}/status")
    token = parse_token(page)
    for expected in ("/extended", "/status", "/status"):
        status, head, _ = browser.get(f"https://{NAME}/extend", "-d", f"token={token}")
        assert status == 303 and f"\nlocation: {expected}\n" in head
    assert metrics(place.gw)[name] == before + 1
    check(place.gw.ctl_raw("metrics").stdout)
    assert place.gw.log_lines(f"zone guest: extend: {place.guest.mac}")

    def audited():
        with sqlite3.connect(f"file:{place.gw.state_dir}/portald.db?mode=ro", uri=True) as db:
            return db.execute("SELECT who, action FROM audit ORDER BY id DESC LIMIT 1").fetchone()

    wait_until(lambda: audited() == ("guest", "extend"), what="the audit log has it")


@families
def test_the_history_tells_it(place, family):
    """How often, of each session for itself; a change by the staff is none.  After a restart as well."""
    gw, browser = place.gw, place.browser(family)
    for times in (2, 0, 1):
        before = int(time.time())
        wait_until(lambda second=before: time.time() >= second + 1, what="no other session began in that second")
        place.log_in('session = "10m"\n  extend = "1h"', family)
        for _ in range(times):
            gw.ctl("set", place.guest.mac, "--for", "10m")
            extend(browser)
        assert place.left() > (600 if times else 0)
        gw.revoke(place.guest)
    gw.restart()
    ended = [e for e in gw.ctl("history")["ended"] if e["mac"] == place.guest.mac][-3:]
    assert [(e["how"], e["why"], e["extended"]) for e in ended] == [("login", "revoke", n) for n in (2, 0, 1)]
    lines = [line for line in gw.ctl_raw("history").stdout.splitlines() if place.guest.mac in line][-3:]
    assert [re.findall(r" (\d+x) ", line) for line in lines] == [["2x"], [], ["1x"]]


def parse_token(page):
    return page.partition('name="token" value="')[2].partition('"')[0]


@families
def test_no_other_site_can_press_it(place, family):
    """Without our token for this device nothing is extended: none, another's, one of a GET, one in the clear."""
    browser = place.browser(family)
    place.log_in('session = "10m"\n  extend = "1h"', family)
    other = Browser(place.other, place.ca, family)
    foreign = parse_token(other.get(f"https://{NAME}/login")[2])
    own = parse_token(browser.get(f"https://{NAME}/status")[2])
    assert foreign and own and foreign != own
    for token in ("", foreign, own[:-1] + ("0" if own[-1] != "0" else "1")):
        status, _, page = browser.get(f"https://{NAME}/extend", "-d", f"token={token}")
        assert status == 403 and OFFER in page and 'role="alert"' in page
    assert browser.get(f"https://{NAME}/extend?token={own}")[0] == 303
    status, head, _ = browser.get(f"http://{NAME}/extend", "-d", f"token={own}")
    assert status == 303 and f"location: https://{NAME}/extend" in head
    assert browser.get(f"https://{NAME}/extend", "-H", "Content-Type: text/plain", "-d", f"token={own}")[0] == 400
    assert place.left() <= 600
    status, head, _ = other.get(f"https://{NAME}/extend", "-d", f"token={foreign}")
    assert status == 303 and "\nlocation: /login\n" in head, "a stranger has nothing to extend"
    assert place.left(place.other) is None
    extend(browser)
    assert place.left() > 600


@pytest.mark.parametrize("keys, how", [
    ('session = "10m"', "login"),
    ('session = "10m"\n  extend = none', "login"),
    ('session = "10m"\n  extend = "1h"', "grant"),
    ('session = "10m"\n  extend = "1h"', "trust"),
    ('session = "1h"\n  extend = "1h"', "login"),
], ids=["unset", "none", "granted", "trusted", "too-early"])
def test_who_has_no_button(place, keys, how):
    """A grant has the end that the staff gave it.  A button that would change next to nothing comes later."""
    gw, browser = place.gw, place.browser(4)
    gw.revoke_all()
    place.configure(keys)
    if how == "login":
        browser.send("login")
    else:
        gw.ctl(how, place.guest.mac)
    state = api(browser)
    assert state["can-extend-session"] is ("1h" in keys and how == "login")
    page = browser.get(f"https://{NAME}/status")[2]
    assert OFFER not in page
    before = place.left()
    token = parse_token(page) or parse_token(browser.get(f"https://{NAME}/logout")[2])
    assert token
    browser.get(f"https://{NAME}/extend", "-d", f"token={token}")
    assert before is None or place.left() <= before
    if how == "trust":
        gw.ctl("untrust", place.guest.mac)


def test_a_blocked_device_extends_nothing(place):
    browser = place.browser(4)
    place.log_in('session = "10m"\n  extend = "1h"')
    token = parse_token(browser.get(f"https://{NAME}/status")[2])
    place.gw.ctl("block", place.guest.mac)
    assert browser.get(f"https://{NAME}/extend", "-d", f"token={token}")[0] == 403
    place.gw.ctl("unblock", place.guest.mac)
    assert place.left() is None and place.guest.is_stranger()


@families
def test_in_the_clear_without_a_certificate(place, family):
    """By address and by plain http, as the login."""
    gw, guest = place.gw, place.guest
    gw.revoke_all()
    good = gw.globals
    gw.globals = good.replace(place.ca.keys("one"), "")
    place.configure('session = "10m"\n  extend = "1h"')
    guest.login(family)
    base = f"http://{bracket(guest.gateway[family])}"
    page = guest.get(f"{base}/status")
    assert parse_page(page).forms[0]["action"] == "/extend"
    done = guest.follow(guest.post_form(page))
    assert done.status == 200 and b"You have more time" in done.body and place.left() > 600
    gw.globals = good


@pytest.mark.parametrize("keys, text", [
    ('extend-max = "9h"', "extend-max: without extend nobody gets more time"),
    ('extend = "1h"\n  extend-max = "8h"', "extend-max: a session lasts so long without an extension"),
    ('extend = "59s"', "extend: it must be between 60s and 3650d, not 59s"),
    ('extend = "often"', 'extend: "often" is no time'),
])
def test_what_cannot_be(place, keys, text):
    place.configure(keys, start=False)
    done = place.gw.check_config()
    assert done.returncode == 1 and text in done.stderr, done.stderr
