# SPDX-License-Identifier: GPL-2.0-or-later
"""A person with a browser: Chromium is stopped with 511, logs in, is online, looks at the status and logs out.

Screenshots of each page (desktop, phone, dark) are kept in BUILD/screenshots.  axe-core comes from the npm registry, in a
pinned version, into BUILD/node.
"""
import os
import pathlib
import subprocess
import sys
import urllib.parse

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))

import gateway  # noqa: E402
from cdp import Browser  # noqa: E402
from conftest import serving  # noqa: E402
from guest import refresh_target, parse_page  # noqa: E402

AXE_VERSION = "4.10.3"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
BUILD = pathlib.Path(gateway.BUILD)
SHOTS = BUILD / "screenshots"
# without the refresh, so that the 511 page stands still for its picture and its check
CONFIG = """
zone "guest" {
  interface = "br-guest"
  title = "Harbour Café"
  refresh = %d
  session = 8h
  extend = 24h
}
"""
SITE = "http://anything.example/somewhere?x=1"


@pytest.fixture(scope="module")
def axe():
    """The text of axe.min.js."""
    folder = BUILD / "node"
    path = folder / "node_modules" / "axe-core" / "axe.min.js"
    package = folder / "node_modules" / "axe-core" / "package.json"
    if not package.exists() or f'"version": "{AXE_VERSION}"' not in package.read_text(encoding="utf-8"):
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-save", "--loglevel=error", "--prefix", str(folder),
                        f"axe-core@{AXE_VERSION}"], check=True, timeout=300)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=[0, 30], ids=["refresh-0", "refresh-30"])
def gw(request, lab):
    """With a refresh of 0 the 511 page moves on by itself; with 30 s a person follows its link."""
    with serving(lab, CONFIG % request.param) as the_gateway:
        the_gateway.refresh = request.param
        yield the_gateway


@pytest.fixture
def guest(lab, gw):
    gw.revoke_all()
    yield lab.guests["g1"]
    gw.revoke_all()


@pytest.fixture
def browser(lab, guest):
    SHOTS.mkdir(parents=True, exist_ok=True)
    the_browser = Browser(guest.namespace, log=os.path.join(lab.folder, "chromium.log"))
    the_browser.device(1280, 800)
    yield the_browser
    the_browser.close()


def photograph(browser, name):
    """The page as it is, on each device."""
    for device, size in {"desktop": (1280, 800, False, 1), "phone": (390, 844, True, 2)}.items():
        for dark in (False, True):
            browser.device(*size)
            browser.dark(dark)
            path = SHOTS / f"{name}-{device}{'-dark' if dark else ''}.png"
            browser.screenshot(str(path))
            assert path.stat().st_size > 2000
            wide = browser.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not wide, f"{name} scrolls sideways on a {device}"
    browser.device(1280, 800)
    browser.dark(False)


def accessible(browser, axe, name, element="main *"):
    """axe-core finds nothing, in light and dark, on a desktop and on a phone; `element` is among what it looked at."""
    browser.evaluate(axe + "; true")
    for size in ((1280, 800), (320, 640, True)):
        for dark in (False, True):
            browser.device(*size)
            browser.dark(dark)
            found = browser.evaluate(
                "axe.run({runOnly: {type: 'tag', values: %r}, rules: {'meta-refresh': {enabled: false}}}).then(r => "
                "({passes: r.passes.length, seen: r.passes.some(p => p.nodes.some(n => document.querySelector(n.target[0])"
                "?.matches(%r))), violations: r.violations.map(v => v.id + ': ' + v.help + ' ' + "
                "v.nodes.map(n => n.html + ' ' + n.failureSummary).join(' | '))}))" % (RULES, element))
            assert found["violations"] == [], (name, size, dark)
            assert found["passes"] > 5 and found["seen"], f"{name}: axe looked at next to nothing"
    browser.device(1280, 800)
    browser.dark(False)


def to_login(browser, gw, axe=None):
    """From a page of the internet to the login page, as far as the configuration leads by itself."""
    response = browser.open(SITE)
    assert response["status"] == 511
    if gw.refresh:
        assert "log in" in browser.text().lower()
        if axe:
            photograph(browser, "511")
            accessible(browser, axe, "511")
        browser.click("a[href]")
    browser.wait("document.querySelector('form') !== null && document.readyState === 'complete'", "the login page")
    assert urllib.parse.urlsplit(browser.url()).path == "/login"


def test_the_journey(browser, gw, guest, axe):
    to_login(browser, gw, axe)
    assert "Harbour Café" in browser.text()
    if not gw.refresh:
        photograph(browser, "login")
        accessible(browser, axe, "login")
    browser.click("input[type=checkbox]")
    browser.click("button[type=submit]")
    browser.wait_path("/success")
    assert "online" in browser.text().lower()
    assert list(gw.everywhere()) == [guest.mac]
    photograph(browser, "success")
    accessible(browser, axe, "success")
    assert browser.evaluate("document.querySelector('main a').href") == SITE, "the page leads to where the guest was going"
    browser.click("main a")
    browser.wait("document.title === 'Upstream'", "the upstream page")
    assert browser.url() == SITE
    for family in (4, 6):
        assert guest.opens(family)
    portal = f"http://{guest.gateway[4]}"
    browser.open(portal + "/status")
    browser.wait_path("/status")
    photograph(browser, "status")
    accessible(browser, axe, "status", "form[action='/extend'] button")
    browser.click("form[action='/extend'] button")
    browser.wait("document.querySelector('[role=status]') !== null", "the page says that there is more time")
    photograph(browser, "status-extended")
    accessible(browser, axe, "status-extended", "[role=status]")
    assert gw.sessions()["guest", guest.mac]["seconds-left"] > 8 * 3600
    browser.click("a[href='/logout']")
    browser.wait_path("/logout")
    photograph(browser, "logout")
    accessible(browser, axe, "logout")
    browser.click("button[type=submit]")
    browser.wait("document.body.innerText.toLowerCase().includes('logged out')", "the page says so")
    photograph(browser, "logged-out")
    accessible(browser, axe, "logged-out")
    assert gw.everywhere() == {} and guest.is_stranger()
    assert browser.open(SITE)["status"] == 511, "nothing of the internet's page was cached, nor of ours"


