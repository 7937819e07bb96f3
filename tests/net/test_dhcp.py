# SPDX-License-Identifier: GPL-2.0-or-later
"""What a stranger needs before it can log in: DHCP, IPv6 router advertisements and DNS, all from a real dnsmasq."""
import os
import re
import stat

import pytest

from conftest import families
from lab import SITES, Lab
from namespace import ip_batch, sysctl, wait_until

SCRIPT = """#!/bin/sh
case "$1" in
bound|renew) ip addr flush dev "$interface" scope global; ip addr add "$ip/24" dev "$interface"
             ip route replace default via "$router"; echo "lease $ip dns $dns" ;;
esac
"""


@pytest.fixture(scope="module")
def newcomer(lab, gw):
    """A guest that has no address of its own."""
    guest = lab.add_guest("g7")
    ip_batch(guest.namespace, ["addr flush dev eth0 scope global"])
    return guest


def lease(lab, guest):
    """Asks for a lease with a real client; the address."""
    script = os.path.join(lab.folder, "udhcpc.sh")
    with open(script, "w", encoding="ascii") as f:
        f.write(SCRIPT)
    os.chmod(script, os.stat(script).st_mode | stat.S_IXUSR)
    done = guest.run(["udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "5", "-T", "2", "-s", script], timeout=40)
    found = re.search(r"lease (\S+) dns (.*)", done.stdout)
    assert found, done.stdout + done.stderr
    assert found.group(2).strip() == SITES["br-guest"][4] + "1"
    return found.group(1)


def test_a_stranger_gets_a_lease_and_logs_in(lab, gw, newcomer):
    address = lease(lab, newcomer)
    newcomer.addresses[4] = address
    newcomer.all_addresses.add(address)
    assert newcomer.get("http://203.0.113.66/").status == 511
    newcomer.login(4)
    assert newcomer.opens(4)
    assert lease(lab, newcomer) == address, "a member renews its lease as well"
    gw.revoke(newcomer)


def test_a_stranger_gets_an_ipv6_address_by_itself(lab, gw, newcomer):
    """Router solicitation and advertisement, then 511 over the address that the kernel made of it."""
    lab.dnsmasq.stop()
    path = os.path.join(lab.folder, "dnsmasq.conf")
    with open(path, encoding="ascii") as f:
        text = f.read()
    if "enable-ra" not in text:
        with open(path, "a", encoding="ascii") as f:
            f.write("enable-ra\ndhcp-range=2001:db8:1::,ra-only,64,10m\n")
    lab.dnsmasq = lab.spawn("gw", ["dnsmasq", "--keep-in-foreground", "--user=root", "--log-facility=-", "-C", path,
                                   "--pid-file="], name="dnsmasq-ra")
    sysctl(newcomer.namespace, "net.ipv6.conf.eth0.accept_ra", 2)
    ip_batch(newcomer.namespace, ["link set eth0 down", "link set eth0 up"])

    def found():
        out = newcomer.check(["ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "global"])
        return re.search(r"inet6 (2001:db8:1:\S+)/64", out)

    address = wait_until(found, 30.0, "an address by router advertisement").group(1)
    newcomer.addresses[6] = address
    newcomer.all_addresses.add(address)
    wait_until(lambda: "default" in newcomer.check(["ip", "-6", "route"]), what="a default route")
    assert newcomer.get("http://[2001:db8:ff::66]/").status == 511
    newcomer.login(6)
    assert newcomer.opens(6)
    gw.revoke(newcomer)


@families
def test_names_are_resolved_by_the_gateway(lab, gw, family):
    """Over UDP and TCP, and never forged: the answer is the resolver's own."""
    stranger = lab.add_guest("s1")
    server = stranger.gateway[family]
    question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01"
    answer = stranger.udp(server, 53, question)
    assert answer[:2] == b"\x12\x34" and answer.endswith(bytes([203, 0, 113, 2]))
    with stranger.connect(server, 53) as sock:
        sock.sendall(len(question).to_bytes(2, "big") + question)
        reply = sock.recv(4096)
    assert reply[2:4] == b"\x12\x34" and reply.endswith(bytes([203, 0, 113, 2]))
    with pytest.raises(OSError):
        stranger.udp("203.0.113.66" if family == 4 else "2001:db8:ff::66", 53, question)


def test_the_lab_gives_no_lease_by_itself():
    """Without dnsmasq there is none: the test above can fail."""
    with Lab(dnsmasq=False, sites=("br-guest",)) as bare:
        guest = bare.add_guest("g1")
        done = guest.run(["udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "1", "-T", "1", "-s", "/bin/true"], timeout=20)
        assert done.returncode != 0
