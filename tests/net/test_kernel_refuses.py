# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel refuses a change, or a reading: nothing of it is done, who asked hears it, and log, status and metrics tell.

portald runs with a ruleset of its own kind here, one of whose sets has a limit or another key: what it asks for is what it
always asks, and it is the kernel that says no.
"""
import json
import os
import signal
import socket
import sqlite3

import pytest

import gateway
from conftest import families
from guest import parse_page, refresh_target
from namespace import wait_until
from prometheus import metrics
from test_flush import restorations
from test_takeover import version

ERRORS, FLUSHES = "portald_netlink_errors_total", "portald_ruleset_flushes_total"
FULL = "Too many open files in system"  # ENFILE: a set has no room
ROOM = 2
SETS = {"asked": "ZONE", "up": "ZONE_up", "down": "ZONE_down"}  # each session is in all of them
ALL_SETS = [("", "inet"), ("_up", "inet"), ("_down", "netdev"), ("_up_rate", "inet"), ("_down_rate", "netdev")]


@pytest.fixture(scope="module")
def place(make_lab, tmp_path_factory):
    """make(changes): portald with a ruleset that differs so, in a network with three guests."""
    lab = make_lab()
    for node in ("g1", "g2", "g3"):
        lab.add_guest(node)
    made = []

    def make(changes, **options):
        for gw in made:
            gw.close()
            gw.teardown()
        gw = gateway.Gateway(lab, globals_="accounting = 1s\n", start=False, **options)
        gw.portald = version(tmp_path_factory.mktemp("version"), changes)
        os.chmod(os.path.dirname(os.path.dirname(gw.portald)), 0o755)
        gw.start()
        made.append(gw)
        return gw

    yield lab, make
    for gw in made:
        gw.close()
        gw.teardown()


def with_room(name, room=ROOM):
    return [(rf"set {name} \{{ type ether_addr; flags timeout;", rf"\g<0> size {room};")]


@pytest.fixture(scope="module", params=SETS)
def full(request, place):
    """One of the sets has room for ROOM sessions."""
    lab, make = place
    return lab, make(with_room(SETS[request.param]))


@pytest.fixture
def fresh_full(full):
    full[1].revoke_all()
    return full


def everywhere(gw):
    """All that the kernel has of the zone's members."""
    return {mac for part, table in ALL_SETS for mac in gw.members("guest", part, table)}


def refusals(gw):
    return gw.log_lines("guest.* failed: " + FULL)


def audited(gw, guest):
    with sqlite3.connect(f"file:{gw.state_dir}/portald.db?mode=ro", uri=True) as db:
        return [action for (action,) in db.execute("SELECT action FROM audit WHERE mac = ? ORDER BY id", (guest.mac,))]


def warnings(gw):
    return [w for w in gw.status()["warnings"] if "the kernel has refused" in w]


@families
def test_a_login_is_refused(fresh_full, family):
    """The page says so, and tries again; when there is room, it works.  Nobody else feels it."""
    lab, gw = fresh_full
    g1, g2, g3 = (lab.guests[n] for n in ("g1", "g2", "g3"))
    g1.login(family)
    g2.login(family)
    before, told, known = metrics(gw), len(refusals(gw)), audited(gw, g3)
    page = g3.login_page(family)
    assert page.status == 200
    answer = g3.post_form(page)
    assert answer.status == 503 and answer.headers["Retry-After"] and refresh_target(parse_page(answer))
    assert g3.is_stranger() and everywhere(gw) == {g1.mac, g2.mac}, "not in one set alone either"
    now = metrics(gw)
    failed = 'portald_logins_total{zone="guest",outcome="failed"}'
    assert now[ERRORS] == before[ERRORS] + 1 and now[failed] == before[failed] + 1
    assert now['portald_sessions{zone="guest"}'] == 2
    assert len(refusals(gw)) == told + 1 and "login of 1 guest(s)" in refusals(gw)[-1]
    (warning,) = warnings(gw)
    assert f" {now[ERRORS]:.0f} times since the start" in warning and FULL in warning
    assert "warning: the kernel has refused" in gw.ctl_raw("status").stdout
    assert g1.is_online() and g2.is_online()
    gw.revoke(g1)
    g3.login(family)
    assert g3.is_online() and metrics(gw)[ERRORS] == now[ERRORS]
    wait_until(lambda: audited(gw, g3) == known + ["login"], what="the audit log has the login, and no other")


