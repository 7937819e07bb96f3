# SPDX-License-Identifier: GPL-2.0-or-later
"""Ethernet frames by hand, for guests that lie about who they are."""
import ipaddress
import socket
import struct

import namespace

SYN, RST, ACK = 0x02, 0x04, 0x10


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(destination, source, kind, data):
    return mac_bytes(destination) + mac_bytes(source) + struct.pack("!H", kind) + data


def ip(source, destination, protocol, data):
    """IPv4 or IPv6, by the addresses; the upper layer's checksum must be right already."""
    a, b = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if a.version == 4:
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 0, 0, 64, protocol, 0, a.packed, b.packed)
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + data
    return struct.pack("!IHBB16s16s", 6 << 28, len(data), protocol, 255, a.packed, b.packed) + data


def _upper(source, destination, protocol, data, at):
    a, b = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    pseudo = a.packed + b.packed + (struct.pack("!BBH", 0, protocol, len(data)) if a.version == 4
                                    else struct.pack("!II", len(data), protocol))
    return data[:at] + struct.pack("!H", checksum(pseudo + data)) + data[at + 2:]


def _frame(destination_mac, source_mac, source, destination, protocol, data):
    kind = 0x0800 if ipaddress.ip_address(source).version == 4 else 0x86DD
    return ethernet(destination_mac, source_mac, kind, ip(source, destination, protocol, data))


def tcp(destination_mac, source_mac, source, destination, sport, dport, flags=SYN, sequence=1, acknowledge=0, payload=b""):
    data = struct.pack("!HHIIBBHHH", sport, dport, sequence & 0xFFFFFFFF, acknowledge & 0xFFFFFFFF, 0x50, flags, 64240,
                       0, 0) + payload
    return _frame(destination_mac, source_mac, source, destination, 6, _upper(source, destination, 6, data, 16))


def udp(destination_mac, source_mac, source, destination, sport, dport, payload=b""):
    data = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    return _frame(destination_mac, source_mac, source, destination, 17, _upper(source, destination, 17, data, 6))


def readdressed(frame, destination_mac, source_mac):
    """An IPv4 or IPv6 TCP frame for another MAC, with its checksum filled in (between namespaces it is left open)."""
    at, addresses = (34, (26, 30, 34)) if frame[12:14] == b"\x08\x00" else (54, (22, 38, 54))
    end = 14 + struct.unpack_from("!H", frame, 16)[0] if at == 34 else 54 + struct.unpack_from("!H", frame, 18)[0]
    source, destination = (str(ipaddress.ip_address(frame[a:b])) for a, b in zip(addresses, addresses[1:]))
    data = frame[at:at + 16] + b"\0\0" + frame[at + 18:end]
    return mac_bytes(destination_mac) + mac_bytes(source_mac) + frame[12:at] + _upper(source, destination, 6, data, 16)


def answered_port(frame, flags=SYN | ACK):
    """Of an answer with these flags: (family, the port that it is for); else None."""
    family, at = (4, 34) if frame[12:14] == b"\x08\x00" else (6, 54)
    if frame[12:14] not in (b"\x08\x00", b"\x86\xdd") or frame[23 if family == 4 else 20] != 6 or frame[at + 13] != flags:
        return None
    return family, struct.unpack_from("!H", frame, at + 2)[0]


def arp_reply(source_mac, source, destination_mac, destination):
    """"source is at source_mac", said to destination."""
    data = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2) + mac_bytes(source_mac) + socket.inet_aton(source) + \
        mac_bytes(destination_mac) + socket.inet_aton(destination)
    return ethernet(destination_mac, source_mac, 0x0806, data)


def neighbour_advertisement(source_mac, target, destination_mac, destination):
    """"target is at source_mac", with the override flag, said to destination (RFC 4861, 4.4)."""
    data = struct.pack("!BBHI", 136, 0, 0, 0x60000000) + ipaddress.ip_address(target).packed + b"\x02\x01" + \
        mac_bytes(source_mac)
    return _frame(destination_mac, source_mac, target, destination, 58, _upper(target, destination, 58, data, 2))


def spoofed_mac(number):
    """Locally administered, none that the lab gives to a guest."""
    return f"06:66:{number >> 24 & 255:02x}:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


class Wire:
    """Sends and receives whole frames on a namespace's interface."""

    def __init__(self, name, interface="eth0"):
        with namespace.inside(name):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.bind((interface, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE

    def send(self, frame):
        """A full transmit queue is waited for: a flood must be as large as it says."""
        while True:
            try:
                self.socket.send(frame)
                return
            except OSError as e:
                if e.errno != 105:  # ENOBUFS
                    raise

    def receive(self, timeout):
        """A frame that arrived, or None."""
        self.socket.settimeout(timeout)
        try:
            while True:
                frame, where = self.socket.recvfrom(65536)
                if where[2] != 4:  # PACKET_OUTGOING
                    return frame
        except TimeoutError:
            return None

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
