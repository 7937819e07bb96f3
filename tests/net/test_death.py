# SPDX-License-Identifier: GPL-2.0-or-later
"""kill -9 of each process in turn: guests stay online, strangers stay out, and the next start knows every session."""
import os
import signal

import pytest

import gateway
from guest import assert_cut
from lab import FORBIDDEN, UP
from namespace import wait_until

VICTIMS = ["portald", "portald-gate", "portald-web"]


@pytest.fixture
def alive(gw):
    if not gw.process.alive():
        gw.start()
    gw.revoke_all()
    yield gw


def nothing_passes(guest):
    for family in (4, 6):
        for port in (443, 22, 80):
            with pytest.raises(OSError):
                guest.connect(FORBIDDEN[family], port, 1.0)
        with pytest.raises(OSError):
            guest.udp(FORBIDDEN[family], 443, b"x", 1.0)


@pytest.mark.parametrize("victim", VICTIMS)
def test_kill(lab, alive, victim):
    g1, s1 = lab.add_guest("g1"), lab.add_guest("s1")
    g1.login(4)
    alive.grant("02:00:5e:77:00:01", for_="20m")
    before = alive.sessions()
    with g1.download(4) as a, g1.download(6) as b, g1.stream(4) as c, g1.stream(6) as d:
        flows = [a, b, c, d]
        assert_cut([], flows)
        alive.kill(alive.pids()[victim][:1])
        assert_cut([], flows)
        nothing_passes(s1)
        assert g1.opens(4) is True and g1.opens(6) is True
        alive.start()
        assert_cut([], flows)
        assert not any(f.error for f in flows), "the transfers went on all the time"
    after = alive.sessions()
    assert after.keys() == before.keys()
    for key, session in after.items():
        for same in ("how", "note", "zone", "mac"):
            assert session[same] == before[key][same]
        assert abs(session["started"] - before[key]["started"]) <= 2
        total = before[key]["seconds-used"] + before[key]["seconds-left"]
        assert abs(session["seconds-used"] + session["seconds-left"] - total) <= 2
        assert session["seconds-left"] <= before[key]["seconds-left"]
        assert session["bytes-down"] >= before[key]["bytes-down"], "the counters are the kernel's"
    assert s1.is_stranger() and g1.is_online()


def test_sigterm_leaves_the_tables(lab, alive):
    """A stop (an update of the package) is no outage for guests."""
    g1, s1 = lab.add_guest("g1"), lab.add_guest("s1")
    g1.login(6)
    everyone = alive.all_pids()
    assert alive.stop() == 0
    alive.wait_gone(everyone)
    assert g1.opens(4) and g1.opens(6)
    nothing_passes(s1)
    alive.start()
    assert ("guest", g1.mac) in alive.sessions()
    assert s1.is_stranger() and g1.is_online()


def test_a_stopped_web_worker_does_not_open_anything(lab, alive):
    """SIGSTOP instead of death: strangers wait, members do not notice."""
    g1, s1 = lab.add_guest("g1"), lab.add_guest("s1")
    alive.grant(g1)
    workers = alive.pids()["portald-web"]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert g1.opens(4) and g1.opens(6)
        with pytest.raises(OSError):
            s1.connect(FORBIDDEN[4], 443, 2.0)
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    wait_until(s1.is_stranger, what="the workers answer again")


def test_teardown_removes_the_tables_and_nothing_else(lab, alive):
    """Only --teardown opens what portald closed, and it leaves other tables alone."""
    lab.nft("table inet other {\n chain c {\n type filter hook forward priority 100; policy accept;\n }\n}\n")
    lab.add_guest("s1")
    alive.stop()
    tables = lab.check("gw", ["nft", "list", "tables"])
    assert "table inet portald" in tables and "table netdev portald" in tables
    done = alive.teardown()
    assert done.returncode == 0, done.stderr
    assert lab.check("gw", ["nft", "list", "tables"]).split("\n")[:-1] == ["table inet other"]
    lab.nft("delete table inet other")
    alive.start()
    assert lab.guests["s1"].is_stranger()


@pytest.mark.parametrize("modes", [["-n", "--teardown"], ["--teardown", "-n"], ["-n", "--print-ruleset"],
                                   ["--close", "--teardown"]], ids=" ".join)
def test_two_modes(lab, alive, modes):
    """What looks like a trial must not remove the tables."""
    alive.stop()
    tables = lab.check("gw", ["nft", "list", "tables"])
    done = alive.check_config(*modes)
    assert done.returncode == 2 and "exclude each other" in done.stderr and not done.stdout, done
    assert "table inet portald" in tables and lab.check("gw", ["nft", "list", "tables"]) == tables


def close(lab, path):
    """As the boot unit does."""
    return lab.run("gw", [*gateway.USUALLY, gateway.PORTALD, "-c", path, "--close"], env={**os.environ, **gateway.SANITIZER})


def test_close_shuts_before_portald_runs(lab, alive):
    """portald --close: strangers and everybody else are out until portald is there."""
    g1 = lab.add_guest("g1")
    alive.stop()
    assert alive.teardown().returncode == 0
    done = close(lab, alive.config_path)
    assert done.returncode == 0, done.stderr
    nothing_passes(g1)
    alive.start()
    g1.login(4)
    assert g1.opens(6, UP[6])


@pytest.mark.parametrize("wrong", [
    'zone "guest" {\n interface = "br-guest"\n sesion = 8h\n}\n',
    'zone "guest" {\n interfce = br-guest\n}\n',
    'zone "guest {\n interface = "br-guest\n',
    'hostname = "portal.example.net\ninterface="br-guest"',
    'zone guest {\n terms = "/nowhere/terms.txt"\n interface "br-guest" }',
    'zone "guest" { interface = "br-guest" }\nzone "rt" { interface = "gäste" }',
    'zone "guest" { interface = "br-two" }\nzone "Guest" { interface = "br-guest" }',
    'zone "closed-2" { interface = "br-two" }\nzone "g+" { interface = "br-guest" }',
    'hostname = a.test\ncertificate-key = key.pem\nzone "guest" { interface = "br-guest" hostname = "b.test" }',
    '}\x00',
], ids=["key", "interface", "quotes", "zone", "file", "name", "capitals", "made-up", "certificate", "nothing"])
def test_close_with_a_mistake(lab, alive, wrong):
    """What can be made out of a wrong configuration is closed; its status tells that it is wrong."""
    g1 = lab.add_guest("g1")
    alive.stop()
    assert alive.teardown().returncode == 0
    path = os.path.join(lab.folder, "wrong.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(wrong)
    done = close(lab, path)
    assert done.returncode == 1 and "wrong.conf" in done.stderr
    if "br-guest" in wrong:
        assert "interface br-guest" in done.stderr, done.stderr
        nothing_passes(g1)
    else:
        assert "nothing can be closed" in done.stderr, done.stderr
    alive.start()
    g1.login(4)
    assert g1.opens(6, UP[6])
