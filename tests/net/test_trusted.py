# SPDX-License-Identifier: GPL-2.0-or-later
"""Trusted devices: online in both directions without a login, a limit or an end, whatever happens, until they are
untrusted."""
import contextlib
import os
import sqlite3

import pytest

import gateway
from guest import assert_cut, bracket
from namespace import wait_until

CONFIG = """
zone "guest" {
  interface = "br-guest"
  session = "1h"
}
"""


@pytest.fixture(scope="module")
def place(make_lab):
    lab = make_lab()
    for node in ("g1", "g2"):
        lab.add_guest(node)
    return lab, gateway.Gateway(lab, CONFIG)


@pytest.fixture
def trusted(place):
    """The lab, portald, and g1, a stranger that was trusted; g2 is a stranger still."""
    lab, gw = place
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    assert g1.is_stranger() and g2.is_stranger()
    answer = gw.ctl("trust", g1.mac, "--note", "the till")
    assert answer["trusted"] == 1 and answer["ended"] == 0 and not answer["refused"]
    yield lab, gw, g1, g2
    gw.ctl_raw("untrust", g1.mac)
    gw.revoke_all()


def is_trusted(gw, guest):
    assert guest.is_online()
    assert ("guest", guest.mac) not in gw.sessions()


def test_trust(trusted):
    lab, gw, g1, g2 = trusted
    is_trusted(gw, g1)
    assert g2.is_stranger()
    assert [(e["mac"], e["zone"], e["note"]) for e in gw.ctl("list", "--trusted")["trusted"]] == [(g1.mac, "", "the till")]
    assert "is trusted in all zones: the till" in gw.ctl_raw("show", g1.mac).stderr
    for family in (4, 6):
        page = g1.get(f"http://{bracket(g1.gateway[family])}/status")
        assert page.status == 200 and b"always online" in page.body and b"Log out" not in page.body
    for words in (("grant", g1.mac), ("block", g1.mac)):
        refused = gw.ctl_raw(*words)
        assert refused.returncode == 1 and "it is trusted" in refused.stderr
    is_trusted(gw, g1)


def test_untrust_cuts(trusted):
    lab, gw, g1, g2 = trusted
    gw.grant(g2)
    flows = [kind(family) for family in (4, 6) for kind in (g1.download, g1.stream)]
    others = [kind(family) for family in (4, 6) for kind in (g2.download, g2.stream)]
    with contextlib.ExitStack() as stack:
        for flow in flows + others:
            stack.enter_context(flow)
            flow.wait_progress(flow.STEP // 4)
        assert gw.ctl("untrust", g1.mac)["untrusted"] == 1
        assert_cut(flows, others)
    assert g1.is_stranger()
    again = gw.ctl_raw("untrust", g1.mac)
    assert again.returncode == 1 and "it is not trusted" in again.stderr


def test_session_becomes_trusted(place):
    """Its session ends, with the reason, and its connections go on; blocked devices cannot be trusted."""
    lab, gw = place
    g1 = lab.guests["g1"]
    gw.grant(g1)
    with g1.download(4) as flow4, g1.stream(6) as flow6:
        assert gw.ctl("trust", g1.mac, "--zone", "guest")["ended"] == 1
        for flow in (flow4, flow6):
            flow.wait_progress(flow.STEP // 4)
    is_trusted(gw, g1)
    assert [e["why"] for e in gw.ctl("history")["ended"] if e["mac"] == g1.mac][-1] == "trust"
    assert gw.ctl_raw("untrust", g1.mac).returncode == 1, "it was for one zone"
    assert gw.ctl("untrust", g1.mac, "--zone", "guest")["untrusted"] == 1
    gw.ctl("block", g1.mac)
    refused = gw.ctl_raw("trust", g1.mac)
    assert refused.returncode == 1 and "portalctl unblock it first" in refused.stderr
    gw.ctl("unblock", g1.mac)
    assert g1.is_stranger()


def test_trust_lasts(trusted):
    """A restart, a death of all, a reboot (no tables) and a flush; no session comes of it."""
    lab, gw, g1, g2 = trusted
    ended = len(gw.ctl("history")["ended"])
    gw.restart()
    is_trusted(gw, g1)
    gw.kill(gw.all_pids())
    assert g1.is_online()
    gw.start()
    is_trusted(gw, g1)
    gw.stop()
    gw.teardown()
    gw.start()
    is_trusted(gw, g1)
    before = len(gw.log_lines("the zones are open again"))
    lab.check("gw", ["nft", "flush", "ruleset"])
    wait_until(lambda: len(gw.log_lines("the zones are open again")) > before, what="the members are restored")
    is_trusted(gw, g1)
    assert g2.is_stranger()
    assert len(gw.ctl("history")["ended"]) == ended


def test_crash_between(trusted):
    """The list on the disk counts: what it has is trusted, although the kernel has a session; what it lacks goes."""
    lab, gw, g1, g2 = trusted
    gw.grant(g2)
    gw.stop()
    with contextlib.closing(sqlite3.connect(os.path.join(gw.state_dir, "portald.db"))) as db, db:
        db.execute("UPDATE lists SET mac = ?", (g2.mac,))
    gw.start()
    wait_until(lambda: g1.mac not in gw.members(), what="nobody trusts it")
    is_trusted(gw, g2)
    assert g1.is_stranger()
    assert gw.ctl("untrust", g2.mac)["untrusted"] == 1
    assert g2.is_stranger()
