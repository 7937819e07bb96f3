# SPDX-License-Identifier: GPL-2.0-or-later
"""What the models of devices have in common: where they are, one HTTP request at a time, and the sheet that they open.

A World is where a device is: how it reaches a host, whom it trusts beside the system's own authorities, and what DHCP told
it of a captive portal API.  fetch() follows nothing and remembers nothing; whether to follow is the model's.
"""
import collections
import http.client
import ipaddress
import os
import socket
import ssl
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))

from guest import bracket, parse_page, refresh_target  # noqa: E402

BODY_MAX = 128 * 1024  # bytes that a device reads
STEPS_MAX = 8  # pages between a sheet's first address and the form
REDIRECTS = (300, 301, 302, 303, 307)
PORTS = {"http": 80, "https": 443}
WEBKIT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

Answer = collections.namedtuple("Answer", "status headers body whole url")  # whole: the body is not cut off at BODY_MAX


class Failure(Exception):
    """No whole answer; `untrusted` if for want of a good certificate."""

    def __init__(self, why, untrusted=False):
        super().__init__(str(why) or type(why).__name__)
        self.untrusted = untrusted


class World:
    """connect(host, port, timeout): a connected socket, or OSError.  trust: a file of authorities.  api: the captive portal
    API's URI, or None; by_dhcp4: did DHCPv4 tell it?"""

    patience = 10.0  # seconds, of who does not say how long to wait

    def __init__(self, connect, trust=None, api=None, family=4, sleep=time.sleep, by_dhcp4=True):
        self.connect, self.trust, self.api, self.family, self.sleep = connect, trust, api, family, sleep
        self.by_dhcp4 = by_dhcp4

    def tls(self, sock, host):
        context = ssl.create_default_context()
        if self.trust:
            context.load_verify_locations(self.trust)
        return context.wrap_socket(sock, server_hostname=host)


def request(url, agent, version="1.1", accept=None, headers=(), method="GET", body=b""):
    """The bytes that are sent; headers: whole lines."""
    parts = urllib.parse.urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/{version}", f"Host: {parts.netloc}", f"User-Agent: {agent}"]
    lines += [f"Accept: {accept}"] if accept else []
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, *headers, "Connection: close", "", ""]).encode("latin-1", "replace") + body


def fetch(world, url, agent, timeout=None, **more):
    """The answer to one request, which is as request() has it; Failure if there is none."""
    parts = urllib.parse.urlsplit(url)
    try:
        sock = world.connect(parts.hostname, parts.port or PORTS[parts.scheme], timeout or world.patience)
        with sock if parts.scheme == "http" else world.tls(sock, parts.hostname) as s:
            s.sendall(request(url, agent, **more))
            response = http.client.HTTPResponse(s, method=more.get("method", "GET"))
            response.begin()
            body = response.read(BODY_MAX + 1)
            if len(body) <= BODY_MAX and response.length:
                raise Failure(f"cut off {response.length} bytes before its end")
            return Answer(response.status, response.headers, body[:BODY_MAX], len(body) <= BODY_MAX, url)
    except ssl.SSLCertVerificationError as e:
        raise Failure(e.verify_message, untrusted=True) from e
    except (OSError, ValueError, KeyError, http.client.HTTPException) as e:
        raise Failure(e) from e


def location(answer):
    """Where a redirect leads, as a whole URL; None if it leads nowhere."""
    target = answer.headers.get("Location")
    return urllib.parse.urljoin(answer.url, target) if target else None


def follow(world, url, agent, redirects, **kw):
    """fetch(), and as many redirects over http and https."""
    for _ in range(redirects + 1):
        answer = fetch(world, url, agent, **kw)
        url = location(answer)
        if answer.status not in (*REDIRECTS, 308) or not url:
            return answer
    raise Failure("too many redirects")


def open_sheet(world, url, agent=WEBKIT):
    """Does the page that a device opens lead to a form to log in with?  Redirects and refreshes are followed by themselves,
    and the only link of a page is clicked.  (True, the form's address) or (False, why not)"""
    for _ in range(STEPS_MAX):
        try:
            answer = follow(world, url, agent, 5, accept=HTML)
        except Failure as e:
            return False, f"{url}: {e}"
        if answer.status != 511 and answer.status >= 400:
            return False, f"{url}: status {answer.status}"
        try:
            page = parse_page(answer)
        except UnicodeDecodeError as e:
            return False, f"{url}: {e}"
        if page.forms:
            return True, answer.url
        target = refresh_target(page) or (page.links[0] if len(set(page.links)) == 1 else None)
        if not target:
            return False, f"{answer.url}: neither a form nor the way to one"
        url = urllib.parse.urljoin(answer.url, target)
    return False, "the pages lead in a circle"


def open_tcp(host, port, timeout):
    return socket.create_connection((host, port), timeout)


def is_literal(host):
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def connector(address, names=(), tcp=open_tcp, resolve=None):
    """connect() of a World: `names`, those of the probes, lead to `address`, for it does not matter to a portal that answers
    for everybody where they go; without an address they are resolved as well.  Where a portal sends its guests does matter:
    an address is taken as it is, and any other name is asked of resolve(name), which returns an address or raises OSError;
    without it such a name leads to `address` too."""
    def connect(host, port, timeout):
        if is_literal(host):
            return tcp(host, port, timeout)
        return tcp(resolve(host) if resolve and (host not in names or not address) else address, port, timeout)
    return connect


__all__ = ["Answer", "Failure", "World", "bracket", "connector", "fetch", "follow", "location", "open_sheet", "request"]
