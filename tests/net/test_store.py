# SPDX-License-Identifier: GPL-2.0-or-later
"""Sessions survive: a restart, a reboot (no tables, another boot id), a damaged and a full disk."""
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

import gateway
from conftest import families
from lab import UP
from machine import Machine
from namespace import wait_until
from prometheus import metrics

SLACK = 5  # seconds
CONFIG = """
zone "guest" {
  interface = "br-guest"
  session = 1h
}
"""


@pytest.fixture
def machine(lab):
    gw = Machine(lab, CONFIG, globals_="accounting = 1s\n")
    yield gw
    if gw.process and gw.process.alive():
        gw.revoke_all()
    gw.close()
    gw.teardown()


def without_time(session):
    return {k: v for k, v in gateway.lasting(session).items() if not k.startswith("bytes")}


def only(sessions):
    assert len(sessions) == 1
    return next(iter(sessions.values()))


def test_history(lab, machine):
    """Who was online, until when, and why no longer; also after a restart, in portions."""
    g1, g2 = lab.add_guest("g1"), lab.add_guest("g2")
    g1.login(4)
    machine.ctl("grant", g2.mac, "--note", "room 12", "--for", "2s")
    machine.revoke(g1)
    wait_until(lambda: not machine.sessions(), what="the other one ends")
    many = [f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}" for n in range(600)]
    machine.ctl("grant", "--file", "-", input="\n".join(many))
    machine.revoke_all()
    machine.restart()
    ended = machine.ctl("history", "--since", "1h")["ended"]
    assert [(s["mac"], s["how"], s["why"], s["note"]) for s in ended[:2]] == [
        (g1.mac, "login", "revoke", ""), (g2.mac, "grant", "expiry", "room 12")]
    assert sorted(s["mac"] for s in ended[2:]) == many
    assert all(s["started"] <= s["ended"] for s in ended)
    assert machine.ctl("history", "--zone", "other")["ended"] == []


def test_audit(lab, machine):
    """Who did what to whom, and with what."""
    g1, g2 = lab.add_guest("g1"), lab.add_guest("g2")
    g1.login(4)
    machine.ctl("set", g1.mac, "--rate-up", "7M", "--note", "x")
    machine.revoke(g1)
    machine.grant(g2, for_="1s")
    wait_until(lambda: not machine.sessions(), what="it ends")
    wait_until(lambda: len(machine.rows("SELECT 1 FROM audit")) == 5, what="all is there")
    rows = machine.rows("SELECT who, uid, action, zone, mac, detail FROM audit ORDER BY id")
    assert [row[:5] for row in rows] == [
        ("guest", None, "login", "guest", g1.mac), ("portalctl", 0, "change", "guest", g1.mac),
        ("portalctl", 0, "revoke", "guest", g1.mac), ("portalctl", 0, "grant", "guest", g2.mac),
        ("portald", None, "expiry", "guest", g2.mac)]
    assert "rate-up=7000000 ; x" in rows[1][5]


def test_audit_of_lists(lab, machine):
    """Who blocked and trusted whom, and what became of sessions by it."""
    g1 = lab.add_guest("g1")
    for words in (("block", "--note", "spam"), ("unblock",), ("trust", "--zone", "guest", "--note", "till"),
                  ("untrust", "--zone", "guest")):
        machine.ctl_raw("grant", g1.mac)  # refused to who is on a list
        machine.ctl(words[0], g1.mac, *words[1:])
    machine.ctl_raw("unblock", g1.mac)  # what changes nothing is not in it
    expected = [("block", "", "spam"), ("unblock", "", ""), ("trust", "guest", "till"), ("untrust", "guest", "")]
    listed = "FROM audit WHERE action LIKE '%block' OR action LIKE '%trust'"
    wait_until(lambda: len(machine.rows("SELECT 1 " + listed)) >= 6, what="all is there")
    rows = machine.rows("SELECT who, uid, action, zone, mac, detail " + listed + " ORDER BY id")
    assert {row[:2] + row[4:5] for row in rows} == {("portalctl", 0, g1.mac)}
    assert [(row[2], row[3], row[5]) for row in rows if "s left; " not in row[5]] == expected
    assert sorted(row[2] for row in rows if "s left; " in row[5]) == ["block", "trust"], "the sessions that ended"


