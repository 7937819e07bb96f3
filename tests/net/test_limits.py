# SPDX-License-Identifier: GPL-2.0-or-later
"""What a session may use: quotas and rates, which the kernel holds with portald dead, and what the engine ends."""
import json
import os
import re
import signal
import socket
import threading
import time

import pytest

import gateway
import namespace
from conftest import families
from guest import FAMILY, bracket
from lab import UP
from namespace import SLOW, wait_until

CONFIG = """
zone "guest" {
  interface = "br-guest"
  %s
}
"""
PACKET = 1000  # bytes of a datagram from its IP header on
FRAME = 14     # that the kernel counts towards the guest besides
QUOTA = 100_500  # no multiple of a packet: kernels differ in what becomes of the one that uses it up
PORT = 4242
IDLE = round(3 + SLOW)  # seconds
RATE = max(1_000_000, round(4_000_000 / SLOW))
SO_RCVBUFFORCE = 33  # of asm-generic/socket.h, which Python does not name
UDP_SEGMENT = 103    # of linux/udp.h: one send, many datagrams, one packet in the network stack


@pytest.fixture(scope="module")
def place(make_lab):
    lab = make_lab()
    for node in ("g1", "g2"):
        lab.add_guest(node)
    return lab, gateway.Gateway(lab, CONFIG % "", globals_='accounting = "1s"')


@pytest.fixture
def running(place):
    lab, gw = place
    if not gw.process.alive():
        gw.start()
    gw.revoke_all()
    yield lab, gw
    if gw.process.alive():
        gw.revoke_all()


def payload(family):
    return bytes(PACKET - (28 if family == 4 else 48))