def test_grants_are_refused_as_a_whole(fresh_full):
    """A batch is one change: with room for a part of it nobody gets in, and who is in stays in as before."""
    lab, gw = fresh_full
    guests = [lab.guests[n] for n in ("g1", "g2", "g3")]
    gw.ctl("grant", guests[0].mac, "--for", "3h", "--note", "first")
    before, there = metrics(gw)[ERRORS], gw.sessions()["guest", guests[0].mac]
    done = gw.ctl_raw("grant", *[g.mac for g in guests], "--for", "1h")
    assert done.returncode == 1 and "the kernel refused the grant: " + FULL in done.stderr and "see the log" in done.stderr
    assert "grant of 3 guest(s) failed" in refusals(gw)[-1]
    assert metrics(gw)[ERRORS] == before + 1
    assert everywhere(gw) == {guests[0].mac} and set(gw.sessions()) == {("guest", guests[0].mac)}
    after = gw.sessions()["guest", guests[0].mac]
    assert (after["note"], after["started"]) == ("first", there["started"]) and after["seconds-left"] > 7200
    assert gw.grant(guests[1])["granted"] == 1, "what there is room for is granted"
    assert metrics(gw)[ERRORS] == before + 1


def test_a_change_is_refused(place):
    """A session that cannot get what it is to have keeps what it has."""
    lab, make = place
    gw = make(with_room("ZONE_down_rate", 1))
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    gw.ctl("grant", g1.mac, "--rate-down", "20M")
    gw.ctl("grant", g2.mac, "--for", "3h")
    assert metrics(gw)[ERRORS] == 0 and not warnings(gw)
    done = gw.ctl_raw("set", g2.mac, "--for", "5m", "--rate-down", "10M")
    assert done.returncode == 1 and "the kernel refused the change" in done.stderr
    assert metrics(gw)[ERRORS] == 1 and "change of 1 guest(s)" in refusals(gw)[-1]
    session = gw.sessions()["guest", g2.mac]
    assert session["seconds-left"] > 7200 and session["rate-down"] == 0
    assert min(gw.members("guest", part, table)[g2.mac] for part, table in ALL_SETS[:3]) > 7200
    assert g2.is_online()
    gw.ctl("set", g1.mac, "--rate-down", "none")
    gw.ctl("set", g2.mac, "--rate-down", "10M")
    assert metrics(gw)[ERRORS] == 1 and set(gw.members("guest", "_down_rate", "netdev")) == {g2.mac}


def test_what_was_used_cannot_be_read(place):
    """Told once, counted each time; the session goes on."""
    lab, make = place
    g1 = lab.guests["g1"]
    gw = make([(r"set ZONE_up \{ type ether_addr;", "set ZONE_up { typeof ether saddr . meta mark;"),
               (r"ether saddr @ZONE_up ", "ether saddr . meta mark @ZONE_up ")])
    assert metrics(gw)[ERRORS] == 0
    lab.nft(f"add element inet portald z_guest {{ {g1.mac} timeout 1h }}")
    gw.restart()
    wait_until(lambda: metrics(gw)[ERRORS] >= 3, 20, "each accounting is refused")
    assert len(gw.log_lines(r"zone guest: what 1 guest\(s\) have used cannot be read: Invalid argument")) == 1
    assert "Invalid argument" in warnings(gw)[0]
    assert set(gw.sessions()) == {("guest", g1.mac)}


@families
@pytest.mark.parametrize("table", ["inet", "netdev"])
def test_a_table_is_gone_when_a_grant_comes(place, table, family):
    """Somebody deletes it between a login and a grant, before the gate looks: it is put back, so nothing was refused."""
    lab, make = place
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    gw = make([])
    g1.login(family)
    before, restored = metrics(gw), restorations(gw)
    (gate,) = gw.pids()["portald-gate"]
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(gw.socket)
        os.kill(gate, signal.SIGSTOP)
        try:
            control.sendall(json.dumps({"verb": "grant", "macs": [g2.mac]}).encode() + b"\n")
            assert gw.status()  # came later: so the gate has been asked
            lab.nft(f"delete table {table} portald")
        finally:
            os.kill(gate, signal.SIGCONT)
        control.settimeout(30)
        assert json.loads(control.makefile().readline())["granted"] == 1
    wait_until(lambda: restorations(gw) == restored + 1, what="the sessions are restored")
    now = metrics(gw)
    assert now[ERRORS] == before[ERRORS] == 0 and now[FLUSHES] == before[FLUSHES] + 1 and not warnings(gw)
    assert gw.everywhere().keys() == {g1.mac, g2.mac} and g1.is_online() and g2.is_online()
