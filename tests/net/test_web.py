# SPDX-License-Identifier: GPL-2.0-or-later
"""portald-web by itself, on a loopback of its own, with a test in the engine's place (fake_engine.py).

    test  --- TCP --->  divert port \\
                                     portald-web (nobody, sealed)  --- SOCK_SEQPACKET --->  fake_engine.py
    test  --- TCP --->  portal port /
"""
import ctypes
import os
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest

import fake_engine as fake
from namespace import wait_until

REPO = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
BUILD = os.path.abspath(os.environ.get("PORTALD_BUILD", os.path.join(REPO, "build")))
PROGRAM = os.path.join(BUILD, "portald-web")
PAGE_HEADERS = {"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy"}
MAC_KEY = (0, fake.MAC)



@pytest.fixture(scope="module", autouse=True)
def loopback():
    """The calling thread's own network namespace, with nothing but a loopback."""
    libc = ctypes.CDLL(None, use_errno=True)
    old = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    assert libc.unshare(0x40000000) == 0, "needs root"
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    yield
    assert libc.setns(old, 0x40000000) == 0
    os.close(old)


@pytest.fixture(scope="module")
def shared(loopback, tmp_path_factory):
    log = open(tmp_path_factory.mktemp("web") / "log", "w+b")
    engine = fake.FakeEngine(BUILD, stderr=log)
    yield engine
    assert engine.stop() == 0
    log.seek(0)
    assert not re.search(rb"Sanitizer|runtime error", log.read())


@pytest.fixture
def web(shared):
    shared.mode, shared.mac = "normal", fake.MAC
    shared.online.clear()
    shared.questions.clear()
    yield shared
    assert shared.process.poll() is None, "portald-web died"


@pytest.fixture
def start(tmp_path):
    """start(**options): a portald-web for one test; stopped, and its log looked at, afterwards."""
    started = []

    def run(**options):
        log = open(tmp_path / f"log{len(started)}", "w+b")
        started.append((fake.FakeEngine(BUILD, stderr=log, **options), log))
        engine = started[-1][0]
        engine.log = lambda: (log.flush(), open(log.name, "rb").read().decode())[1]
        return engine

    yield run
    for engine, log in started:
        if engine.process.poll() is None:
            engine.stop()
        assert not re.search("Sanitizer|runtime error", engine.log())


class Answer:
    def __init__(self, raw):
        head, _, self.rest = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.version, self.status, self.reason = (lines[0].split(" ", 2) + ["", ""])[:3]
        self.status = int(self.status)
        self.headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
        self.names = [name for name, _ in self.headers]
        assert len(set(self.names)) == len(self.names), f"a header twice: {self.names}"
        length = self.get("Content-Length")
        self.body = self.rest if length is None else self.rest[: int(length)]
        self.text = self.body.decode(errors="replace")

    def get(self, name):
        return dict(self.headers).get(name)

    def token(self):
        return re.search(r'name="token" value="([^"]*)"', self.text).group(1)


def connect(port, host="127.0.0.1", timeout=15):
    return socket.create_connection((host, port), timeout=timeout)


def read_to_end(sock):
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def raw(port, data, host="127.0.0.1", finish=False):
    with connect(port, host) as sock:
        sock.sendall(data)
        if finish:
            sock.shutdown(socket.SHUT_WR)
        return read_to_end(sock)


def ask(port, method="GET", target="/", host="127.0.0.1", headers=(), body=b"", to="127.0.0.1"):
    head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers)
    if body:
        head += f"Content-Length: {len(body)}\r\n"
    return Answer(raw(port, head.encode() + b"\r\n" + body, to))


def post(port, target, fields, host="127.0.0.1", more=()):
    body = urllib.parse.urlencode(fields).encode()
    headers = [("Content-Type", "application/x-www-form-urlencoded"), *more]
    return ask(port, "POST", target, host, headers, body or b"x=")