def udp(node, family, address):
    """A bound socket with room for all that the tests send."""
    sock = namespace.open_socket(node, FAMILY[family], socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
    sock.settimeout(1)
    sock.bind((address, PORT))
    return sock


def received(sock):
    """How many datagrams there are, and come until none has for a second."""
    count = 0
    try:
        while sock.recv(65536):
            count += 1
    except TimeoutError:
        return count


def blast(lab, guest, family, direction, count):
    """Sends datagrams between a guest and the upstream host; how many arrive."""
    with udp(guest.namespace, family, guest.addresses[family]) as inside, udp(lab.name("up"), family, UP[family]) as outside:
        source, sink, target = (inside, outside, UP[family]) if direction == "up" else (
            outside, inside, guest.addresses[family])
        for _ in range(count):
            source.sendto(payload(family), (target, PORT))
        return received(sink)


def session(gw, guest):
    return next((s for s in gw.sessions().values() if s["mac"] == guest.mac), None)


def grant(gw, guest, *options):
    assert gw.ctl("grant", guest.mac, *options)["granted"] == 1


def allowed(direction):
    """Datagrams that the quota has room for."""
    return QUOTA // (PACKET + (FRAME if direction == "down" else 0))


@families
@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("dead", [False, True], ids=["alive", "killed"])
def test_quota(running, family, direction, dead):
    """To the packet, whether portald lives or not; then the guest is a stranger, and a neighbour is not."""
    lab, gw = running
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    grant(gw, g1, f"--quota-{direction}", str(QUOTA))
    grant(gw, g2)
    if dead:
        gw.kill(gw.pids()["portald"])
    assert blast(lab, g1, family, direction, 150) == allowed(direction)
    assert blast(lab, g1, family, direction, 5) == 0
    assert blast(lab, g2, family, direction, 150) == 150
    if dead:
        gw.start()
    wait_until(lambda: session(gw, g1) is None, what="the session ends", timeout=20)
    assert gw.log_lines("quota: " + g1.mac)
    assert g1.is_stranger() and g2.is_online()


@families
def test_the_status_page_says_what_is_left(running, family):
    lab, gw = running
    g1 = lab.guests["g1"]
    url = f"http://{bracket(g1.gateway[family])}/status"
    grant(gw, g1, "--rate-up", "50M")
    assert b"Downloaded" in g1.get(url).body and b"Data left" not in g1.get(url).body
    gw.ctl("set", g1.mac, "--quota-down", "3G", "--quota-total", "2G")
    assert re.search(rb"Data left</th><td><bdi>2(\.0)?&nbsp;GB<", g1.get(url).body)


@families
def test_a_quota_of_one_direction_leaves_the_other_open_until_the_end(running, family):
    lab, gw = running
    g1 = lab.guests["g1"]
    grant(gw, g1, "--quota-up", str(QUOTA))
    assert blast(lab, g1, family, "down", 200) == 200


@families
def test_total_quota(running, family):
    """The engine ends it, at its next look."""
    lab, gw = running
    g1 = lab.guests["g1"]
    grant(gw, g1, "--quota-total", str(QUOTA))
    assert blast(lab, g1, family, "up", 60) == 60
    assert session(gw, g1)["bytes-up"] == 60 * PACKET
    assert blast(lab, g1, family, "down", 30) == 30
    assert session(gw, g1)["bytes-down"] == 30 * PACKET
    blast(lab, g1, family, "down", 30)
    wait_until(lambda: session(gw, g1) is None, what="the session ends", timeout=20)
    assert g1.is_stranger()
    assert gw.log_lines("quota: " + g1.mac)


@families
def test_idle(running, family):
    """Ends who sends nothing; not who does, and what comes towards a guest keeps nobody online."""
    lab, gw = running
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    grant(gw, g1, "--idle", f"{IDLE}s")
    grant(gw, g2, "--idle", f"{IDLE}s")
    deadline = time.monotonic() + 60 * SLOW
    with (udp(g2.namespace, family, g2.addresses[family]) as busy, udp(lab.name("up"), family, UP[family]) as noise,
          udp(g1.namespace, family, g1.addresses[family])):  # it takes the noise, and answers nothing
        while session(gw, g1) and time.monotonic() < deadline:
            busy.sendto(b"x", (UP[family], PORT))
            noise.sendto(b"x", (g1.addresses[family], PORT))
            time.sleep(0.2)
        assert session(gw, g1) is None and session(gw, g2)
    wait_until(lambda: session(gw, g2) is None, what="the other one ends", timeout=20)
    assert gw.log_lines("idle: " + g1.mac)


@families
@pytest.mark.parametrize("direction", ["up", "down"])
def test_rate(running, family, direction):
    """A second's worth at once, and then no more than the rate."""
    lab, gw = running
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    grant(gw, g1, f"--rate-{direction}", str(RATE))
    grant(gw, g2)
    begun = time.monotonic()
    arrived = blast(lab, g1, family, direction, 3000)
    took = time.monotonic() - begun
    size = PACKET + (FRAME if direction == "down" else 0)
    assert RATE / 10_000 <= arrived <= RATE / 8 / size * (1 + took) + 1, (arrived, took)
    assert arrived < 3000
    assert blast(lab, g2, family, direction, 3000) == 3000
    gw.ctl("set", g1.mac, f"--rate-{direction}", "none")
    assert blast(lab, g1, family, direction, 3000) == 3000


@families
@pytest.mark.parametrize("direction", ["up", "down"])
def test_large_packets_pass_a_small_rate(running, family, direction):
    """What is one packet of 60 kB to the network stack is let through, as it is when nothing has passed for a while."""
    lab, gw = running
    g1, count = lab.guests["g1"], 60
    grant(gw, g1, f"--rate-{direction}", "64k")
    with udp(g1.namespace, family, g1.addresses[family]) as inside, udp(lab.name("up"), family, UP[family]) as outside:
        source, sink, target = (inside, outside, UP[family]) if direction == "up" else (
            outside, inside, g1.addresses[family])
        source.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(payload(family)))
        source.sendto(payload(family) * count, (target, PORT))
        assert received(sink) == count


@families
def test_a_download_at_a_small_rate(running, family):
    """It goes on, slowly."""
    lab, gw = running
    g1 = lab.guests["g1"]
    grant(gw, g1, "--rate-down", "256k")
    with g1.download(family) as flow:
        flow.wait_progress(150_000, timeout=60)


