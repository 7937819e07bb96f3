# SPDX-License-Identifier: GPL-2.0-or-later
"""RFC 8908, the captive portal API: requirements 11 to 26, each by its number, over both families.  The certificate comes
from an intermediate CA, guests trust the root alone."""
import json
import os
import re
import socket

import pytest

import gateway
from authority import NAME, Authority
from browser import Browser, s_client
from conftest import families
from guest import bracket
from lab import FORBIDDEN
from namespace import wait_until

API = f"https://{NAME}/api"
JSON = ("-H", "Accept: application/captive+json")
VENUE = "https://venue.test/" + "m" * 480
KEYS = {"captive", "user-portal-url", "venue-info-url", "can-extend-session", "seconds-remaining", "bytes-remaining"}
ANDROID_MAX = 4096  # characters that it reads
ZONE = f"""
zone "guest" {{
  interface = "br-guest"
  session = "1h"
  extend = "2h"
  quota-total = "50M"
  venue-info-url = "{VENUE}"
}}
"""


class Place:
    def __init__(self, lab):
        self.lab = lab
        self.ca = ca = Authority(os.path.join(lab.folder, "ca"))
        ca.issue_intermediate("middle")
        ca.issue("leaf", ca="middle", more="authorityInfoAccess=OCSP;URI:http://ocsp.test/,caIssuers;URI:http://ca.test/\n")
        ca.join("chain", "leaf", "middle")
        ca.respond("leaf", ca="middle")
        self.guest, self.other, self.stranger = lab.add_guest("g1"), lab.add_guest("g2"), lab.add_guest("s1")
        keys = ca.keys("chain", more=f'certificate-ocsp = "{ca.path("leaf.der")}"\nadvertise-api = yes\n')
        self.gw = gateway.Gateway(lab, ZONE, globals_=keys)
        self.serve_names()

    def serve_names(self):
        """The resolver and DHCP server of the guests, with the lines of `portalctl dnsmasq`."""
        path = os.path.join(self.gw.folder, "dnsmasq.conf")
        with open(path, "w", encoding="ascii") as f:
            f.write("no-resolv\nno-hosts\nbind-dynamic\ninterface=br-guest\n" + self.gw.ctl_raw("dnsmasq").stdout)
        server = self.lab.spawn("gw", ["dnsmasq", "--keep-in-foreground", "--user=root", "--log-facility=-", "-C", path,
                                       "--pid-file="], "dnsmasq-api")
        wait_until(lambda: "started" in server.output() or not server.alive(), what="dnsmasq is up")
        assert server.alive(), server.output()

    def browser(self, guest, family):
        return Browser(guest, self.ca, family)

    def state(self, guest, family, *options):
        status, _, body = self.browser(guest, family).get(API, *(options or JSON))
        assert status == 200
        return json.loads(body)


@pytest.fixture(scope="module")
def running(make_lab):
    return Place(make_lab(dnsmasq=False))


@pytest.fixture
def place(running):
    running.gw.revoke_all()
    return running


def raw(place, family, online):
    """(head in lower case, body) of the API, for a guest with or without a session."""
    browser = place.browser(place.guest, family)
    if online:
        assert browser.send("login")[0] == 303
    status, head, body = browser.get(API, *JSON)
    assert status == 200
    return head, body


on_and_off = pytest.mark.parametrize("online", [False, True], ids=["captive", "online"])


@families
@on_and_off
def test_11_never_in_the_clear(place, family, online):
    raw(place, family, online)
    guest = place.guest
    for host in (NAME, bracket(guest.gateway[family])):
        status, head, body = place.browser(guest, family).get(f"http://{host}/api", *JSON)
        assert status == 303 and f"location: {API}\n" in head and "captive\"" not in body
    if not online:
        elsewhere = guest.get(f"http://{bracket(FORBIDDEN[family])}/api", headers={"Accept": "application/captive+json"})
        assert elsewhere.status == 511 and b"captive\"" not in elsewhere.body


def test_12_the_default_port(place):
    uris = set(re.findall(r"https://[^\s,\"';]+", "".join(place.gw.ctl_raw(p).stdout for p in ("dnsmasq", "kea", "radvd", "odhcpd"))))
    assert uris == {API}


