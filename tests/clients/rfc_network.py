# SPDX-License-Identifier: GPL-2.0-or-later
"""Requirements 38 to 45: the architecture (RFC 8952): what is forged, what the network lets pass, who is who."""
import json
import re
import socket
import time
import urllib.parse

import namespace
from check import MUST, SHOULD, Check, after_a_login, broken, met, not_applicable, unseen, verdict, where_there_is_an_api
from device import Failure, bracket, fetch
from models import ONLINE, PORTAL
from subject import AFTER, AGENT, BEFORE, FAMILY, REVOKED

BURST = 600  # datagrams
NTP = b"\x23" + bytes(47)  # RFC 5905, 7.3: version 4, a client
FORWARDED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP")


def differ(before, after):
    """Do two answers to a question contradict each other?  The addresses of a large name rotate: none may be left, though."""
    if before is None or after is None:
        return before is not after
    if before.addresses and after.addresses:
        return before[:2] != after[:2] or not set(before.addresses) & set(after.addresses)
    return before != after


@after_a_login
def dns_is_genuine(subject):
    """As a guest sees it: the resolver says the same before the login as after it, and does not lead to the gateway."""
    before, after = subject.seen[BEFORE]["dns"], subject.seen[AFTER]["dns"]
    if not before:
        return unseen("the guest has no resolver")
    forged = [f"{q[0]} {q[1]}" for q in before if differ(before[q], after[q])]
    silent = [f"{q[0]} {q[1]}" for q in before if before[q] is None]
    if forged or silent:
        return broken(f"other answers before the login: {', '.join(forged)}; none: {', '.join(silent)}")
    to_gateway = [q[0] for q, said in before.items() if subject.gateway in said.addresses]
    return verdict(not to_gateway, f"{to_gateway} leads to the gateway", f"{len(before)} questions, two with DNSSEC's bit")


@where_there_is_an_api
def tells_state_and_page(subject):
    state = subject.state(BEFORE)
    if not subject.api.startswith("https://"):
        return broken(subject.api)
    missing = [key for key in ("captive", "user-portal-url") if key not in state]
    return verdict(not missing, f"missing: {', '.join(missing)}", "over TLS, as JSON")


@where_there_is_an_api
@after_a_login
def denies_others(subject):
    """A stranger that says it were the guest who is online."""
    if not subject.other:
        return unseen("needs --other")
    claims = tuple(f"{name}: {'for=' if name == 'Forwarded' else ''}{subject.own}" for name in FORWARDED)
    answer = subject.ask_api(netns=subject.other, headers=claims)
    if answer.status != 200:
        return met(f"status {answer.status}")
    return verdict(json.loads(answer.body)["captive"] is True, "a header makes another guest of it")


def _validation_urls(subject):
    """The OCSP and CRL addresses of the API's certificate, which is looked at once."""
    if subject.validation is not None:
        return subject.validation
    address, host = subject.resolve(subject.api_host()), subject.api_host()
    port = urllib.parse.urlsplit(subject.api).port or 443
    done = subject.run(["sh", "-c", f"openssl s_client -connect {bracket(address)}:{port} -servername {host} </dev/null "
                                    "2>/dev/null | openssl x509 -noout -text"])
    subject.validation = sorted(set(re.findall(r"URI:(http://\S+)", done.stdout)))
    return subject.validation


def _answers_ntp(subject):
    with namespace.open_socket(subject.netns, FAMILY[subject.family], socket.SOCK_DGRAM) as sock:
        sock.settimeout(2.0)
        try:
            sock.connect((subject.address, 123))
            for _ in range(2):
                sock.send(NTP)
                try:
                    return bool(sock.recv(2048))
                except TimeoutError:
                    pass
        except OSError:
            pass
    return False


def observe_services(subject):
    """Which services that validate certificates answer now: {what: bool}.  Part of each stage's notes."""
    found = {"NTP": _answers_ntp(subject)}
    for url in _validation_urls(subject) if (subject.api or "").startswith("https://") else ():
        try:
            found[url] = fetch(subject.world(), url, AGENT).status < 500
        except (Failure, OSError):
            found[url] = False
    return found


@after_a_login
def validation_passes(subject):
    before, after = subject.seen[BEFORE]["services"], subject.seen[AFTER]["services"]
    there = [what for what, answers in after.items() if answers]
    if not there:
        return not_applicable("the certificate names no such host, and nobody at the address tells the time")
    kept = [what for what in there if not before.get(what)]
    return verdict(not kept, f"only after the login: {', '.join(kept)}", ", ".join(there))


