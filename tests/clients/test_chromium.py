# SPDX-License-Identifier: GPL-2.0-or-later
"""What Chromium's user sees: a tab with the portal, and after the login the page that was stopped loads again by itself."""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

from chromium import CONNECT, WARNING, Chromium  # noqa: E402
from conftest import families, serving  # noqa: E402
from guest import bracket  # noqa: E402
from lab import UP  # noqa: E402
from models import NOTHING, PORTAL  # noqa: E402
from namespace import wait_until  # noqa: E402

SLOW = 60.0  # seconds
ZONE = """
zone "guest" {
  interface = "br-guest"
  probes = %s
}
"""
RESET = """table inet lab_reset {
  chain reset_web { type filter hook prerouting priority -400; tcp dport 80 reject with tcp reset; }
}
"""


@pytest.fixture(scope="module", params=[("compatible", 200), ("strict", 511)], ids=["redirect", "511"])
def gw(request, lab):
    """Its probe, /generate_204, is answered with a redirect to the portal's page, or with 511."""
    probes, answer = request.param
    with serving(lab, ZONE % probes) as the_gateway:
        the_gateway.answer = answer
        yield the_gateway


@pytest.fixture(scope="module")
def chromium(lab):
    with Chromium(lab.guests["g1"].namespace, UP) as running:
        yield running


@families
def test_the_tab_leads_to_the_login(gw, chromium, family):
    guest, browser = gw.lab.guests["g1"], chromium.browser
    gw.revoke_all()
    assert chromium.look(family) == PORTAL
    profile = browser.fresh_profile()
    stopped, before = browser.page, set(browser.pages())
    answer, title = chromium.open()
    assert (answer[0], title) == (gw.answer, CONNECT)
    opened = wait_until(lambda: set(browser.pages()) - before, SLOW, "a tab for the login")
    browser.attach(opened.pop())
    browser.wait("document.querySelector('form') !== null", "the login page", SLOW)
    assert browser.url().startswith(f"http://{bracket(guest.gateway[family])}/")
    if gw.answer == 200:  # else once is enough, for what follows lasts its 20 s
        browser.click("input[type=checkbox]")
        browser.click("button[type=submit]")
        browser.wait_path("/success")
        browser.attach(stopped)
        browser.wait(f"document.title === {WARNING!r}", "the page has loaded again, online, by itself", SLOW)
    browser.drop_profile(profile)


def test_no_answer_is_no_portal(gw, chromium):
    """With port 80 reset there is but the warning, so that its other verdicts are worth something."""
    gw.revoke_all()
    gw.lab.nft(RESET)
    try:
        assert [chromium.look(f) for f in UP] == [NOTHING, NOTHING]
    finally:
        gw.lab.nft("delete table inet lab_reset\n")
