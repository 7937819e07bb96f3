# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays the engine for portald-web: gives it a bundle, listening sockets and answers, as common/proto.h says.

    engine = FakeEngine(build_folder)       starts portald-web as the user nobody
    engine.mode                             "normal", "silent", "held", or a guest state that every question gets
    engine.release()                        answers those that were asked in mode "held"
    engine.counted                          how many times portald-web has told its counts: no question
    engine.online                           addresses that have a session
    engine.reload(**changes)                sends a new bundle
    engine.stop()

By hand, for a look in a browser:  fake_engine.py BUILD-FOLDER [HOSTNAME]
"""

import os
import secrets
import socket
import struct
import subprocess
import sys
import threading
import time

REQUEST = struct.Struct("=IIIIBBH16s")
REPLY = struct.Struct("=III6sH4xQQQQQQ")
COUNTS, EXTEND = 22, 23
LOOKUP, LOGIN, LOGOUT, REPLY_TYPE, BUNDLE = 1, 2, 3, 4, 5
STRANGER, ONLINE, NO_DEVICE, UNVERIFIED, REFUSED, FAILED = 1, 2, 3, 4, 5, 6
MAC = bytes.fromhex("02005e100001")
PAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../portal/pages")

F_ADD_SEALS, SEALS = 1033, 0xF


def listener():
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", 0))
    sock.listen(512)
    return sock


def zone_entries(index, zone):
    entries = {f"zone/{index}/{key}": value for key, value in zone.items()}
    for name in os.listdir(PAGES):
        with open(os.path.join(PAGES, name), "rb") as page:
            entries.setdefault(f"zone/{index}/page/{name}", page.read())
    return entries


def make_bundle(entries):
    """A sealed memfd of `entries` (common/bundle.h); a value None leaves the entry out."""
    fd = os.memfd_create("bundle", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    with os.fdopen(os.dup(fd), "wb") as out:
        for name, data in entries.items():
            if data is None:
                continue
            data = data if isinstance(data, bytes) else str(data).encode()
            out.write(struct.pack("=II", len(name), len(data)) + name.encode() + b"\0" + data + b"\0")
    import fcntl

    fcntl.fcntl(fd, F_ADD_SEALS, SEALS)
    return fd


class FakeEngine:
    def __init__(self, build, entries=None, zones=None, start=True, stderr=None):
        self.zones = zones or [{"name": "guest", "title": "Hotel Miramar"}]
        self.sockets = [listener() for _ in range(3 * len(self.zones))]
        self.ports = [s.getsockname()[1] for s in self.sockets]
        self.divert, self.portal = self.ports[:2]
        self.extra = dict(entries or {})
        self.secret = secrets.token_bytes(32)
        self.mode = "normal"
        self.mac = MAC
        self.online = {}
        self.questions = []
        self.held = []
        self.counted = 0
        self.build = build
        self.stderr = stderr
        self.process = None
        if start:
            self.start()

    def entries(self):
        entries = {"log-level": "debug", "secret": self.secret, "zones": len(self.zones)}
        for i, zone in enumerate(self.zones):
            defaults = {"lang": "en", "refresh": 0, "divert-port": self.ports[3 * i], "portal-port": self.ports[3 * i + 1]}
            entries.update(zone_entries(i, {**defaults, **zone}))
        entries.update(self.extra)
        return entries

    def start(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        bundle = make_bundle(self.entries())
        given = [theirs.fileno(), bundle] + [s.fileno() for s in self.sockets]

        def place():
            high = []
            import fcntl

            for fd in given:
                high.append(fcntl.fcntl(fd, fcntl.F_DUPFD, 200))
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)
                os.close(fd)

        numbers = list(range(3, 3 + len(given)))
        self.process = subprocess.Popen(
            [os.path.join(self.build, "portald-web"), "nobody"], preexec_fn=place, pass_fds=numbers, stderr=self.stderr
        )
        os.close(bundle)
        theirs.close()
        self.sock = ours
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                data = self.sock.recv(65536)
            except OSError:
                return
            if not data:
                return
            if struct.unpack_from("=I", data)[0] == COUNTS:
                self.counted += 1
            elif self.mode == "held":
                self.held.append(data)
            else:
                self.answer(data)

    def release(self):
        self.mode = "normal"
        for data in self.held:
            self.answer(data)
        self.held.clear()

    def answer(self, data):
        kind, number, zone, _pad, family, _p, port, raw = REQUEST.unpack(data)
        address = socket.inet_ntop(socket.AF_INET if family == 4 else socket.AF_INET6, raw[: 4 if family == 4 else 16])
        self.questions.append((kind, zone, address, port))
        if self.mode == "silent":
            return
        if self.mode != "normal":
            return self.reply(number, self.mode)
        if kind == LOGIN:
            self.online.setdefault((zone, self.mac), time.time())
        if kind == EXTEND:
            self.session = (1, self.session[1], 0, 28_800, *self.session[4:])
        if kind == LOGOUT:
            self.online.pop((zone, self.mac), None)
        since = self.online.get((zone, self.mac))
        return self.reply(number, STRANGER if since is None else ONLINE)

    # what a session can have, and its figures, for pages: extensions, seconds used, after an extension, left; bytes
    session = (1, 4_380, 28_800, 24_420, 48_300_000, 1_234_000_000, 5_000_000_000)

    def reply(self, number, state):
        data = REPLY.pack(REPLY_TYPE, number, state, self.mac, *(self.session if state == ONLINE else [0] * 7))
        try:
            self.sock.send(data)
        except OSError:
            pass

    def reload(self, zones=None, raw=None, **changes):
        self.extra.update({k.replace("_", "-"): v for k, v in changes.items()})
        if zones:
            self.zones = zones
        fd = make_bundle(raw or self.entries())
        socket.send_fds(self.sock, [struct.pack("=II", BUNDLE, 0)], [fd])
        os.close(fd)

    def stop(self):
        """The exit status of portald-web after its engine is gone."""
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        try:
            return self.process.wait(timeout=10)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            for s in self.sockets:
                s.close()


if __name__ == "__main__":
    LOGO = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 60"><path d="M10 50 L40 12 L60 36 L78 20 L110 50Z" fill="#0b7285"/></svg>"""
    more = {"zone/0/hostname": sys.argv[2]} if len(sys.argv) > 2 else {}
    engine = FakeEngine(sys.argv[1], more, [{"name": "guest", "title": "Hotel Miramar"}])
    print("divert", engine.divert, "portal", engine.portal, flush=True)
    try:
        engine.process.wait()
    except KeyboardInterrupt:
        engine.stop()
