# SPDX-License-Identifier: GPL-2.0-or-later
"""Many guests at once: 100,000 MACs through `grant --file -`, listed, read at a start, restored, revoked, ended; and who logs
in meanwhile."""
import contextlib
import json
import os
import re
import signal
import socket
import threading
import time

import pytest

import gateway
from guest import bracket, up_address
from namespace import wait_until

COUNT = 100_000
PORTION = 256  # CHANGE_MAX
KEEP = ("test_a_hundred_thousand", "test_a_login_does_not_wait_for_a_list", "test_who_asks_during_a_start_is_answered",
        "test_a_login_beside_a_start", "test_they_outlive_a_restart", "test_a_flush_during_a_start",
        "test_a_login_does_not_wait_for_a_flush")


def macs(count, first=0):
    return [f"02:10:{n >> 24 & 255:02x}:{n >> 16 & 255:02x}:{n >> 8 & 255:02x}:{n & 255:02x}"
            for n in range(first, first + count)]


def set_sizes(lab):
    """The number of elements of each membership set."""
    return [lab.check("gw", ["nft", "list", "set", table, "portald", name], timeout=120).count("expires")
            for table, name in (("inet", "z_guest"), ("inet", "z_guest_up"), ("netdev", "z_guest_down"))]


def portions(gw, event):
    """How many guests a transaction had."""
    return [int(re.search(r"(\d+) guests", line).group(1)) for line in gw.log_lines(rf"{event}: \d+ guests")]


def test_a_hundred_thousand(lab, fresh):
    g1 = lab.add_guest("g1")
    wanted = macs(COUNT)
    done = fresh.ctl_raw("grant", "--file", "-", "--for", "1h", "--json", input="\n".join(wanted) + "\n")
    assert done.returncode == 0, done.stderr[-500:]
    answer = json.loads(done.stdout)
    assert answer["granted"] == COUNT and not answer["refused"]
    assert set_sizes(lab) == [COUNT] * 3
    assert max(portions(fresh, "grant")) == PORTION
    assert fresh.status()["zones"][0]["sessions"] == COUNT
    listed = fresh.sessions()
    assert len(listed) == COUNT and {m for _, m in listed} == set(wanted)
    assert g1.is_stranger(), "served meanwhile"
    g1.login(4)
    assert g1.is_online()
    assert fresh.revoke(g1)["revoked"] == 1


@contextlib.contextmanager
def at_work(do):
    """Ends when do() has ended, with its answer in the list that it gives."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(do()))
    thread.start()
    yield answers
    thread.join()
    assert answers, "it failed"


def under_way(gw, *words, **kw):
    """portalctl at work."""
    return at_work(lambda: gw.ctl(*words, **kw))


def test_a_login_does_not_wait_for_a_list(lab, gw):
    g1 = lab.add_guest("g1")
    with under_way(gw, "list") as answers:
        g1.login(6)
        assert not answers, "answered while the list is under way"
    assert g1.is_online()
    assert len(answers[0]["sessions"]) in (COUNT, COUNT + 1)
    gw.revoke(g1)


def position(gw, pattern):
    """Of the last such line in the log."""
    found = [i for i, line in enumerate(gw.log().splitlines()) if re.search(pattern, line)]
    assert found, pattern
    return found[-1]


def told_to_wait(gw):
    """What somebody who asks is told by a portald that starts; "" if nobody is there or it is ready."""
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(gw.socket)
            sock.sendall(b'{"verb":"metrics"}\n')
            return json.loads(sock.makefile().readline()).get("starting", "")
        except (OSError, ValueError):
            return ""


def stop_gate_in_the_middle(gw):
    """The process id of portald-gate, stopped while it gives the kernel's sessions to portald that has just been launched."""
    def find():
        children = f"/proc/{gw.process.pid}/task/{gw.process.pid}/children"
        with open(children, encoding="ascii") as f:
            for pid in f.read().split():
                with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
                    if comm.read().startswith("portald-gate"):
                        found.append(int(pid))
        return found

    def gives():
        os.kill(found[0], signal.SIGCONT)
        time.sleep(0.01)
        os.kill(found[0], signal.SIGSTOP)
        count = re.search(r"reads the sessions, (\d+) so far", told_to_wait(gw))
        return count and 0 < int(count.group(1)) < COUNT

    found = []
    wait_until(find, what="portald-gate is there")
    os.kill(found[0], signal.SIGSTOP)
    wait_until(gives, 60, "some of the sessions are read", pause=0, pause_max=0)  # the gate gets on only in it
    return found[0]


def test_who_asks_during_a_start_is_answered(lab, gw):
    """While half of the sessions are known, strangers get their 511, and whoever asks about a session waits for the rest."""
    g1, g2 = lab.add_guest("g1"), lab.add_guest("g2")
    page = g1.login_page(4)
    gw.grant(g2)
    gw.kill(gw.pids()["portald"])
    gw.launch()
    gate = stop_gate_in_the_middle(gw)
    try:
        assert g1.get(f"http://[{up_address(6, allowed=False)}]/").status == 511
        with at_work(lambda: g1.post_form(page)) as login, at_work(lambda: gw.ctl_raw("list", "--json")) as listed, \
                at_work(lambda: g2.get(f"http://{bracket(g2.gateway[6])}/status")) as status:
            time.sleep(0.5)
            assert not login and not listed and not status and not gw.log_lines("ready:")
            os.kill(gate, signal.SIGCONT)
    finally:
        os.kill(gate, signal.SIGCONT)
    if login[0].status == 503:  # a busy machine: the guest was told to try again
        g1.login_soon(4)
    else:
        assert login[0].status == 303, login[0].body.decode()
    assert g1.is_online() and g2.is_online()
    assert status[0].status in (200, 503), status[0].headers
    assert "portald is starting" in listed[0].stderr
    assert len(json.loads(listed[0].stdout)["sessions"]) in (COUNT + 1, COUNT + 2)
    gw.known = gw.all_pids()
    gw.revoke(g1, g2)
    assert set_sizes(lab) == [COUNT] * 3