@families
def test_reboot(lab, machine, family):
    """A login and a grant with limits are there again; what ended stays ended; strangers stay out."""
    g1, g2, g3, s1 = (lab.add_guest(n) for n in ("g1", "g2", "g3", "s1"))
    g1.login(family)
    machine.ctl("grant", g2.mac, "--for", "2h", "--note", "room 12", "--quota-down", "100M", "--rate-up", "90M", "--idle", "50m")
    machine.grant(g3, s1)
    machine.revoke(g3)
    s1.http("GET", f"http://{s1.gateway[4]}/logout")
    machine.revoke(s1)
    assert g2.opens(family)
    before = machine.sessions()
    assert len(before) == 2 and before["guest", g2.mac]["bytes-down"] > 0
    wait_until(lambda: machine.rows("SELECT sum(bytes_down) FROM sessions")[0][0] >=
               sum(s["bytes-down"] for s in before.values()), what="usage is on disk")
    machine.power_cut()
    machine.power_on()
    after = machine.sessions()
    assert {k: without_time(s) for k, s in after.items()} == {k: without_time(s) for k, s in before.items()}
    for key, session in after.items():
        assert before[key]["seconds-left"] - 60 < session["seconds-left"] <= before[key]["seconds-left"]
        assert session["bytes-up"] >= before[key]["bytes-up"] and session["bytes-down"] >= before[key]["bytes-down"]
    assert g1.is_online() and g2.is_online() and s1.is_stranger() and g3.is_stranger()
    assert metrics(machine)['portald_restarts_total{after="reboot"}'] == 1
    assert machine.log_lines("2 session.s. restored after a reboot")


def test_a_session_that_ended_meanwhile_stays_ended(lab, machine):
    """Its time was up while the machine was off, or portald was not there."""
    g1, g2 = lab.add_guest("g1"), lab.add_guest("g2")
    machine.grant(g1, for_="3s")
    machine.grant(g2)
    machine.power_cut()
    time.sleep(4)
    machine.power_on()
    assert [mac for _, mac in machine.sessions()] == [g2.mac]
    assert g1.is_stranger() and g2.is_online()


@families
@pytest.mark.parametrize("then", ["restart", "reboot"])
def test_idle_while_portald_is_away(lab, machine, family, then):
    """Who sent nothing, before and meanwhile, is gone; who did is not, nor who could not, because the machine was off."""
    g1, g2 = lab.add_guest("g1"), lab.add_guest("g2")
    for guest in (g1, g2):
        machine.ctl("grant", guest.mac, "--idle", "60s", "--for", "10h")
    if then == "restart":
        machine.stop()
    else:
        machine.power_cut()
    with sqlite3.connect(machine.database()) as db:
        db.execute("UPDATE sessions SET last_active = last_active - 90")  # nobody was active before this boot
    if then == "restart":
        assert g2.opens(family)
        machine.start()
        wait_until(lambda: ("guest", g1.mac) not in machine.sessions(), what="it ends")
        assert machine.ctl("history", "--since", "1h")["ended"][-1]["why"] == "idle"
    else:
        machine.power_on()
        time.sleep(3)  # some rounds of accounting
        assert ("guest", g1.mac) in machine.sessions()
    assert ("guest", g2.mac) in machine.sessions()


def test_restart_after_a_flush(lab, machine):
    """The kernel's sessions were flushed while nobody was there: the store has them."""
    g1 = lab.add_guest("g1")
    machine.ctl("grant", g1.mac, "--for", "2h", "--note", "x")
    before = only(machine.sessions())
    machine.stop()
    lab.nft("flush ruleset")
    machine.start()
    assert machine.log_lines("1 session.s. restored after a restart")
    after = only(machine.sessions())
    assert without_time(after) == without_time(before)
    assert before["seconds-left"] - 60 < after["seconds-left"] <= before["seconds-left"]
    assert g1.is_online()


