# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody flushes the ruleset, or takes a part of portald's away, while portald runs: nobody passes that has not logged
in, members' transfers go on, and every session is there again.

Where the kernel cannot keep the guard (before 6.9) a flush opens a hole until portald has closed it; there the packets that
slip through are counted and reported, and everything else is the same.
"""
import os
import random
import re
import signal
import sys
import threading
import time

import pytest

from conftest import families
from gateway import TWO_ZONES, Gateway
from guest import bracket
from lab import UP
from namespace import SLOW, wait_until
from test_host import HOST

FLUSHES, AT_ONCE = max(5, round(20 / SLOW)), 5
UDP_PORT, TCP_PORT, BACK_PORT = 7007, 7443, 7008  # nobody else uses these

# From a stranger and back to it, some ten thousand packets a second; ends when it is told to.
FLOOD = f"PAUSE = {0.001 * SLOW}" + """
import errno, socket, sys, time
family, host, udp_port, tcp_port = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, sys.argv[1], *map(int, sys.argv[2:])
udp = socket.socket(family, socket.SOCK_DGRAM)
print("ready", flush=True)
while True:
    for _ in range(30):
        try:
            udp.sendto(b"x", (host, udp_port))
        except OSError:
            pass
    if tcp_port:
        with socket.socket(family, socket.SOCK_STREAM) as tcp:
            tcp.setblocking(False)
            tcp.connect_ex((host, tcp_port))
    time.sleep(PAUSE)
"""


def stays(lab):
    """Does this kernel keep the guard when somebody else flushes?"""
    return "flags owner" in lab.check("gw", ["nft", "list", "table", "inet", "portald_guard"])


def flood(lab, node, host, udp_port, tcp_port=0):
    process = lab.spawn(node, [sys.executable, "-c", FLOOD, host, str(udp_port), str(tcp_port)],
                        name=f"flood-{node}-{udp_port}-{':' in host}-{os.urandom(3).hex()}")
    wait_until(lambda: "ready" in process.output(), what="the flood flows")
    return process


def restorations(gw):
    return len(gw.log_lines(r"session\(s\) are restored"))


def restored_by(gw, change):
    """Makes a change that takes something away, and waits until it is there again."""
    before = restorations(gw)
    change()
    wait_until(lambda: restorations(gw) > before, what="the sessions are restored")


def flush(lab):
    lab.check("gw", ["nft", "flush", "ruleset"])


def members(gw):
    """The kernel's; None while somebody's flush has taken the sets away."""
    try:
        return gw.everywhere().keys()
    except RuntimeError:
        return None


def assert_ends_alike(gw):
    """The kernel ends each session when portald says that it ends; one rounds up, the other down."""
    earlier, kernel, later = gw.sessions(), gw.members(), gw.sessions()
    for key, session in later.items():
        assert session["seconds-left"] - 2 <= kernel[key[1]] <= earlier[key]["seconds-left"] + 1


def slipped(lab):
    """What came upstream of a flood."""
    return [p for p in lab.capture.packets() if p.dport in (UDP_PORT, TCP_PORT)]


@families
def test_flush_in_a_loop(lab, fresh, family, record_property):
    g1, g9 = lab.add_guest("g1"), lab.add_guest("g9")
    g1.login(family)
    fresh.ctl("grant", "02:00:5e:77:00:01", "02:00:5e:77:00:02", "--for", "20m", "--note", "Zimmer 7")
    before, pids = fresh.sessions(), fresh.all_pids()
    slips = len(slipped(lab))
    with g9.socket(family, 2, 0.2) as inbox, g1.download(4) as a, g1.download(6) as b, g1.stream(family) as c:
        inbox.bind(("", BACK_PORT))
        floods = [flood(lab, "g9", UP[family], UDP_PORT, TCP_PORT), flood(lab, "up", g9.addresses[family], BACK_PORT)]
        for i in range(FLUSHES):
            restored_by(fresh, lambda: flush(lab))
            if i % 5 == 0:
                for flow in (a, b) if i else (a, b, c):  # the UDP stream ends by itself after a minute
                    flow.wait_progress(flow.STEP // 4)
        for _ in range(AT_ONCE):  # also one into the work of the one before
            flush(lab)
        wait_until(lambda: members(fresh) == {mac for _, mac in before}, what="all are members again")
        for flow in (a, b):
            flow.wait_progress(flow.STEP)
        assert all(process.alive() for process in floods)
        for process in floods:
            process.stop(signal.SIGTERM)
        assert not a.error and not b.error, "the downloads are the ones from before"
        arrived = 0
        try:
            while inbox.recv(100):
                arrived += 1
        except TimeoutError:
            pass
    lab.flush_capture()
    slips = len(slipped(lab)) - slips
    if stays(lab):
        assert slips == 0 and arrived == 0
    record_property(f"packets of strangers in {FLUSHES + AT_ONCE} flushes", f"{slips} out, {arrived} in")
    assert fresh.all_pids() == pids
    assert_ends_alike(fresh)
    after = fresh.sessions()
    assert after.keys() == before.keys()
    for key, session in after.items():
        assert {k: session[k] for k in ("how", "note", "started")} == {k: before[key][k] for k in ("how", "note", "started")}
        total = before[key]["seconds-used"] + before[key]["seconds-left"]
        assert abs(session["seconds-used"] + session["seconds-left"] - total) <= 2
    assert fresh.log_lines("portald-gate: nft removed rules of portald")
    assert g1.is_online()


def test_the_kernel_holds_again_what_it_held(lab, fresh):
    g1, s1 = lab.add_guest("g1"), lab.add_guest("s1")
    fresh.grant(g1)
    fresh.ctl("grant", "02:00:5e:77:00:01", "--for", "20m", "--note", "Zimmer 7")
    ruleset, guard = fresh.ruleset(), lab.check("gw", ["nft", "list", "table", "inet", "portald_guard"])
    comments = lab.check("gw", ["nft", "list", "set", "inet", "portald", "z_guest"])
    restored_by(fresh, lambda: flush(lab))
    assert fresh.ruleset() == ruleset
    assert lab.check("gw", ["nft", "list", "table", "inet", "portald_guard"]) == guard
    again = lab.check("gw", ["nft", "list", "set", "inet", "portald", "z_guest"])
    assert sorted(re.findall('comment "[^"]*"', again)) == sorted(re.findall('comment "[^"]*"', comments))
    fresh.restart()
    assert fresh.sessions()["guest", "02:00:5e:77:00:01"]["note"] == "Zimmer 7", "the next start reads it from the kernel"
    assert g1.is_online() and s1.is_stranger()


@families
def test_closed_until_the_members_are_back(lab, fresh, family):
    """The engine takes its time: nobody is refused meanwhile, which would end members' connections."""
    g1, g9 = lab.add_guest("g1"), lab.add_guest("g9")
    g1.login(family)
    engine = fresh.process.pid
    with g1.download(family) as flow:
        flow.wait_progress(flow.STEP)
        os.kill(engine, signal.SIGSTOP)
        try:
            flush(lab)
            wait_until(lambda: "table netdev portald" in lab.check("gw", ["nft", "list", "tables"]), what="it is loaded again")
            for _ in range(3):
                flow.sock.send(b"x")
                with pytest.raises(TimeoutError):
                    g9.udp(UP[family], 443, b"x", 0.2)
                with pytest.raises(TimeoutError):
                    g9.connect(g9.gateway[family], 53, 0.2)
            for device in (g1, g9):
                device.forget_neighbours()
                assert device.get(f"http://{bracket(device.gateway[family])}/style.css").status == 200, "the portal is open"
            assert members(fresh) == set()
        finally:
            os.kill(engine, signal.SIGCONT)
        flow.wait_progress(flow.STEP)
        assert not flow.error
    assert g1.is_online() and g9.is_stranger()