def test_other_pages(browser, gw, guest, axe):
    """The landing page, a page that is not there, and the form without a tick."""
    portal = f"http://{guest.gateway[4]}"
    if not gw.refresh:
        browser.open(portal + "/nothing-here")
        photograph(browser, "error")
        accessible(browser, axe, "error")
        to_login(browser, gw)
        browser.evaluate("document.querySelector('form').noValidate = true")
        browser.click("button[type=submit]")
        browser.wait("document.querySelector('[role=alert]') !== null", "the page says that the terms must be accepted")
        photograph(browser, "login-again")
        accessible(browser, axe, "login-again")
        assert gw.everywhere() == {}
    else:
        browser.open(portal + "/")
        browser.wait("document.querySelector('h1') !== null", "the landing page")
        photograph(browser, "landing")
        accessible(browser, axe, "landing")


def press_until(browser, key, condition, limit=15):
    for _ in range(limit):
        browser.key(key)
        if browser.evaluate(f"new Promise(done => setTimeout(() => done({condition}), 20))"):
            return
    raise AssertionError(f"{limit} times {key} do not lead to {condition}")


def focused(selector):
    return f"document.activeElement.matches({selector!r})"


def test_with_the_keyboard_alone(browser, gw, guest):
    """Tab, Space and Enter; the focus can be seen wherever it is."""
    to_login(browser, gw)
    press_until(browser, "Tab", focused("input[type=checkbox]"))
    outline = browser.evaluate("getComputedStyle(document.activeElement).outlineStyle + "
                               "getComputedStyle(document.activeElement.closest('label')).outlineStyle + "
                               "getComputedStyle(document.activeElement).boxShadow")
    assert outline != "nonenonenone", "the focus cannot be seen"
    browser.key("Space")
    assert browser.evaluate("document.activeElement.checked")
    press_until(browser, "Tab", focused("button[type=submit]"))
    browser.key("Enter")
    browser.wait_path("/success")
    press_until(browser, "Tab", focused(f"main a[href='{SITE}']"))
    browser.key("Enter")
    browser.wait("document.title === 'Upstream'", "the upstream page")
    assert list(gw.everywhere()) == [guest.mac]


def test_without_javascript(browser, gw, guest):
    browser.scripts(False)
    to_login(browser, gw)
    browser.click("input[type=checkbox]")
    browser.click("button[type=submit]")
    browser.wait_path("/success")
    assert list(gw.everywhere()) == [guest.mac]
    assert not browser.evaluate("document.scripts.length")


def test_nothing_is_fetched_from_elsewhere(browser, gw, guest):
    """Every request of the portal's pages goes to the portal, and no content security policy is broken."""
    to_login(browser, gw)
    since = len(browser.events)
    browser.open(f"http://{guest.gateway[4]}/login")
    browser.wait("document.querySelector('form') !== null", "the login page")
    asked = [e["params"]["request"]["url"] for e in browser.events[since:] if e["method"] == "Network.requestWillBeSent"]
    # the page before was fetched over either family, and its icon may come late
    assert asked and {urllib.parse.urlsplit(u).hostname for u in asked} <= set(guest.gateway.values()), asked
    styled = browser.evaluate("document.styleSheets.length > 0 && getComputedStyle(document.querySelector('button')).cursor")
    assert styled


def test_over_ipv6(browser, gw, guest):
    """The same over an IPv6 address, brackets and all."""
    response = browser.open("http://[2001:db8:ff::66]/")
    assert response["status"] == 511
    if gw.refresh:
        browser.click("a[href]")
    browser.wait("document.querySelector('form') !== null && document.readyState === 'complete'", "the login page")
    assert f"[{guest.gateway[6]}]" in browser.url()
    browser.click("input[type=checkbox]")
    browser.click("button[type=submit]")
    browser.wait_path("/success")
    assert guest.is_online()


def test_the_session_ends_while_the_browser_is_open(browser, gw, guest):
    """After a revoke the next page is 511 again, and a second login works."""
    guest.login(4)
    browser.open(SITE)
    browser.wait("document.title === 'Upstream'", "the upstream page")
    gw.revoke(guest)
    to_login(browser, gw)
    browser.click("input[type=checkbox]")
    browser.click("button[type=submit]")
    browser.wait_path("/success")
    assert guest.is_online()


def test_the_notice_says_the_same_as_plain_http(gw, guest):
    """What Chromium shows is what the wire carries."""
    page = guest.get("http://203.0.113.66/")
    assert page.status == 511 and refresh_target(parse_page(page)).startswith(f"http://{guest.gateway[4]}/")
