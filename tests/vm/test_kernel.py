# SPDX-License-Identifier: GPL-2.0-or-later
"""What differs between kernels, with times that suit an emulated machine: sets with timeouts and counters, egress chains
that die with their device, the end of a session without portald.  tests/vm/run runs it after tests/net."""
import json
import os
import signal
import socket
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))

from conftest import accounts, gw, lab, make_lab  # noqa: E402, F401  # fixtures
import gateway  # noqa: E402
from guest import assert_cut  # noqa: E402
from lab import FORBIDDEN, SITES  # noqa: E402
from namespace import addr_add, inside, ip_batch, open_socket, wait_until  # noqa: E402

MANY = 10_000
SESSION = 30  # seconds: everything has begun before it ends, and the streams, which last 60 s, have not
PATIENCE = 60.0


@pytest.fixture(autouse=True, scope="module")
def guests(lab):  # noqa: F811
    return [lab.add_guest(node) for node in ("g1", "g2", "s1")]


@pytest.fixture
def fresh(gw):  # noqa: F811
    """portald runs and knows nobody, whatever the test before left."""
    if not gw.process.alive():
        gw.start()
    gw.revoke_all()
    return gw


def downloads(guest):
    return begun([guest.download(family) for family in (4, 6)])


def transfers(guest):
    return begun([kind(family) for family in (4, 6) for kind in (guest.download, guest.stream)])