def test_half_of_a_flush_is_not_counted(lab, machine):
    """Who is read while somebody takes the sets away has used what it had used."""
    g1 = lab.add_guest("g1")
    machine.grant(g1)
    assert g1.udp(UP[4], 7, bytes(500))  # no connection, whose end may come later
    used = only(machine.sessions())["bytes-down"]
    assert used > 0
    lab.nft(f"delete element netdev portald z_guest_down {{ {g1.mac} }}")
    time.sleep(3)  # some rounds of accounting
    assert only(machine.sessions())["bytes-down"] == used == machine.rows("SELECT bytes_down FROM sessions")[0][0]


def test_flush_before_the_first_accounting(lab, machine):
    """What was used is known from the start on."""
    g1 = lab.add_guest("g1")
    machine.ctl("grant", g1.mac, "--quota-down", "100M")
    assert g1.opens(4)
    used = only(machine.sessions())["bytes-down"]
    wait_until(lambda: machine.rows("SELECT bytes_down FROM sessions")[0][0] >= used > 0, what="usage is on disk")
    machine.stop()
    machine.globals = machine.globals.replace("accounting = 1s", "accounting = 1h")
    machine.write_config(CONFIG)
    machine.start()
    lab.nft("flush ruleset")
    wait_until(lambda: machine.log_lines("session.s. are restored in"), what="the session is put back")
    assert only(machine.sessions())["bytes-down"] >= used


def test_a_clock_that_was_not_set(lab, machine):
    """No real-time clock: the machine believes in an earlier time.  A session keeps what it had by the last record."""
    g1 = lab.add_guest("g1")
    machine.grant(g1, for_="1h")
    machine.stop()
    assert machine.teardown().returncode == 0
    machine.new_boot_id()
    with sqlite3.connect(machine.database()) as db:	 # as if all had been written in the future
        db.execute("UPDATE clock SET unix = unix + 100000000")
        db.execute("UPDATE sessions SET ends = ends + 100000000")
    machine.start()
    assert machine.log_lines("the clock is behind")
    assert 3500 < only(machine.sessions())["seconds-left"] <= 3600
    machine.restart()
    assert 3400 < only(machine.sessions())["seconds-left"] <= 3600


@pytest.fixture
def clocked(lab):
    """With a wall clock that the test sets."""
    gw = Machine(lab, CONFIG, globals_="accounting = 1s\n", start=False)
    gw.own_clock()
    gw.start()
    gw.began = time.monotonic()
    yield gw
    gw.revoke_all()
    gw.close()
    gw.teardown()


def has_left(gw, guest, seconds):
    """In portald and in the kernel; the test itself takes what has passed since it began, and roundings add up to SLACK."""
    for left in (lambda: gw.sessions()["guest", guest.mac]["seconds-left"], lambda: gw.everywhere()[guest.mac]):
        found = left()
        assert seconds - (time.monotonic() - gw.began) - SLACK < found <= seconds


def test_the_clock_is_set_after_boot(lab, clocked):
    """The machine was off for ten minutes, and hears of it only from the network: what ran then is shortened, what began
    since the boot is not, and what had less left has ended; the same after one more restart, flush and reboot."""
    g1, g2, g3 = (lab.add_guest(n) for n in ("g1", "g2", "g3"))
    clocked.grant(g1)
    clocked.grant(g2, for_="5m")
    clocked.power_cut()
    clocked.set_clock(-86400)
    clocked.power_on()
    g3.login(4)
    has_left(clocked, g1, 3600)
    has_left(clocked, g2, 300)
    clocked.set_clock(600)
    wait_until(lambda: clocked.log_lines("the clock is set"), what="it is told")
    wait_until(lambda: g2.mac not in clocked.everywhere(), what="the one that is over ends")
    wait_until(lambda: clocked.log_lines("are shortened"), what="the kernel has heard of the others")
    for again in (lambda: None, clocked.restart, lambda: (clocked.stop(), lab.nft("flush ruleset"), clocked.start()),
                  lambda: (clocked.power_cut(), clocked.power_on())):
        again()
        assert len(clocked.sessions()) == 2
        has_left(clocked, g1, 3000)
        has_left(clocked, g3, 3600)


