# SPDX-License-Identifier: GPL-2.0-or-later
"""What Firefox's user sees: a notification whose button opens the portal, and that goes away after the login by itself."""
import os
import sys
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

from conftest import families  # noqa: E402
from firefox import Firefox  # noqa: E402
from guest import bracket  # noqa: E402
from lab import UP  # noqa: E402
from models import NOTHING, ONLINE, PORTAL  # noqa: E402
from namespace import wait_until  # noqa: E402

CONFIG = 'zone "guest" {\n  interface = "br-guest"\n  refresh = 60\n}\n'
SLOW = 60.0  # seconds; Firefox looks every three seconds for the login, if it sees traffic
PROBE = "http://detectportal.firefox.com/canonical.html"
RESET = """table inet lab_reset {
  chain reset_web { type filter hook prerouting priority -400; tcp dport 80 reject with tcp reset; }
}
"""
BAR = """
const window = Services.wm.getMostRecentWindow("navigator:browser");
const bar = window.gNotificationBox.getNotificationWithValue("captive-portal-detected");
"""
# the button may do nothing as long as it is new
CLICK = BAR + """
if (window.gBrowser.tabs.length === 1)
    bar?.querySelector("button").click();
const front = window.gBrowser.selectedBrowser;
return [front.currentURI.spec, front.contentTitle];
"""
CLOSE_TABS = BAR + "window.gBrowser.removeAllTabsBut(window.gBrowser.tabs[0]);"


@pytest.fixture(scope="module")
def firefox(gw):
    with Firefox(gw.lab.guests["g1"].namespace, UP) as running:
        yield running


def opens_the_page(chrome):
    """A new tab of a busy Firefox may stay empty for good, without a packet sent: it is closed, and the button asked again."""
    for _ in range(20):
        front = chrome(CLICK)
        if front[0] != "about:blank":
            return front == [PROBE, "Network Authentication Required"]
        time.sleep(0.5)
    chrome(CLOSE_TABS)
    return False


@families
def test_the_notification_leads_to_the_portal(gw, firefox, family):
    guest = gw.lab.guests["g1"]
    gw.revoke_all()
    chrome = firefox.marionette.chrome
    assert firefox.look(family) == PORTAL
    wait_until(lambda: opens_the_page(chrome), SLOW, "its button opens the page of status 511")
    firefox.marionette.last_tab()
    link = firefox.marionette.page("return document.querySelector('a').href;")
    assert link == f"http://{bracket(guest.gateway[family])}/login"
    guest.login(family)
    wait_until(lambda: firefox.state() == ONLINE, SLOW, "Firefox notices the login by itself")
    wait_until(lambda: chrome(BAR + "return bar === null;"), SLOW, "the notification is gone")
    chrome(CLOSE_TABS)


def test_no_answer_is_no_portal(gw, firefox):
    """With port 80 reset it does not know, so that its other verdicts are worth something."""
    gw.revoke_all()
    gw.lab.nft(RESET)
    try:
        assert [firefox.look(f) for f in UP] == [NOTHING, NOTHING]
    finally:
        gw.lab.nft("delete table inet lab_reset\n")
