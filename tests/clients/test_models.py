# SPDX-License-Identifier: GPL-2.0-or-later
"""The models of devices are proven able to say each of their verdicts, at portals that are right and wrong."""
import json
import os
import socket
import ssl
import sys
import threading

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

import gateway  # noqa: E402
from authority import Authority  # noqa: E402
from device import World, connector, open_sheet  # noqa: E402
from models import HOSTS, MODELS, NOTHING, ONLINE, PARTIAL, PORTAL  # noqa: E402

ADDRESS, PORTAL_NAME, API = "198.51.100.9", "portal.test", "https://portal.test/api"
LOOKS = {m.name: m.look for m in MODELS}
HTML = b"<html><head><title>Welcome</title></head><body>Log in</body></html>"
FORM = b"<html><body><form method=post><input name=a></form></body></html>"
GENUINE = {
    "Apple": (200, "", b"<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"),
    "Android 10": (204, "", b""),
    "Android 14": (204, "", b""),
    "Windows NCSI": (200, "", b"Microsoft Connect Test"),
    "ChromeOS 2022": (204, "", b""),
    "Kindle": (200, "", b"81ce4465-7167-4dcb-835b-dcc9e44c112a"),
    "Nintendo": (200, "X-Organization: Nintendo\r\n", b"ok"),
}
DEAF = dict.fromkeys(("Android 10", "Android 14", "ChromeOS 2022", "Kindle", "Nintendo"), NOTHING)  # to an error status
# the answer of a portal, and the models that do not open their sheet at it, with what they say instead
PORTALS = {
    "page": ((200, "", HTML), {}),
    "302": ((302, "Location: https://portal.test/\r\n", HTML), {}),
    "302 to nobody": ((302, "Location: http://192.0.2.1:2050/\r\n", HTML), {"Apple": ONLINE}),
    "302 without a place": ((302, "", HTML), {"Apple": ONLINE, "ChromeOS 2022": NOTHING}),
    "511": ((511, "", HTML), DEAF),
    "511 empty": ((511, "", b""), {"Apple": ONLINE, **DEAF}),
    "403": ((403, "", HTML), {"Apple": ONLINE, **DEAF}),
    "407": ((407, "", HTML), {"Apple": ONLINE, **DEAF}),
    "308": ((308, "Location: https://portal.test/\r\n", HTML), {"Apple": ONLINE, "ChromeOS 2022": NOTHING, "Kindle": NOTHING,
                                                                "Nintendo": NOTHING}),
    "307": ((307, "Location: https://portal.test/\r\n", HTML), {"ChromeOS 2022": NOTHING}),
    "success": ((200, "", b"<title>Success</title>"), {"Apple": ONLINE}),
    "success with 511": ((511, "", b"<title> Success </title>"), {"Apple": ONLINE, **DEAF}),
    "four bytes": ((200, "", b"<p/>"), {"Android 10": NOTHING, "Android 14": NOTHING}),
    "one byte": ((200, "", b"x"), {"Android 10": NOTHING, "Android 14": NOTHING, "ChromeOS 2022": NOTHING}),
    "wispr": ((500, "", b"<WISPAccessGatewayParam><Redirect><MessageType>100</MessageType><LoginURL>https://portal.test/"
                        b"</LoginURL></Redirect></WISPAccessGatewayParam>"), DEAF),
    "wispr over http": ((500, "", b"<WISPAccessGatewayParam><MessageType>100</MessageType><LoginURL>http://portal.test/"
                                  b"</LoginURL></WISPAccessGatewayParam>"), {"Apple": ONLINE, **DEAF}),
    "too long": ((500, "", b"x" * 200_000), DEAF),
    "cut off": ((200, "Content-Length: 5000\r\n", HTML), {"Apple": ONLINE, **DEAF, "Windows NCSI": NOTHING}),
}
by_name = pytest.mark.parametrize("name", LOOKS)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    gateway.add_accounts()
    ca = Authority(str(tmp_path_factory.mktemp("models") / "ca"))
    ca.issue("portal", PORTAL_NAME)
    ca.issue("google", "www.google.com")
    return ca


class Internet:
    """connect() to servers that give one answer each: {(host, port): (status, headers, body)}, or with a fourth item, the
    pair for TLS.  "*" is any host.  Where nobody listens connections are refused."""

    def __init__(self, servers):
        self.servers, self.asked = servers, []

    def __call__(self, host, port, timeout):
        self.asked.append((host, port))
        server = self.servers.get((host, port), self.servers.get(("*", port)))
        if not server:
            raise ConnectionRefusedError
        ours, theirs = socket.socketpair()
        ours.settimeout(timeout)
        threading.Thread(target=self.serve, args=(theirs, *server), daemon=True).start()
        return ours

    @staticmethod
    def serve(sock, status, headers, body, pair=None):
        try:
            with sock:
                if pair:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(*pair)
                    sock = context.wrap_socket(sock, server_side=True)
                sock.recv(65536)
                length = "" if "Content-Length" in headers else f"Content-Length: {len(body)}\r\n"
                sock.sendall(f"HTTP/1.1 {status} X\r\n{headers}{length}\r\n".encode() + body)
                sock.close()
        except OSError:
            pass