def is_511(answer, login="http://127.0.0.1/login"):
    assert (answer.status, answer.reason) == (511, "Network Authentication Required")
    assert answer.names == ["Connection", "Date", "Content-Type", "Cache-Control", "Referrer-Policy",
                            "X-Content-Type-Options", "Content-Length"]
    assert answer.get("Connection") == "close"
    assert answer.get("Content-Type") == "text/html; charset=utf-8"
    assert answer.get("Cache-Control") == "no-store"
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.get("Date"))
    if answer.body:
        assert len(answer.body) == int(answer.get("Content-Length")) < 2048
        refresh = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', answer.text).group(1)
        link = re.search(r'<a href="([^"]*)"', answer.text).group(1)
        assert refresh == link and link.split("?")[0] == login
        assert "<title>Network Authentication Required</title>" in answer.text
        for word in ("<form", "<input", "<script", "<img", "<link", "src="):
            assert word not in answer.text
    return answer


# ---- strangers


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("target", ["/", "/hotspot-detect.html", "/a?b=c", "/login", "/generate_204/x", "/%00%zz"])
def test_511(web, method, target):
    answer = is_511(ask(web.divert, method, target, "example.org"))
    assert bool(answer.body) == (method != "HEAD")
    assert int(answer.get("Content-Length")) > 200
    assert web.questions == []


def test_511_carries_the_way_back(web):
    answer = is_511(ask(web.divert, "GET", "/a?b=c&d=%22", "example.org"))
    assert "http://127.0.0.1/login?to=http://example.org/a%3Fb%3Dc%26d%3D%2522" in answer.text


@pytest.mark.parametrize("target", ["/generate_204", "/gen_204", "/generate_204?x=1"])
def test_302(web, target):
    answer = ask(web.divert, "GET", target, "connectivitycheck.gstatic.com")
    assert (answer.status, answer.reason) == (302, "Found")
    assert answer.get("Location") == "http://127.0.0.1/"
    assert answer.get("Connection") == "close" and answer.get("Cache-Control") == "no-store"
    assert len(answer.body) > 4
    head = ask(web.divert, "HEAD", target, "x")
    assert head.status == 302 and head.rest == b"" and int(head.get("Content-Length")) > 4
    is_511(ask(web.divert, "POST", target, "x", body=b"x"))


def test_ipv6(web):
    answer = is_511(ask(web.divert, "GET", "/", "example.org", to="::1"), "http://[::1]/login")
    assert "http://[::1]/login?to=http://example.org/" in answer.text
    assert ask(web.divert, "GET", "/login", "[::1]", to="::1").status == 200


