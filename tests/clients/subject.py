# SPDX-License-Identifier: GPL-2.0-or-later
"""A portal as one of its guests sees it, whosever it is: nothing here knows of portald.

Everything is asked from the guest's network namespace.  What does not change between a login and the next (where the
gateway is, what DHCP says) is asked once; what does is asked by observe() at each stage, for the checks to compare.
"""
import ipaddress
import json
import os
import socket
import subprocess
import urllib.parse

import device
import namespace
import wire
from models import CAPTIVE_JSON, HOSTS

FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
URN = "urn:ietf:params:capport:unrestricted"
BEFORE, AFTER, EXPIRED, REVOKED = "before login", "after login", "after expiry", "after revoke"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
DNS_QUESTIONS = (("captive.apple.com", "A", False), ("captive.apple.com", "AAAA", False), ("www.google.com", "A", True),
                 ("example.org", "DNSKEY", True), ("nxdomain.invalid", "A", False))


class Subject:
    """netns: the guest's namespace.  address: one beyond the portal, to which every probe goes.  ca: a file of authorities
    that guests trust beside the system's.  api: the API's URI, if DHCP does not tell it.  other: the namespace of a second
    guest, which never logs in.  may_readdress: the guests' MACs and addresses may be changed for a moment.  names: more
    names that lead to the address."""

    def __init__(self, netns, address, ca=None, api=None, other=None, may_readdress=False, names=()):
        self.netns, self.address, self.ca, self.other = netns, address, ca, other
        self.family = ipaddress.ip_address(address).version
        self.may_readdress, self.names = may_readdress, HOSTS | set(names)
        self.seen, self.findings = {}, {}
        self._read_link()
        self.provisioned = self._ask_provisioning()
        self.uris = {how: uri for how, uri in self._uris().items() if uri is not None}
        self.api = api or next((uri for uri in self.uris.values() if uri != URN), None)
        self.by_dhcp4 = bool(api) or self.uris.get("DHCPv4") == self.api
        self.limited = None  # does a session have an end?
        self.validation = None  # where the API's certificate can be validated

    # ---- the link

    def ip(self, *words):
        done = subprocess.run(["ip", "-j", "-n", self.netns, *words], capture_output=True, text=True, check=True)
        return json.loads(done.stdout or "[]")

    def _read_link(self):
        routes = self.ip(f"-{self.family}", "route", "get", self.address)
        if not routes or "gateway" not in routes[0]:
            raise ValueError(f"{self.netns} has no gateway to {self.address}")
        self.gateway, self.interface = routes[0]["gateway"], routes[0]["dev"]
        self.own = routes[0].get("prefsrc")
        self.mac = self.ip("link", "show", self.interface)[0]["address"]

    def resolvers(self):
        """As `ip netns exec` shows them to the guest."""
        done = self.run(["sed", "-n", "s/^nameserver //p", "/etc/resolv.conf"])
        return done.stdout.split()

    # ---- programs and connections

    def run(self, argv, **kw):
        env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        return subprocess.run(["ip", "netns", "exec", self.netns, *argv], text=True, capture_output=True, check=False,
                              timeout=60, env={**env, "LC_ALL": "C"}, stdin=subprocess.DEVNULL, **kw)

    def tcp(self, host, port, timeout=10.0, netns=None, source=None):
        """To an address."""
        sock = namespace.open_socket(netns or self.netns, FAMILY[ipaddress.ip_address(host.partition("%")[0]).version],
                                     socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            if source:
                sock.bind((source, 0))
            sock.connect((host, port))
            return sock
        except BaseException:
            sock.close()
            raise

    def resolve(self, name, family=None):
        """The guest's own resolver's address."""
        done = self.run(["getent", "ahostsv6" if (family or self.family) == 6 else "ahostsv4", name])
        found = done.stdout.split()
        if done.returncode or not found:
            raise OSError(f"{name} has no address")
        return found[0]

    def world(self, api=None, netns=None, family=None, source=None):
        """Where the models are; without `api` DHCP has told them nothing."""
        connect = device.connector(self.address, self.names, lambda h, p, t: self.tcp(h, p, t, netns, source),
                                   lambda name: self.resolve(name, family))
        return device.World(connect, self.ca, api, family or self.family, by_dhcp4=self.by_dhcp4)

    def raw(self, data, timeout=10.0, host=None):
        """What hand-written bytes get: all until the close."""
        with self.tcp(host or self.address, 80, timeout) as sock:
            try:
                sock.sendall(data)
            except OSError:
                pass
            answer = b""
            while True:
                try:
                    piece = sock.recv(65536)
                except OSError:
                    return answer
                if not piece:
                    return answer
                answer += piece

    def stranger_s_page(self, path="/page", headers=()):
        """The answer to a browser that asks for somebody else's page; device.Failure if there is none."""
        return device.fetch(self.world(), f"http://{device.bracket(self.address)}{path}", AGENT, accept=device.HTML,
                            headers=headers)

    # ---- provisioning

    def _ask_provisioning(self):
        """how -> options, asked with and without the one in question; None: nobody answered."""
        link = (self.netns, self.interface, self.mac)
        return {"DHCPv4": wire.dhcp4(*link), "DHCPv4 asked": wire.dhcp4(*link, (1, 3, 6, 114)),
                "DHCPv6": wire.dhcp6(*link), "DHCPv6 asked": wire.dhcp6(*link, (23, 103)),
                "RA": wire.router_advertisement(self.netns, self.interface)}

    def option(self, how, code):
        """Its bytes, or None."""
        return next((o[-1] for o in self.provisioned[how] or () if o[0] == code), None)

    def _uris(self):
        found = {"DHCPv4": self.option("DHCPv4 asked", 114) or self.option("DHCPv4", 114),
                 "DHCPv6": self.option("DHCPv6 asked", 103) or self.option("DHCPv6", 103), "RA": self.option("RA", 37)}
        return {how: value and value.rstrip(b"\0").decode("utf-8", "replace") for how, value in found.items()}

    # ---- the API

    def api_host(self):
        return urllib.parse.urlsplit(self.api).hostname

    def ask_api(self, accept=CAPTIVE_JSON, query="", uri=None, headers=(), **world):
        """One answer of the API's, redirects not followed; device.Failure if there is none."""
        return device.fetch(self.world(**world), (uri or self.api) + query, AGENT, accept=accept, headers=headers)

    # ---- what changes

    def observe(self, stage):
        """Notes what the API and the resolver say now."""
        note = {"dns": {}}
        for server in self.resolvers()[:1]:
            note["dns"] = {q: wire.dns(self.netns, server, *q) for q in DNS_QUESTIONS}
        if self.api:
            try:
                note["api"] = self.ask_api()
            except device.Failure as e:
                note["api"] = e
        self.seen[stage] = note

    def state(self, stage):
        """What the API said then, as an object; ValueError if it said none, KeyError if nobody asked."""
        answer = self.seen[stage]["api"]
        if isinstance(answer, device.Failure):
            raise ValueError(str(answer))
        if answer.status != 200:
            raise ValueError(f"status {answer.status}")
        state = json.loads(answer.body, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        if not isinstance(state, dict):
            raise ValueError("no object")
        return state


def _no_duplicates(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key comes twice")
    return dict(pairs)


def _no_constant(word):
    raise ValueError(f"{word} is not JSON")
