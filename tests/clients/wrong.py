# SPDX-License-Identifier: GPL-2.0-or-later
"""A small portal that is right, and can be made wrong in one way at a time, so that each check is seen to fail.

A knob is an attribute of Knobs; its default is what a good portal does.  set() takes the knobs of a case: web pages follow at
once, dnsmasq and the ruleset are started anew where they differ.
"""
import http.server
import json
import os
import re
import socket
import ssl
import threading
import urllib.parse

import namespace
from authority import NAME
from browse import log_in
from lab import FORBIDDEN
from namespace import sysctl
from places import Place
from suite import Commands

API = f"https://{NAME}/api"
CRL = "crl.test"
PROBES = re.compile(r"/gen(erate)?_204$|/kindle-wifi/|^http://conntest\.nintendowifi\.net/")
NOTICE = ('<html><head><title>Network Authentication Required</title><meta http-equiv="refresh" content="0; url={url}"></head>'
          '<body><a href="{url}">Log in</a></body></html>')
FORM = '<html><body><form method="post" action="/login"><input name="ok" value="1"></form></body></html>'
RANGES = "dhcp-range=2001:db8:1::100,2001:db8:1::200,64,10m\n"  # router advertisements are our own
RULES = """
table inet wrong
delete table inet wrong
table inet wrong {{
	set online4 {{ type ipv4_addr{key}; {elements4} }}
	set online6 {{ type ipv6_addr{key}; {elements6} }}
	chain divert {{ type nat hook prerouting priority dstnat;
		iifname != "br-guest" return
		ip saddr{mac} @online4 return
		ip6 saddr{mac} @online6 return
		fib daddr type local return
		{first}
		tcp dport 80 redirect to :8080
		{tls}
	}}
	chain forward {{ type filter hook forward priority 0;
		iifname != "br-guest" return
		ip saddr{mac} @online4 accept
		ip6 saddr{mac} @online6 accept
		{pass_}
		meta l4proto tcp reject with tcp reset
		{limit} reject
		drop
	}}
	chain input {{ type filter hook input priority 0;
		{input_}
	}}
}}
"""


