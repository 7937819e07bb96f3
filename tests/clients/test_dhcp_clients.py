# SPDX-License-Identifier: GPL-2.0-or-later
"""RFC 8910 as DHCP clients see it: dhcpcd and busybox's udhcpc are told the captive portal API by a dnsmasq with portalctl's
lines, and what they were told answers.  dhcpcd comes as its package has it, with the options' numbers (Debian 12's is too old
to know them) and a hook of ours.
"""
import json
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

import client  # noqa: E402
import gateway  # noqa: E402
import lab as lab_module  # noqa: E402
from authority import Authority  # noqa: E402
from namespace import ip_batch, wait_until  # noqa: E402
from test_provision import RANGES, URI, YES  # noqa: E402
from test_tls import Browser  # noqa: E402

SLOW = 90.0  # seconds
DHCPCD = """define 114 string captive_portal_uri
define6 103 string captive_portal_uri
option captive_portal_uri
option dhcp6_captive_portal_uri
nohook resolv.conf
"""
HOOK = """#!/bin/sh
hook=$1 env >{folder}/new.$$ && mv {folder}/new.$$ {folder}/told/
"""
OVER = {"hook": ("bound",), "reason": ("BOUND", "INFORM6")}  # it has been told all


@pytest.fixture(scope="module")
def lab():
    gateway.add_accounts()
    lab_module.remove_stale()
    with lab_module.Lab(dnsmasq=False) as the_lab:
        yield the_lab


@pytest.fixture(scope="module")
def authority(lab):
    ca = Authority(os.path.join(lab.folder, "ca"))
    ca.issue("one")
    return ca


@pytest.fixture(scope="module")
def gw(lab, authority):
    """Its zone is br-guest alone; dnsmasq serves br-two as well."""
    gw = gateway.Gateway(lab, globals_=authority.keys("one") + YES)
    path = os.path.join(gw.folder, "dnsmasq.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write(f"{RANGES}dhcp-leasefile={gw.folder}/leases\n" + gw.ctl_raw("dnsmasq").stdout)
    server = lab.spawn("gw", ["dnsmasq", "--keep-in-foreground", "--user=root", "--log-facility=-", "-C", path, "--pid-file="],
                       name="dnsmasq-clients")
    wait_until(lambda: "started" in server.output() or not server.alive(), what="dnsmasq is up")
    assert server.alive(), server.output()
    yield gw
    gw.close()
    gw.teardown()


def udhcpc(folder, _):
    return ["udhcpc", "-i", "eth0", "-f", "-t", "20", "-T", "3", "-O", "114", "-s", f"{folder}/hook"]


def dhcpcd(folder, family):
    (folder / "dhcpcd.conf").write_text(DHCPCD)
    mounts = "mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /var/lib; mkdir -p /run/dhcpcd /var/lib/dhcpcd; "
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", mounts + 'exec "$@"', "sh",
            client.find("dhcpcd", "dhcpcd/usr/sbin"), f"-{family}", "--nobackground", "--config", f"{folder}/dhcpcd.conf",
            "--script", f"{folder}/hook", "eth0"]


def told(guest, argv, folder, family):
    """What a client tells its hook when it has all: {variable: value}"""
    (folder / "told").mkdir()
    (folder / "hook").write_text(HOOK.format(folder=folder))
    (folder / "hook").chmod(0o755)

    def over():
        for file in (folder / "told").iterdir():
            env = dict(line.partition("=")[::2] for line in file.read_text().splitlines())
            if any(env.get(key) in values for key, values in OVER.items()):
                return env
        return None
    process = guest.lab.spawn(guest.node, argv(folder, family), f"{argv.__name__}-{guest.node}")
    try:
        return wait_until(over, SLOW, f"{argv.__name__} has been told all", pause=0.1)
    finally:
        process.stop()


def api_of(env):
    """The captive portal API, as it is in a hook's variables; None if it is not there."""
    uris = {env[key] for key in ("new_captive_portal_uri", "new_dhcp6_captive_portal_uri") if key in env}
    uris |= {bytes.fromhex(env["opt114"]).decode()} if "opt114" in env else set()
    assert len(uris) <= 1
    return uris.pop() if uris else None


CLIENTS = pytest.mark.parametrize("program, family", [(udhcpc, 4), (dhcpcd, 4), (dhcpcd, 6)],
                                  ids=["udhcpc-114", "dhcpcd-114", "dhcpcd-103"])


@CLIENTS
def test_they_are_told_the_api(lab, gw, authority, program, family, tmp_path):
    """And it answers, to one who has not logged in and to one who has."""
    gw.revoke_all()
    uri = api_of(told(lab.add_guest("g1"), program, tmp_path, family))
    assert uri == URI
    other = lab.add_guest("g2")
    for captive in (True, False):
        status, _, body = Browser(other, authority, family).get(uri, "-H", "Accept: application/captive+json")
        assert (status, json.loads(body)["captive"]) == (200, captive)
        if captive:
            gw.grant(other)


@CLIENTS
def test_a_network_without_a_portal_tells_none(lab, gw, program, family, tmp_path):
    assert api_of(told(lab.add_guest("t1", "br-two"), program, tmp_path, family)) is None
