# SPDX-License-Identifier: GPL-2.0-or-later
"""The responder of queue mode against the kernel's own TCP, over a line that loses, doubles and reorders packets.

    curl, sockets of a test                 tun_relay: the responder, and a seeded generator's losses both ways
    +--- namespace, 192.0.2.10, 2001:db8::10 ---+
    |  everything else  --->  tun0  <-----------+--->  tun_relay
    +-------------------------------------------+

The guest's side ends up with no socket that has to be repeated for ever, and each request has its answer.
"""
import concurrent.futures
import os
import re
import socket
import subprocess
import time

import pytest

import namespace

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("PORTALD_BUILD", os.path.join(HERE, "../../build")))
RELAY = os.path.join(BUILD, "tests/net/tun_relay")
PAGE = os.path.join(HERE, "../../portal/pages/divert.html")
SITE = {4: "203.0.113.5", 6: "2001:db8:9::5"}
REQUEST = b"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n"
LONG = 3000  # bytes of a title that make an answer of several segments
families = pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])


class Line:
    """A namespace whose every packet goes to a tun_relay; numbers out of 1000."""

    def __init__(self, name, **options):
        self.name, self.relay, self.counts = name, None, None
        subprocess.run(["ip", "netns", "add", name], check=True)
        try:
            self.start(**options)
        except BaseException:
            self.remove()
            raise

    def start(self, seed=1, lost=0, doubled=0, delayed=0, title=10):
        name = self.name
        namespace.sysctl(name, "net.ipv4.tcp_rto_max_ms", 1000)  # else bad luck on a bad line takes minutes
        namespace.ip_batch(name, [
            "link set lo up", "tuntap add mode tun name tun0", "link set tun0 up",
            namespace.addr_add("192.0.2.10", "tun0"), namespace.addr_add("2001:db8::10", "tun0"),
            "route add 0.0.0.0/0 dev tun0", "route add ::/0 dev tun0",
        ])
        numbers = [str(n) for n in (seed, lost, doubled, delayed, title)]
        with namespace.inside(name):
            self.relay = subprocess.Popen([RELAY, "tun0", PAGE, *numbers], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE, text=True)
        namespace.wait_until(self.is_ready, what="tun_relay has the device")

    def is_ready(self):
        assert self.relay.poll() is None, self.relay.stderr.read()
        return namespace.link_is_ready(self.name, "tun0")

    def curl(self, family, *options, path="/x", timeout=120 * namespace.SLOW):
        """(status, whole output) of one curl; the output is headers and body."""
        host = SITE[family] if family == 4 else f"[{SITE[family]}]"
        done = subprocess.run(["ip", "netns", "exec", self.name, "curl", "-sS", "-g", "-i", "--max-time", str(timeout), *options,
                               f"http://{host}{path}"], capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def connect(self, family, timeout=15 * namespace.SLOW):
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        sock = namespace.open_socket(self.name, kind, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        sock.connect((SITE[family], 80))
        return sock

    def sockets(self):
        """The states of the guest's TCP sockets that are not over."""
        done = subprocess.run(["ip", "netns", "exec", self.name, "ss", "-Htan"], capture_output=True, text=True, check=True)
        return [line.split()[0] for line in done.stdout.splitlines() if not line.startswith("TIME-WAIT")]

    def tcp_count(self, name):
        """What the guest's kernel counted: a name of "Tcp:" in /proc/net/snmp, such as EstabResets, connections that were reset."""
        done = subprocess.run(["ip", "netns", "exec", self.name, "cat", "/proc/net/snmp"], capture_output=True, text=True, check=True)
        names, values = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("Tcp:")]
        return int(dict(zip(names, values))[name])

    def finish(self):
        """What tun_relay counted."""
        if self.relay and self.counts is None:
            out, err = self.relay.communicate(timeout=20)
            assert self.relay.returncode == 0 and "Sanitizer" not in err and "runtime error" not in err, err
            self.counts = {name: int(n) for name, n in (line.split() for line in out.splitlines())}
        return self.counts

    def remove(self):
        try:
            self.finish()
        finally:
            if self.relay and self.relay.poll() is None:
                self.relay.kill()
                self.relay.wait()
            subprocess.run(["ip", "netns", "del", self.name], check=True)


@pytest.fixture
def make_line(request):
    made = []

    def make(**options):
        made.append(Line(f"resp{os.getpid()}-{len(made)}", **options))
        return made[-1]

    yield make
    for line in made:
        line.remove()


@pytest.fixture(scope="module")
def good_line():
    line = Line(f"resp{os.getpid()}-good")
    yield line
    line.remove()


def check_511(answer, head=False):
    """A whole answer: its status, and as many bytes as it says."""
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 511 Network Authentication Required\r\n"), answer[:200]
    length = int(re.search(rb"\r\nContent-Length: (\d+)", top)[1])
    assert len(body) == (0 if head else length)
    assert head or body.rstrip().endswith(b"</html>")
    assert b"\r\nDate: " in top and b"\r\nConnection: close\r\n" in top
    return body


def read_all(sock):
    data = b""
    while True:
        piece = sock.recv(65536)
        if not piece:
            return data
        data += piece


# What a request can look like: curl's options, and whether the answer has no body.
SHAPES = {
    "get": ([], False),
    "head": (["-I"], True),
    "post": (["-H", "Expect:", "--data-binary", "x" * 20_000], False),
    "expect": (["-H", "Expect: 100-continue", "--data-binary", "x" * 2_000], False),
    "cookie": (["-H", "Cookie: c=" + "c" * 16_000], False),
    "http10": (["-0"], False),
}


@families
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("title", [10, LONG], ids=["one", "several"])
def test_good_line(make_line, family, shape, title):
    """Without losses: nothing has to be sent twice, nothing is left open, no reset."""
    line = make_line(title=title)
    options, head = SHAPES[shape]
    began = []
    for _ in range(5):
        began.append(time.monotonic())
        status, answer = line.curl(family, *options)
        assert status == 0, answer
        if shape == "post":
            answer = answer[answer.index(b"HTTP/1.1 511"):]
        check_511(answer, head)
    namespace.wait_until(lambda: not line.sockets(), what="all sockets closed")
    assert line.tcp_count("EstabResets") == 0
    again = line.tcp_count("RetransSegs")
    counts = line.finish()
    assert counts["syn"] == counts["answered"] == 5, (counts, f"{again} sent again", f"begun at {began}")
    assert counts["waiting"] == 0 or shape in ("post", "expect", "cookie"), counts
    assert counts["reset"] == counts["strange"] == counts["held"] == 0
    assert not [n for n in counts if n.startswith("refused") and counts[n] and n != "refused-no-tcp"], counts


@families
@pytest.mark.parametrize("title", [10, LONG], ids=["one", "several"])
@pytest.mark.parametrize("seed,lost,doubled,delayed", [(1, 50, 50, 200), (2, 100, 0, 500), (3, 200, 100, 300)])
def test_bad_line(make_line, family, title, seed, lost, doubled, delayed):
    """Every request is answered in the end, whole, whatever is lost on the way."""
    line = make_line(seed=seed, lost=lost, doubled=doubled, delayed=delayed, title=title)

    def one(shape):
        options, head = SHAPES[shape]
        return shape, head, line.curl(family, *options)

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        for shape, head, (status, answer) in pool.map(one, list(SHAPES) * 4):
            assert status == 0, (shape, answer)
            check_511(answer, head)
    counts = line.finish()
    assert counts["answered"] >= 4 * len(SHAPES)
    assert counts["dropped-by-relay"] > 10
    assert counts["strange"] == 0


def slot():
    """The responder's clock: it counts how many of these have begun since a SYN."""
    return int(time.monotonic()) // 2


def next_slot():
    began = slot()
    namespace.wait_until(lambda: slot() > began, what="the next slot")


@families
@pytest.mark.parametrize("pieces", [
    [REQUEST[:9], REQUEST[9:]],
    [REQUEST[:2], REQUEST[2:17], REQUEST[17:30], REQUEST[30:]],
    [REQUEST[:17], b"Cookie: c=" + b"c" * 3000 + b"\r\n", REQUEST[17:]],
], ids=["line", "fields", "large"])
def test_head_in_pieces(good_line, family, pieces):
    """Sent in parts at once, in the slot of the SYN: the kernel joins what it sends again."""
    next_slot()
    with good_line.connect(family) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            sock.send(piece)
        body = check_511(read_all(sock))
        assert len(REQUEST) < sum(map(len, pieces)) or b"?to=http://a.example/x" in body


@families
def test_byte_by_byte(good_line, family):
    """More parts than the kernel sends before the first is acknowledged: the answer to an unknown request."""
    with good_line.connect(family) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(REQUEST)):
            sock.send(REQUEST[i:i + 1])
        check_511(read_all(sock))