def test_what_is_used_goes_by_no_clock(lab, clocked):
    """Who sets the clock neither makes a session older nor younger, nor does a restart or a reboot after it; a change goes on
    from there, and so does the history.  What passed while the machine was off is used."""
    g1 = lab.add_guest("g1")
    clocked.grant(g1)
    begun = time.monotonic()

    def check(before, change=0):
        session = only(clocked.sessions())
        took = time.monotonic() - begun
        assert before <= session["seconds-used"] <= before + took + SLACK
        assert 3600 + change - 2 <= session["seconds-used"] + session["seconds-left"] <= 3600 + change + 2

    clocked.set_clock(86400 * 400)
    check(0)
    clocked.set_clock(-86400 * 400)
    check(0)
    clocked.restart()
    check(0)
    clocked.set_clock(0)
    wait_until(lambda: abs(clocked.rows("SELECT ends FROM sessions")[0][0] - time.time() - 3600) < 60, what="the row has it")
    clocked.power_cut()
    clocked.set_clock(1200)
    clocked.power_on()
    check(1200)
    clocked.ctl("set", g1.mac, "--for", "+1h")
    check(1200, 3600)
    clocked.set_clock(86400 * 400)
    clocked.kill(clocked.pids()["portald"])
    clocked.start()
    check(1200, 3600)
    clocked.revoke(g1)
    used = clocked.ctl("history", "--since", "3650d")["ended"][-1]["seconds-used"]
    assert 1200 <= used <= 1200 + (time.monotonic() - begun) + SLACK


def test_a_record_tells_whole_seconds(lab, clocked):
    """A session that began at the end of one, and whose record of the clock is all that is known, is not longer for it."""
    g1 = lab.add_guest("g1")
    clocked.set_clock(0.93 - time.time() % 1)
    clocked.grant(g1)
    clocked.power_cut()
    clocked.set_clock(-86400)
    clocked.power_on()
    assert clocked.log_lines("the clock is behind")
    has_left(clocked, g1, 3600)


def test_the_clock_is_set_to_the_second_of_the_record(lab, clocked):
    """The machine was off for no time that a record could tell: the clock is right then, and who sets it later sets the clock."""
    g1 = lab.add_guest("g1")
    clocked.grant(g1)
    clocked.power_cut()
    right = clocked.rows("SELECT unix FROM clock")[0][0] - time.time()
    clocked.set_clock(right - 86400)
    clocked.power_on()
    told = len(clocked.log_lines("are shortened"))
    clocked.set_clock(right)
    wait_until(lambda: len(clocked.log_lines("are shortened")) > told, what="the clock is set")
    clocked.set_clock(right + 600)
    has_left(clocked, g1, 3600 + 1)	# by this clock it was sold up to a second later


@pytest.mark.parametrize("then", ["kill", "flush", "reboot"])
def test_the_time_away_is_taken_off_after_one_more_end(lab, clocked, then):
    """portald ends once more before the clock is set: what ran before the boot is shortened all the same, what began since is
    not, nor what was sold anew."""
    g1, g2, g3, g4 = (lab.add_guest(n) for n in ("g1", "g2", "g3", "g4"))
    clocked.grant(g1, g4)
    clocked.grant(g2, for_="5m")
    clocked.power_cut()
    clocked.set_clock(-86400)
    clocked.power_on()
    g3.login(6)
    clocked.ctl("set", g4.mac, "--for", "2h")
    clocked.ctl("set", g1.mac, "--for", "+1h", "--note", "x" * 90)
    clocked.kill(clocked.pids()["portald"])
    if then == "flush":
        lab.nft("flush ruleset")
    if then == "reboot":  # nobody knows how long ago that was, by this clock or any other
        assert clocked.teardown().returncode == 0
        clocked.new_boot_id()
        clocked.set_clock(-86400 + 60)
    clocked.start()
    clocked.forward(True)
    has_left(clocked, g2, 300)
    clocked.set_clock(600)
    wait_until(lambda: clocked.log_lines("are shortened"), what="the time away is taken off")
    wait_until(lambda: g2.mac not in clocked.everywhere(), what="the one that is over ends")
    for again in (lambda: None, clocked.restart, lambda: (clocked.power_cut(), clocked.power_on())):
        again()
        has_left(clocked, g1, 6600)
        has_left(clocked, g3, 3600 - (then == "reboot") * 60)
        has_left(clocked, g4, 7200 - (then == "reboot") * 60)
        assert len(clocked.sessions()) == 3
        assert clocked.sessions()["guest", g1.mac]["note"] == "x" * 90