@families
def test_13_a_certificate_that_devices_trust(place, family):
    """For the name, with all intermediates, so that nothing is to be fetched, and the CA's word on it stapled."""
    text = s_client(place.guest, family, "-servername", NAME, "-verify_hostname", NAME, "-CAfile", place.ca.path("ca.pem"),
                    "-status", "-showcerts")
    assert "Verify return code: 0 (ok)" in text and text.partition("Certificate chain")[2].count("BEGIN CERTIFICATE") == 2
    assert "OCSP Response Status: successful" in text and "Cert Status: good" in text
    assert "Verify return code: 62" in s_client(place.guest, family, "-servername", NAME, "-verify_hostname", "other.test",
                                                "-CAfile", place.ca.path("ca.pem")), "the name is looked at"


@families
@on_and_off
def test_14_content_type(place, family, online):
    assert "\ncontent-type: application/captive+json\n" in raw(place, family, online)[0] + "\n"


@families
@on_and_off
def test_15_captive_is_a_boolean(place, family, online):
    found = []
    state = json.loads(raw(place, family, online)[1], object_pairs_hook=lambda pairs: found.append(pairs) or dict(pairs))
    assert state["captive"] is (not online) and [k for k, _ in found[0]].count("captive") == 1


@families
@on_and_off
def test_16_the_portal_over_tls(place, family, online):
    """And it is there: the login page, or the session's."""
    url = json.loads(raw(place, family, online)[1])["user-portal-url"]
    status, _, page = place.browser(place.guest, family).get(url)
    assert url.startswith(f"https://{NAME}/") and status == 200
    assert ("Log out" if online else "accept the terms") in page


def test_17_the_venue_over_tls(place):
    place.gw.ctl("grant", place.guest.mac)
    assert place.state(place.guest, 4)["venue-info-url"] == VENUE
    place.gw.write_config(ZONE.replace("https://venue", "http://venue"))
    done = place.gw.check_config()
    place.gw.write_config(ZONE)
    assert done.returncode == 1 and "venue-info-url" in done.stderr


@families
def test_18_what_remains(place, family):
    """Only of a session; what limits it only if it does; bytes of both directions, from the IP header on."""
    guest, gw = place.guest, place.gw
    assert not {"seconds-remaining", "bytes-remaining"} & set(place.state(guest, family))
    gw.ctl("grant", guest.mac, "--for", "1h", "--quota-total", "40M")
    with guest.download(family) as download:
        download.wait_progress(300_000)
    state = place.state(guest, family)
    assert type(state["seconds-remaining"]) is int and 3500 < state["seconds-remaining"] <= 3600
    assert type(state["bytes-remaining"]) is int and state["bytes-remaining"] < 40_000_000 - 300_000
    wait_until(lambda: gw.ctl("list")["sessions"][0]["bytes-down"] >= 300_000, 20, "it is accounted")
    session = gw.ctl("list")["sessions"][0]
    used = session["bytes-up"] + session["bytes-down"]
    assert place.state(guest, family)["bytes-remaining"] <= 40_000_000 - used <= state["bytes-remaining"]
    gw.ctl("set", guest.mac, "--quota-total", "none")
    assert "bytes-remaining" not in place.state(guest, family)
    gw.revoke_all()
    gw.ctl("trust", guest.mac)
    assert not {"seconds-remaining", "bytes-remaining"} & set(place.state(guest, family)), "nothing limits it"
    gw.ctl("untrust", guest.mac)


@families
def test_19_can_extend_session_is_a_boolean(place, family):
    assert "can-extend-session" not in place.state(place.guest, family)
    place.browser(place.guest, family).send("login")
    assert place.state(place.guest, family)["can-extend-session"] is True
    place.gw.ctl("grant", place.guest.mac)
    assert place.state(place.guest, family)["can-extend-session"] is False


@families
@on_and_off
def test_20_no_cache_keeps_it(place, family, online):
    head = raw(place, family, online)[0] + "\n"
    assert "\ncache-control: no-store\n" in head and "etag" not in head and "last-modified" not in head


