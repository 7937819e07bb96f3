# SPDX-License-Identifier: GPL-2.0-or-later
"""Models of devices that look for a captive portal and cannot be installed here: what each asks, and what it concludes.

A model is a row of MODELS: its probe (host, path, HTTP version, user agent), how many redirects it follows, how long it
waits, and a verdict, a function of the last answer.  The verdicts are PORTAL (the sheet opens), ONLINE, and NOTHING: the
device sees neither, and its user is left without a word.

A model is not its device: TLS probes, fallback probes, repeated probes and the captive portal API are not modelled, and
what the Kindle and the Nintendo do at a status other than 200 and a redirect is inferred.
"""
import collections
import http.client
import io
import ipaddress
import re
import socket
import urllib.parse

PORTAL, ONLINE, NOTHING = "portal", "online", "nothing"
BODY_MAX = 128 * 1024  # bytes that a model reads
ANDROID_AGENT = ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/60.0.3112.32 "
                 "Safari/537.36")
REDIRECTS = (300, 301, 302, 303, 307)

Answer = collections.namedtuple("Answer", "status headers body redirected")
Model = collections.namedtuple("Model", "name host path version agent follow timeout verdict")


def apple(answer):
    """Status 511 is as good as 200, but an empty document, or another status, is taken for the internet."""
    if answer is None or not answer.body:
        return ONLINE
    title = re.search(rb"<title>(.*?)</title>", answer.body, re.IGNORECASE | re.DOTALL)
    if title and title.group(1).strip() == b"Success":
        return ONLINE
    return PORTAL if answer.status in (200, 511) or answer.redirected else ONLINE


def android(answer):
    """200 to 399 except 204 is a portal; 511 is a probe that failed."""
    if answer is None:
        return NOTHING
    if answer.status == 204:
        return ONLINE
    if answer.status == 200 and len(answer.body) <= 4:
        return NOTHING
    return PORTAL if 200 <= answer.status <= 399 else NOTHING


def shill(answer):
    """ChromeOS of 2022: of the redirects it knows 302 alone."""
    if answer is None:
        return NOTHING
    if answer.status == 204:
        return ONLINE
    return PORTAL if answer.status == 302 or (answer.status == 200 and len(answer.body) > 1) else NOTHING


def text(expected):
    """Any answer but the expected text is a portal, whatever its status."""
    def verdict(answer):
        if answer is None:
            return NOTHING
        return ONLINE if answer.status == 200 and answer.body == expected else PORTAL
    return verdict


def page(answer, genuine):
    if answer is None:
        return NOTHING
    if genuine:
        return ONLINE
    return PORTAL if answer.status == 200 or answer.status in REDIRECTS else NOTHING


def kindle(answer):
    """Inferred: the stub page holds a fixed word; only a page or a redirect makes it open its browser."""
    return page(answer, answer is not None and b"81ce4465-7167-4dcb-835b-dcc9e44c112a" in answer.body)


def nintendo(answer):
    """Inferred: the header of the test server says "Nintendo"."""
    return page(answer, answer is not None and answer.headers.get("X-Organization") == "Nintendo")


MODELS = (
    Model("Apple", "captive.apple.com", "/hotspot-detect.html", "1.0", "CaptiveNetworkSupport-480 wispr", 6, 40, apple),
    Model("Android", "connectivitycheck.gstatic.com", "/generate_204", "1.1", ANDROID_AGENT, 0, 10, android),
    Model("Windows NCSI", "www.msftconnecttest.com", "/connecttest.txt", "1.1", "Microsoft NCSI", 0, 10,
          text(b"Microsoft Connect Test")),
    Model("ChromeOS", "www.gstatic.com", "/generate_204", "1.1", ANDROID_AGENT, 0, 10, shill),
    Model("Kindle", "spectrum.s3.amazonaws.com", "/kindle-wifi/wifistub.html", "1.1", "Kindle", 0, 10, kindle),
    Model("Nintendo", "conntest.nintendowifi.net", "/", "1.1", "Nintendo", 0, 10, nintendo),
)


class _Bytes:
    def __init__(self, data):
        self.data = data

    def makefile(self, *_):
        return io.BytesIO(self.data)


def fetch(model, connect, host, path, redirected=False):
    """One request; None if there was no whole answer.  connect(host, port, timeout) returns a connected socket."""
    request = (f"GET {path} HTTP/{model.version}\r\nHost: {host}\r\nUser-Agent: {model.agent}\r\n"
               "Connection: close\r\n\r\n")
    try:
        authority = urllib.parse.urlsplit(f"//{host}")
        with connect(authority.hostname, authority.port or 80, model.timeout) as s:
            s.sendall(request.encode("ascii"))
            data = b""
            while len(data) < BODY_MAX and (piece := s.recv(65536)):
                data += piece
        response = http.client.HTTPResponse(_Bytes(data), method="GET")
        response.begin()
        return Answer(response.status, response.headers, response.read(), redirected)
    except (OSError, ValueError, http.client.HTTPException):
        return None


def probe(model, connect):
    """The model's verdict.  A redirect is followed only over http, as often as the model does."""
    host, path, redirected = model.host, model.path, False
    for left in range(model.follow, -1, -1):
        answer = fetch(model, connect, host, path, redirected)
        if not left or answer is None or answer.status not in REDIRECTS or "Location" not in answer.headers:
            break
        target = urllib.parse.urlsplit(urllib.parse.urljoin(f"http://{host}{path}", answer.headers["Location"]))
        if target.scheme != "http":
            answer = answer._replace(redirected=True)
            break
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        host, redirected = target.netloc, True
    return model.verdict(answer)


def open_tcp(host, port, timeout):
    return socket.create_connection((host, port), timeout)


def is_literal(host):
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def connector(address, tcp=open_tcp, resolve=None):
    """connect() for probe(): the probes' names lead to `address`, for it does not matter to a portal that answers for
    everybody where they go.  Where it sends its guests does matter: an address is taken as it is, and any other name is
    asked of resolve(name), which returns an address or raises OSError; without it such a name leads to `address` too."""
    names = {m.host for m in MODELS}

    def connect(host, port, timeout):
        if is_literal(host):
            return tcp(host, port, timeout)
        return tcp(resolve(host) if resolve and host not in names else address, port, timeout)
    return connect