@pytest.mark.parametrize("then", [None, "kill", "flush", "reboot"])
def test_a_clock_that_was_saved(lab, clocked, then):
    """No real-time clock, but the last time is kept on disk: it is not behind, and wrong by the ten minutes for which the machine
    was off.  The same if portald ends or the machine boots once more before the clock is set."""
    g1, g2, g3 = (lab.add_guest(n) for n in ("g1", "g2", "g3"))
    clocked.synchronise_clock(True)
    clocked.grant(g1)
    clocked.grant(g2, for_="5m")
    clocked.power_cut()
    clocked.synchronise_clock(False)
    clocked.power_on()
    g3.login(6)
    if then:
        clocked.kill(clocked.pids()["portald"])
        if then == "flush":
            lab.nft("flush ruleset")
        if then == "reboot":
            assert clocked.teardown().returncode == 0
            clocked.new_boot_id()
        clocked.start()
        clocked.forward(True)
    has_left(clocked, g1, 3600)
    has_left(clocked, g2, 300)
    clocked.set_clock(600)
    wait_until(lambda: clocked.log_lines("are shortened"), what="the time away is taken off")
    wait_until(lambda: g2.mac not in clocked.everywhere(), what="the one that is over ends")
    clocked.synchronise_clock(True)
    for again in (lambda: clocked.set_clock(1200), clocked.restart, lambda: (clocked.power_cut(), clocked.power_on())):
        again()
        assert len(clocked.sessions()) == 2
        has_left(clocked, g1, 3000)
        has_left(clocked, g3, 3600)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_clock_that_is_synchronised_was_right(lab, clocked, when):
    """Before or after the start: who sets it later takes nothing off."""
    g1 = lab.add_guest("g1")
    clocked.synchronise_clock(True)
    clocked.grant(g1)
    clocked.power_cut()
    clocked.synchronise_clock(when == "before")
    clocked.power_on()
    clocked.synchronise_clock(True)
    if when == "after":
        wait_until(lambda: clocked.log_lines("keep what they have"), what="it is noticed")
    wait_until(lambda: not clocked.rows("SELECT mac FROM sessions WHERE booted > 0"), what="the store knows")
    clocked.synchronise_clock(False)
    for again in (lambda: clocked.set_clock(600), clocked.restart, lambda: clocked.set_clock(1200)):
        again()
        has_left(clocked, g1, 3600)


def macs(number, count):
    """In the order of the database."""
    return [f"02:00:{number:02x}:00:{n >> 8:02x}:{n & 255:02x}" for n in range(count)]


@contextlib.contextmanager
def in_the_middle(gw, off=600):
    """The clock is set, and the gate, which is stopped, does not get on with those that are over, nor does the kernel hear of
    the others.  off: seconds for which the machine was."""
    gate = gw.pids()["portald-gate"][0]
    os.kill(gate, signal.SIGSTOP)
    try:
        gw.set_clock(off)
        wait_until(lambda: gw.log_lines("time that passed while portald was away is taken off"), what="it has begun")
        yield
        assert not gw.log_lines("are shortened")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(gate, signal.SIGCONT)


def all_have_left(gw, expected):
    """MAC -> seconds, in portald and in the kernel; no other has a session."""
    wait_until(lambda: gw.everywhere().keys() == expected.keys(), 30, "those that are over have ended")
    for found in ({mac: s["seconds-left"] for (_, mac), s in gw.sessions().items()}, gw.everywhere()):
        assert found.keys() == expected.keys()
        passed = time.monotonic() - gw.began + SLACK
        wrong = {mac: (left, expected[mac]) for mac, left in found.items()
                 if not expected[mac] - passed < left <= expected[mac]}
        assert not wrong, (len(wrong), list(wrong.items())[:5])