def signals_are_limited(subject):
    """A burst of datagrams to where no stranger may go; the ICMP errors are counted by a raw socket."""
    protocol = socket.IPPROTO_ICMP if subject.family == 4 else socket.IPPROTO_ICMPV6
    with namespace.open_socket(subject.netns, FAMILY[subject.family], socket.SOCK_RAW, protocol) as errors, \
            namespace.open_socket(subject.netns, FAMILY[subject.family], socket.SOCK_DGRAM) as sock:
        errors.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)  # SO_RCVBUFFORCE
        for port in range(BURST):
            sock.sendto(b"portal-suite", (subject.address, 40000 + port))
        count = _count_errors(errors, subject.family)
    if not count:
        return not_applicable("no ICMP error comes")
    return verdict(count < BURST, f"{count} ICMP errors for {BURST} datagrams", f"{count} ICMP errors for {BURST} datagrams")


def _count_errors(sock, family):
    """Until none has come for a second; other ICMP may come all the time."""
    count, until = 0, time.monotonic() + 1.0
    while (left := until - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            if _is_unreachable(sock.recv(2048), family):
                count, until = count + 1, time.monotonic() + 1.0
        except TimeoutError:
            pass
    return count


def _is_unreachable(packet, family):
    if family == 4:
        packet = packet[(packet[0] & 15) * 4:]
    return packet[0] == {4: 3, 6: 1}[family] and b"portal-suite" in packet


def _is_held(subject, **how):
    """(Does a request from there get the portal, or nothing, in place of what the guest who is online gets?  How so)"""
    wanted = subject.findings[AFTER].get("Windows NCSI")
    if wanted is None or wanted.verdict != ONLINE:
        raise ValueError("the guest is not online, so there is nothing to compare with")
    try:
        answer = fetch(subject.world(**how), "http://www.msftconnecttest.com/connecttest.txt", AGENT, timeout=5.0)
    except (Failure, OSError) as e:
        return True, str(e)
    return answer.body != b"Microsoft Connect Test", f"status {answer.status}"


def _cannot_use(netns, family, address):
    """None, or why no program there can send from it: that says nothing of the portal."""
    with namespace.open_socket(netns, FAMILY[family], socket.SOCK_STREAM) as sock:
        try:
            sock.bind((address, 0))
        except OSError as e:
            return e
    return None


def _ip(netns, *lines):
    namespace.ip_batch(netns, lines)


@after_a_login
def other_mac(subject):
    """The lease goes to another device: the guest's address, with another MAC."""
    if not subject.may_readdress:
        return unseen("needs --may-readdress, to change the guest's MAC for a moment")
    try:
        _ip(subject.netns, f"link set {subject.interface} address 06{subject.mac[2:]}", f"neigh flush dev {subject.interface}")
        held, why = _is_held(subject)
    finally:
        _ip(subject.netns, f"link set {subject.interface} address {subject.mac}", f"neigh flush dev {subject.interface}")
    return verdict(held, "another MAC at the guest's address is online", why)


@after_a_login
def other_guest_s_address(subject):
    """A second guest takes the address of the one who is online."""
    if not subject.other or not subject.may_readdress:
        return unseen("needs --other and --may-readdress, to let it take the guest's address for a moment")
    bits, interface = 32 if subject.family == 4 else 128, subject.interface
    try:
        _ip(subject.other, namespace.addr_add(subject.own, interface, bits), f"neigh flush dev {interface}")
        if error := _cannot_use(subject.other, subject.family, subject.own):
            return unseen(f"the second guest cannot use the guest's address: {error}")
        held, why = _is_held(subject, netns=subject.other, source=subject.own)
    finally:
        _ip(subject.other, f"addr del {subject.own}/{bits} dev {interface}", f"neigh flush dev {interface}")
        _ip(subject.netns, f"neigh flush dev {interface}")
    return verdict(held, "another guest that takes the address is online", why)


def migrates(subject):
    """Devices that know no API, those that are asked here: each notices by its probe alone."""
    without = {name: f.verdict for name, f in subject.findings.get("without an API", {}).items()}
    missed = [name for name, said in without.items() if said != PORTAL]
    return verdict(without and not missed, f"do not notice without the API: {', '.join(missed)}", f"{len(without)} clients")


CHECKS = (
    Check(38, MUST, "DNS answers are not forged", AFTER, dns_is_genuine),
    Check(39, MUST, "the API tells the state and the page, over TLS", BEFORE, tells_state_and_page),
    Check(40, SHOULD, "nobody gets another's state", AFTER, denies_others),
    Check(41, SHOULD, "OCSP, CRL and NTP pass", AFTER, validation_passes),
    Check(42, MUST, "ICMP signals are limited", REVOKED, signals_are_limited),
    Check(43, MUST, "another device at a guest's address is captive", AFTER, other_mac),
    Check(44, SHOULD, "another guest cannot take a guest's address", AFTER, other_guest_s_address),
    Check(45, MUST, "devices that only probe go on working", BEFORE, migrates),
)