class Knobs:
    status, reason, headers = 511, "Network Authentication Required", {"Cache-Control": "no-store"}
    notice, link = NOTICE, f"http://{NAME}/login"
    length_off, head_body, goes_on, drops_1_0, echoes = 0, False, False, False, False
    redirects_probes, own_511, login_page = True, False, FORM
    forged_tls, pair = False, "portal"
    api_headers = {"Content-Type": "application/captive+json", "Cache-Control": "no-store"}
    captive = {"captive": True, "user-portal-url": f"https://{NAME}/login"}
    online = {"captive": False, "user-portal-url": f"https://{NAME}/login", "venue-info-url": "https://venue.test/",
              "can-extend-session": False, "seconds-remaining": 60}
    text, query_breaks, accept_breaks = None, False, False  # text: the API's answer, whatever the state
    browser = (302, {"Location": f"https://{NAME}/login", "Vary": "Accept"})
    api_in_clear, for_all, believes = False, False, False
    options = (f"dhcp-option-force=114,{API}", f"dhcp-option-force=option6:103,{API}")
    advertised = API.encode() + bytes(-(len(API) + 2) % 8)  # None: no option 37
    names = (f"interface-name={NAME},br-guest", f"address=/{CRL}/{FORBIDDEN[4]}", f"address=/{CRL}/{FORBIDDEN[6]}")
    forged_until_login = ()  # lines of dnsmasq's
    by_address, unlimited, no_time, no_crl, no_api = False, False, False, False, False

    def __init__(self, **changed):
        for name, value in changed.items():
            if not hasattr(type(self), name):
                raise AttributeError(name)
            setattr(self, name, value)

    def dnsmasq(self, logged_in):
        return "".join(f"{line}\n" for line in (*self.options, *self.names, *(() if logged_in else self.forged_until_login)))

    def rules(self, online):
        """online: the guests that are."""
        elements = {f: ", ".join(g.addresses[f] + ("" if self.by_address else f" . {g.mac}") for g in online) for f in (4, 6)}
        elements = {f: f"elements = {{ {members} }};" if members else "" for f, members in elements.items()}
        crl = [] if self.no_crl else [f"ip daddr {FORBIDDEN[4]} tcp dport 80", f"ip6 daddr {FORBIDDEN[6]} tcp dport 80"]
        passes = [f"{match} accept" for match in (*crl, *(() if self.no_time else ("udp dport 123",)))]
        return RULES.format(
            key="" if self.by_address else " . ether_addr", mac="" if self.by_address else " . ether saddr",
            elements4=elements[4], elements6=elements[6],
            first="\n\t\t".join(f"{match} return" for match in crl), pass_="\n\t\t".join(passes),
            tls="tcp dport 443 redirect to :443" if self.forged_tls else "",
            limit="" if self.unlimited else "limit rate 10/second",
            input_='iifname "br-guest" tcp dport 443 reject with tcp reset' if self.no_api else "")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def log_message(self, format, *args):
        pass

    @property
    def knobs(self):
        return self.server.portal.knobs

    def handle_one_request(self):
        """Any method, BREW too."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        self.close_connection = not self.knobs.goes_on
        if self.server.server_port == 8080:
            self.divert()
        else:
            self.own_page()
        self.wfile.flush()

    def answer(self, status, headers, body, reason=None):
        data = body if isinstance(body, bytes) else body.encode()
        self.send_response(status, reason)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) + (self.knobs.length_off if status == 511 else 0)))
        self.send_header("Connection", "close" if self.close_connection else "keep-alive")
        self.end_headers()
        if self.command != "HEAD" or self.knobs.head_body:
            self.wfile.write(data)

    def divert(self):
        k = self.knobs
        if k.drops_1_0 and self.request_version == "HTTP/1.0" and "Host" not in self.headers:
            self.close_connection = True
            return
        if k.redirects_probes and PROBES.search(f"http://{self.headers.get('Host')}{self.path}"):
            self.answer(302, {"Location": f"http://{NAME}/"}, NOTICE.format(url=k.link))
            return
        body = k.notice.format(url=k.link) + (self.headers.get("Cookie", "") if k.echoes else "")
        self.answer(k.status, k.headers, body, k.reason)

    def own_page(self):
        path = urllib.parse.urlsplit(self.path).path
        if path == "/api":
            self.api()
        elif self.command == "POST" and path == "/login":
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.server.portal.let_in(self.client_address[0])
            self.answer(303, {"Location": "/success"}, "")
        elif path in ("/", "/login"):
            self.answer(200, {}, self.knobs.login_page)
        elif path == "/success":
            self.answer(200, {}, "<html>Connected</html>")
        else:
            self.answer(511 if self.knobs.own_511 else 404, {}, "<html>No such page</html>")

    def api(self):
        k, accept = self.knobs, self.headers.get("Accept", "*/*")
        if self.server.server_port == 80 and not k.api_in_clear:
            return self.answer(404, {}, "<html>https only</html>")
        if "text/html" in accept or k.accept_breaks and accept == "*/*":
            return self.answer(*k.browser, "")
        if k.query_breaks and "?" in self.path:
            return self.answer(404, {}, "")
        portal = self.server.portal
        who = self.headers.get("X-Forwarded-For") if k.believes else None
        is_online = portal.is_online(who or self.client_address[0]) or k.for_all and portal.online
        return self.answer(200, k.api_headers, k.text or json.dumps(k.online if is_online else k.captive))


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True

    def __init__(self, portal, port, tls=False):
        self.portal, self.tls = portal, tls
        with namespace.inside(portal.lab.name("gw")):
            super().__init__(("::", port), Handler)

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(self.server_address)
        self.server_port = self.server_address[1]

    def finish_request(self, request, client_address):
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.portal.pair(self.portal.knobs.pair))
            request = context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        pass  # checks that end a connection early are the point


class WrongPortal(Place):
    name = "a portal that is right"

    def start(self):
        self.knobs, self.online, self.running = Knobs(), [], None
        self.issue("portal", NAME)
        self.issue("other", "other.test")
        self.servers = [Server(self, 80), Server(self, 443, tls=True), Server(self, 8080)]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.stopped = threading.Event()
        self.advertiser = threading.Thread(target=self._advertise, daemon=True)
        self.advertiser.start()
        self.set(self.knobs)

    def issue(self, file, name):
        self.authority.issue(file, name, more=f"crlDistributionPoints=URI:http://{CRL}/ca.crl\n")

    def close(self):
        if hasattr(self, "stopped"):
            self.stopped.set()
            self.advertiser.join()
            for server in self.servers:
                server.shutdown()
                server.server_close()
        super().close()

    # ---- the knobs

    def set(self, knobs):
        self.knobs, self.online = knobs, []
        self._apply()

    def _apply(self):
        lines = self.knobs.dnsmasq(bool(self.online))
        if lines != self.running:
            for process in [p for p in self.lab.processes if p.log.endswith("dnsmasq-place.log")]:
                process.stop()
                self.lab.processes.remove(process)
                os.unlink(process.log)
            self.start_dnsmasq(lines, RANGES)
            self.running = lines
        # which errors the kernel limits by itself, as bits and as types
        sysctl(self.lab.name("gw"), "net.ipv4.icmp_ratemask", 0 if self.knobs.unlimited else 6168)
        sysctl(self.lab.name("gw"), "net.ipv6.icmp.ratemask", 2 if self.knobs.unlimited else "0-1,3-127")
        self.lab.nft(self.knobs.rules(self.online))

    def _advertise(self):
        """dnsmasq cannot send option 37."""
        with namespace.open_socket(self.lab.name("gw"), socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
            with namespace.inside(self.lab.name("gw")):
                index = socket.if_nametoindex("br-guest")
            sock.setsockopt(socket.IPPROTO_IPV6, 18, 255)  # IPV6_MULTICAST_HOPS
            while not self.stopped.wait(0.1):
                value = self.knobs.advertised
                option = b"" if value is None else bytes([37, (len(value) + 2) // 8]) + value
                try:
                    sock.sendto(bytes([134]) + bytes(15) + option, ("ff02::1", 0, 0, index))
                except OSError:
                    pass

    # ---- guests

    def who(self, address):
        """The guest there, or None."""
        address = address.replace("::ffff:", "")
        return next((g for g in (self.guest, self.other) if address in g.addresses.values()), None)

    def is_online(self, address):
        return self.who(address) in self.online

    def let_in(self, address):
        self.online = [self.who(address)]
        self._apply()

    def put_out(self):
        self.online = []
        self._apply()

    def commands(self, family):
        return Commands(lambda: log_in(self.subject(family).world()), self.put_out, self.put_out)


