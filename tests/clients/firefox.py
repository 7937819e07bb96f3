# SPDX-License-Identifier: GPL-2.0-or-later
"""Firefox's captive portal service, the browser itself, headless, with a profile of its own.

Its state is read through Marionette, in the browser's own world: locked is a portal, unlocked and not captive are the
internet.
"""
import json
import os

import client
from marionette import Marionette
from models import NOTHING, ONLINE, PORTAL
from namespace import wait_until

HOST = "detectportal.firefox.com"
CHECK_MAX = 60.0  # seconds; Firefox gives up a check after 5 and tries again
SAYS = (NOTHING, ONLINE, ONLINE, PORTAL)  # nsICaptivePortalService: unknown, not captive, unlocked, locked
PREFERENCES = {
    "network.captive-portal-service.enabled": True,
    "captivedetect.canonicalURL": f"http://{HOST}/canonical.html",
    # what Marionette would set switches the service off
    "remote.prefs.recommended": False,
    "marionette.port": 0,
    # each look asks the hosts file anew
    "network.dnsCacheExpiration": 0,
    "network.dnsCacheExpirationGracePeriod": 0,
    # nothing else
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.trr.mode": 5,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}
SERVICE = 'const s = Cc["@mozilla.org/network/captive-portal-service;1"].getService(Ci.nsICaptivePortalService);'
SWITCH = 'Services.prefs.setBoolPref("network.captive-portal-service.enabled", arguments[0]);'
GAP = 20  # ms; more than what rounding makes of two times
STATE = SERVICE + "return [s.state, s.lastChecked, Date.now()];"
NOW = "return Date.now();"


class Firefox(client.Client):
    name = "Firefox"
    hosts = (HOST,)
    sheet = f"http://{HOST}/canonical.html"
    marionette = None

    @classmethod
    def program(cls):
        return client.find("firefox-esr") or client.find("firefox")

    def start(self):
        profile = self.path("profile")
        os.mkdir(profile)
        self.write("profile/user.js", "".join(f"user_pref({json.dumps(key)}, {json.dumps(value)});\n"
                                              for key, value in PREFERENCES.items()))
        self.spawn("log", self.inside([self.program(), "--headless", "--no-remote", "--profile", profile, "--marionette",
                                       "--remote-allow-system-access", "about:blank"]),
                   {"HOME": self.folder, "MOZ_CRASHREPORTER_DISABLE": "1"})
        self.marionette = Marionette(self.namespace, profile)

    def state(self):
        """What it thinks, without a new check."""
        return SAYS[self.marionette.chrome(STATE)[0]]

    def look(self, family):
        """The service is switched off and on: it forgets what it knew, also that it waits for a login, and checks.  That it
        gave up a check counts as one, so that it is left off until that is a while ago."""
        chrome = self.marionette.chrome
        self.lead(family)
        off = chrome("Services.dns.clearCache(true);" + SWITCH + NOW, False)
        wait_until(lambda: chrome(NOW) > off + 2 * GAP, what="the service is off")
        began = chrome(SWITCH + NOW, True)

        def concluded():
            state, ago, now = chrome(STATE)
            return state or (ago and now - ago > began - GAP)
        wait_until(concluded, CHECK_MAX, "Firefox has checked", pause=0.05)
        return self.state()

    def close(self):
        if self.marionette:
            self.marionette.close()
        super().close()