def test_a_login_beside_a_start(lab, gw):
    """All from the store, with a guest that logs in as soon as somebody answers: nobody is lost."""
    g1 = lab.add_guest("g1")
    gw.kill(gw.pids()["portald"])
    assert gw.teardown().returncode == 0
    gw.launch()
    g1.login_soon(4)
    wait_until(lambda: gw.log_lines("ready:"), 60, "all are back")
    gw.known = gw.all_pids()
    assert set_sizes(lab) == [COUNT + 1] * 3
    assert g1.is_online()
    gw.revoke(g1)


def test_they_outlive_a_restart(lab, gw):
    sessions = gw.sessions()
    assert len(sessions) >= COUNT, "the tests before this one left them"
    gw.kill(gw.pids()["portald"])
    gw.launch()
    gate = stop_gate_in_the_middle(gw)
    os.kill(gw.process.pid, signal.SIGTERM)
    os.kill(gate, signal.SIGCONT)
    wait_until(lambda: not gw.process.alive(), what="a portald that is starting ends")
    gw.start()
    assert gw.sessions().keys() == sessions.keys()


def test_a_flush_during_a_start(lab, gw):
    """What had been read already is put back as well, and the zones are open then."""
    g1, g2 = lab.add_guest("g1"), lab.add_guest("g2")
    gw.grant(g1)
    gw.kill(gw.pids()["portald"])
    gw.launch()
    gate = stop_gate_in_the_middle(gw)
    lab.check("gw", ["nft", "flush", "ruleset"])
    os.kill(gate, signal.SIGCONT)
    wait_until(lambda: gw.log_lines("ready:"), 60, "all are back")
    gw.known = gw.all_pids()
    assert gw.log_lines("the ruleset was flushed; the zones stay closed until the sessions are read")
    assert set_sizes(lab) == [COUNT + 1] * 3
    assert g1.is_online() and g2.is_stranger()
    gw.revoke(g1)


def test_a_login_does_not_wait_for_a_flush(lab, gw):
    """The portal can be reached while the others are put back, and the guest is let in with them."""
    g1 = lab.add_guest("g1")
    page = g1.login_page(6)
    before = len(gw.log_lines("loaded again in"))
    lab.check("gw", ["nft", "flush", "ruleset"])
    wait_until(lambda: len(gw.log_lines("loaded again in")) > before, what="the ruleset is there again")
    assert g1.post_form(page).status == 303
    assert not gw.log_lines("the zones are open again"), "answered while the others are put back"
    wait_until(lambda: gw.log_lines("the zones are open again"), 60, "all are back")
    assert g1.is_online()
    assert set_sizes(lab) == [COUNT + 1] * 3
    gw.revoke(g1)


def test_a_login_does_not_wait_for_a_revoke(lab, gw):
    g1 = lab.add_guest("g1")
    before = len(gw.sessions())
    with under_way(gw, "revoke", "--all") as answers:
        g1.login(4)
        assert not answers, "answered while the others are revoked"
    left = set_sizes(lab)
    assert left in ([0] * 3, [1] * 3) and answers[0]["revoked"] + left[0] == before + 1
    assert max(portions(gw, "revoke")) == PORTION


def test_a_login_does_not_wait_for_many_ends(lab, fresh):
    """All are due when portald, which was held up, looks again; and each is in the history."""
    g1, count = lab.add_guest("g1"), COUNT // 5
    done = fresh.ctl_raw("grant", "--file", "-", "--for", "20s", input="\n".join(macs(count, 1 << 24)) + "\n")
    assert done.returncode == 0, done.stderr[-500:]
    page = g1.login_page(6)
    os.kill(fresh.process.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: set_sizes(lab) == [0] * 3, 60, "the kernel has ended all")
    finally:
        os.kill(fresh.process.pid, signal.SIGCONT)
    assert g1.post_form(page).status == 303
    wait_until(lambda: len(fresh.log_lines("expiry:")) == count, 60, "all have ended")
    assert position(fresh, f"login: {g1.mac}") < position(fresh, "expiry:")
    assert set_sizes(lab) == [1] * 3 and fresh.sessions().keys() == {("guest", g1.mac)}
    ended = [row for row in fresh.ctl("history")["ended"] if row["why"] == "expiry"]
    assert len(ended) == count == len({row["mac"] for row in ended})


def test_bad_lines_are_named_and_the_rest_is_done(lab, fresh, tmp_path):
    path = tmp_path / "macs"
    path.write_text("02:00:5e:77:00:01\nnonsense\n\n02-00-5E-77-00-02\nff:ff:ff:ff:ff:ff\n# a comment\n", encoding="ascii")
    done = fresh.ctl_raw("grant", "--file", str(path))
    assert done.returncode == 1
    for wrong in ("nonsense", "ff:ff:ff:ff:ff:ff"):
        assert wrong in done.stderr
    assert sorted(fresh.everywhere()) == ["02:00:5e:77:00:01", "02:00:5e:77:00:02"]


@pytest.fixture(autouse=True)
def nothing_left(request, gw):
    """Some tests look at what the first one granted."""
    yield
    if request.node.name not in KEEP and gw.process.alive():
        gw.revoke_all()
        assert gw.sessions() == {}


@pytest.fixture
def fresh(gw):
    if not isinstance(gw, gateway.Gateway):
        pytest.fail("no gateway")
    return gw
