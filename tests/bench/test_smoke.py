# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark works, and every answer of every rival is right: a short run, whose figures say nothing."""
import json
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("PORTALD_BUILD", os.path.join(HERE, "../../build")))
sys.path.insert(0, HERE)

import measure  # noqa: E402
import rivals  # noqa: E402
import tools as tools_module  # noqa: E402
from topology import GATEWAY  # noqa: E402


@pytest.fixture(scope="module")
def tools():
    return tools_module.make(BUILD)


@pytest.fixture
def portal(tools):
    with measure.Running(rivals.RIVALS["portald redirect"](tools), tools, 50) as running:
        yield running


def test_smoke():
    done = subprocess.run([sys.executable, os.path.join(HERE, "run"), "--smoke", "--build", BUILD], text=True,
                          capture_output=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with open(os.path.join(BUILD, "bench", "bench.json"), encoding="utf-8") as f:
        summary = json.load(f)["summary"]
    assert "portald redirect" in summary["exchanges"] and "portald redirect" in summary["flood"]
    for left in ("conntrack", "time_wait"):
        assert summary["exchanges"]["portald redirect"][f"left_{left}"]["median"] > 0, "redirect leaves what sockets leave"
        assert summary["exchanges"]["portald queue"][f"left_{left}"]["median"] == 0, "queue leaves nothing"
    assert {s["right"]["median"] for s in summary["exchanges"].values()} == {2000}, "all turns together"
    sizes = {name: s["answer_bytes"]["median"] for name, s in summary["exchanges"].items() if name != "null"}
    assert max(sizes.values()) < 1.03 * min(sizes.values()), f"all of them answer as much: {sizes}"
    with open(os.path.join(BUILD, "bench", "exchanges.svg"), encoding="utf-8") as f:
        assert f.read().startswith("<svg")


def test_sessions_smoke():
    """Every grant is in the kernel, also after each start and a flush; only guests that have one are forwarded."""
    done = subprocess.run([sys.executable, os.path.join(HERE, "sessions"), "--smoke", "--build", BUILD], text=True,
                          capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with open(os.path.join(BUILD, "bench", "sessions.json"), encoding="utf-8") as f:
        document = json.load(f)
    held, paths = document["summary"]["sessions"], document["summary"]["forwarding"]
    assert held["grants"]["median"] > 0 and held["nft_grants"]["median"] > 0
    assert held["turn_grant"]["median"] > 0, "the event loop was measured"
    assert set(paths) == {"no ruleset", "tracking alone", "1 guest", "1,000 guests", "2,000 guests"}


def test_logins(tools, portal):
    """Each guest logs in over its own addresses, and is then forwarded: nobody answers its request any more."""
    report = measure.loadgen(portal.net, tools, (4, 6), "--guests", 50, "--login", "--concurrency", 4, to=GATEWAY)
    assert report["right"] == report["begun"] == 50, report
    members = portal.net.check("gw", ["nft", "list", "set", "inet", "portald", "z_guest"])
    assert members.count("02:b0:") == 50
    report = portal.ask("--exchanges", 4, "--timeout", 1)
    assert report["timeout"] == 4, report


def faults(running):
    """Pages that the rival's processes have had to fetch so far."""
    return sum(int(measure.stat_of(pid)[7]) for pid in measure.family_tree(running.rival.child.pid, measure.processes()))


def test_connections_use_the_memory_of_those_before(portal):
    """No page is given back to the kernel when connections end, only to be fetched again."""
    portal.ask("--exchanges", 500, "--concurrency", 64)
    before = faults(portal)
    report = portal.ask("--exchanges", 2000, "--concurrency", 64)
    assert report["right"] == 2000 and faults(portal) - before < 200


def test_what_is_wrong_is_counted(portal):
    """Answers of another status, and none at all."""
    report = portal.ask("--exchanges", 10, "--status", 200)
    assert (report["wrong"], report["right"]) == (10, 0) and " 511 " in report["first_wrong"]
    report = portal.ask("--exchanges", 4, "--port", 9, "--timeout", 1)
    assert report["right"] == 0 and report["reset"] + report["timeout"] == 4, report


@pytest.mark.parametrize("more", [["--cookie", 16000], ["--bare-ack"], ["--rate", 500, "--seconds", 1]],
                         ids=lambda more: more[0][2:])
def test_other_requests(portal, more):
    report = portal.ask(*(["--exchanges", 200] if "--seconds" not in more else []), *more)
    assert report["right"] == report["begun"] > 100, report


def test_a_flood_is_no_faster_than_it_was_told(portal):
    report = portal.ask("--flood-only", "--flood-rate", 10000, "--flood-macs", 100, "--seconds", 1)
    assert 0 < report["flood_sent"] < 11000 and report["begun"] == 0, report


def test_it_refuses_the_first_namespace(tools):
    for program, *options in (["loadgen", "--interface", "lo", "--gateway4", "127.0.0.1", "--target4", "127.0.0.1"],
                              ["reflector", "lo"]):
        done = subprocess.run([os.path.join(tools.programs, program), *options], text=True, capture_output=True, timeout=10,
                              check=False)
        assert done.returncode == 3 and "namespace" in done.stderr