def test_21_each_its_own_state(place):
    """Two guests at a time; one guest by both families; a stranger that takes over the address of a guest is a stranger."""
    place.gw.ctl("grant", place.guest.mac)
    for family in (4, 6):
        assert place.state(place.guest, family)["captive"] is False
        assert place.state(place.other, family)["captive"] is True
    taken, own = dict(place.guest.addresses), dict(place.other.addresses)
    place.guest.readdress({4: "192.0.2.91", 6: "2001:db8:1::91"})
    place.other.readdress(taken)
    place.lab.run("gw", ["ip", "neigh", "flush", "dev", "br-guest"])
    for family in (4, 6):
        assert place.state(place.other, family)["captive"] is True
        assert place.state(place.guest, family)["captive"] is False, "the session is the device's, not the address's"
    place.other.readdress(own)
    place.guest.readdress(taken)
    place.lab.run("gw", ["ip", "neigh", "flush", "dev", "br-guest"])


def test_22_one_uri_for_all(place):
    """Guests are on the gateway's own link, so it sees who asks: the URI need not tell them apart, and does not."""
    place.gw.ctl("grant", place.guest.mac)
    url = {place.browser(g, 4).get(API, *JSON)[2].count(NAME) for g in (place.guest, place.other)}
    assert url == {1} and "?" not in "".join(place.gw.ctl("dnsmasq")["lines"])


def resolve(guest, family):
    """The addresses of the portal's name, by the gateway's own resolver."""
    kind, size = {4: (1, 4), 6: (28, 16)}[family]
    name = b"".join(bytes([len(label)]) + label.encode() for label in NAME.split(".")) + b"\0"
    answer = guest.udp(guest.gateway[family], 53, b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + name + bytes([0, kind, 0, 1]))
    at = 12 + len(name) + 4
    return [socket.inet_ntop({4: socket.AF_INET, 6: socket.AF_INET6}[family], answer[i + 12:i + 12 + size])
            for i in range(at, at + (12 + size) * int.from_bytes(answer[6:8], "big"), 12 + size)]


@families
def test_23_reachable_while_captive(place, family):
    """Its name and itself, for a device that never logs in."""
    assert resolve(place.stranger, family) == [place.stranger.gateway[family]]
    assert place.state(place.stranger, family)["captive"] is True


@families
def test_24_each_answer_is_as_of_now(place, family):
    """Asked again and again; the first one after a login, a revoke and an end says so."""
    guest, gw = place.guest, place.gw
    assert [place.state(guest, family)["captive"] for _ in range(10)] == [True] * 10
    place.browser(guest, family).send("login")
    assert place.state(guest, family)["captive"] is False
    gw.revoke(guest)
    assert place.state(guest, family)["captive"] is True
    gw.grant(guest, for_="3s")
    assert place.state(guest, family)["captive"] is False
    wait_until(lambda: not gw.sessions() and not gw.members(), what="the end")
    assert place.state(guest, family)["captive"] is True and guest.is_stranger()


@families
@on_and_off
def test_25_whatever_else_is_asked(place, family, online):
    """Unknown parameters and types do no harm; the whole is short enough for Android."""
    body = raw(place, family, online)[1]
    assert len(body) <= ANDROID_MAX
    browser, expected = place.browser(place.guest, family), set(json.loads(body))
    for url, accept in ((API + "?x=1&x=%ff&&=", "application/captive+json"), (API, "*/*"), (API, "application/*"),
                        (API, "application/capport+json"), (API, "application/captive+json;q=0.1, text/html"),
                        (API, "x" * 5000), (API + "?" + "y" * 2000, "application/json")):
        status, _, body = browser.get(url, "-H", f"Accept: {accept}")
        assert status == 200 and set(json.loads(body)) == expected, accept
    status, _, body = browser.get(API, "-H", "Accept:")
    assert status == 200 and set(json.loads(body)) == expected


@families
@on_and_off
def test_26_no_keys_of_our_own(place, family, online):
    assert set(json.loads(raw(place, family, online)[1])) == (KEYS if online else {"captive", "user-portal-url"})