PARTS = [
    "delete table inet portald",
    "delete table netdev portald",
    "flush table inet portald",
    "flush table netdev portald",
    "flush chain inet portald forward",
    "flush chain inet portald z_guest_forward",
    "flush chain netdev portald z_guest_egress",
    "delete chain netdev portald z_guest_egress",
    "delete table inet portald; add table inet portald",
    "add table inet other; add set inet other s { type ipv4_addr; }; add element inet other s { 192.0.2.1 };"
    " delete table inet portald; delete table inet other",
]


@pytest.mark.parametrize("change", PARTS)
def test_a_part_of_it(lab, fresh, change):
    g1, s1 = lab.add_guest("g1"), lab.add_guest("s1")
    fresh.grant(g1)
    ruleset, pids = fresh.ruleset(), fresh.all_pids()
    with g1.download(4) as a, g1.download(6) as b:
        restored_by(fresh, lambda: lab.nft(change.replace("; ", "\n")))
        for flow in (a, b):
            flow.wait_progress(flow.STEP)
    assert fresh.ruleset() == ruleset
    assert g1.is_online() and s1.is_stranger()
    assert fresh.all_pids() == pids


def test_what_others_do_with_their_own_is_no_reason(lab, fresh):
    """Other tables come and go, elements too (dnsmasq's nftset=): nothing is restored for that."""
    g1 = lab.add_guest("g1")
    fresh.grant(g1)
    before = restorations(fresh)
    lab.nft("table inet other {\n set s { type ipv4_addr; }\n chain c {\n accept\n }\n}\n")
    lab.nft("add element inet other s { 192.0.2.7, 192.0.2.8 }")
    lab.nft("flush chain inet other c")
    lab.nft("delete element inet other s { 192.0.2.7 }")
    lab.nft("add element netdev portald z_guest_down { 02:00:5e:77:00:09 timeout 1h }")
    lab.nft("delete element netdev portald z_guest_down { 02:00:5e:77:00:09 }")
    lab.nft("delete table inet other")
    fresh.reload()
    wait_until(lambda: fresh.log_lines("is in force"), what="portald's own changes are done")
    restored_by(fresh, lambda: flush(lab))
    assert restorations(fresh) == before + 1