@families
def test_head_held_back(good_line, family):
    """The rest of the request line waits for an acknowledgement of its beginning (Nagle): an answer after a while."""
    with good_line.connect(family) as sock:
        sock.send(REQUEST[:5])
        sock.send(REQUEST[5:])
        check_511(read_all(sock))


@families
def test_half_close(good_line, family):
    with good_line.connect(family) as sock:
        sock.send(REQUEST)
        sock.shutdown(socket.SHUT_WR)
        check_511(read_all(sock))


@families
def test_half_close_in_the_next_slot(good_line, family):
    """The FIN comes by itself, behind what is not answered yet: that has its answer before the connection ends."""
    next_slot()
    with good_line.connect(family) as sock:
        next_slot()
        sock.send(b"GET /\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        check_511(read_all(sock))


@families
def test_noise(good_line, family):
    with good_line.connect(family) as sock:
        sock.send(b"\x00\x01\x02\x03\r\n\r\n")
        check_511(read_all(sock))


@families
def test_tls_hello(good_line, family):
    """Closed at once, without a reset."""
    with good_line.connect(family, timeout=namespace.SLOW) as sock:
        sock.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(506))
        assert read_all(sock) == b""


@families
def test_pipelined(good_line, family):
    with good_line.connect(family) as sock:
        sock.send(REQUEST * 20)
        check_511(read_all(sock))


@families
def test_small_receive_buffer(make_line, family):
    """A guest that reads slowly into little room gets all of a long answer."""
    line = make_line(title=5000)
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    with namespace.open_socket(line.name, kind, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        sock.settimeout(30 * namespace.SLOW)
        sock.connect((SITE[family], 80))
        sock.send(REQUEST)
        answer = b""
        while piece := sock.recv(500):
            answer += piece
            time.sleep(0.02)
        check_511(answer)


@families
def test_closed_without_request(good_line, family):
    """A connection that was opened ahead and never used ends by itself."""
    good_line.connect(family).close()
    namespace.wait_until(lambda: not good_line.sockets(), what="closed", timeout=10)
    assert good_line.tcp_count("EstabResets") == 0
