# SPDX-License-Identifier: GPL-2.0-or-later
"""RFC 8910: what portalctl prints for DHCP servers and radvd, tried with a real dnsmasq; numbers are the requirements'.

The requirements: 27 it is the API's URI, 28 DHCPv4 option 114, 29 DHCPv6 option 103, 31 the same in both, 32 unsolicited,
33 no address in it, 34 "no portal here" never comes from a portal.
"""
import json
import os
import re
import shutil
import socket
import subprocess

import pytest

import gateway
from authority import NAME, Authority
from browser import Browser
from capture import parse_frame
from frames import Wire
from namespace import wait_until

URI = f"https://{NAME}/api"
YES = "advertise-api = yes\n"
RANGES = """no-resolv
no-hosts
bind-dynamic
interface=br-guest
interface=br-two
no-ping
dhcp-authoritative
dhcp-range=192.0.2.150,192.0.2.180,2m
dhcp-range=198.51.100.150,198.51.100.180,2m
dhcp-range=2001:db8:1::,ra-stateless,64,10m
dhcp-range=2001:db8:2::,ra-stateless,64,10m
"""
INFORMATION_REQUEST, REPLY, CLIENT_ID, OPTION_REQUEST, ELAPSED = 11, 7, 1, 6, 8  # RFC 8415, 7.3 and 21


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(dnsmasq=False)


@pytest.fixture(scope="module")
def authority(lab):
    ca = Authority(os.path.join(lab.folder, "ca"))
    ca.issue("one")
    ca.issue("expired", days=-1)
    return ca


