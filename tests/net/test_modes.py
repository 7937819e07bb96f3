# SPDX-License-Identifier: GPL-2.0-or-later
"""A stranger cannot tell the two ways to divert apart: the same requests get the same bytes from a zone with divert
"redirect" and from one with "queue", but for the date and the gateway's own address."""
import os
import re
import socket
import sys

import pytest

import gateway
from conftest import families
from guest import bracket, read_all, tls_hello
from lab import FORBIDDEN
from namespace import SLOW, wait_until
from prometheus import metrics

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))

import models  # noqa: E402
import rfc_notice  # noqa: E402

ZONE = """
zone "{name}" {{
  interface = "{interface}" divert = "{divert}"
  title = "Café <Zum & Test>"
  connection-limit = 2000
  redirect-probes = "probe.example.net/check *.example.com/p/*"
}}
"""
CONFIG = (ZONE.format(name="guest", interface="br-guest", divert="redirect")
          + ZONE.format(name="rt", interface="br-two", divert="queue"))
OUTCOMES = ("opened", "answered", "closed", "quiet", "strange", "refused")  # of a packet in the queue
HOST = b"Host: example.org\r\n"
REQUESTS = {
    "a GET": b"GET / HTTP/1.1\r\n" + HOST + b"\r\n",
    "with a query": b"GET /a/b?c=d&e=%00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "with a fragment": b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n",
    "markup in the target": b"GET /\"><script>x</script> HTTP/1.1\r\n" + HOST + b"\r\n",
    "markup in Host": b"GET / HTTP/1.1\r\nHost: \"><script>\r\n\r\n",
    "UTF-8 in the target": "GET /é HTTP/1.1\r\nHost: example.org\r\n\r\n".encode(),
    "a HEAD": b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a whole URL": b"GET http://example.org/x HTTP/1.1\r\nHost: other.example\r\n\r\n",
    "HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "HTTP/1.0 with Host": b"GET /hotspot-detect.html HTTP/1.0\r\nHost: captive.apple.com\r\n\r\n",
    "HTTP/1.1 without Host": b"GET / HTTP/1.1\r\n\r\n",
    "a POST": b"POST /form HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nab=cd",
    "a PUT in chunks": b"PUT / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "100-continue": b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    "a CONNECT": b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n",
    "OPTIONS *": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "an unknown method": b"BREW /pot HTTP/1.1\r\n" + HOST + b"\r\n",
    "a websocket": b"GET / HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "generate_204": b"GET /generate_204 HTTP/1.1\r\nHost: connectivitycheck.gstatic.com\r\n\r\n",
    "gen_204 with a query": b"GET /gen_204?x=1 HTTP/1.1\r\nHost: www.google.com\r\n\r\n",
    "HEAD of generate_204": b"HEAD /generate_204 HTTP/1.1\r\nHost: www.google.com\r\n\r\n",
    "POST of generate_204": b"POST /generate_204 HTTP/1.1\r\nHost: www.google.com\r\nContent-Length: 0\r\n\r\n",
    "nearly generate_204": b"GET /generate_204/ HTTP/1.1\r\nHost: www.google.com\r\n\r\n",
    "Windows": b"GET /connecttest.txt HTTP/1.1\r\nHost: www.msftconnecttest.com\r\nConnection: Close\r\n\r\n",
    "generate_204 in HTTP/1.0": b"GET /generate_204 HTTP/1.0\r\n\r\n",
    "ConnMan": b"GET /online/status.html HTTP/1.1\r\nHost: ipv4.connman.net\r\nConnection: close\r\n\r\n",
    "ConnMan over IPv6": b"GET /online/status.html HTTP/1.1\r\nHost: IPV6.connman.net:80\r\n\r\n",
    "a POST to ConnMan": b"POST /online/status.html HTTP/1.1\r\nHost: ipv4.connman.net\r\nContent-Length: 2\r\n\r\nab",
    "Steam": b"GET /204 HTTP/1.1\r\nHost: test.steampowered.com\r\n\r\n",
    "Kindle": b"GET /kindle-wifi/wifistub.html HTTP/1.1\r\nHost: spectrum.s3.amazonaws.com\r\n\r\n",
    "Nintendo": b"GET / HTTP/1.1\r\nHost: ctest.cdn.nintendo.net\r\n\r\n",
    "HEAD of an old Nintendo": b"HEAD / HTTP/1.1\r\nHost: conntest.nintendowifi.net\r\n\r\n",
    "the zone's own probe": b"GET /check?x HTTP/1.1\r\nHost: probe.example.net\r\n\r\n",
    "one with stars": b"GET http://a.example.com/p/q HTTP/1.1\r\nHost: b\r\n\r\n",
    "nearly the zone's own": b"GET /check/ HTTP/1.1\r\nHost: probe.example.net\r\n\r\n",
    "Apple's other": b"GET / HTTP/1.0\r\nHost: netcts.cdn-apple.com\r\nUser-Agent: NetworkCTS\r\n\r\n",
    "old Windows": b"GET /ncsi.txt HTTP/1.1\r\nHost: www.msftncsi.com\r\n\r\n",
    "Firefox": b"GET /canonical.html HTTP/1.1\r\nHost: detectportal.firefox.com\r\nPragma: no-cache\r\n\r\n",
    "NetworkManager": b"GET /nm HTTP/1.1\r\nHost: network-test.debian.org\r\nConnection: close\r\n\r\n",
    "JSON": b"GET / HTTP/1.1\r\n" + HOST + b"Accept: application/json\r\n\r\n",
    "h2c": b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n",
    "a long target": b"GET /" + b"x" * 900 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "two requests": (b"GET /1 HTTP/1.1\r\n" + HOST + b"\r\n") * 2,
    "cookies": b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: " + b"a=bcdefgh; " * 60 + b"\r\n\r\n",
}

