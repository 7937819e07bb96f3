# SPDX-License-Identifier: GPL-2.0-or-later
"""What a stranger's port-80 requests get: rows B1 to B10 of the response matrix, over both families."""
import os
import re
import socket

import pytest

import gateway
from conftest import families
from guest import bracket, parse_page, read_all, refresh_target, tls_hello
from lab import FORBIDDEN
from namespace import SLOW, seconds, wait_until

METHODS = ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW"]
TARGETS = ["/", "/hotspot-detect.html", "/connecttest.txt", "/a/b?c=d&e=%00", "/login", "/generate_204/x", "/" + "x" * 2000]
HOSTS = ["captive.apple.com", "www.msftconnecttest.com", "anything.example", "[2001:db8::1]:80", "192.0.2.1.example"]
NOT_ALLOWED = ("Set-Cookie", "Location", "WWW-Authenticate", "Proxy-Authenticate", "X-NetworkManager-Status",
               "X-ConnMan-Status", "X-Organization", "Strict-Transport-Security")


CONFIG = """
zone "guest" {
  interface = "br-guest"
  connection-limit = 2000
}
"""


@pytest.fixture(scope="module")
def gw(lab):
    """These tests open more connections than one device does."""
    return gateway.Gateway(lab, CONFIG)


@pytest.fixture(scope="module")
def stranger(lab, gw):
    return lab.add_guest("s1")


def site(family):
    return f"http://{bracket(FORBIDDEN[family])}"


def check_511(response, guest, family, head=False):
    assert (response.status, response.reason) == (511, "Network Authentication Required")
    headers = response.headers
    assert headers["Content-Type"].lower().replace(" ", "") == "text/html;charset=utf-8"
    assert "no-store" in headers["Cache-Control"]
    assert headers["Connection"].lower() == "close"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Date"]
    assert not [h for h in NOT_ALLOWED if h in headers]
    if head:
        assert response.body == b""
        return
    assert int(headers["Content-Length"]) == len(response.body) > 200
    page = parse_page(response)
    target = refresh_target(page)
    assert target and target in page.links, "the link and the refresh lead to the same place"
    assert target.startswith(f"http://{bracket(guest.gateway[family])}/"), target
    assert not {"form", "input", "script", "img", "link", "iframe"} & set(page.tags)
    assert b"<title>Network Authentication Required</title>" in response.body


def raw(guest, family, data, **kw):
    """Status line and body of what a hand-written request gets; ("", b"") for a plain close."""
    answer = guest.exchange(FORBIDDEN[family], data, **kw)
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode("latin-1"), body


def still_served(guest, family):
    check_511(guest.get(site(family) + "/"), guest, family)


@families
@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t[:20])
def test_any_path(stranger, family, target):
    check_511(stranger.get(site(family) + target), stranger, family)


@families
@pytest.mark.parametrize("host", HOSTS)
def test_any_host(stranger, family, host):
    check_511(stranger.http("GET", site(family) + "/", headers={"Host": host}), stranger, family)


@families
@pytest.mark.parametrize("method", METHODS)
def test_any_method(stranger, family, method):
    check_511(stranger.http(method, site(family) + "/"), stranger, family)