@pytest.mark.parametrize("options", [["--rate-down", "1M"], ["--rate-up", "1M"], ["--rate-down", "1M", "--rate-up", "1M"]])
def test_no_rate_outlives_a_revoke_of_several(running, options):
    """Who has the rate is the first of them; the kernel's sets of rates are empty afterwards."""
    lab, gw = running
    for guest, limits in (("g1", options), ("g2", [])):
        gw.ctl("grant", lab.guests[guest].mac, "--for", "1h", *limits)
    sets = [("_up_rate", "inet"), ("_down_rate", "netdev")]
    assert any(gw.members("guest", *s) for s in sets)
    assert gw.ctl("revoke", "--all")["revoked"] == 2
    assert not any(gw.members("guest", *s) for s in sets)


@families
def test_set(running, family):
    """More time, another rate, another note: the connection goes on, what was used stays."""
    lab, gw = running
    g1 = lab.guests["g1"]
    grant(gw, g1, "--for", "1h", "--note", "room 12", "--quota-down", "100G", "--rate-up", "900M")
    with g1.download(family) as flow:
        flow.wait_progress(flow.STEP)
        before = session(gw, g1)
        for number in range(20):
            assert gw.ctl("set", g1.mac, "--for", "+1h", "--rate-down", f"{900 + number}M")["changed"] == 1
        after = session(gw, g1)
        flow.wait_progress(flow.STEP)
        assert not flow.error
    assert 20 * 3600 - 60 < after["seconds-left"] - before["seconds-left"] <= 20 * 3600
    assert after["bytes-down"] >= before["bytes-down"] > 0
    assert (after["started"], after["how"], after["note"]) == (before["started"], "grant", "room 12")
    assert (after["quota-down"], after["rate-up"], after["rate-down"]) == (100_000_000_000, 900_000_000, 919_000_000)
    gw.ctl("set", g1.mac, "--note", "", "--quota-down", "none", "--for", "10m")
    last = session(gw, g1)
    assert (last["note"], last["quota-down"]) == ("", 0) and 590 < last["seconds-left"] <= 600


def test_no_session_is_longer_for_a_change_that_waits(running):
    """The gate takes its time: the end stays where it was, in portald and in the kernel."""
    lab, gw = running
    g1 = lab.guests["g1"]
    gate = gw.pids()["portald-gate"][0]
    asked = time.monotonic()
    grant(gw, g1, "--for", "1h")
    sold = time.monotonic()
    for number in range(2):
        os.kill(gate, signal.SIGSTOP)
        change = threading.Thread(target=gw.ctl, args=("set", g1.mac, "--rate-down", f"{90 + number}M"))
        change.start()
        time.sleep(3)
        assert change.is_alive()
        os.kill(gate, signal.SIGCONT)
        change.join()
    early = time.monotonic()
    told, kernel = session(gw, g1), gw.everywhere()[g1.mac]
    late = time.monotonic()
    assert told["rate-down"] == 91_000_000
    for left in (told["seconds-left"], kernel):
        assert 3600 - (late - asked) - 1 <= left <= 3600 - (early - sold) + 1


def asking(gw, guest, verb="set", **change):
    """A connection that the engine has accepted, and the request to send."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(60)
    sock.connect(gw.socket)
    gw.status()
    return sock, (json.dumps({"verb": verb, "macs": [guest.mac], **change}) + "\n").encode()


@pytest.mark.parametrize("stopped", ["portald", "portald-gate"])
def test_nothing_changes_what_the_kernel_has_ended(running, stopped):
    """The engine hears of the change before it has seen the end itself; or the gate after the engine found that there is time."""
    lab, gw = running
    g1 = lab.guests["g1"]
    pid = gw.pids()[stopped][0]
    grant(gw, g1, "--for", "3s", "--quota-down", "1G")
    sock, request = asking(gw, g1, more=3600)
    with sock:
        os.kill(pid, signal.SIGSTOP)
        try:
            sock.sendall(request)
            if stopped == "portald-gate":
                assert gw.status()  # came later: so the gate has been asked
            wait_until(lambda: g1.mac not in gw.members(), what="the kernel ends it", timeout=20)
        finally:
            os.kill(pid, signal.SIGCONT)
        answer = json.loads(sock.makefile().readline())
    assert answer["changed"] == 0, "no quota begins anew"
    if stopped == "portald-gate":
        assert answer["unknown"] == [] and answer["refused"][0]["why"] == "the session is ending"
        assert "refused" not in " ".join(gw.status()["warnings"])
    wait_until(lambda: session(gw, g1) is None, what="the engine ends it", timeout=20)
    assert g1.mac not in gw.members()


def test_a_change_that_finds_its_session_flushed_is_made(running):
    """It is no end of the kernel's: the session is put back, and then changed."""
    lab, gw = running
    g1 = lab.guests["g1"]
    gate = gw.pids()["portald-gate"][0]
    grant(gw, g1, "--for", "1h")
    sock, request = asking(gw, g1, note="changed")
    with sock:
        os.kill(gate, signal.SIGSTOP)
        try:
            sock.sendall(request)
            assert gw.status()  # came later: so the gate has been asked
            lab.nft("flush ruleset")
        finally:
            os.kill(gate, signal.SIGCONT)
        assert json.loads(sock.makefile().readline())["changed"] == 1
    assert session(gw, g1)["note"] == "changed" and gw.everywhere().keys() == {g1.mac}


