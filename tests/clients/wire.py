# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest's link and resolver say, asked by hand, so that every byte is seen: DHCPv4, DHCPv6, router advertisements,
DNS.  Nothing is configured with it, and no lease is taken.
"""
import collections
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))

import frames  # noqa: E402
from capture import parse_frame  # noqa: E402
from namespace import inside, open_socket  # noqa: E402

TRIES, PATIENCE = 3, 2.0  # each question is asked so often, and its answer waited for so many seconds
MAGIC = b"\x63\x82\x53\x63"  # RFC 2131, 3
DISCOVER, OFFER = 1, 2
INFORMATION_REQUEST, REPLY, CLIENT_ID, OPTION_REQUEST, ELAPSED = 11, 7, 1, 6, 8  # RFC 8415, 7.3 and 21
ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT = 133, 134
IPV6_MULTICAST_HOPS, ICMPV6_FILTER = 18, 1
RECORDS = {"A": 1, "CNAME": 5, "SOA": 6, "TXT": 16, "AAAA": 28, "DNSKEY": 48}

Records = collections.namedtuple("Records", "rcode authentic records addresses")


def ask(send, receive):
    """Sends until receive(end) returns something; None if it never does."""
    for _ in range(TRIES):
        send()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = receive(end - time.monotonic())
            if found is not None:
                return found
    return None


# ---- DHCPv4 (RFC 2131, RFC 2132)

def dhcp4_options(payload):
    """[(code, value)...]; a value that comes in parts is put together (RFC 3396)."""
    at, found = 240, collections.OrderedDict()
    while at + 1 < len(payload) and payload[at] != 255:
        if payload[at] == 0:
            at += 1
            continue
        found[payload[at]] = found.get(payload[at], b"") + payload[at + 2:at + 2 + payload[at + 1]]
        at += 2 + payload[at + 1]
    return list(found.items())


def dhcp4(netns, interface, mac, wanted=(1, 3, 6)):
    """The options of the first offer to a client that asks for those in `wanted`; None if nobody offers."""
    xid = os.urandom(4)
    message = struct.pack("!BBBB4sHH16x", 1, 1, 6, 0, xid, 0, 0x8000) + frames.mac_bytes(mac) + bytes(10 + 64 + 128) + MAGIC
    message += bytes([53, 1, DISCOVER, 55, len(wanted), *wanted, 255])
    with frames.Wire(netns, interface) as wire:
        def receive(left):
            packet = parse_frame(wire.receive(left) or bytes(14))
            if packet and (packet.protocol, packet.sport) == (17, 67) and packet.payload[4:8] == xid:
                options = dhcp4_options(packet.payload)
                return options if dict(options).get(53) == bytes([OFFER]) else None
            return None
        return ask(lambda: wire.send(frames.udp("ff:ff:ff:ff:ff:ff", mac, "0.0.0.0", "255.255.255.255", 68, 67, message)),
                   receive)


# ---- DHCPv6 (RFC 8415)

def option6(code, value):
    return struct.pack("!HH", code, len(value)) + value


def dhcp6(netns, interface, mac, wanted=(23,)):
    """The options of the answer to an information request: [(code, value)...]; None if there is none."""
    head = bytes([INFORMATION_REQUEST]) + os.urandom(3)
    message = head + option6(ELAPSED, b"\0\0") + option6(CLIENT_ID, b"\0\3\0\1" + frames.mac_bytes(mac))
    message += option6(OPTION_REQUEST, struct.pack(f"!{len(wanted)}H", *wanted))
    with inside(netns), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("::", 546))
        index = socket.if_nametoindex(interface)

        def receive(left):
            sock.settimeout(left)
            try:
                reply = sock.recv(65536)
            except OSError:
                return None
            return options6(reply[4:]) if reply[:4] == bytes([REPLY]) + head[1:] else None

        return ask(lambda: _try(sock.sendto, message, ("ff02::1:2", 547, 0, index)), receive)


def _try(what, *args):
    try:
        what(*args)
    except OSError:
        pass


def options6(data):
    at, found = 0, []
    while at + 4 <= len(data):
        code, size = struct.unpack_from("!HH", data, at)
        found.append((code, data[at + 4:at + 4 + size]))
        at += 4 + size
    return found


# ---- router advertisements (RFC 4861, 4.2)

def router_advertisement(netns, interface):
    """The options of the first one: [(type, length in units of 8 bytes, value)...]; None if no router speaks."""
    with inside(netns), socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
        only = bytearray(b"\xff" * 32)  # a bit for each type that is blocked
        struct.pack_into("=I", only, ROUTER_ADVERTISEMENT // 32 * 4, 0xFFFFFFFF & ~(1 << ROUTER_ADVERTISEMENT % 32))
        sock.setsockopt(socket.IPPROTO_ICMPV6, ICMPV6_FILTER, bytes(only))
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255)
        index = socket.if_nametoindex(interface)

        def receive(left):
            sock.settimeout(left)
            try:
                data, source = sock.recvfrom(65536)
            except OSError:
                return None
            return _ra_options(data[16:]) if source[3] == index else None

        return ask(lambda: _try(sock.sendto, bytes([ROUTER_SOLICITATION]) + bytes(7), ("ff02::2", 0, 0, index)), receive)


def _ra_options(data):
    at, found = 0, []
    while at + 2 <= len(data) and data[at + 1]:
        found.append((data[at], data[at + 1], data[at + 2:at + 8 * data[at + 1]]))
        at += 8 * data[at + 1]
    return found


# ---- DNS (RFC 1035, RFC 3225)

def dns_question(name, kind, dnssec):
    labels = b"".join(bytes([len(part)]) + part.encode("ascii") for part in name.rstrip(".").split(".")) + b"\0"
    extra = b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00" if dnssec else b""
    return os.urandom(2) + struct.pack("!HHHHH", 0x0120, 1, 0, 0, len(extra) and 1) + labels + \
        struct.pack("!HH", RECORDS[kind], 1) + extra


def _skip_name(data, at):
    while data[at]:
        if data[at] & 0xC0:
            return at + 2
        at += 1 + data[at]
    return at + 1


def dns_records(data):
    """What an answer says, whatever its order and its TTLs; IndexError or struct.error if it is malformed."""
    flags, questions, *counts = struct.unpack_from("!HHHHH", data, 2)
    at = 12
    for _ in range(questions):
        at = _skip_name(data, at) + 4
    records, addresses = [], []
    for section, count in enumerate(counts):
        for _ in range(count):
            at = _skip_name(data, at)
            kind, _, _, size = struct.unpack_from("!HHIH", data, at)
            value = data[at + 10:at + 10 + size]
            at += 10 + size
            records.append((section, kind, value))
            if section == 0 and kind in (1, 28):
                addresses.append(socket.inet_ntop({1: socket.AF_INET, 28: socket.AF_INET6}[kind], value))
    return Records(flags & 15, bool(flags & 0x20), sorted(records), sorted(addresses))


def dns(netns, server, name, kind, dnssec=False):
    """Records; None if the server does not answer."""
    question = dns_question(name, kind, dnssec)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with open_socket(netns, family, socket.SOCK_DGRAM) as sock:
        sock.connect((server, 53))

        def receive(left):
            sock.settimeout(left)
            try:
                data = sock.recv(65536)
                return dns_records(data) if data[:2] == question[:2] else None
            except (OSError, IndexError, struct.error):
                return None

        return ask(lambda: _try(sock.send, question), receive)