def test_changes_under_way_are_not_lost(lab, fresh):
    """Grants and revokes while somebody flushes again and again: the kernel holds in the end what portald says."""
    macs = [f"02:00:5e:78:00:{i:02x}" for i in range(40)]
    stop, pause = threading.Event(), random.Random(3)

    def flush_often():
        while not stop.wait(pause.uniform(0.02, 0.2)):
            flush(lab)

    fresh.grant(*macs)
    flushing = threading.Thread(target=flush_often)
    flushing.start()
    rest = set(macs)
    try:
        for mac in random.Random(7).sample(macs, 30):
            fresh.revoke(mac)
            rest.discard(mac)
            fresh.grant(random.Random(mac).choice(sorted(rest)), for_="3h")
    finally:
        stop.set()
        flushing.join()
    assert {mac for _, mac in fresh.sessions()} == rest
    wait_until(lambda: members(fresh) == rest, what="the kernel has them all, and no other")
    assert_ends_alike(fresh)


def test_a_host_firewall_that_begins_with_flush_ruleset(lab, fresh):
    """Debian's own nftables.conf: reloaded in one transaction, with policy drop."""
    g1, s1 = lab.add_guest("g1"), lab.add_guest("s1")
    g1.login(6)
    try:
        with g1.download(4) as a, g1.download(6) as b:
            for _ in range(3):
                restored_by(fresh, lambda: lab.nft("flush ruleset\n" + HOST))
                for flow in (a, b):
                    flow.wait_progress(flow.STEP)
        assert g1.is_online() and s1.is_stranger()
        assert "table inet host" in lab.check("gw", ["nft", "list", "tables"])
    finally:
        lab.nft("delete table inet host")


def nothing_passes(guest, family):
    for port in (443, 80):
        with pytest.raises(OSError):
            guest.connect(UP[family], port, 0.5)


def test_the_guard_outlives_the_gate(lab, fresh):
    """kill -9, and portald's tables deleted: nobody passes, a member neither; the next start takes the guard over and puts
    the member back."""
    g1, s1 = lab.add_guest("g1"), lab.add_guest("s1")
    fresh.grant(g1)
    if not stays(lab):
        pytest.skip("this kernel cannot keep a table of a dead process's")
    fresh.kill(fresh.pids()["portald-gate"])
    lab.nft("delete table inet portald\ndelete table netdev portald")
    for family in (4, 6):
        nothing_passes(g1, family)
        nothing_passes(s1, family)
    fresh.start()
    assert s1.is_stranger() and g1.is_online()
    restored_by(fresh, lambda: flush(lab))
    assert stays(lab) and g1.is_online() and s1.is_stranger()


def test_a_flush_while_portald_is_not_there(lab, fresh):
    """Nothing is left of it then, and the next start makes all anew."""
    s1 = lab.add_guest("s1")
    ruleset = fresh.ruleset()
    fresh.stop()
    flush(lab)
    assert lab.check("gw", ["nft", "list", "tables"]) == ""
    fresh.start()
    assert s1.is_stranger() and fresh.ruleset() == ruleset


def test_teardown_beside_a_running_portald_is_refused(lab, fresh):
    s1 = lab.add_guest("s1")
    before = lab.check("gw", ["nft", "list", "tables"])
    done = fresh.teardown()
    assert done.returncode == 1 and "stop it first" in done.stderr
    assert lab.check("gw", ["nft", "list", "tables"]) == before
    assert s1.is_stranger()


def works(check):
    """While the zones are closed, answers are late or lost."""
    try:
        return check()
    except OSError:
        return False


# The kernel refuses to take such a chain away, so that portald makes its tables anew.
IN_THE_WAY = """table inet portald {
  chain z_other {
  }
  map other {
    type ifname : verdict
    elements = { "other" : jump z_other }
  }
}
"""


@pytest.mark.parametrize("why", ["reload", "takeover", "interface"])
def test_a_flush_while_portald_changes_its_rules(make_lab, why):
    """At whatever moment of it: whoever was online is so again, and nobody else."""
    lab = make_lab()
    member, stranger, other = lab.add_guest("g1"), lab.add_guest("s1"), lab.add_guest("s2", "br-two")
    gw = Gateway(lab, TWO_ZONES, start=False)
    gw.lack("haste")
    gw.start()
    gw.grant(member, zone="guest")
    for i in range(13 if why == "takeover" else 8):
        if why == "interface":
            lab.delete_bridge("br-two")
            wait_until(lambda: gw.status()["zones"][1]["state"] == "missing", what="it is missed")
            lab.add_bridge("br-two")
        else:
            if why == "takeover":
                lab.nft(IN_THE_WAY)
            gw.reload()
        time.sleep(0.2 * i)  # portald's ears are off for 0.3 s before a transaction, and as long after it
        lab.nft("flush ruleset")
        wait_until(lambda: works(member.is_online), what="the member is online again")
        wait_until(lambda: works(stranger.is_stranger), what="the stranger gets its 511")
    wait_until(lambda: works(other.is_stranger), what="so does the one of the other zone")