@pytest.fixture
def behind(lab, clocked):
    """Of 8,000 sessions some have an hour left, and others, between them, end within the ten minutes of which the machine
    hears too late."""
    first, over, last = macs(1, 1500), macs(2, 5000), macs(3, 1500)
    for these, for_ in ((first + last, "1h"), (over, "5m")):
        clocked.ctl("grant", "--file", "-", "--for", for_, input="\n".join(these))
    clocked.power_cut()
    clocked.set_clock(-86400)
    clocked.power_on()
    clocked.first, clocked.over, clocked.last = first, over, last
    return clocked


def open_files(gw):
    return len(os.listdir(f"/proc/{gw.process.pid}/fd"))


def test_changes_while_the_time_away_is_taken_off(lab, behind):
    """Who is granted, changed or revoked meanwhile has what was sold last, and no more."""
    g1 = lab.add_guest("g1")
    page = g1.login_page(4)
    first, over, last = behind.first, behind.over, behind.last
    expected = dict.fromkeys(first + last, 3000)
    changes = {  # what is left then
        ("set", first[0], "--for", "+1h"): 6600, ("set", last[0], "--for", "+1h"): 6600, ("set", over[-1], "--for", "+1h"): 3300,
        ("set", first[1], "--for", "2h"): 7200, ("set", last[1], "--for", "2h"): 7200, ("set", over[-2], "--for", "2h"): 7200,
        ("grant", first[2], "--for", "30m"): 1800, ("grant", last[2], "--for", "30m"): 1800,
        ("grant", over[0], "--for", "30m"): 1800, ("grant", over[-3], "--for", "30m"): 1800,
        ("set", last[3], "--rate-up", "50M"): 3000, ("set", over[-4], "--rate-up", "50M"): None,
        ("revoke", first[4]): None, ("revoke", last[4]): None, ("revoke", over[-5]): None,
    }
    with contextlib.ExitStack() as until, in_the_middle(behind):
        files = open_files(behind)
        threads = [threading.Thread(target=behind.ctl, args=words) for words in changes]
        threads.append(threading.Thread(target=g1.post_form, args=(page,)))
        for thread in threads:
            thread.start()
            until.callback(thread.join)
        wait_until(lambda: open_files(behind) >= files + len(changes), what="each change is asked for")
        time.sleep(1)  # and the login: all are with the gate
    for (_, mac, *_), left in changes.items():
        expected.pop(mac, None)
        if left:
            expected[mac] = left
    all_have_left(behind, {**expected, g1.mac: 3600})
    assert {mac for mac, in behind.rows("SELECT mac FROM sessions WHERE booted > 0")} == set()
    behind.power_cut()
    behind.power_on()
    all_have_left(behind, {**expected, g1.mac: 3600})


@pytest.mark.parametrize("by", [-2 * 86400, 86400], ids=["back", "forward"])
def test_the_clock_is_set_again_while_the_time_away_is_taken_off(behind, by):
    """No time passes by that, and what the first one said counts."""
    with in_the_middle(behind):
        behind.set_clock(600 + by)
    all_have_left(behind, dict.fromkeys(behind.first + behind.last, 3000))


@pytest.mark.parametrize("stored", [False, True], ids=["at once", "stored"])
def test_killed_while_the_time_away_is_taken_off(lab, behind, stored):
    """Some are shortened in the store, none in the kernel; or some in the kernel as well."""
    expected = dict.fromkeys(behind.first + behind.last, 3000)
    with in_the_middle(behind):
        if stored:
            wait_until(lambda: 0 < behind.rows("SELECT count(*) FROM sessions WHERE booted = 0")[0][0] < 8000,
                       what="some are in the store")
        behind.kill([pid for name in ("portald", "portald-gate") for pid in behind.pids()[name]])
    behind.start()
    for _ in range(3):  # while the kernel hears of it
        time.sleep(random.uniform(0, 0.1))
        behind.kill(behind.pids()["portald"])
        behind.start()
    all_have_left(behind, expected)
    behind.restart()
    all_have_left(behind, expected)


