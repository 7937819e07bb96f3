#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The authoritative server of garden.example, whose addresses move: nameserver.py PORT

The pool is the addresses 203.0.113.80 to .87 and 2001:db8:ff::80 to ::87.

  www                   one of the pool, another every SHORT seconds; TTL SHORT, which is 2
  alias                 CNAME hop (TTL SHORT) to hop.cdn.example, CNAME to end.cdn.example (TTL 60), .81 of the pool (TTL 60)
  *.wild, wild          .82, TTL 60
  short, long           .83, TTL SHORT and 3600
  never                 .83, TTL 0
  other                 .82, TTL 60; nobody lists it
  steady, twin          .86, TTL 3600 and 600
  brief, middle         .87 and .85, TTL SHORT and 6 SHORT
  twice                 .84 with TTL 60 and again with TTL 600
  ocsp, crl             .85 and .84, TTL 60
  bad                   127.0.0.1 and ::1, 169.254.1.1 and fe80::1, 224.0.0.1 and ff02::1, and .84
  many                  all of the pool, TTL 60
"""
import socketserver
import struct
import sys
import threading
import time

from dnswire import A, AAAA, CNAME, FLAG_AA, FLAG_QR, FLAG_RD, encode_name, packed, read_name, record
from namespace import SLOW

ZONE = "garden.example"
POOL = {A: [f"203.0.113.{n}" for n in range(80, 88)], AAAA: [f"2001:db8:ff::{n}" for n in range(80, 88)]}
BAD = {A: ["127.0.0.1", "169.254.1.1", "224.0.0.1"], AAAA: ["::1", "fe80::1", "ff02::1"]}
SHORT = round(1 + SLOW)  # seconds
FIXED = {"short": (3, SHORT), "long": (3, 3600), "never": (3, 0), "other": (2, 60), "wild": (2, 60),
         "steady": (6, 3600), "twin": (6, 600), "brief": (7, SHORT), "middle": (5, 6 * SHORT), "ocsp": (5, 60), "crl": (4, 60)}


def address_records(name, type_, ttl, numbers):
    return [record(name, type_, ttl, packed(POOL[type_][n])) for n in numbers] if type_ in POOL else []


def answer_records(name, type_):
    """The records, or None: there is no such name."""
    first = name.removesuffix("." + ZONE)
    if first == "www":
        return address_records(name, type_, SHORT, [int(time.time() / SHORT) % 8])
    if first == "many":
        return address_records(name, type_, 60, range(8))
    if first == "twice":
        return [r for ttl in (60, 600) for r in address_records(name, type_, ttl, [4])]
    if first == "bad":
        bad = [record(name, type_, 60, packed(a)) for a in BAD.get(type_, [])]
        return bad + address_records(name, type_, 60, [4])
    if first == "alias":
        return [record(name, CNAME, SHORT, encode_name("hop.cdn.example")),
                record("hop.cdn.example", CNAME, 60, encode_name("end.cdn.example")),
                *address_records("end.cdn.example", type_, 60, [1])]
    if name == "hop.cdn.example":
        return [record(name, CNAME, 60, encode_name("end.cdn.example")), *address_records("end.cdn.example", type_, 60, [1])]
    if name == "end.cdn.example":
        return address_records(name, type_, 60, [1])
    if first.endswith(".wild"):
        first = "wild"
    if first in FIXED:
        number, ttl = FIXED[first]
        return address_records(name, type_, ttl, [number])
    return None


def answer(message):
    id_, flags = struct.unpack_from("!2H", message)
    name, end = read_name(message, 12)
    records = answer_records(name, struct.unpack_from("!H", message, end)[0])
    flags = FLAG_QR | FLAG_AA | flags & FLAG_RD | (3 if records is None else 0)
    return struct.pack("!6H", id_, flags, 1, len(records or []), 0, 0) + message[12:end + 4] + b"".join(records or [])


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(answer(self.request[0]), self.client_address)


class Stream(socketserver.StreamRequestHandler):
    def handle(self):
        while head := self.rfile.read(2):
            reply = answer(self.rfile.read(struct.unpack("!H", head)[0]))
            self.wfile.write(struct.pack("!H", len(reply)) + reply)


class DatagramServer(socketserver.ThreadingUDPServer):
    daemon_threads = True


class StreamServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


def main():
    port = int(sys.argv[1])
    servers = [DatagramServer(("", port), Datagram), StreamServer(("", port), Stream)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