def look(name, servers, **world):
    return LOOKS[name](World(Internet(servers), sleep=lambda _: None, **world))


def pair(authority, file):
    return authority.path(f"{file}.pem"), authority.path(f"{file}.key")


@by_name
@pytest.mark.parametrize("portal", PORTALS)
def test_portal(name, portal):
    answer, others = PORTALS[portal]
    assert look(name, {("*", 80): answer}).verdict == others.get(name, PORTAL)


@by_name
def test_internet(name, authority):
    servers = {("*", 80): GENUINE[name], ("*", 443): (204, "", b"", pair(authority, "google"))}
    assert look(name, servers, trust=authority.path("ca.pem")).verdict == ONLINE


@by_name
def test_no_answer(name):
    assert look(name, {}).verdict == (ONLINE if name == "Apple" else NOTHING)


@pytest.mark.parametrize("name, verdict", [("Android 10", PARTIAL), ("Android 14", PARTIAL), ("ChromeOS 2022", NOTHING)])
@pytest.mark.parametrize("https", ["reset", "untrusted"])
def test_a_forged_204_is_no_internet(name, verdict, https, authority):
    """A portal that answers the plain probe as its owner does has not said that all is well: https is asked too."""
    servers = {("*", 80): GENUINE[name]}
    if https == "untrusted":
        servers[("*", 443)] = (204, "", b"", pair(authority, "google"))
    assert look(name, servers).verdict == verdict


def test_apple_tries_again():
    internet = Internet({})
    LOOKS["Apple"](World(internet, sleep=lambda _: None))
    assert internet.asked == [("captive.apple.com", 80)] * 10


def test_apple_takes_what_it_was_redirected_to():
    """Any status will do there; and so will a portal whose certificate it does not trust."""
    servers = {("*", 80): (302, "Location: http://192.0.2.1:2050/\r\n", b""), ("192.0.2.1", 2050): (404, "", HTML)}
    assert look("Apple", servers).verdict == PORTAL
    servers = {("*", 80): (302, "Location: https://portal.test/\r\n", b"")}
    assert look("Apple", servers).verdict == PORTAL
    servers = {("*", 80): (302, "Location: http://192.0.2.1:2050/\r\n", b""), ("192.0.2.1", 2050): GENUINE["Apple"]}
    assert look("Apple", servers).verdict == ONLINE


@pytest.mark.parametrize("place", ["192.0.2.1:2050", "[2001:db8::1]:2050", "portal.example:2050"])
def test_redirect_is_followed_to_its_place(place):
    """A portal may send its guests to a port of its own: only there is its page, and only probes go to the address."""
    internet = Internet({(ADDRESS, 80): (302, f"Location: http://{place}/login?from=a\r\n", b""),
                         ("192.0.2.1", 2050): (200, "", HTML), ("2001:db8::1", 2050): (200, "", HTML)})
    connect = connector(ADDRESS, HOSTS, internet, {"portal.example": "192.0.2.1"}.__getitem__)
    assert LOOKS["Apple"](World(connect)).verdict == PORTAL
    assert internet.asked == [(ADDRESS, 80), ("2001:db8::1" if "[" in place else "192.0.2.1", 2050)]


# ---- the captive portal API

def state(**keys):
    return json.dumps(keys).encode()


CAPTIVE = state(captive=True, **{"user-portal-url": "https://portal.test/login"})
JSON = "Content-Type: application/captive+json\r\n"
# what the API answers, and what is made of it where a plain 511 is all that there is beside it: Apple, Android 14
APIS = {
    "captive": ((200, JSON, CAPTIVE), PORTAL, PORTAL),
    "not captive": ((200, JSON, state(captive=False)), ONLINE, NOTHING),
    "201": ((201, JSON, CAPTIVE), PORTAL, NOTHING),
    "404": ((404, JSON, CAPTIVE), NOTHING, NOTHING),
    "no address": ((200, JSON, state(captive=True)), PORTAL, NOTHING),
    "a word": ((200, JSON, state(captive="true", **{"user-portal-url": "https://portal.test/login"})), NOTHING, NOTHING),
    "no captive": ((200, JSON, b"{}"), NOTHING, NOTHING),
    "no object": ((200, JSON, b"[true]"), NOTHING, NOTHING),
    "a page": ((200, "Content-Type: text/html\r\n", HTML), NOTHING, NOTHING),
    "another charset": ((200, "Content-Type: application/captive+json; charset=latin1\r\n", CAPTIVE), PORTAL, NOTHING),
    "4096 characters": ((200, JSON, CAPTIVE + b" " * (4096 - len(CAPTIVE))), PORTAL, PORTAL),
    "4097 characters": ((200, JSON, CAPTIVE[:-1] + b" " * (4096 - len(CAPTIVE)) + b" }"), PORTAL, NOTHING),
}


