# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's device: addresses, plain HTTP, the login form, downloads and UDP streams."""
import collections
import html.parser
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
import urllib.parse

import namespace
from namespace import SLOW, addr_add, ip_batch, wait_until

FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
Response = collections.namedtuple("Response", "status reason headers body url")


class _Page(html.parser.HTMLParser):
    """Links, forms with their fields, and the refresh of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.forms, self.refresh, self.tags = [], [], None, collections.Counter()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.tags[tag] += 1
        if tag == "a" and a.get("href"):
            self.links.append(a["href"])
        elif tag == "meta" and (a.get("http-equiv") or "").lower() == "refresh":
            self.refresh = a.get("content", "")
        elif tag == "form":
            self.forms.append({"action": a.get("action", ""), "method": a.get("method", "get").lower(), "fields": []})
        elif tag in ("input", "button") and self.forms and a.get("name"):
            kind = a.get("type", "submit" if tag == "button" else "text")
            self.forms[-1]["fields"].append((kind, a["name"], a.get("value", "on" if kind == "checkbox" else "")))


def parse_page(response):
    return _Page(response.body.decode("utf-8"))


def refresh_target(page):
    """The URL of a page's meta refresh, or None."""
    found = re.match(r"\s*[\d.]+\s*;\s*url=['\"]?([^'\"]+)", page.refresh or "", re.IGNORECASE)
    return found.group(1) if found else None


