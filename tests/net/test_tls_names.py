# SPDX-License-Identifier: GPL-2.0-or-later
"""A zone's own name and certificate in place of those of all zones: links, login, API, what DHCP tells, and which
certificate is shown to whom."""
import os
import re

import pytest

import gateway
from authority import NAME, Authority
from browser import Browser, s_client, shown
from conftest import families
from guest import bracket, parse_page
from lab import FORBIDDEN
from namespace import wait_until
from prometheus import check, metrics

SECOND = "two.other.test"
WILD = "*.other.test"
JSON = ("-H", "Accept: application/captive+json")
ZONES = """
zone "guest" {{
  interface = "br-guest"
}}
zone "rt" {{
  interface = "br-two"
  {second}
}}
"""


class Place:
    def __init__(self, lab):
        self.lab = lab
        self.ca = Authority(os.path.join(lab.folder, "ca"))
        self.ca.issue("one")
        self.ca.issue("two")
        self.ca.issue("wild", WILD)
        self.ca.issue("both", f"{NAME},DNS:{SECOND}")
        self.guests = {"guest": lab.add_guest("g1"), "rt": lab.add_guest("t1", "br-two")}
        self.gw = gateway.Gateway(lab, self.zones(self.ca.keys("wild", SECOND)),
                                  globals_=self.ca.keys("one") + "advertise-api = yes\n")

    def zones(self, second):
        return ZONES.format(second=second.replace("\n", "\n  "))

    def browser(self, zone, family):
        return Browser(self.guests[zone], self.ca, family, (NAME, SECOND))


@pytest.fixture(scope="module")
def place(make_lab):
    return Place(make_lab())


EACH = pytest.mark.parametrize("zone, name, other", [("guest", NAME, SECOND), ("rt", SECOND, NAME)], ids=["global", "own"])


@families
@EACH
def test_the_way_of_a_guest(place, family, zone, name, other):
    """511, login, status and API: all under the zone's own name."""
    guest, browser = place.guests[zone], place.browser(zone, family)
    place.gw.revoke_all()
    first = guest.get(f"http://{bracket(FORBIDDEN[family])}/")
    assert first.status == 511 and parse_page(first).links[0].startswith(f"https://{name}/login")
    assert other not in first.body.decode()
    status, _, body = browser.get(f"https://{name}/api", *JSON)
    assert status == 200 and f'"https://{name}/login"' in body
    assert f"location: https://{name}/login" in browser.get(f"http://{name}/login")[1]
    assert browser.send("login", name)[0] == 303
    assert guest.opens(family)
    assert f'"https://{name}/status"' in browser.get(f"https://{name}/api", *JSON)[2]


@families
@EACH
def test_the_other_name_leads_to_the_own_one(place, family, zone, name, other):
    """A bookmark of the other zone's: no warning, and from there to this zone's portal."""
    status, head, _ = place.browser(zone, family).get(f"https://{other}/status")
    assert status == 302 and f"\nlocation: https://{name}/\n" in head
    assert place.browser(zone, family).get(f"https://{other}/login", "-d", "accept=yes")[0] == 421
    status, head, _ = place.browser(zone, family).get(f"http://{other}/")
    assert status == 302 and f"\nlocation: http://{name}/\n" in head


@families
@EACH
def test_which_certificate_is_shown(place, family, zone, name, other):
    """By SNI, wildcards included; without it, and for names that are nobody's, the zone's own."""
    guest = place.guests[zone]
    own = {NAME: NAME, SECOND: WILD}[name]
    for asked, expected in ((NAME, NAME), (SECOND, WILD), ("x.other.test", WILD), ("TWO.Other.Test", WILD),
                            ("a.b.other.test", own), ("other.test", own), ("nobody.test", own), ("x" * 63 + ".test", own)):
        assert shown(guest, family, "-servername", asked) == expected, asked
    assert shown(guest, family, "-noservername") == own
    assert shown(guest, family, "-noservername", "-tls1_2") == own
    assert "Verify return code: 0 (ok)" in s_client(guest, family, "-servername", name, "-verify_hostname", name, "-CAfile",
                                                    place.ca.path("ca.pem"))


def test_what_dhcp_and_dns_are_told(place):
    lines = place.gw.ctl("dnsmasq")["lines"]
    assert lines[1:] == [
        f"interface-name={NAME},br-guest",
        f"interface-name={SECOND},br-two",
        f"dhcp-option-force=tag:br-guest,114,https://{NAME}/api",
        f"dhcp-option-force=tag:br-guest,option6:103,https://{NAME}/api",
        f"dhcp-option-force=tag:br-two,114,https://{SECOND}/api",
        f"dhcp-option-force=tag:br-two,option6:103,https://{SECOND}/api",
    ]
    for program in ("radvd", "odhcpd", "kea"):
        text = place.gw.ctl_raw(program).stdout
        at = [text.index(word) for word in ("br-guest", f"https://{NAME}/api", "br-two", f"https://{SECOND}/api")]
        assert at == sorted(at), program
    assert place.gw.ctl_raw("kea").stdout.count("option-data") == 4


