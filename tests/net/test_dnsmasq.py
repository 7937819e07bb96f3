# SPDX-License-Identifier: GPL-2.0-or-later
"""portalctl dnsmasq: a real dnsmasq with its lines leads guests to the portal by name."""
import os
import socket

import pytest

import gateway
from namespace import wait_until

NAME = "portal.example.net"


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(dnsmasq=False)


def serve(lab, gw):
    path = os.path.join(gw.folder, "dnsmasq.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write("no-resolv\nno-hosts\nbind-dynamic\ninterface=br-guest\ninterface=br-two\n" + gw.ctl_raw("dnsmasq").stdout)
    server = lab.spawn("gw", ["dnsmasq", "--keep-in-foreground", "--user=root", "--log-facility=-", "-C", path, "--pid-file="],
                       name="dnsmasq-" + os.path.basename(gw.folder))
    wait_until(lambda: "started" in server.output() or not server.alive(), what="dnsmasq is up")
    assert server.alive(), server.output()
    return server


def ask(guest, family):
    """The addresses of the portal's name, as its resolver gives them to this guest."""
    kind, size = {4: (1, 4), 6: (28, 16)}[family]
    name = b"".join(bytes([len(label)]) + label.encode() for label in NAME.split(".")) + b"\0"
    answer = guest.udp(guest.gateway[4], 53, b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + name + bytes([0, kind, 0, 1]))
    at, found = 12 + len(name) + 4, []
    for _ in range(int.from_bytes(answer[6:8], "big")):
        found.append(socket.inet_ntop({4: socket.AF_INET, 6: socket.AF_INET6}[family], answer[at + 12:at + 12 + size]))
        at += 12 + size
    return found


def test_one_zone(lab, own_gateway):
    gw = own_gateway(globals_=f'hostname = "{NAME}"\n')
    server = serve(lab, gw)
    guest = lab.add_guest("s1")
    assert [ask(guest, f) for f in (4, 6)] == [["192.0.2.1"], ["2001:db8:1::1"]]
    assert f"http://{NAME}/login" in guest.get("http://203.0.113.66/").body.decode()
    assert gw.ctl("dnsmasq")["lines"] == gw.ctl_raw("dnsmasq").stdout.splitlines()
    server.stop()


def test_each_zone_is_led_to_its_own_address(lab, own_gateway):
    gw = own_gateway(gateway.TWO_ZONES, globals_=f'hostname = "{NAME}"\n')
    server = serve(lab, gw)
    guests = lab.add_guest("s1"), lab.add_guest("s2", "br-two")
    assert [ask(g, 4) for g in guests] == [["192.0.2.1"], ["198.51.100.1"]]
    assert [ask(g, 6) for g in guests] == [[], []]
    server.stop()


def test_without_a_name(own_gateway):
    lines = own_gateway().ctl("dnsmasq")["lines"]
    assert all(line.startswith("#") for line in lines) and "hostname" in lines[1] and "no certificate" in lines[-1]