def test_old_and_odd_requests(web):
    is_511(Answer(raw(web.divert, b"GET / HTTP/1.0\r\n\r\n")))
    is_511(Answer(raw(web.divert, b"GET /hotspot-detect.html HTTP/1.0\r\nHost: captive.apple.com\r\n\r\n")))
    is_511(Answer(raw(web.divert, b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")))
    is_511(Answer(raw(web.divert, b"GET http://example.org/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")))
    is_511(Answer(raw(web.divert, b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n")))
    is_511(Answer(raw(web.divert, b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")))
    is_511(Answer(raw(web.divert, b"GET / HTTP/1.1\r\nHost: x\"><script>\r\n\r\n")))


def test_no_cookie_is_kept_or_set(web):
    answer = is_511(ask(web.divert, headers=[("Cookie", "a=b"), ("Authorization", "Basic eDp5")], host="example.org"))
    assert "eDp5" not in answer.text


def test_large_headers(web):
    is_511(ask(web.divert, host="example.org", headers=[("X-Long", "x" * 20000)]))
    is_511(ask(web.divert, host="example.org", headers=[("Cookie", f"c{i}={'v' * 40}") for i in range(150)]))
    is_511(ask(web.divert, "GET", "/" + "x" * 8000, "example.org"))
    for size in (80000, 200000):  # more than a connection has memory for: refused, nothing worse
        try:
            data = raw(web.divert, b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * size + b"\r\n\r\n")
        except ConnectionResetError:
            continue
        assert data == b"" or data.split()[1] in (b"431", b"413", b"414", b"400")
    is_511(ask(web.divert, host="example.org"))


@pytest.mark.parametrize("size", [1, 5000, 300000, 1024 * 1024])
def test_body_is_drained(web, size):
    is_511(ask(web.divert, "POST", "/upload", "example.org", body=b"x" * size))


def test_chunked_body_is_drained(web):
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    is_511(Answer(raw(web.divert, head + b"10000\r\n" + b"x" * 65536 + b"\r\n0\r\n\r\n")))


def test_endless_body_is_cut(web):
    with connect(web.divert) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError):
            for _ in range(400):
                sock.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    is_511(ask(web.divert, host="example.org"))


def test_huge_body_is_answered_before(web):
    with connect(web.divert) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n")
        is_511(Answer(read_to_end(sock)))


def test_expect(web):
    with connect(web.divert) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n")
        data = read_to_end(sock)
    assert b"100 Continue" not in data
    is_511(Answer(data))


def test_expect_on_the_portal(web):
    body = b"accept=yes"
    with connect(web.portal) as sock:
        sock.sendall(b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                     b"Connection: close\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(body))
        assert sock.recv(100).startswith(b"HTTP/1.1 100 ")
        sock.sendall(body)
        assert Answer(read_to_end(sock)).status == 403


def test_pipelined_requests(web):
    data = raw(web.divert, b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n")
    is_511(Answer(data))
    assert data.count(b"HTTP/1.1 511") == 1  # and closed
    request = b"GET /style.css HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    data = raw(web.portal, (request + b"\r\n") * 2 + request + b"Connection: close\r\n\r\n")
    assert data.count(b"HTTP/1.1 200 OK\r\n") == 3


NOISE = [b"\x16\x03\x01\x02\x00\x01\x00" + b"\x00\x01" * 100, os.urandom(3000), b"\n" * 5000, b"GET\r\n\r\n",
         b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 100, b"GET / HTTP/1.1\r\nHost x\r\n\r\n", b"", b"GET / HT", b"\r\n\r\n"]


def test_noise(web):
    """Refused or closed, by the idle timeout at the latest, and others are served meanwhile and afterwards."""
    answers = {}

    def send(data):
        try:
            answers[data] = raw(web.divert, data)
        except ConnectionResetError:
            answers[data] = b""

    threads = [threading.Thread(target=send, args=(data,)) for data in NOISE]
    for t in threads:
        t.start()
    time.sleep(0.5)
    is_511(ask(web.divert, host="example.org"))
    for t in threads:
        t.join()
    assert answers.keys() == set(NOISE), "each has ended"
    for data, answer in answers.items():
        assert answer == b"" or answer.split()[1] in (b"400", b"405", b"413", b"414", b"431", b"501", b"505", b"511"), data
    is_511(ask(web.divert, host="example.org"))


def test_tls(web):
    context = ssl.create_default_context()
    with connect(web.divert) as sock, pytest.raises(OSError):
        context.wrap_socket(sock, server_hostname="example.org")
    is_511(ask(web.divert, host="example.org"))


def test_connections_of_one_address_are_limited(web):
    socks = [connect(web.divert) for _ in range(40)]
    time.sleep(0.3)
    closed = 0
    for sock in socks:
        sock.settimeout(0.05)
        try:
            closed += sock.recv(1) == b""
        except TimeoutError:
            pass
        except ConnectionResetError:
            closed += 1
    assert closed == 8
    is_511(ask(web.divert, host="example.org", to="::1"), "http://[::1]/login")  # another guest
    for sock in socks:
        sock.close()

    def there_is_room():
        try:
            return raw(web.divert, b"GET / HTTP/1.0\r\n\r\n")
        except ConnectionResetError:
            return False

    wait_until(there_is_room, what="there is room again")
    is_511(ask(web.divert, host="example.org"))


def test_slow_request_is_cut(start):
    """A byte now and then does not keep a connection for ever."""
    web = start()
    with connect(web.divert, timeout=60) as sock:
        begun = time.monotonic()
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
        with pytest.raises(OSError):
            while time.monotonic() - begun < 60:
                sock.sendall(b"x")
                time.sleep(1)
        assert time.monotonic() - begun > 25


# ---- the portal


def test_landing_and_files(web):
    answer = ask(web.portal)
    assert answer.status == 200 and 'content="0; url=/login"' in answer.text and 'href="/login"' in answer.text
    assert [q[0] for q in web.questions] == [fake.LOOKUP]
    style = ask(web.portal, "GET", "/style.css")
    assert style.get("Content-Type").startswith("text/css") and "{{" not in style.text
    for target, status in (("/logo", 404), ("/favicon.ico", 404), ("/../etc/passwd", 404), ("/login/", 404), ("/x" * 300, 404)):
        assert ask(web.portal, "GET", target).status == status
    answer = ask(web.portal, "DELETE", "/login")
    assert answer.status == 405 and answer.get("Allow") == "GET, HEAD, POST"
    assert ask(web.portal, "POST", "/status", body=b"x").get("Allow") == "GET, HEAD"


def test_every_page_has_the_security_headers(web):
    targets = ["/", "/login", "/success", "/status", "/logout", "/logged-out", "/style.css", "/logo", "/none"]
    for online in (False, True):
        web.online.clear()
        if online:
            web.online[MAC_KEY] = time.time()
        for target in targets:
            answer = ask(web.portal, "GET", target)
            assert PAGE_HEADERS <= set(answer.names), target
            csp = answer.get("Content-Security-Policy")
            assert "default-src 'none'" in csp and "frame-ancestors 'none'" in csp and "unsafe" not in csp
            assert "Set-Cookie" not in answer.names and answer.status != 511
            assert len(answer.body) == int(answer.get("Content-Length")) and answer.rest == answer.body
            assert not re.search(r"\sstyle=|\son\w+=|<script|<style", answer.text)
            head = ask(web.portal, "HEAD", target)
            assert (head.status, head.names, head.rest) == (answer.status, answer.names, b"")
            assert head.get("Content-Length") == answer.get("Content-Length")


def test_titles(web):
    web.online[MAC_KEY] = time.time()
    titles = {}
    for target in ("/success", "/status", "/logout", "/none"):
        titles[target] = re.search("<title>(.*)</title>", ask(web.portal, "GET", target).text).group(1)
    web.online.clear()
    for target in ("/", "/login", "/logged-out"):
        titles[target] = re.search("<title>(.*)</title>", ask(web.portal, "GET", target).text).group(1)
    assert len(set(titles.values())) == len(titles)
    assert not any(title.strip().lower() == "success" for title in titles.values())
    assert all("Hotel Miramar" in title for title in titles.values())


def test_the_whole_way(web):
    form = ask(web.portal, "GET", "/login?to=http%3A%2F%2Fexample.org%2F%3Fa%26b")
    assert form.status == 200 and 'name="to" value="http://example.org/?a&amp;b"' in form.text
    fields = {"token": form.token(), "accept": "yes", "to": "http://example.org/?a&b"}
    answer = post(web.portal, "/login", fields)
    assert answer.status == 303 and answer.get("Location") == "/success?to=http://example.org/%3Fa%26b"
    assert [q[0] for q in web.questions] == [fake.LOOKUP, fake.LOOKUP, fake.LOGIN]
    assert web.questions[-1][2] == "127.0.0.1" and web.questions[-1][3] == web.questions[-2][3]
    answer = ask(web.portal, "GET", answer.get("Location"))
    assert answer.status == 200 and 'href="http://example.org/?a&amp;b"' in answer.text
    assert "refresh" not in answer.text and "Location" not in answer.names
    for target in ("/", "/login", "/logged-out"):
        answer = ask(web.portal, "GET", target)
        assert answer.status == 303 and answer.get("Location") == "/status"
    status = ask(web.portal, "GET", "/status").text
    assert "1.2&nbsp;GB" in status and "48.3&nbsp;MB" in status and "6&nbsp;h 47&nbsp;min" in status
    token = ask(web.portal, "GET", "/logout").token()
    answer = post(web.portal, "/logout", {"token": token})
    assert answer.status == 303 and answer.get("Location") == "/logged-out"
    assert web.online == {}
    assert ask(web.portal, "GET", "/logged-out").status == 200


def test_login_on_the_divert_port(web):
    """A browser that speaks to the portal's own address through the divert port gets pages, and a close each time."""
    form = ask(web.divert, "GET", "/login")
    assert form.status == 200 and form.get("Connection") == "close"
    assert post(web.divert, "/login", {"token": form.token(), "accept": "yes"}).status == 303
    data = raw(web.divert, b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n")
    assert Answer(data).get("Connection") == "close"


def test_keep_alive_on_the_portal(web):
    with connect(web.portal) as sock:
        for _ in range(3):
            sock.sendall(b"GET /style.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            data = sock.recv(65536)
            assert data.startswith(b"HTTP/1.1 200") and b"Connection: close" not in data
            length = int(re.search(rb"Content-Length: (\d+)", data).group(1))
            while len(data.partition(b"\r\n\r\n")[2]) < length:
                data += sock.recv(65536)


def no_login(web):
    return fake.LOGIN not in [q[0] for q in web.questions] and web.online == {}


def test_token_misuse(web):
    good = ask(web.portal, "GET", "/login").token()
    changed = good[:-1] + ("A" if good[-1] != "A" else "B")
    for token in ("", "x", changed, good + "A", "A" * 500, good.swapcase()):
        answer = post(web.portal, "/login", {"token": token, "accept": "yes"})
        assert answer.status == 403 and answer.token() != token and no_login(web)
        assert 'role="alert"' in answer.text
    assert post(web.portal, "/login", {"accept": "yes"}).status == 403
    web.mac = bytes.fromhex("02005e100002")  # somebody else's
    assert post(web.portal, "/login", {"token": good, "accept": "yes"}).status == 403
    web.mac = fake.MAC
    answer = post(web.portal, "/login", {"token": good})
    assert answer.status == 200 and 'aria-describedby="problem"' in answer.text
    assert no_login(web)
    web.online[MAC_KEY] = time.time()
    assert post(web.portal, "/logout", {"token": "x"}).status == 403
    assert MAC_KEY in web.online
    assert ask(web.portal, "GET", "/logout?token=" + good).status == 200
    assert ask(web.portal, "GET", "/login?accept=yes&token=" + good).status == 303
    assert MAC_KEY in web.online and fake.LOGOUT not in [q[0] for q in web.questions]


@pytest.mark.parametrize("to", ["javascript:alert(1)", '"><script>alert(1)</script>', "http://a/\"onclick=\"x", "//example.org/",
                                "data:text/html,x", "http://a b/", "https://user@example.org/", "x" * 2000, "http://a/\r\nX-Y: z"])
def test_form_attacks(web, to):
    token = ask(web.portal, "GET", "/login").token()
    malformed = "\r" in to  # no form of a browser sends that
    answer = post(web.portal, "/login", {"token": token, "to": to[:1000]})
    assert answer.status == (400 if malformed else 200)
    assert 'name="to"' not in answer.text and "<script" not in answer.text
    answer = post(web.portal, "/login", {"token": token, "accept": "yes", "to": to[:1000]})
    assert answer.status == (400 if malformed else 303) and answer.get("Location") == (None if malformed else "/success")
    web.online[MAC_KEY] = time.time()
    answer = ask(web.portal, "GET", "/success?to=" + urllib.parse.quote(to))
    assert answer.status == 200 and 'class="button"' not in answer.text and "X-Y" not in answer.names


def test_malformed_forms(web):
    kind = [("Content-Type", "application/x-www-form-urlencoded")]
    for body in (b"a=%", b"a=%zz", b"a=1&a=2", b"=x", b"a=%00", b"a=\xff", b"&".join(b"f%d=1" % i for i in range(20))):
        assert ask(web.portal, "POST", "/login", headers=kind, body=body).status == 400
    assert ask(web.portal, "POST", "/login", body=b"accept=yes").status == 400
    assert ask(web.portal, "POST", "/login", headers=[("Content-Type", "text/plain")], body=b"accept=yes").status == 400
    for size in (4097, 500000, 1024 * 1024 - 2):  # and who would send more is answered, and cut off, before
        assert ask(web.portal, "POST", "/login", headers=kind, body=b"a=" + b"x" * size).status == 413
    assert no_login(web) and web.questions == []


def test_foreign_names(web):
    """Another site's name that points to us cannot read our forms."""
    answer = ask(web.portal, "GET", "/login", "evil.example")
    assert answer.status == 302 and answer.get("Location") == "http://127.0.0.1/" and "token" not in answer.text
    assert post(web.portal, "/login", {"accept": "yes"}, "evil.example").status == 421
    assert ask(web.portal, "GET", "/login", "192.0.2.77").status == 200  # another address of ours
    assert web.questions and no_login(web)


def test_hostname(start):
    web = start(entries={"zone/0/hostname": "wifi.example"})
    is_511(ask(web.divert, host="example.org"), "http://wifi.example/login")
    assert ask(web.divert, "GET", "/generate_204", "x").get("Location") == "http://wifi.example/"
    assert ask(web.divert, "GET", "/login", "WiFi.example").status == 200
    assert ask(web.divert, "GET", "/login", "127.0.0.1").status == 200
    assert ask(web.portal, "GET", "/login", "wifi.example:80").status == 200
    assert ask(web.portal, "GET", "/login", "evil.example").get("Location") == "http://wifi.example/"


def test_link_local_address(start):
    """A link cannot lead to a link-local address; another one that a guest reached stands in."""
    subprocess.run(["ip", "link", "add", "link0", "type", "veth", "peer", "name", "link1"], check=True)
    subprocess.run(["ip", "address", "add", "fe80::7/64", "dev", "link0", "nodad"], check=True)
    subprocess.run(["ip", "link", "set", "link0", "up"], check=True)
    web = start()

    def get():
        with socket.socket(socket.AF_INET6) as sock:
            sock.settimeout(5)
            sock.connect(("fe80::7", web.divert, 0, socket.if_nametoindex("link0")))
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            return Answer(read_to_end(sock))

    is_511(get(), "http://[fe80::7]/login")
    get()
    assert web.log().count("set hostname") == 1
    is_511(ask(web.divert, host="x"))
    is_511(get(), "http://127.0.0.1/login")


def test_zones(start):
    """Each pair of ports is a zone of its own; a token of one is nothing in the other."""
    web = start(zones=[{"name": "rt", "title": "One <1>"}, {"name": "b", "title": "Two", "lang": "ar", "refresh": 10,
                                                            "accent": "#ffee00"}])
    one, two = ask(web.ports[1], "GET", "/login"), ask(web.ports[4], "GET", "/login")
    assert "One &lt;1&gt;" in one.text and 'lang="en" dir="ltr"' in one.text
    assert "Two" in two.text and 'lang="ar" dir="rtl"' in two.text
    assert [q[1] for q in web.questions] == [0, 1]
    assert post(web.ports[4], "/login", {"token": one.token(), "accept": "yes"}).status == 403
    assert 'content="10; url=' in ask(web.ports[3], host="x").text
    assert "--accent: #ffee00" in ask(web.ports[4], "GET", "/style.css").text


# ---- the engine


@pytest.mark.parametrize("state, status, words", [
    (fake.NO_DEVICE, 503, "not recognised"), (fake.UNVERIFIED, 503, "came from your device"),
    (fake.REFUSED, 403, "has been blocked"), (fake.FAILED, 503, "tries again by itself")])
def test_engine_says_no(web, state, status, words):
    token = ask(web.portal, "GET", "/login").token()
    web.mode = state
    answer = post(web.portal, "/login", {"token": token, "accept": "yes", "to": "http://example.org/"})
    assert answer.status == status and words in answer.text
    assert answer.get("Connection") == "close"
    if status == 503:
        assert answer.get("Retry-After") == "5"
        assert '<meta http-equiv="refresh" content="5; url=/login?to=http://example.org/">' in answer.text
    assert ask(web.portal).status == 200  # the landing page whatever happens


def test_slow_engine(web):
    """Many wait for an answer at the same time, and others are served and counted meanwhile."""
    web.mode = "held"
    with ThreadPoolExecutor(20) as pool:
        try:
            told = web.counted
            is_511(ask(web.divert, host="example.org"))
            wait_until(lambda: web.counted > told, what="its counts are told")
            answers = [pool.submit(ask, web.portal, "GET", "/login") for _ in range(20)]
            wait_until(lambda: len(web.held) == 20, what="all have been asked about")
            is_511(ask(web.divert, host="example.org"))
            assert not any(a.done() for a in answers)
        finally:
            web.release()
        assert [a.result().status for a in answers] == [200] * 20


def test_silent_engine(web):
    web.mode = "silent"
    begun = time.monotonic()
    answer = ask(web.portal, "GET", "/login")
    assert answer.status == 503 and time.monotonic() - begun > 4
    # a guest that leaves while it waits
    sock = connect(web.portal)
    sock.sendall(b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    time.sleep(0.2)
    sock.close()
    web.reply(9999, fake.STRANGER)  # the answer to nothing
    time.sleep(6)
    web.mode = "normal"
    assert ask(web.portal, "GET", "/login").status == 200


def test_dead_engine(start):
    web = start()
    sock = connect(web.portal)
    web.mode = "silent"
    sock.sendall(b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    time.sleep(0.3)
    assert web.stop() == 0
    sock.close()


NONSENSE = {
    "short": b"x",
    "no-type": b"\0" * 100,
    "state-77": fake.REPLY.pack(fake.REPLY_TYPE, 1, 77, b"\0" * 6, *[0] * 7),
    "state-0": fake.REPLY.pack(fake.REPLY_TYPE, 1, 0, b"\0" * 6, *[0] * 7),
    "question": fake.REQUEST.pack(fake.LOOKUP, 1, 0, 0, 4, 0, 0, b""),
    "no-descriptor": b"\x05\0\0\0\0\0\0\0",
}


@pytest.mark.parametrize("message", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_from_the_engine(start, message):
    web = start()
    assert ask(web.portal).status == 200
    web.sock.send(message)
    assert web.process.wait(timeout=10) == 1


# ---- configuration


def test_reload_under_load(start):
    """A page that waits for its answer all the while, and others that come and go."""
    web = start()
    done = threading.Event()

    def guest(n):
        statuses = []
        while not done.is_set() or len(statuses) < 10:
            answer = ask(web.portal, "GET", "/login") if n % 2 else ask(web.divert, host="example.org")
            statuses.append(answer.status)
        return set(statuses)

    waiting = connect(web.portal)
    web.mode = "held"
    waiting.sendall(b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    wait_until(lambda: web.held, what="it waits")
    web.mode = "normal"
    with ThreadPoolExecutor(6) as pool:
        guests = [pool.submit(guest, n) for n in range(6)]
        for i in range(20):
            web.reload(zones=[{"name": "guest", "title": f"Hotel {i}"}])
            time.sleep(0.05)
        done.set()
        assert [g.result() for g in guests] == [{511}, {200}] * 3
    web.release()
    assert "Hotel" in Answer(read_to_end(waiting)).text
    assert "Hotel 19" in ask(web.portal).text


def test_bad_reload_changes_nothing(start):
    web = start()
    web.reload(raw={"zones": 1})
    web.reload(**{"zone/0/page/login.html": b"a\n{{token}"})
    web.reload(**{"zone/0/page/login.html": None})
    time.sleep(0.3)
    assert ask(web.portal, "GET", "/login").status == 200
    log = web.log()
    assert "secret is not 32 bytes long" in log
    assert "page login.html:2: {{ without }}" in log
    assert 'there is no file "login.html"' in log
    assert log.count("the old pages stay") == 3


def test_reload_with_other_zones_ends(start):
    web = start()
    web.reload(raw={**web.entries(), **fake.zone_entries(1, {"name": "b"}), "zones": 2})
    assert web.process.wait(timeout=10) == 1


@pytest.mark.parametrize("missing", ["secret", "zones", "zone/0/name", "zone/0/page/divert.html", "zone/0/page/error.html"])
def test_refuses_to_start(start, missing):
    web = start(entries={missing: None})
    assert web.process.wait(timeout=10) == 1
    assert "refused" in web.log() or "cannot be read" in web.log()


def test_optional_entries(start):
    absent = ["log-level", "zone/0/title", "zone/0/lang", "zone/0/refresh", "zone/0/accent"]
    web = start(entries={**dict.fromkeys(absent), "zone/0/logo": b"\x89PNG\0x", "zone/0/logo-type": "image/png",
                         "zone/0/terms": "First & foremost\n\nSecond"})
    page = ask(web.portal, "GET", "/login").text
    assert "<p>First &amp; foremost</p>" in page and "<p>Second</p>" in page and 'src="/logo"' in page
    logo = ask(web.portal, "GET", "/logo")
    assert logo.get("Content-Type") == "image/png" and logo.body == b"\x89PNG\0x"


def test_privileges(web):
    with open(f"/proc/{web.process.pid}/status", encoding="ascii") as f:
        status = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
    assert status["Uid"].split() == ["65534"] * 4 and status["Gid"].split() == ["65534"] * 4
    for caps in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[caps], 16) == 0, caps
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    links = [os.readlink(f"/proc/{web.process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{web.process.pid}/fd")]
    assert not any(link.startswith("/") and not link.startswith(("/dev/", "/tmp/", "/memfd")) for link in links), links