@pytest.mark.parametrize("api", APIS)
def test_api(api, authority):
    answer, apple, android = APIS[api]
    servers = {("*", 80): (511, "", HTML), (PORTAL_NAME, 443): (*answer, pair(authority, "portal"))}
    trust = authority.path("ca.pem")
    found = {name: look(name, servers, trust=trust, api=API) for name in ("Apple", "Android 10", "Android 14")}
    assert {name: f.verdict for name, f in found.items()} == {"Apple": apple, "Android 10": NOTHING, "Android 14": android}
    if api == "captive":
        assert found["Apple"].sheet == found["Android 14"].sheet == "https://portal.test/login"


def test_api_that_nobody_trusts(authority):
    """Apple's device is then left without a word, so nothing may be advertised that is not trusted; Android's falls back."""
    servers = {("*", 80): (302, "Location: http://192.0.2.1/\r\n", HTML),
               (PORTAL_NAME, 443): (200, JSON, CAPTIVE, pair(authority, "portal"))}
    found = [look(name, servers, api=API) for name in ("Apple", "Android 14")]
    assert [f.verdict for f in found] == [NOTHING, PORTAL] and found[1].sheet == "http://192.0.2.1/"


def test_android_hears_dhcpv4_alone(authority):
    """Of DHCPv6's option and the router advertisement's it knows nothing; Apple's devices do."""
    servers = {("*", 80): (511, "", HTML), (PORTAL_NAME, 443): (200, JSON, CAPTIVE, pair(authority, "portal"))}
    found = [look(name, servers, trust=authority.path("ca.pem"), api=API, by_dhcp4=False) for name in ("Apple", "Android 14")]
    assert [f.verdict for f in found] == [PORTAL, NOTHING]


def test_api_over_http_is_ignored():
    servers = {("*", 80): (302, "Location: http://192.0.2.1/\r\n", HTML), (PORTAL_NAME, 80): (200, JSON, CAPTIVE)}
    for name in ("Apple", "Android 14"):
        assert look(name, servers, api="http://portal.test/api").sheet != "https://portal.test/login"


def test_the_api_says_no_but_the_probe_says_portal(authority):
    servers = {("*", 80): (302, "Location: http://192.0.2.1/\r\n", HTML),
               (PORTAL_NAME, 443): (200, JSON, state(captive=False), pair(authority, "portal"))}
    trust = authority.path("ca.pem")
    assert look("Android 14", servers, trust=trust, api=API).verdict == PORTAL
    assert look("Apple", servers, trust=trust, api=API).verdict == ONLINE


# ---- the sheet

def page(body):
    return (200, "", f"<html><body>{body}</body></html>".encode())


SHEETS = {
    "the form": ({("*", 80): (200, "", FORM)}, True),
    "511 with the form's link": ({("*", 80): (511, "", b'<a href="http://192.0.2.1/login">'),
                                  ("192.0.2.1", 80): (200, "", FORM)}, True),
    "a refresh": ({("*", 80): (511, "", b'<meta http-equiv="refresh" content="0; url=http://192.0.2.1/">'),
                   ("192.0.2.1", 80): (200, "", FORM)}, True),
    "a redirect": ({("*", 80): (302, "Location: http://192.0.2.1/\r\n", b""), ("192.0.2.1", 80): (200, "", FORM)}, True),
    "two links": ({("*", 80): page('<a href="http://192.0.2.1/a"><a href="http://192.0.2.1/b">')}, False),
    "nothing": ({("*", 80): page("Please log in")}, False),
    "an error": ({("*", 80): (404, "", FORM)}, False),
    "nobody": ({("*", 80): (302, "Location: http://192.0.2.1/\r\n", b"")}, False),
    "a circle": ({("*", 80): page('<a href="/">')}, False),
    "no trust": ({("*", 80): (302, "Location: https://portal.test/\r\n", b""), (PORTAL_NAME, 443): "tls"}, False),
}


@pytest.mark.parametrize("what", SHEETS)
def test_sheet(what, authority):
    servers, wanted = SHEETS[what]
    servers = {k: (200, "", FORM, pair(authority, "portal")) if v == "tls" else v for k, v in servers.items()}
    opened, why = open_sheet(World(Internet(servers)), "http://captive.apple.com/hotspot-detect.html")
    assert opened is wanted, why