def test_killed_when_the_store_knows_what_the_kernel_does_not(behind):
    """Of a few seconds, by which the two may also differ for other reasons."""
    off = 28
    with in_the_middle(behind, off):
        wait_until(lambda: not behind.rows("SELECT mac FROM sessions WHERE booted > 0"), what="all are in the store")
        behind.kill([pid for name in ("portald", "portald-gate") for pid in behind.pids()[name]])
    behind.start()
    wait_until(lambda: behind.log_lines("are shortened"), what="the kernel has heard of it")
    all_have_left(behind, {**dict.fromkeys(behind.first + behind.last, 3600 - off), **dict.fromkeys(behind.over, 300 - off)})


@pytest.mark.parametrize("down", [False, True], ids=["running", "down"])
@pytest.mark.parametrize("by", [-86400, 86400], ids=["back", "forward"])
def test_somebody_sets_the_clock(lab, clocked, by, down):
    """While portald runs or is stopped: nothing ends, nothing is longer, also after a reboot by the new clock."""
    g1 = lab.add_guest("g1")
    clocked.grant(g1)
    granted = time.time()
    if down:
        clocked.stop()
    clocked.set_clock(by)
    if down:
        clocked.start()
    has_left(clocked, g1, 3600)
    wait_until(lambda: abs(clocked.rows("SELECT ends FROM sessions")[0][0] - (granted + by + 3600)) < SLACK,
               what="the database goes by the new clock")
    clocked.power_cut()
    clocked.power_on()
    has_left(clocked, g1, 3600)


def test_damaged(lab, machine):
    """Moved aside, never deleted; the kernel's sessions go on and are in the new one."""
    g1, g2 = lab.add_guest("g1"), lab.add_guest("g2")
    machine.grant(g1)
    machine.stop()
    for name in ("portald.db-wal", "portald.db-shm"):
        if os.path.exists(os.path.join(machine.state_dir, name)):
            os.unlink(os.path.join(machine.state_dir, name))
    with open(machine.database(), "wb") as f:
        f.write(b"not a database\n" * 1000)
    machine.start()
    assert g1.is_online()
    machine.grant(g2)
    aside = [n for n in os.listdir(machine.state_dir) if n.startswith("portald.db.corrupt-")]
    assert len(aside) == 1
    with open(os.path.join(machine.state_dir, aside[0]), "rb") as f:
        assert f.read().startswith(b"not a database\n")
    wait_until(lambda: len(machine.rows("SELECT mac FROM sessions")) == 2, what="both are in the new database")


@pytest.fixture
def small_disk(lab):
    """A gateway that is not started, whose state is on a file system of its own."""
    gw = Machine(lab, CONFIG, globals_="accounting = 1s\n", start=False)
    os.mkdir(gw.state_dir)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", gw.state_dir], check=True)
    yield gw
    if gw.process and gw.process.alive():
        gw.revoke_all()
    gw.close()
    gw.teardown()
    subprocess.run(["umount", gw.state_dir], check=True)


def fill_up(gw):
    """No room on the disk of the state, until what this returns is deleted; the store has noticed."""
    filler = os.path.join(gw.state_dir, "filler")
    with open(filler, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 4096)
        except OSError:
            pass
    for number in range(2000):	# until the log's last room is used up
        if any("store" in w for w in gw.status()["warnings"]):
            break
        gw.ctl("grant", "--file", "-", input="".join(f"02:00:00:00:{number >> 8:02x}:{n:02x}\n" for n in range(number, number + 50)))
    assert any("store" in w for w in gw.status()["warnings"]), gw.log()
    return filler


def test_full_disk(lab, small_disk):
    """Logins work, and status says that they are not kept; when there is room again, they are."""
    g1, g2 = lab.add_guest("g1"), lab.add_guest("g2")
    gw = small_disk
    gw.start()
    gw.grant(g1)
    filler = fill_up(gw)
    g2.login(4)
    assert g1.is_online() and g2.is_online()
    os.unlink(filler)
    wait_until(lambda: not any("store" in w for w in gw.status()["warnings"]), what="it is written again", timeout=30)
    count = len(gw.sessions())
    gw.power_cut()
    gw.power_on()
    assert len(gw.sessions()) == count and g2.is_online()


