# SPDX-License-Identifier: GPL-2.0-or-later
"""Blocked devices: their sessions end in both directions, and neither a login nor a grant nor a restart begins another."""
import contextlib
import os
import sqlite3

import pytest

import gateway
from guest import assert_cut
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
def blocked(place):
    """The lab, portald, and g1, which had a session with transfers under way when it was blocked."""
    lab, gw = place
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    gw.grant(g1, g2)
    flows = [kind(family) for family in (4, 6) for kind in (g1.download, g1.stream)]
    others = [kind(family) for family in (4, 6) for kind in (g2.download, g2.stream)]
    try:
        for flow in flows + others:
            flow.wait_progress(flow.STEP // 4)
        answer = gw.ctl("block", g1.mac, "--note", "sends spam")
        assert answer["blocked"] == 1 and answer["ended"] == 1 and not answer["refused"]
        assert_cut(flows, others)
    finally:
        for flow in flows + others:
            flow.close()
    yield gw, g1, g2
    gw.ctl_raw("unblock", g1.mac)
    gw.revoke_all()


def refuses(gw, guest):
    """Neither a login nor a grant lets it online."""
    grant = gw.ctl_raw("grant", guest.mac)
    assert grant.returncode == 1 and "blocked" in grant.stderr
    assert guest.mac not in gw.members() and ("guest", guest.mac) not in gw.sessions()
    for family in (4, 6):
        page = guest.login_page(family)
        assert page.status == 403 and b"has been blocked" in page.body


def test_block(blocked):
    gw, g1, g2 = blocked
    refuses(gw, g1)
    assert g2.is_online()
    assert [(e["mac"], e["zone"], e["note"]) for e in gw.ctl("list", "--blocked")["blocked"]] == [(g1.mac, "", "sends spam")]
    assert [e["why"] for e in gw.ctl("history")["ended"] if e["mac"] == g1.mac][-1] == "block"
    typo = gw.ctl_raw("list", "--blocked", "--zone", "gust")
    assert typo.returncode == 1 and 'there is no zone "gust"' in typo.stderr
    assert "is blocked in all zones: sends spam" in gw.ctl_raw("show", g1.mac).stderr
    assert gw.ctl("unblock", g1.mac)["unblocked"] == 1
    assert gw.ctl_raw("unblock", g1.mac).returncode == 1
    g1.login()
    assert g1.is_online()


def test_block_lasts(blocked):
    """After kill -9 of everything."""
    gw, g1, g2 = blocked
    gw.kill(gw.all_pids())
    gw.start()
    refuses(gw, g1)
    assert g2.is_online()


def test_block_after_crash(place):
    """The block list was on disk, but portald died before the session had ended: the start ends it."""
    lab, gw = place
    g1, g2 = lab.guests["g1"], lab.guests["g2"]
    gw.grant(g1, g2)
    gw.stop()
    assert g1.is_online()
    with contextlib.closing(sqlite3.connect(os.path.join(gw.state_dir, "portald.db"))) as db, db:
        db.execute("INSERT INTO lists (list, zone, mac, note, added) VALUES (1, 'guest', ?, '', 1795355555)", (g1.mac,))
    gw.start()
    wait_until(lambda: g1.mac not in gw.members(), what="the session has ended")
    assert g2.is_online()
    refuses(gw, g1)
    assert gw.ctl("unblock", g1.mac, "--zone", "guest")["unblocked"] == 1
    gw.revoke_all()
