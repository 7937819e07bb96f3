# SPDX-License-Identifier: GPL-2.0-or-later
"""The models of devices are proven able to say each of their verdicts, at portals that are right and wrong."""
import socket
import threading

import pytest

from models import MODELS, NOTHING, ONLINE, PORTAL, connector, probe

HTML = b"<html><head><title>Welcome</title></head><body>Log in</body></html>"
GENUINE = {
    "Apple": (200, "", b"<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"),
    "Android": (204, "", b""),
    "Windows NCSI": (200, "", b"Microsoft Connect Test"),
    "ChromeOS": (204, "", b""),
    "Kindle": (200, "", b"81ce4465-7167-4dcb-835b-dcc9e44c112a"),
    "Nintendo": (200, "X-Organization: Nintendo\r\n", b"ok"),
}
# the answer of a portal, and the models that do not open their sheet at it, with what they say instead
PORTALS = {
    "page": ((200, "", HTML), {}),
    "302": ((302, "Location: https://portal.example/\r\n", HTML), {}),
    "511": ((511, "", HTML), {"Android": NOTHING, "ChromeOS": NOTHING, "Kindle": NOTHING, "Nintendo": NOTHING}),
    "511-empty": ((511, "", b""), {"Apple": ONLINE, "Android": NOTHING, "ChromeOS": NOTHING, "Kindle": NOTHING,
                                   "Nintendo": NOTHING}),
    "403": ((403, "", HTML), {"Apple": ONLINE, "Android": NOTHING, "ChromeOS": NOTHING, "Kindle": NOTHING,
                              "Nintendo": NOTHING}),
    "308": ((308, "Location: https://portal.example/\r\n", HTML), {"Apple": ONLINE, "ChromeOS": NOTHING,
                                                                   "Kindle": NOTHING, "Nintendo": NOTHING}),
    "success": ((200, "", b"<title>Success</title>"), {"Apple": ONLINE}),
}
by_name = pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)


def stub(answer):
    """connect() to a server that gives one answer, or closes without one if it is None."""
    def serve(s):
        with s:
            s.recv(65536)
            if answer:
                status, headers, body = answer
                s.sendall(b"HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s"
                          % (status, headers.encode(), len(body), body))

    def connect(_host, _port, timeout):
        ours, theirs = socket.socketpair()
        ours.settimeout(timeout)
        threading.Thread(target=serve, args=(theirs,), daemon=True).start()
        return ours
    return connect


@by_name
@pytest.mark.parametrize("portal", PORTALS)
def test_portal(model, portal):
    answer, others = PORTALS[portal]
    assert probe(model, stub(answer)) == others.get(model.name, PORTAL)


@by_name
def test_internet(model):
    assert probe(model, stub(GENUINE[model.name])) == ONLINE


@by_name
def test_no_answer(model):
    assert probe(model, stub(None)) == (ONLINE if model.name == "Apple" else NOTHING)


@pytest.mark.parametrize("place", ["192.0.2.1:2050", "[2001:db8::1]:2050", "portal.example:2050"])
def test_redirect_is_followed_to_its_place(place):
    """A portal may send its guests to a port of its own: only there is its page, and only probes go to the address."""
    asked = []
    pages = {("198.51.100.9", 80): (302, f"Location: http://{place}/login?from=a\r\n", b""),
             ("192.0.2.1", 2050): (200, "", HTML), ("2001:db8::1", 2050): (200, "", HTML)}

    def tcp(host, port, timeout):
        asked.append((host, port))
        return stub(pages.get((host, port)))(host, port, timeout)
    apple = MODELS[0]
    assert probe(apple, connector("198.51.100.9", tcp, {"portal.example": "192.0.2.1"}.__getitem__)) == PORTAL
    assert asked == [("198.51.100.9", 80), ("2001:db8::1" if "[" in place else "192.0.2.1", 2050)]