def test_what_the_kernel_was_told_and_the_store_missed(lab, small_disk):
    """A change of limits and of a note that was acknowledged while the disk was full outlives a kill, and then a reboot."""
    g1 = lab.add_guest("g1")
    gw = small_disk
    gw.start()
    gw.ctl("grant", g1.mac, "--quota-total", "1G", "--quota-up", "2G", "--note", "room 12")
    wait_until(lambda: gw.rows("SELECT 1 FROM sessions"), what="it is stored")
    filler = fill_up(gw)
    gw.ctl("set", g1.mac, "--quota-total", "10G", "--quota-up", "none", "--rate-down", "5M", "--note", "room 1")
    gw.kill(gw.all_pids())
    os.unlink(filler)
    for again in (gw.start, lambda: (gw.power_cut(), gw.power_on())):
        again()
        session = gw.sessions()[("guest", g1.mac)]
        assert [session[key] for key in ("quota-total", "quota-up", "rate-down", "note")] == [10_000_000_000, 0, 5_000_000, "room 1"]


def test_read_only_disk(lab, small_disk):
    """What a kernel makes of a file system with errors: the gateway starts, logins work, and are kept when it can be written
    again."""
    g1, g2 = lab.add_guest("g1"), lab.add_guest("g2")
    gw = small_disk
    gw.start()
    gw.grant(g1)
    gw.stop()
    subprocess.run(["mount", "-o", "remount,ro", gw.state_dir], check=True)
    gw.start()
    g2.login(4)
    assert g1.is_online() and g2.is_online()
    assert any("store" in w for w in gw.status()["warnings"]), gw.log()
    for inside in ([], ["nsenter", "--mount", f"--target={gw.process.pid}"]):	# the flag is each mount's
        subprocess.run([*inside, "mount", "-o", "remount,rw", gw.state_dir], check=True)
    wait_until(lambda: not any("store" in w for w in gw.status()["warnings"]), what="it is written again", timeout=30)
    gw.power_cut()
    gw.power_on()
    assert set(gw.sessions()) == {("guest", g1.mac), ("guest", g2.mac)}


def test_files_of_root(lab, machine, tmp_path):
    """Who puts a copy of the database back leaves root's files; a link is left alone."""
    g1 = lab.add_guest("g1")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("root's own")
    machine.grant(g1)
    machine.power_cut()
    for name in os.listdir(machine.state_dir):
        os.chown(os.path.join(machine.state_dir, name), 0, 0)
    os.chown(machine.state_dir, 0, 0)
    os.symlink(elsewhere, os.path.join(machine.state_dir, "portald.db.symbolic"))
    os.link(elsewhere, os.path.join(machine.state_dir, "portald.db.hard"))
    machine.power_on()
    assert g1.is_online() and not machine.status()["warnings"]
    assert os.stat(elsewhere).st_uid == 0


@pytest.mark.parametrize("how", ["kill", "restart", "power", "flush"])
def test_no_acknowledged_grant_is_lost(lab, machine, how):
    """Grants and revokes under way while portald is killed: what was answered counts."""
    lab.add_guest("g1")
    granted, revoked, stop = [], set(), threading.Event()

    def work(worker):
        number = 0
        while not stop.is_set():
            number += 1
            mac = f"02:00:00:{worker:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
            try:
                machine.ctl("grant", mac)
                granted.append(mac)
                if number % 5 == 0:
                    revoked.add(mac)	# from now on both are right, until it is answered
                    machine.ctl("revoke", mac)
                    granted.remove(mac)
            except gateway.ControlError:
                time.sleep(0.05)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for w in workers:
        w.start()
    try:
        for number in range(5):
            time.sleep(0.3 + 0.13 * number)
            if how == "kill":
                machine.kill(machine.pids()["portald"])
                machine.start()
            elif how == "restart":
                machine.restart()
            elif how == "power":
                machine.power_cut()
                machine.power_on()
            else:
                lab.nft("flush ruleset")
    finally:
        stop.set()
        for w in workers:
            w.join()
    there = {mac for _, mac in machine.sessions()}
    lost = set(granted) - there - revoked
    assert len(granted) > 20 and not lost, f"{len(lost)} of {len(granted)} grants are lost"
    machine.ctl("revoke", "--all")