@pytest.mark.parametrize("rate", ["rate-up", "rate-down"])
def test_no_rate_outlives_a_revoke_that_comes_upon_a_change(running, rate):
    """portald does not know of the rate yet when it asks the gate, which is stopped, for the revoke."""
    lab, gw = running
    g1 = lab.guests["g1"]
    grant(gw, g1)
    gate = gw.pids()["portald-gate"][0]
    asked = [asking(gw, g1, **{rate: 1_000_000}), asking(gw, g1, "revoke")]
    os.kill(gate, signal.SIGSTOP)
    try:
        for sock, request in asked:
            sock.sendall(request)
            assert gw.status()  # came later: so the gate has been asked
    finally:
        os.kill(gate, signal.SIGCONT)
    for (sock, _), done in zip(asked, ("changed", "revoked")):
        with sock:
            assert json.loads(sock.makefile().readline())[done] == 1
    for part, table in (("", "inet"), ("_up_rate", "inet"), ("_down_rate", "netdev")):
        assert not gw.members("guest", part, table), part


@pytest.fixture
def slow(running):
    """Each change takes the gate 0.3 seconds."""
    lab, gw = running
    gw.lack("speed")
    gw.restart()
    yield lab, gw
    gw.lack(None)
    gw.restart()


def test_no_change_comes_upon_a_revoke(slow):
    """Not after the answer to a change before it, when the gate has still to do the revoke."""
    lab, gw = slow
    g1 = lab.guests["g1"]
    grant(gw, g1)
    first, revoke, last = [asking(gw, g1, note="first"), asking(gw, g1, "revoke"), asking(gw, g1, note="last")]
    for sock, request in (first, revoke):
        sock.sendall(request)
        assert gw.status()  # came later: so the gate has been asked
    with first[0], revoke[0], last[0]:
        assert json.loads(first[0].makefile().readline())["changed"] == 1
        last[0].sendall(last[1])
        assert json.loads(last[0].makefile().readline())["changed"] == 0
        assert json.loads(revoke[0].makefile().readline())["revoked"] == 1
    assert session(gw, g1) is None and g1.mac not in gw.members()


def test_a_new_grant_begins_idle_anew(running):
    lab, gw = running
    g1 = lab.guests["g1"]
    grant(gw, g1)
    time.sleep(IDLE + 1)
    granted = time.monotonic()
    assert gw.ctl("grant", g1.mac, "--idle", f"{IDLE}s")["replaced"] == 1
    wait_until(lambda: session(gw, g1) is None, what="it ends", timeout=20)
    assert time.monotonic() - granted >= IDLE


