# SPDX-License-Identifier: GPL-2.0-or-later
"""DNS messages: questions as a guest's device asks them, and what answers say."""
import collections
import ipaddress
import random
import socket
import struct

A, CNAME, TXT, AAAA, RRSIG, ANY = 1, 5, 16, 28, 46, 255
TYPE = {4: A, 6: AAAA}
FLAG_QR, FLAG_AA, FLAG_TC, FLAG_RD, FLAG_AD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0020
DO = 0x8000

Record = collections.namedtuple("Record", "name type ttl data")
Message = collections.namedtuple("Message", "id flags question records")


def encode_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"


def question(name, type_, edns=0, do=False, flags=FLAG_RD, id_=None):
    """edns: the size of answers that is offered; 0: no EDNS."""
    id_ = random.randrange(65536) if id_ is None else id_
    message = struct.pack("!6H", id_, flags, 1, 0, 0, 1 if edns else 0) + encode_name(name) + struct.pack("!2H", type_, 1)
    return message + (b"\0" + struct.pack("!2HIH", 41, edns, DO if do else 0, 0) if edns else b"")


def read_name(message, at):
    labels, end = [], None
    while message[at]:
        if message[at] & 0xc0:
            end = end or at + 2
            at = struct.unpack_from("!H", message, at)[0] & 0x3fff
        else:
            labels.append(message[at + 1:at + 1 + message[at]].decode("latin-1").lower())
            at += 1 + message[at]
    return ".".join(labels), end or at + 1


def read(message):
    """Records: of the answer section."""
    id_, flags, questions, answers = struct.unpack_from("!4H", message)
    at, name = 12, None
    for _ in range(questions):
        name, at = read_name(message, at)
        at += 4
    records = []
    for _ in range(answers):
        owner, at = read_name(message, at)
        type_, _, ttl, length = struct.unpack_from("!2HIH", message, at)
        records.append(Record(owner, type_, ttl, message[at + 10:at + 10 + length]))
        at += 10 + length
    return Message(id_, flags, name, records)


def addresses(message):
    """[(address, TTL)] of an answer."""
    return [(str(ipaddress.ip_address(r.data)), r.ttl) for r in read(message).records if r.type in (A, AAAA)]


def ask_tcp(sock, message):
    """On a connected socket."""
    sock.sendall(struct.pack("!H", len(message)) + message)
    length = struct.unpack("!H", receive(sock, 2))[0]
    return receive(sock, length)


def receive(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise ConnectionError("closed in an answer")
        data += more
    return data


def record(name, type_, ttl, data):
    return encode_name(name) + struct.pack("!2HIH", type_, 1, ttl, len(data)) + data


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