REQUESTS |= {f"suite: {what}": data for what, data in (models.requests() | rfc_notice.requests()).items()}  # of tests/clients


# Row B9: what is no request that both could answer alike.  libmicrohttpd answers these by itself, with pages of its own;
# queue mode looks at the beginning of a request only.  CLOSE is no answer at all.
CLOSE = ""
EXCEPTIONS = {  # what -> request, answers of redirect, of queue
    "a TLS hello": (tls_hello(), {"400", CLOSE}, {CLOSE}),
    "no version": (b"GET /\r\n\r\n", {"400"}, {"511"}),
    "HTTP/9.9": (b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", {"505"}, {"511"}),
    "a negative length": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", {"400"}, {"511"}),
    "a header of 100 kB": (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 100_000 + b"\r\n\r\n", {"431", CLOSE}, {"511"}),
    "a target of 100 kB": (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", {"414", CLOSE}, {"511"}),
    "bytes that are no text": (bytes(range(128, 256)) * 4 + b"\r\n\r\n", {"400", CLOSE}, {"511", CLOSE}),
}


@pytest.fixture(scope="module")
def gw(lab):
    return gateway.Gateway(lab, CONFIG)


@pytest.fixture(scope="module")
def strangers(lab, gw):
    return lab.add_guest("s1", "br-guest"), lab.add_guest("s2", "br-two")


def normal(guest, answer):
    """Without what may differ; a length that is right becomes a word."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", head)
    assert end and length, answer[:100]
    if body:
        assert int(length.group(1)) == len(body)
    head = re.sub(rb"\r\nDate: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT", b"\r\nDate: D", head)
    head = re.sub(rb"\r\nContent-Length: \d+", b"\r\nContent-Length: L", head)
    text = head + end + body
    for address in (f"[{guest.gateway[6]}]", guest.gateway[4]):
        text = text.replace(address.encode(), b"GATEWAY")
    return text


@families
@pytest.mark.parametrize("what", REQUESTS)
def test_same_bytes(strangers, family, what):
    redirected, queued = (normal(g, g.exchange(FORBIDDEN[family], REQUESTS[what])) for g in strangers)
    assert queued == redirected
    assert redirected.startswith((b"HTTP/1.1 511 ", b"HTTP/1.1 302 "))
    assert b"GATEWAY" in redirected or what.startswith(("HEAD", "suite: HEAD")) or what == "a HEAD"


@families
@pytest.mark.parametrize("path", ["/", "/?x=y", "/style.css", "/logo", "/nothing"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_portal_itself(strangers, family, method, path):
    """Asked for at an address beyond the gateway: the same bytes as far as the engine knows nothing more of it."""
    redirected, queued = (normal(g, g.exchange(FORBIDDEN[family], f"{method} {path} HTTP/1.1\r\n"
                                               f"Host: {bracket(g.gateway[family])}\r\n\r\n".encode())) for g in strangers)
    assert queued == redirected
    assert redirected.startswith(b"HTTP/1.1 404 " if path in ("/logo", "/nothing") else b"HTTP/1.1 200 ")


@families
def test_who_is_known_to_the_engine_alone_is_sent_there(strangers, family):
    address = bracket(strangers[1].gateway[family])
    answer = strangers[1].exchange(FORBIDDEN[family], f"GET /login HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 302 ") and f"\r\nLocation: http://{address}/\r\n".encode() in answer


def status(guest, family, request):
    """The status that a request gets whose sender then waits for the end; "" if there is no answer."""
    with guest.connect(FORBIDDEN[family], 80, timeout=20.0 * SLOW) as sock:
        try:
            sock.sendall(request)
            sock.shutdown(socket.SHUT_WR)
        except OSError:  # answered and closed before all of it was sent
            pass
        return read_all(sock)[9:12].decode("latin-1")


@families
@pytest.mark.parametrize("what", EXCEPTIONS)
def test_exceptions(strangers, family, what):
    request, redirect, queue = EXCEPTIONS[what]
    for guest, wanted in zip(strangers, (redirect, queue)):
        assert status(guest, family, request) in wanted
        assert status(guest, family, REQUESTS["a GET"]) == "511", "the next one is served"


def packets(gw):
    """Those that portald-web has looked at, and how many of them it refused; once it has told of all that were queued."""
    def told():
        now = metrics(gw)
        counts = {name: now[f'portald_queue_packets_total{{zone="rt",outcome="{name}"}}'] for name in OUTCOMES}
        lines = gw.lab.check("gw", ["cat", "/proc/net/netfilter/nfnetlink_queue"]).splitlines()
        return sum(counts.values()) == sum(int(line.split()[7]) for line in lines) and counts

    counts = wait_until(told, what="all packets are counted")
    return sum(counts.values()), counts["refused"]


@families
def test_large_packets(gw, strangers, family):
    """What the network stack has joined is looked at like any other, and nothing of it is refused."""
    seen, refused = packets(gw)
    request = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 200000\r\n\r\n" + bytes(200_000)
    assert status(strangers[1], family, request) == "511"
    now = packets(gw)
    assert now[0] > seen and now[1] == refused


def test_no_connection_is_remembered(lab, strangers):
    """The redirected stranger fills the connection table, the queued one leaves nothing in it."""
    counts = [len([line for line in lab.conntrack_of(g) if "dport=80 " in line]) for g in strangers]
    assert counts[0] > 0 and counts[1] == 0


@families
def test_strict(gw, strangers, family):
    """Probes get 511, but for those that the zone names; taken over at a reload."""
    probes = [REQUESTS[what] for what in ("generate_204", "ConnMan", "Nintendo", "the zone's own probe")]
    for config, expected in ((CONFIG.replace("title =", 'probes = "strict" title ='), ["511"] * 3 + ["302"]),
                             (CONFIG, ["302"] * 4)):
        gw.write_config(config)
        gw.reload()
        wait_until(lambda e=expected: [[status(g, family, p) for p in probes] for g in strangers] == [e] * 2,
                   what="probes are answered as configured")