@pytest.fixture(scope="module")
def gw(lab, authority):
    """Its zone is br-guest alone; a dnsmasq with its lines serves br-two as well."""
    gw = gateway.Gateway(lab, globals_=authority.keys("one") + YES)
    path = os.path.join(gw.folder, "dnsmasq.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write(f"{RANGES}dhcp-leasefile={gw.folder}/leases\n" + gw.ctl_raw("dnsmasq").stdout)
    server = lab.spawn("gw", ["dnsmasq", "--keep-in-foreground", "--user=root", "--log-facility=-", "-C", path, "--pid-file="],
                       name="dnsmasq-provision")
    wait_until(lambda: "started" in server.output() or not server.alive(), what="dnsmasq is up")
    assert server.alive(), server.output()
    return gw


def dhcp_options(payload):
    """RFC 2132: [(code, value)...]"""
    at, found = 240, []
    while payload[at] != 255:
        if payload[at] == 0:
            at += 1
            continue
        found.append((payload[at], payload[at + 2:at + 2 + payload[at + 1]]))
        at += 2 + payload[at + 1]
    return found


def ask_dhcp4(guest):
    """What a real client asks for, and all options of the first answer to it."""
    with Wire(guest.namespace) as wire:
        guest.run(["udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "5", "-T", "2", "-s", "/bin/true"], timeout=40)
        asked, answered = None, None
        wire.socket.settimeout(1)
        while not answered:
            packet = parse_frame(wire.socket.recv(65536))
            if packet and (packet.family, packet.protocol) == (4, 17):
                if packet.dport == 67:
                    asked = dict(dhcp_options(packet.payload))[55]
                elif packet.sport == 67:
                    answered = dhcp_options(packet.payload)
    return asked, answered


def ask_dhcp6(guest, wanted=()):
    """All options of the answer to an information request: [(code, value)...]"""
    def option(code, value):
        return code.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value

    request = bytes([INFORMATION_REQUEST]) + b"abc" + option(ELAPSED, b"\0\0")
    request += option(CLIENT_ID, b"\0\3\0\1" + bytes.fromhex(guest.mac.replace(":", "")))
    if wanted:
        request += option(OPTION_REQUEST, b"".join(code.to_bytes(2, "big") for code in wanted))
    with guest.socket(6, socket.SOCK_DGRAM) as sock:
        sock.bind(("::", 546))
        sock.sendto(request, ("ff02::1:2", 547, 0, guest.interface_index()))
        reply = sock.recv(65536)
    assert reply[:4] == bytes([REPLY]) + b"abc"
    at, found = 4, []
    while at < len(reply):
        size = int.from_bytes(reply[at + 2:at + 4], "big")
        found.append((int.from_bytes(reply[at:at + 2], "big"), reply[at + 4:at + 4 + size]))
        at += 4 + size
    assert at == len(reply)
    return found


def values(options, code):
    return [value for c, value in options if c == code]


def test_28_32_dhcpv4_option_114_unsolicited(lab, gw):
    """Length and bytes are the URI's, without a NUL, though the client does not list the option."""
    asked, options = ask_dhcp4(lab.add_guest("s1"))
    assert 114 not in asked
    assert values(options, 114) == [URI.encode()]
    assert values(options, 160) == [], "RFC 7710's option has another meaning elsewhere"


@pytest.mark.parametrize("wanted", [(), (23,), (103,)], ids=["no-list", "unsolicited", "asked"])
def test_29_dhcpv6_option_103(lab, gw, wanted):
    assert values(ask_dhcp6(lab.add_guest("s1"), wanted), 103) == [URI.encode()]


def test_27_the_uri_is_the_api(lab, gw, authority):
    """What DHCP names answers as RFC 8908 has it."""
    guest = lab.add_guest("s1")
    uri = values(ask_dhcp6(guest), 103)[0].decode()
    status, head, _ = Browser(guest, authority, 4).get(uri, "-H", "Accept: application/captive+json")
    assert status == 200 and "\ncontent-type: application/captive+json\n" in head + "\n"


def test_networks_without_a_portal_hear_of_none(lab, gw):
    guest = lab.add_guest("s2", "br-two")
    assert values(ask_dhcp4(guest)[1], 114) == [] and values(ask_dhcp6(guest, (103,)), 103) == []


def test_27_31_33_34_one_uri(gw):
    """The API's, by name, in each line; and the gateway says the same."""
    lines = [line for line in gw.ctl("dnsmasq")["lines"] if "option" in line]
    assert [line.rsplit(",", 1)[1] for line in lines] == [URI, URI]
    assert gw.status()["zones"][0]["api"] == URI and not gw.status()["zones"][0]["no-api"]
    assert "unrestricted" not in gw.ctl_raw("dnsmasq").stdout


@pytest.mark.parametrize("file, more, why", [
    (None, "", "no certificate"),
    ("one", "", "advertise-api is no"),
    ("one", "advertise-api = no\n", "advertise-api is no"),
    ("expired", YES, "expired"),
], ids=["no-certificate", "not-told", "no", "expired"])
def test_an_api_that_devices_would_not_trust_is_not_advertised(gw, authority, file, more, why):
    good = gw.globals
    gw.globals = good.replace(authority.keys("one") + YES, "")
    gw.globals += (authority.keys(file) if file else f'hostname = "{NAME}"\n') + more
    gw.write_config(gateway.ONE_ZONE)
    gw.reload()
    wait_until(lambda: why in (gw.status()["zones"][0]["no-api"] or ""), what="the reload")
    text, status = gw.ctl_raw("dnsmasq").stdout, gw.status()
    others = [gw.ctl_raw(program).stdout for program in ("kea", "radvd", "odhcpd")]
    gw.globals = good
    gw.write_config(gateway.ONE_ZONE)
    gw.reload()
    wait_until(lambda: gw.status()["zones"][0]["api"] == URI, what="the API is back")
    assert "option" not in text and URI not in text
    for lines in map(str.splitlines, others):
        assert len(lines) == 2 and lines[0][0] in "#/" and "no captive portal API" in lines[1] and why in lines[1]
    assert text.splitlines()[-1].startswith("# no captive portal API") and why in text.splitlines()[-1]
    assert status["zones"][0]["api"] is None and f"interface-name={NAME},br-guest\n" in text


@pytest.mark.parametrize("keys, text", [
    ("", "over https alone"),
    (f'hostname = "{NAME}"\n', "over https alone"),
    ("literal", "is an address"),
    ("self", "signed by itself"),
    ("long", "too long"),
])
def test_33_what_cannot_be_advertised_is_refused(lab, authority, keys, text):
    if keys == "literal":
        keys = authority.keys("one", "192.0.2.1")
    elif keys == "long":
        keys = authority.keys("one", ".".join(["a" * 62] * 4)[:244])
    elif keys == "self":
        authority.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                          "self.key", "-out", "self.pem", "-days", "30", "-subj", f"/CN={NAME}",
                          "-addext", f"subjectAltName=DNS:{NAME}")
        keys = authority.keys("self")
    done = gateway.Gateway(lab, globals_=keys + YES, start=False).check_config()
    assert done.returncode == 1 and text in done.stderr, done.stderr


def uris(text):
    return re.findall(r"https://[^\"',\s]+", text)


@pytest.mark.parametrize("program", ["dnsmasq", "kea", "radvd", "odhcpd"])
def test_31_34_one_uri_for_all_programs(gw, program):
    text = gw.ctl_raw(program).stdout
    assert set(uris(text)) == {URI} and "unrestricted" not in text
    assert gw.ctl(program)["lines"] == text.splitlines()


def test_kea(gw, tmp_path):
    """What it prints is JSON with comments; Kea itself, if it is here, takes it."""
    lines = gw.ctl("kea")["lines"]
    for version, code, name in ((4, 114, "v4-captive-portal"), (6, 103, "v6-captive-portal")):
        line = [x for x in lines if x.startswith('"option-data"') and name in x]
        subnet = json.loads("{" + line[0] + "}")
        assert len(line) == 1
        assert subnet["option-data"] == [{"name": name, "code": code, "space": f"dhcp{version}", "always-send": True,
                                          "data": URI}]
        kea = shutil.which(f"kea-dhcp{version}")
        if kea:
            config = tmp_path / f"{version}.json"
            network = {4: "192.0.2.0/24", 6: "2001:db8:1::/64"}[version]
            config.write_text(json.dumps({f"Dhcp{version}": {f"subnet{version}": [{"subnet": network, **subnet}]}}))
            done = subprocess.run([kea, "-t", str(config)], check=False, capture_output=True, text=True,
                                  env={**os.environ, "KEA_LOCKFILE_DIR": "none"})
            assert done.returncode == 0, done.stdout + done.stderr


def test_radvd_has_a_block_for_each_zone(gw):
    assert gw.ctl("radvd")["lines"][2:] == ["interface br-guest", "{", f'\tAdvCaptivePortalAPI "{URI}";', "};"]


def test_odhcpd_has_an_option_for_each_zone(gw):
    lines = gw.ctl("odhcpd")["lines"]
    assert "br-guest" in lines[2] and lines[3:] == [f"\toption captive_portal_uri '{URI}'"]
