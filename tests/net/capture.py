# SPDX-License-Identifier: GPL-2.0-or-later
"""What arrived at an interface: tcpdump writes a file, this reads it.

The proof that nothing of a stranger's got through is worth something only if the capture is whole: tcpdump must report
no dropped packet, and a last datagram that the test itself sends must be in the file before it is judged.
"""
import collections
import os
import re
import signal
import socket
import struct

from namespace import wait_until

Packet = collections.namedtuple("Packet", "source_mac family source destination protocol sport dport payload")

_TCP, _UDP, _ICMP, _ICMP6 = 6, 17, 1, 58


def _ports(protocol, data):
    if protocol in (_TCP, _UDP) and len(data) >= 4:
        return struct.unpack_from("!HH", data)
    return 0, 0


def _payload(protocol, data):
    if protocol == _UDP:
        return data[8:]
    if protocol == _TCP and len(data) > 12:
        return data[(data[12] >> 4) * 4:]
    return data


def parse_frame(frame):
    """A Packet, or None for what is not IP."""
    mac = frame[6:12].hex(":")
    kind = struct.unpack_from("!H", frame, 12)[0]
    data = frame[14:]
    if kind == 0x0800 and len(data) >= 20:
        protocol, source, destination = data[9], data[12:16], data[16:20]
        family, rest = 4, data[(data[0] & 15) * 4:]
    elif kind == 0x86DD and len(data) >= 40:
        protocol, source, destination = data[6], data[8:24], data[24:40]
        family, rest = 6, data[40:]
        if protocol == 0 and len(rest) > 8:  # hop-by-hop options, as multicast listener reports have them
            protocol, rest = rest[0], rest[(rest[1] + 1) * 8:]
    else:
        return None
    sport, dport = _ports(protocol, rest)
    af = socket.AF_INET if family == 4 else socket.AF_INET6
    return Packet(mac, family, socket.inet_ntop(af, source), socket.inet_ntop(af, destination), protocol, sport, dport,
                  _payload(protocol, rest))


class Capture:
    """All frames that arrive at `interface` of a lab's namespace."""

    def __init__(self, lab, node, interface="eth0", name="capture"):
        self.path = os.path.join(lab.folder, name + ".pcap")
        self._offset = 24
        self._packets = []
        self._dropped = None
        self._process = lab.spawn(node, ["tcpdump", "-i", interface, "-Q", "in", "-U", "-n", "-s", "256", "-B", "65536",
                                         "--immediate-mode", "-Z", "root", "-w", self.path], name=name)
        wait_until(lambda: "listening on" in self._process.output(), what="tcpdump listens")

    def packets(self):
        """Everything up to now."""
        with open(self.path, "rb") as f:
            f.seek(self._offset)
            data = f.read()
        at = 0
        while len(data) - at >= 16:
            size = struct.unpack_from("<I", data, at + 8)[0]
            if len(data) - at - 16 < size:
                break
            packet = parse_frame(data[at + 16:at + 16 + size]) if size >= 14 else None
            if packet:
                self._packets.append(packet)
            at += 16 + size
        self._offset += at
        return self._packets

    def wait_for(self, condition, timeout=10.0, what="packet"):
        return wait_until(lambda: next((p for p in self.packets() if condition(p)), None), timeout, what)

    def finish(self):
        """Stops; the number of packets that tcpdump says it lost."""
        if self._dropped is None:
            self._process.stop(signal.SIGINT)
            found = re.search(r"(\d+) packets? dropped by kernel", self._process.output())
            self._dropped = int(found.group(1)) if found else -1
        return self._dropped