def test_a_change_comes_before_the_judgement_by_what_was(running):
    """The counters were asked for before the quota was raised, and are judged after."""
    lab, gw = running
    g1 = lab.guests["g1"]
    gate = gw.pids()["portald-gate"][0]
    grant(gw, g1, "--quota-total", str(QUOTA))
    sock, request = asking(gw, g1, **{"quota-total": 1_000_000_000})
    with sock:
        os.kill(gate, signal.SIGSTOP)
        try:
            blast(lab, g1, 4, "up", 2 * QUOTA // PACKET)
            time.sleep(2)  # the accounting has asked
            sock.sendall(request)
            assert gw.status()  # came later: so the gate has been asked
        finally:
            os.kill(gate, signal.SIGCONT)
        assert json.loads(sock.makefile().readline())["changed"] == 1
    time.sleep(2)
    assert session(gw, g1)["quota-total"] == 1_000_000_000


def test_set_refuses(running):
    lab, gw = running
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    grant(gw, g1, "--for", "1h")
    done = gw.ctl_raw("set", g1.mac, g2.mac, "--for", "-2h", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 1 and said["changed"] == 0
    assert said["unknown"] == [g2.mac] and "revoke" in said["refused"][0]["why"]
    assert session(gw, g1)["seconds-left"] > 3500
    for wrong in (["--rate-down", "5Q"], ["--quota-up", "0"], ["--idle", "7"], []):
        assert gw.ctl_raw("set", g1.mac, *wrong).returncode == 2
    assert gw.ctl_raw("grant", g1.mac, "--for", "+1h").returncode == 2


@families
def test_the_zone_s_limits(running, family):
    """A login has them, a grant may have others; a reload changes those that come after it."""
    lab, gw = running
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    gw.write_config(CONFIG % 'quota-down = 2G rate-up = "1.5M" idle = 20m')
    gw.reload()
    try:
        g1.login(family)
        mine = session(gw, g1)
        assert (mine["quota-down"], mine["rate-up"], mine["idle"], mine["rate-down"]) == (2_000_000_000, 1_500_000, 1200, 0)
        grant(gw, g2, "--rate-up", "none", "--quota-total", "5Gi")
        other = session(gw, g2)
        assert (other["quota-down"], other["rate-up"], other["quota-total"]) == (2_000_000_000, 0, 5 << 30)
    finally:
        gw.write_config(CONFIG % "")
        gw.reload()
    assert session(gw, g1)["rate-up"] == 1_500_000


@pytest.fixture
def uncounted(running):
    """Nobody looks at what guests have used, for an hour."""
    lab, gw = running
    usual = gw.globals
    gw.globals = usual.replace('accounting = "1s"', 'accounting = "1h"')
    gw.write_config(CONFIG % "")
    gw.restart()
    yield lab, gw
    gw.globals = usual
    gw.write_config(CONFIG % "")
    gw.restart()


@families
@pytest.mark.parametrize("why, count", [("revoke", 1), ("revoke", 200), ("block", 200)])
def test_what_a_session_used_last_is_in_the_history(uncounted, family, why, count):
    """All that passed before it ended, though the accounting has not seen it."""
    lab, gw = uncounted
    g1 = lab.guests["g1"]
    macs = [f"02:00:00:00:01:{n:02x}" for n in range(count - 1)] + [g1.mac]
    gw.ctl("grant", *macs, "--rate-up", "100M")
    assert blast(lab, g1, family, "up", 60) == 60
    assert blast(lab, g1, family, "down", 30) == 30
    gw.ctl(why, *macs)
    if why == "block":
        gw.ctl("unblock", *macs)
    ended = {s["mac"]: s for s in gw.ctl("history", "--since", "1h")["ended"]}
    assert ended[g1.mac]["why"] == why
    assert (ended[g1.mac]["bytes-up"], ended[g1.mac]["bytes-down"]) == (60 * PACKET, 30 * PACKET)
    assert all(ended[mac]["bytes-up"] == ended[mac]["bytes-down"] == 0 for mac in macs[:-1])


@families
@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM])
def test_restart(running, family, sig):
    """Limits, what was used and what the kernel has taken of a quota are there again."""
    lab, gw = running
    g1 = lab.guests["g1"]
    grant(gw, g1, "--quota-up", str(QUOTA), "--quota-total", "1G", "--idle", "1h", "--rate-down", "90M", "--note", "x")
    assert blast(lab, g1, family, "up", 60) == 60
    before = session(gw, g1)
    assert before["bytes-up"] == 60 * PACKET
    os.kill(gw.process.pid, sig)
    gw.wait_gone(gw.known)
    gw.start()
    after = session(gw, g1)
    assert gateway.lasting(after) == gateway.lasting(before)
    assert blast(lab, g1, family, "up", 60) == allowed("up") - 60
