# SPDX-License-Identifier: GPL-2.0-or-later
"""Many guests at once: 100,000 MACs through `grant --file -`, listed, and revoked."""
import json

import pytest

import gateway

COUNT = 100_000


def macs(count, first=0):
    return [f"02:10:{n >> 24 & 255:02x}:{n >> 16 & 255:02x}:{n >> 8 & 255:02x}:{n & 255:02x}"
            for n in range(first, first + count)]


def set_sizes(lab):
    """The number of elements of each membership set."""
    return [lab.check("gw", ["nft", "list", "set", table, "portald", name], timeout=120).count("expires")
            for table, name in (("inet", "z_guest"), ("inet", "z_guest_up"), ("netdev", "z_guest_down"))]


def test_a_hundred_thousand(lab, fresh):
    g1 = lab.add_guest("g1")
    wanted = macs(COUNT)
    done = fresh.ctl_raw("grant", "--file", "-", "--for", "1h", "--json", input="\n".join(wanted) + "\n")
    assert done.returncode == 0, done.stderr[-500:]
    answer = json.loads(done.stdout)
    assert answer["granted"] == COUNT and not answer["refused"]
    assert set_sizes(lab) == [COUNT] * 3
    assert fresh.status()["zones"][0]["sessions"] == COUNT
    listed = fresh.sessions()
    assert len(listed) == COUNT and {m for _, m in listed} == set(wanted)
    assert g1.is_stranger(), "served meanwhile"
    g1.login(4)
    assert g1.is_online()
    assert fresh.revoke(g1)["revoked"] == 1


def test_they_outlive_a_restart(lab, gw):
    sessions = gw.sessions()
    if len(sessions) < COUNT:
        pytest.skip("the test before this one left nothing to look at")
    gw.kill(gw.pids()["portald"])
    gw.start()
    assert gw.sessions().keys() == sessions.keys()


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
    """The restart test looks at what the first one granted."""
    yield
    if request.node.name != "test_a_hundred_thousand" and gw.process.alive():
        gw.revoke_all()
        assert gw.sessions() == {}


@pytest.fixture
def fresh(gw):
    if not isinstance(gw, gateway.Gateway):
        pytest.fail("no gateway")
    return gw