def test_metrics_and_status(place):
    text = place.gw.ctl_raw("metrics").stdout
    check(text)
    for zone, name in (("guest", NAME), ("rt", SECOND)):
        assert metrics(place.gw)[f'portald_certificate_expiry_timestamp_seconds{{zone="{zone}",name="{name}"}}'] > 0
    assert [(z["hostname"], z["https"], z["api"]) for z in place.gw.status()["zones"]] == \
        [(NAME, True, f"https://{NAME}/api"), (SECOND, True, f"https://{SECOND}/api")]


def line_of(gw, text):
    with open(gw.config_path, encoding="utf-8") as f:
        return next(n for n, line in enumerate(f, 1) if text in line)


@pytest.mark.parametrize("second, at, text", [
    (f'hostname = "{SECOND}"', "two.other.test", f"hostname: the certificate of all zones is not for {SECOND}"),
    ("wild", "wild.pem", f'certificate: it is not for {NAME}'),
    ("half", "wild.pem", "certificate: certificate and certificate-key belong together"),
    ("mixed", "two.key", "certificate-key: it is the key of another certificate"),
    ("ocsp", "certificate-ocsp", "certificate-ocsp: certificate and certificate-key belong together"),
])
def test_each_pair_is_checked(place, second, at, text):
    """With the line, and the zone."""
    keys = place.ca.keys("wild", SECOND)
    second = {"wild": keys.split("\n", 1)[1], "half": keys.rsplit("\n", 2)[0], "mixed": keys.replace("wild.key", "two.key"),
              "ocsp": f'certificate-ocsp = "{place.ca.path("x")}"'}.get(second, second)
    place.gw.write_config(place.zones(second))
    done = place.gw.check_config()
    line = line_of(place.gw, at)
    place.gw.write_config(place.zones(keys))
    assert done.returncode == 1 and f'portald.conf:{line}: zone "rt": {text}' in done.stderr, done.stderr


def test_one_certificate_for_two_names(place):
    """A zone's own name with the certificate of all; no name of all zones is needed if each has its own."""
    gw, before = place.gw, place.gw.globals
    for more, second in ((place.ca.keys("both"), f'hostname = "{SECOND}"'),
                         (place.ca.keys("one"), place.ca.keys("wild", SECOND))):
        gw.globals = before.replace(place.ca.keys("one"), more)
        gw.write_config(place.zones(second))
        done = gw.check_config()
        assert done.returncode == 0 and "certificate" not in done.stderr, done.stderr
        gw.reload()
        expected = {True: f"{NAME},DNS:{SECOND}", False: WILD}["both" in more]
        wait_until(lambda: shown(place.guests["rt"], 4, "-noservername") == expected, what="the reload")
    gw.globals = before
    assert place.browser("rt", 6).get(f"https://{SECOND}/")[0] in (200, 303)


def test_a_zone_without(place):
    """A name that has no certificate: no https there, while the other zone keeps its own."""
    gw, before = place.gw, place.gw.globals
    gw.globals = before.replace(place.ca.keys("one"), f'hostname = "{NAME}"\n')
    gw.write_config(place.zones(place.ca.keys("wild", SECOND)))
    gw.reload_now()
    assert not gw.status()["zones"][0]["https"]
    status = gw.ctl_raw("status").stdout
    assert "without https: guest\n" in status and "can be read and changed" in status
    with pytest.raises(ConnectionRefusedError):
        place.guests["guest"].connect(place.guests["guest"].gateway[4], 443)
    gw.revoke_all()
    first = place.guests["guest"].get(f"http://{FORBIDDEN[4]}/")
    assert parse_page(first).links[0].startswith(f"http://{NAME}/login")
    assert place.browser("rt", 4).get(f"https://{SECOND}/")[0] == 200
    lines = gw.ctl("dnsmasq")["lines"]
    assert not [line for line in lines if "br-guest,114" in line]
    assert re.match("# no captive portal API .* of zone guest: ", lines[-1])
    gw.globals = before
    gw.write_config(place.zones(place.ca.keys("wild", SECOND)))
    gw.reload_now()
    assert gw.status()["zones"][0]["https"]


def test_the_key_of_a_zone_may_not_be_read(place):
    """A reload keeps that zone's pair, and takes the other's."""
    gw, ca = place.gw, place.ca
    before, good = s_client(place.guests["guest"], 4, "-noservername"), gw.globals
    os.chmod(ca.path("wild.key"), 0o600)
    gw.globals = good.replace(ca.keys("one"), ca.keys("two"))
    gw.write_config(place.zones(ca.keys("wild", SECOND)))
    gw.reload()
    wait_until(lambda: gw.log_lines('zone "rt": certificate: portald may not read it any more'), what="portald says so")

    def certificate(text):
        return re.search(r"-----BEGIN.*?-----END", text, re.DOTALL).group(0)

    wait_until(lambda: certificate(s_client(place.guests["guest"], 4, "-noservername")) != certificate(before), what="the new one")
    assert shown(place.guests["rt"], 4, "-noservername") == WILD
    os.chmod(ca.path("wild.key"), 0o640)
    gw.globals = good
    gw.write_config(place.zones(ca.keys("wild", SECOND)))
    gw.reload()
    wait_until(lambda: certificate(s_client(place.guests["guest"], 4, "-noservername")) == certificate(before), what="the old one")