def begun(flows):
    for flow in flows:
        flow.wait_progress(flow.STEP // 4, PATIENCE)
    return flows


def close(flows):
    for flow in flows:
        flow.close()


def nothing_passes(guest):
    for family in (4, 6):
        with pytest.raises(OSError):
            guest.connect(FORBIDDEN[family], 443, 3.0)
        with pytest.raises(OSError):
            guest.udp(FORBIDDEN[family], 443, b"x", 3.0)


def test_a_session_ends_with_every_process_dead(fresh, guests):
    g1, g2, stranger = guests
    fresh.grant(g2)
    theirs = downloads(g2)
    fresh.grant(g1, for_=f"{SESSION}s")
    mine = transfers(g1)
    fresh.kill(fresh.all_pids())
    assert g1.mac in fresh.members()
    assert_cut([], mine, PATIENCE)
    nothing_passes(stranger)
    for zone_set in ((), ("_up",), ("_down", "netdev")):
        wait_until(lambda s=zone_set: g1.mac not in fresh.members("guest", *s), SESSION + 10, f"{zone_set} without it")
    assert_cut(mine, theirs, PATIENCE)
    assert not any(f.error for f in theirs)
    fresh.start()
    assert list(fresh.sessions()) == [("guest", g2.mac)]
    assert g1.is_stranger() and g2.is_online()
    close(mine + theirs)


def test_logins_that_end(lab, fresh, guests):  # noqa: F811
    """One over each family; both families are cut."""
    g1, g2, _ = guests
    g3 = lab.add_guest("g3")
    fresh.write_config(f'zone "guest" {{\n interface = "br-guest"\n session = "{SESSION}s"\n}}\n')
    fresh.restart()
    fresh.grant(g2)
    theirs = downloads(g2)
    g1.login(4)
    g3.login(6)
    mine = begun([g1.download(4), g1.stream(6), g3.download(6), g3.stream(4)])
    for guest in (g1, g3):
        wait_until(lambda m=guest.mac: m not in fresh.members(), SESSION + 10, "the session has ended")
    assert_cut(mine, theirs, PATIENCE)
    assert g1.is_stranger() and g3.is_stranger()
    wait_until(lambda: list(fresh.sessions()) == [("guest", g2.mac)], what="portalctl list knows it")
    close(mine + theirs)


def test_a_new_grant_changes_the_end_and_keeps_the_counters(fresh, guests):
    g1 = guests[0]
    fresh.grant(g1, for_="1h")
    flows = downloads(g1)
    for text, seconds in (("2h", 7200), ("10m", 600), ("3d", 3 * 86400)):
        before = fresh.sessions()[("guest", g1.mac)]
        assert before["bytes-down"] > 100_000 and before["bytes-up"] > 0
        fresh.grant(g1, for_=text)
        for left in (fresh.members(), fresh.members("guest", "_up"), fresh.members("guest", "_down", "netdev")):
            assert seconds - 60 <= left[g1.mac] <= seconds
        after = fresh.sessions()[("guest", g1.mac)]
        for key in ("bytes-down", "bytes-up"):
            assert after[key] >= before[key], key
        assert_cut([], flows, PATIENCE)
    assert not any(f.error for f in flows)
    close(flows)


def test_many_at_once(lab, fresh, guests):  # noqa: F811
    """Granted, granted again for longer, known after kill -9, revoked."""
    wanted = [f"02:10:00:00:{n >> 8:02x}:{n & 255:02x}" for n in range(MANY)]
    for text, seconds, word in (("1h", 3600, "granted"), ("2h", 7200, "replaced")):
        done = fresh.ctl_raw("grant", "--file", "-", "--for", text, "--json", input="\n".join(wanted) + "\n")
        assert done.returncode == 0, done.stderr[-500:]
        assert json.loads(done.stdout)[word] == MANY
        for part, table in (("", "inet"), ("_up", "inet"), ("_down", "netdev")):
            members = fresh.members("guest", part, table)
            assert len(members) == MANY and min(members.values()) > seconds - 600
    fresh.kill(fresh.all_pids())
    fresh.start()
    assert {mac for _, mac in fresh.sessions()} == set(wanted)
    assert guests[2].is_stranger()
    fresh.revoke_all()
    assert fresh.everywhere() == {} and fresh.sessions() == {}


def test_closed_without_the_interface(lab, fresh, guests):  # noqa: F811
    """--close at boot, before the bridge is there; the bridge comes; portald comes."""
    g1, _, stranger = guests
    fresh.stop()
    assert fresh.teardown().returncode == 0
    lab.delete_bridge("br-guest")
    done = lab.run("gw", [gateway.PORTALD, "-c", fresh.config_path, "--close"])
    assert done.returncode == 0, done.stderr
    lab.add_bridge("br-guest")
    nothing_passes(stranger)
    nothing_passes(g1)
    fresh.start()
    g1.login(4)
    assert g1.is_online() and stranger.is_stranger()
    assert "chain z_guest_egress" in lab.check("gw", ["nft", "list", "table", "netdev", "portald"])


def received(lab, guest):  # noqa: F811
    """How many of a few datagrams that upstream sends by itself reach the guest."""
    with guest.socket(4, socket.SOCK_DGRAM, 0.3) as there, \
            open_socket(lab.name("up"), socket.AF_INET, socket.SOCK_DGRAM) as up:
        there.bind((guest.addresses[4], 6000))
        count = 0
        for _ in range(5):
            up.sendto(b"x", (guest.addresses[4], 6000))
            try:
                count += len(there.recv(10))
            except TimeoutError:
                pass
        return count


def test_an_interface_made_anew_with_the_same_index(lab, fresh, guests):  # noqa: F811
    """Its egress chain went with it, though name and index are the same when the gate looks."""
    g1, _, stranger = guests
    fresh.grant(g1)
    with inside(lab.name("gw")):
        index = socket.if_nametoindex("br-guest")
    gate = fresh.pids()["portald-gate"][0]
    os.kill(gate, signal.SIGSTOP)
    try:
        ip_batch(lab.name("gw"), ["link del br-guest",
                                  f"link add br-guest index {index} address 02:00:5e:00:00:01 type bridge",
                                  *(addr_add(f"{SITES['br-guest'][f]}1", "br-guest") for f in (4, 6)),
                                  "link set br-guest up", *(f"link set v-{g.node} master br-guest" for g in guests)])
    finally:
        os.kill(gate, signal.SIGCONT)
    wait_until(lambda: received(lab, g1) > 0, PATIENCE, "a member is reached again")
    assert received(lab, stranger) == 0