class Guest:
    def __init__(self, lab, node, bridge, mac, addresses, gateway):
        self.lab, self.node, self.bridge, self.mac = lab, node, bridge, mac
        self.addresses, self.gateway = dict(addresses), gateway
        self.all_addresses = set(addresses.values())
        self.stranger = node.startswith("s")

    def __repr__(self):
        return f"<{self.node} {self.mac}>"

    @property
    def namespace(self):
        return self.lab.name(self.node)

    # ---- addresses

    def address_commands(self):
        return [*map(addr_add, self.addresses.values()),
                *(f"route replace default via {gateway}" for gateway in self.gateway.values())]

    def readdress(self, addresses):
        """Other addresses, as after a new DHCP lease."""
        ip_batch(self.namespace, [f"addr del {self.addresses[4]}/24 dev eth0", f"addr del {self.addresses[6]}/64 dev eth0"])
        self.addresses = dict(addresses)
        self.all_addresses |= set(addresses.values())
        ip_batch(self.namespace, self.address_commands())
        self.forget_neighbours()

    def forget_neighbours(self):
        """The next packet asks for the gateway's MAC, and so tells the gateway this guest's."""
        ip_batch(self.namespace, ["neigh flush dev eth0"])

    def link_local(self):
        """The kernel's own IPv6 link-local address of eth0."""
        out = self.lab.check(self.node, ["ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "link"])
        return re.search(r"inet6 (fe80::\S+)/", out).group(1)

    def interface_index(self):
        with namespace.inside(self.namespace):
            return socket.if_nametoindex("eth0")

    # ---- programs and sockets

    def run(self, argv, **kw):
        return self.lab.run(self.node, argv, **kw)

    def check(self, argv, **kw):
        return self.lab.check(self.node, argv, **kw)

    def socket(self, family, kind=socket.SOCK_STREAM, timeout=5.0 * SLOW):
        sock = namespace.open_socket(self.namespace, FAMILY[family], kind)
        sock.settimeout(timeout)
        return sock

    def connect(self, host, port, timeout=5.0 * SLOW, source=None):
        """A TCP connection; host: an address, a link-local one is reached through eth0."""
        address = ipaddress.ip_address(host)
        sock = self.socket(address.version, timeout=timeout)
        scope = self.interface_index() if address.version == 6 and address.is_link_local else 0
        try:
            if source:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(source)
            sock.connect((host, port, 0, scope) if address.version == 6 else (host, port))
        except OSError:
            sock.close()
            raise
        return sock

    def exchange(self, host, data, port=80, timeout=5.0 * SLOW):
        """Sends bytes, and returns all bytes until the other side closes; it may do so before it has read everything."""
        with self.connect(host, port, timeout) as sock:
            try:
                sock.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass
            return read_all(sock)

    def udp(self, host, port, data, timeout=5.0 * SLOW):
        """One datagram on a connected socket: the answer, or OSError (an ICMP error or the timeout)."""
        with self.socket(ipaddress.ip_address(host).version, socket.SOCK_DGRAM, timeout) as sock:
            sock.connect((host, port))
            sock.send(data)
            return sock.recv(65536)

    # ---- HTTP

    def http(self, method, url, body=None, headers=None, timeout=8.0 * SLOW, sock=None):
        """One request by address.  With sock the connection is kept open and not closed here."""
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname
        if not sock:
            own = self.connect(host.split("%")[0], parts.port or 80, timeout)
        connection = http.client.HTTPConnection(host, parts.port or 80, timeout=timeout)
        connection.sock = sock or own
        try:
            target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
            sent = {"Host": parts.netloc, "User-Agent": "lab", "Accept": "text/html", **(headers or {})}
            connection.request(method, target, body, sent)
            answer = connection.getresponse()
            return Response(answer.status, answer.reason, answer.headers, answer.read(), url)
        finally:
            if not sock:
                connection.close()
            else:
                connection.sock = None

    def get(self, url, **kw):
        return self.http("GET", url, **kw)

    def post_form(self, page_response, sock=None, change=None):
        """Fills in and sends the first form of a page, as a browser does; change: other values for its fields."""
        form = parse_page(page_response).forms[0]
        fields = {name: value for kind, name, value in form["fields"]}
        fields.update(change or {})
        body = urllib.parse.urlencode({k: v for k, v in fields.items() if v is not None})
        parts = urllib.parse.urlsplit(page_response.url)
        return self.http("POST", urllib.parse.urljoin(page_response.url, form["action"]), body, sock=sock,
                         headers={"Content-Type": "application/x-www-form-urlencoded",
                                  "Origin": f"{parts.scheme}://{parts.netloc}"})

    def follow(self, response, sock=None):
        return self.get(urllib.parse.urljoin(response.url, response.headers["Location"]), sock=sock)

    def login_page(self, family=4, to=None):
        """The way of a browser: a page of the internet, its 511, the login page; the response of the last."""
        to = to or up_address(family, allowed=False)
        first = self.get(f"http://{bracket(to)}/")
        assert first.status == 511, f"{self}: {first.status} instead of 511"
        return self.reach(refresh_target(parse_page(first)))

    def reach(self, url):
        """GET, following up to five redirects and refreshes until a page with a form, or the last page."""
        for _ in range(5):
            response = self.get(url)
            target = response.headers["Location"] if response.status in (302, 303) else \
                None if parse_page(response).forms else refresh_target(parse_page(response))
            if not target:
                return response
            url = urllib.parse.urljoin(url, target)
        return response

    def login(self, family=4):
        """Logs in with the form; the response of the success page."""
        page = self.login_page(family)
        assert page.status == 200, f"{self}: login page {page.status}: {page.body!r}"
        answer = self.post_form(page)
        assert answer.status == 303, f"{self}: {answer.status} {answer.body!r}"
        success = self.follow(answer)
        assert success.status == 200, f"{self}: {success.status}: {success.body!r}"
        return success

    def login_soon(self, family):
        """Until the portal is there, or as often as it says "try again"; what this guest asks may also pass."""
        def done():
            try:
                answer = self.post_form(self.login_page(family, up_address(family)))
                return answer.status == 303 and self.follow(answer).status == 200
            except (OSError, AssertionError):
                return False

        wait_until(done, 60, f"{self} has logged in")

    # ---- what passes

    def opens(self, family, to=None, timeout=5.0 * SLOW):
        """Is the upstream page served, by upstream?"""
        try:
            response = self.get(f"http://{bracket(to or up_address(family))}/", timeout=timeout)
        except OSError:
            return False
        return response.status == 200 and b"The open internet" in response.body

    def is_online(self):
        return self.opens(4) and self.opens(6)

    def is_stranger(self):
        """511 for both families, and nothing else passes."""
        for family in (4, 6):
            if self.get(f"http://{bracket(up_address(family, allowed=False))}/").status != 511:
                return False
            try:
                self.connect(up_address(family, allowed=False), 443, timeout=3.0).close()
                return False
            except OSError:
                pass
        return True

    def download(self, family, to=None):
        return Download(self, family, to or up_address(family))

    def stream(self, family):
        return Stream(self, family, up_address(family))


def up_address(family, allowed=True):
    import lab
    return (lab.UP if allowed else lab.FORBIDDEN)[family]


def bracket(address):
    return f"[{address}]" if ":" in address else address


def tls_hello():
    """What a client of https says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    hello = ssl.MemoryBIO()
    connection = context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="example.org")
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return hello.read()


def read_all(sock):
    data = b""
    while True:
        try:
            more = sock.recv(65536)
        except ConnectionResetError:
            return data
        if not more:
            return data
        data += more


class _Flow:
    """Counts what arrives, in a thread of its own, until close()."""

    def __init__(self, sock):
        self.sock, self.count, self.error = sock, 0, None
        self.sock.settimeout(0.2)
        self._stop = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while not self._stop:
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                continue
            except OSError as e:
                self.error = e
                return
            if not data:
                self.error = ConnectionResetError("closed")
                return
            self.count += len(data)

    def wait_progress(self, amount, timeout=10.0):
        start = self.count
        wait_until(lambda: self.count >= start + amount, timeout, f"{self} goes on (it stands at {start})")

    def close(self):
        self._stop = True
        self._thread.join()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Download(_Flow):
    """A TCP download that does not end by itself (about 1.6 MB/s)."""

    STEP = 200_000

    def __init__(self, guest, family, host):
        sock = guest.connect(host, 80)
        sock.sendall(f"GET /slow HTTP/1.1\r\nHost: {bracket(host)}\r\n\r\n".encode())
        self.name = f"download of {guest.node} over IPv{family}"
        super().__init__(sock)

    def __repr__(self):
        return self.name


class Stream(_Flow):
    """A UDP stream towards the guest (200 datagrams a second), asked for by one datagram of the guest's."""

    STEP = 100

    def __init__(self, guest, family, host):
        sock = guest.socket(family, socket.SOCK_DGRAM)
        sock.connect((host, 9000))
        sock.send(b"stream")
        self.name = f"UDP stream to {guest.node} over IPv{family}"
        super().__init__(sock)

    def __repr__(self):
        return self.name

    def _read(self):
        while not self._stop:
            try:
                self.sock.recv(65536)
                self.count += 1
            except TimeoutError:
                continue
            except OSError as e:
                self.error = e  # an ICMP error: it may come back
                time.sleep(0.01)


def assert_cut(cut, control, timeout=15.0):
    """None of the flows `cut` moves any more, while those in `control` do."""
    for flow in control:
        flow.wait_progress(flow.STEP // 4, timeout)  # what was on its way has arrived
    before = [flow.count for flow in cut]
    for flow in control:
        flow.wait_progress(flow.STEP * 2, timeout)
    after = [flow.count for flow in cut]
    assert before == after, f"still moving: {dict(zip(map(str, cut), zip(before, after)))}"
