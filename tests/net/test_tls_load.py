# SPDX-License-Identifier: GPL-2.0-or-later
"""The certificate is replaced again and again while hundreds of TLS connections with requests are under way, over IPv4 and
IPv6: none fails, those that are there go on, and new ones get the new certificate.  A bad pair changes nothing."""
import os
import subprocess
import sys
import time

import pytest

import gateway
from authority import NAME, Authority
from namespace import wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
GUESTS, EACH = 8, 32  # 16 of them over each family, on one listener; PEERS_GUEST_MAX is 32
OPEN_MIN = 200
RELOADS = ("two", "three", "one", "two", "one")


class Load:
    """The clients' lines, as they come."""

    def __init__(self, lab, guests, ca):
        self.clients = [lab.spawn(g.node, [sys.executable, os.path.join(HERE, "tls_client.py"), ca.path("ca.pem"), NAME,
                                           str(EACH), *g.gateway.values()], f"tls-{g.node}") for g in guests]

    def lines(self, kind):
        """Whole ones: the last may be half written."""
        return [line.split() for c in self.clients for line in c.output().splitlines(keepends=True)
                if line.startswith(kind + " ") and line.endswith("\n")]

    def handshakes(self, since=0.0):
        """Serial numbers of the certificates of those that began then or later."""
        return [serial for _, start, serial in self.lines("H") if float(start) >= since]

    def open(self):
        return len(self.lines("H")) - len(self.lines("C"))

    def spanning(self, moment):
        """Connections that lived before and after it, and have ended well."""
        return [c for c in self.lines("C") if float(c[1]) < moment < float(c[2])]

    def stop(self):
        for c in self.clients:
            c.popen.terminate()
        for c in self.clients:
            c.popen.wait(120)
            assert c.popen.returncode == 0, c.output()[-2000:]


@pytest.fixture(scope="module")
def place(make_lab):
    lab = make_lab()
    ca = Authority(os.path.join(lab.folder, "ca"))
    for file in ("one", "two", "three"):
        ca.issue(file)
    ca.issue("other", "other.test")
    ca.join("mixed", "one")
    ca.openssl("pkey", "-in", "two.key", "-out", "mixed.key")
    guests = [lab.add_guest(f"g{i + 1}") for i in range(GUESTS)]
    gw = gateway.Gateway(lab, globals_=ca.keys("one"))
    gw.grant(*guests)
    return lab, gw, ca, guests


def serial(ca, file):
    done = subprocess.run(["openssl", "x509", "-in", ca.path(f"{file}.pem"), "-noout", "-serial"], check=True,
                          capture_output=True, text=True)
    return done.stdout.strip().partition("=")[2]


def configure(gw, ca, file):
    before = gw.globals
    gw.globals = before.replace(ca.keys("one"), ca.keys(file))
    gw.write_config(gateway.ONE_ZONE)
    gw.globals = before


def replace(gw, ca, file):
    """Returns when every worker has it."""
    workers, before = len(gw.pids()["portald-web"]), len(gw.log_lines("new configuration and pages"))
    configure(gw, ca, file)
    gw.reload()
    wait_until(lambda: len(gw.log_lines("new configuration and pages")) == before + workers, 30, "all workers have it")


def test_the_certificate_is_replaced_under_load(place):
    lab, gw, ca, guests = place
    serials = {file: serial(ca, file) for file in ("one", "two", "three")}
    assert len(set(serials.values())) == 3
    load, moments = Load(lab, guests, ca), []
    pids = gw.all_pids()
    for file in RELOADS:
        wait_until(lambda: load.open() >= OPEN_MIN, 60, f"{OPEN_MIN} connections are open")
        replace(gw, ca, file)
        moments.append(time.monotonic())
        wait_until(lambda: len(load.handshakes(moments[-1])) >= 50, 60, "there are new connections")
        assert set(load.handshakes(moments[-1])) == {serials[file]}, file
    last = serials[RELOADS[-1]]
    for bad, text in (("other", "it is not for portal.test"), ("mixed", "it is the key of another certificate"),
                      ("missing", "cannot be read")):
        wait_until(lambda: load.open() >= OPEN_MIN, 60, f"{OPEN_MIN} connections are open")
        before = len(gw.log_lines("nothing was changed"))
        configure(gw, ca, bad)
        gw.reload()
        wait_until(lambda: len(gw.log_lines("nothing was changed")) > before, 30, "the bad pair is refused")
        assert gw.log_lines(rf"portald\.conf:\d+: certificate(-key)?: .*{text}")
        moments.append(time.monotonic())
        wait_until(lambda: len(load.handshakes(moments[-1])) >= 20, 60, "there are new connections")
        assert set(load.handshakes(moments[-1])) == {last}, bad
    load.stop()
    assert load.lines("F") == []
    assert sum(int(c[3]) for c in load.lines("C")) > len(load.lines("C")), "connections had more than one request"
    for moment in moments:
        assert len(load.spanning(moment)) >= OPEN_MIN // 2, "those that were there went on"
    assert gw.all_pids() == pids
