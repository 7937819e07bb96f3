# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS ClientHellos made by hand, for what no library offers any more; RFC 5246, 7.4.1.2 and RFC 8446, 4.1.2."""
import collections
import os
import struct

SSL3, TLS10, TLS11, TLS12, TLS13 = 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
SUITES = [*range(0x0001, 0x00ff), *range(0x1301, 0x1308), *range(0xc001, 0xc100), *range(0xcc13, 0xccaf)]  # all that were assigned
FALLBACK = 0x5600  # TLS_FALLBACK_SCSV
X25519, P256, P384, P521, FFDHE2048 = 29, 23, 24, 25, 256
GROUPS = [X25519, P256, P384, P521, FFDHE2048, 22, 1, 30]
SIGNATURES = [0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201, 0x0101, 0x0303, 0x0301]
SHA1 = [0x0203, 0x0201]

# kind: "hello", "alert", "closed" or "noise"; of an alert the value is its description
Answer = collections.namedtuple("Answer", "kind version suite compression extensions value")


def answer(kind, version=0, suite=0, compression=0, extensions=(), value=None):
    return Answer(kind, version, suite, compression, extensions, value)


def vector(data, size):
    return len(data).to_bytes(size, "big") + data


def numbers(values):
    return b"".join(struct.pack("!H", v) for v in values)


def extension(kind, data):
    return struct.pack("!H", kind) + vector(data, 2)


def server_name(name):
    return extension(0, vector(b"\0" + vector(name, 2), 2))


def hello(version=TLS12, suites=None, name=b"portal.test", compression=b"\0", groups=None, signatures=None, more=b""):
    """A whole handshake message.  version TLS13: as of RFC 8446, with a share for X25519."""
    body = struct.pack("!H", min(version, TLS12)) + os.urandom(32) + vector(b"", 1)
    body += vector(numbers(suites or SUITES), 2) + vector(compression, 1)
    extensions = (server_name(name) if name is not None else b"") + extension(10, vector(numbers(groups or GROUPS), 2))
    extensions += extension(11, b"\x01\x00") + extension(13, vector(numbers(signatures or SIGNATURES), 2))
    extensions += extension(0xff01, b"\0")
    if version == TLS13:
        extensions += extension(43, vector(numbers([TLS13]), 1))
        extensions += extension(51, vector(struct.pack("!H", X25519) + vector(os.urandom(32), 2), 2))
    if version > SSL3:
        body += vector(extensions + more, 2)
    return b"\x01" + vector(body, 3)


def records(message, version=TLS10, size=16384, kind=22):
    """The message in records of this size."""
    pieces = [message[i:i + size] for i in range(0, len(message), size)]
    return b"".join(struct.pack("!BH", kind, version) + vector(piece, 2) for piece in pieces)


def _read(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def parse(kind, data):
    if kind == 21 and len(data) == 2:
        return answer("alert", value=data[1])
    if kind != 22 or data[0] != 2:
        return answer("noise", value=data)
    version, at = struct.unpack_from("!H", data, 4)[0], 38
    at += 1 + data[at]
    suite, compression = struct.unpack_from("!HB", data, at)
    found, at = {}, at + 5
    while at < 4 + int.from_bytes(data[1:4], "big"):
        key, length = struct.unpack_from("!HH", data, at)
        found[key] = data[at + 4:at + 4 + length]
        at += 4 + length
    if 43 in found:
        version = int.from_bytes(found[43], "big")
    return answer("hello", version, suite, compression, found)


def ask(guest, family, data, port=443):
    """Sends bytes to the portal of a guest's zone; its first record, or that it closed."""
    try:
        with guest.connect(guest.gateway[family], port, timeout=30.0) as sock:
            sock.sendall(data)
            kind, _, length = struct.unpack("!BHH", _read(sock, 5))
            if kind not in (21, 22):
                return answer("noise", value=kind)
            return parse(kind, _read(sock, length))
    except (EOFError, ConnectionResetError, BrokenPipeError):
        return answer("closed")


def offer(guest, family, version=TLS12, **options):
    return ask(guest, family, records(hello(version, **options), min(version, TLS10)))


def accepted(guest, family, version, suites):
    """Which of these the server takes, in the order in which it prefers them."""
    left, found = list(suites), []
    while left:
        got = offer(guest, family, version, suites=left)
        if got.kind != "hello":
            return found
        assert got.version == version
        found.append(got.suite)
        left.remove(got.suite)
    return found