@families
def test_head(stranger, family):
    check_511(stranger.http("HEAD", site(family) + "/"), stranger, family, head=True)
    head, body = raw(stranger, family, b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert head.startswith("HTTP/1.1 511 ") and body == b""


@families
@pytest.mark.parametrize("size", [1, 10_000, 200_000])
def test_post_with_body(stranger, family, size):
    """The answer arrives whole: no reset overtakes it."""
    for _ in range(5):
        check_511(stranger.http("POST", site(family) + "/form", body=b"x" * size), stranger, family)


def is_over(sock):
    """Sends some more, if the other side takes it."""
    try:
        sock.send(bytes(65536))
    except TimeoutError:
        pass
    except OSError:
        return True
    return False


@families
def test_a_body_without_end(stranger, family):
    """A body of 1 GB is not waited for: an answer or a close, and soon the end.  With queue nobody knows how much there was:
    what comes behind the answer is thrown away for half a minute."""
    with stranger.connect(FORBIDDEN[family], 80) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        wait_until(lambda: is_over(sock), 60, "the connection has ended")
    still_served(stranger, family)


@families
def test_chunked_body(stranger, family):
    head, _ = raw(stranger, family, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    assert head.startswith("HTTP/1.1 511 ")


@families
def test_expect_continue(stranger, family):
    """The final answer comes at once: the client need not send the body."""
    head, body = raw(stranger, family, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
                                       b"Expect: 100-continue\r\n\r\n")
    assert head.startswith("HTTP/1.1 511 "), head
    assert b"<html" in body


@families
def test_http_1_0_without_host(stranger, family):
    head, body = raw(stranger, family, b"GET /hotspot-detect.html HTTP/1.0\r\n\r\n")
    assert re.match(r"HTTP/1\.[01] 511 Network Authentication Required\r\n", head), head
    assert "connection: close" in head.lower() or head.startswith("HTTP/1.0")
    assert b"<html" in body


@families
def test_http_1_1_without_host(stranger, family):
    head, _ = raw(stranger, family, b"GET / HTTP/1.1\r\n\r\n")
    assert re.match(r"HTTP/1\.1 (511|400) ", head), head


@families
def test_connect_and_upgrade(stranger, family):
    head, _ = raw(stranger, family, b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")
    assert head.startswith("HTTP/1.1 511 "), head
    head, _ = raw(stranger, family, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert head.startswith("HTTP/1.1 511 "), head
    head, _ = raw(stranger, family, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                                    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
    assert head.startswith("HTTP/1.1 511 "), head


@families
def test_a_header_of_20_kb(stranger, family):
    check_511(stranger.http("GET", site(family) + "/", headers={"X": "x" * 20_000}), stranger, family)


@families
@pytest.mark.parametrize("count, size", [(1, 14_000), (160, 50)])
def test_cookies_that_servers_take(stranger, family, count, size):
    cookies = "; ".join(f"c{i}=".ljust(size - 2, "v") for i in range(count))
    check_511(stranger.http("GET", site(family) + "/", headers={"Cookie": cookies}), stranger, family)


@families
def test_cookies_of_20_kb(stranger, family):
    """libmicrohttpd keeps a second copy of cookies: here its own 431 is allowed."""
    head, _ = raw(stranger, family, b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a=bcdefgh; " * 1800 + b"\r\n\r\n")
    assert re.match(r"HTTP/1\.1 (511|431) ", head), head
    still_served(stranger, family)


@families
@pytest.mark.parametrize("size", [200_000, 2_000_000])
def test_a_header_too_large(stranger, family, size):
    try:
        head, _ = raw(stranger, family, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * size + b"\r\n\r\n")
    except ConnectionResetError:  # before all was sent
        head = ""
    assert head == "" or re.match(r"HTTP/1\.1 (431|400|413|414|511) ", head), head
    still_served(stranger, family)


@families
@pytest.mark.parametrize("path", ["/generate_204", "/gen_204", "/generate_204?x=y"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_generate_204(stranger, family, path, method):
    response = stranger.http(method, site(family) + path, headers={"Host": "connectivitycheck.gstatic.com"})
    assert response.status == 302
    assert response.headers["Location"].startswith(f"http://{bracket(stranger.gateway[family])}/")
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["Connection"].lower() == "close"
    assert int(response.headers["Content-Length"]) > 4
    assert len(response.body) == (0 if method == "HEAD" else int(response.headers["Content-Length"]))
    landing = stranger.get(response.headers["Location"])
    assert landing.status == 200 and len(landing.body) > 4
    assert stranger.http("POST", site(family) + path).status == 511


@families
def test_the_portal_itself_never_says_511(stranger, family):
    portal = f"http://{bracket(stranger.gateway[family])}"
    for method, path in [("GET", "/"), ("GET", "/login"), ("GET", "/nothing"), ("POST", "/login"), ("GET", "/status"),
                         ("GET", "/generate_204"), ("DELETE", "/login")]:
        response = stranger.http(method, portal + path)
        assert response.status != 511 and response.status < 500, (method, path, response.status)
    assert stranger.get(portal + "/").status in (200, 302, 303)


NOISE = {
    "tls hello": None,
    "http/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "noise": bytes(range(256)) * 8,
    "noise with line ends": b"\xff\xfe\r\n\r\n" * 500,
    "no version": b"GET /\r\n\r\n",
    "http/9.9": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "nul in the target": b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
}


@families
@pytest.mark.parametrize("what", NOISE)
def test_noise(stranger, family, what):
    """An HTTP error, 511 or a close, never a hang of the server: the next request is served meanwhile and after."""
    data = NOISE[what] or tls_hello()
    # queue: what is unclear is answered when the guest's kernel sends it again, for the fifth time after 6.6 s
    with stranger.connect(FORBIDDEN[family], 80, timeout=20.0 * SLOW) as sock:
        sock.sendall(data)
        still_served(stranger, family)
        sock.shutdown(socket.SHUT_WR)
        answer = read_all(sock)
        assert answer == b"" or re.match(rb"HTTP/1\.[01] (400|405|411|413|414|431|501|505|511) ", answer), answer[:80]
    still_served(stranger, family)


@families
def test_one_byte_at_a_time(stranger, family):
    with stranger.connect(FORBIDDEN[family], 80) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET / HTTP/1.1\r\nHost: x\r\n\r\n":
            sock.sendall(bytes([byte]))
        assert read_all(sock).startswith(b"HTTP/1.1 511 ")


@families
def test_pipelined_requests(stranger, family):
    """Connection: close after the first: exactly one answer."""
    head, body = raw(stranger, family, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
    assert head.startswith("HTTP/1.1 511 ")
    assert body.count(b"HTTP/1.1 ") == 0


@families
def test_many_idle_connections_do_not_lock_others_out(lab, gw, stranger, family):
    """One guest that opens connections and says nothing does not keep another from its answer."""
    other = lab.add_guest("s2")
    idle = []
    try:
        for _ in range(60):
            try:
                idle.append(stranger.connect(FORBIDDEN[family], 80, timeout=0.5))
            except OSError:
                break
        still_served(other, family)
    finally:
        for sock in idle:
            sock.close()


@families
def test_curl_and_wget(stranger, family, tmp_path):
    """Programs that look at the status do not take the page for what they asked for."""
    flag = f"-{family}"
    plain = stranger.run(["curl", "-sS", flag, "-m", seconds(8), "-w", "%{http_code}", "http://forbidden.example/file.tar.gz"])
    assert plain.returncode == 0 and plain.stdout.endswith("511")
    assert refresh_target(parse_page(_Body(plain.stdout[:-3]))) is not None
    assert stranger.run(["curl", "-sS", "-f", flag, "-m", seconds(8), "http://forbidden.example/"]).returncode == 22
    out = str(tmp_path / "out")
    wget = stranger.run(["wget", flag, "-T", seconds(8), "-t", "1", "-O", out, "http://forbidden.example/file"])
    assert wget.returncode == 8, wget.stderr
    assert os.path.getsize(out) == 0


class _Body:
    def __init__(self, text):
        self.body = text.encode()
