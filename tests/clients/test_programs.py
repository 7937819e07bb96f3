# SPDX-License-Identifier: GPL-2.0-or-later
"""Requirement 6: programs that are no browsers fail at a 511 and keep nothing of it; redirected they would keep a page."""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

import programs  # noqa: E402
from conftest import families  # noqa: E402
from guest import bracket  # noqa: E402
from lab import UP  # noqa: E402
from namespace import wait_until  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def published(lab):
    programs.publish(lab, lab.guests["g1"])


def kept(run):
    """path -> content of everything that the program keeps"""
    found = {}
    for folder, _, names in os.walk(f"{run}/out"):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                found[os.path.relpath(os.path.join(folder, name), f"{run}/out")] = f.read()
    found.pop("lock", None)  # apt's
    return found


@families
@pytest.mark.parametrize("program", programs.PROGRAMS, ids=[p.name for p in programs.PROGRAMS])
def test_it_fails_and_keeps_nothing(gw, program, family, tmp_path):
    def execute():
        return guest.run(program.argv(programs.ROOTS[family], str(tmp_path)), timeout=120,
                         env={**os.environ, "HOME": str(tmp_path), "LC_ALL": "C"})

    def fails(before):
        done = execute()
        assert done.returncode == program.fails and program.says in done.stdout + done.stderr, done
        assert kept(tmp_path) == before

    guest = gw.lab.guests["g1"]
    (tmp_path / "out").mkdir()
    (tmp_path / "cache").mkdir()
    gw.revoke_all()
    fails({})
    guest.login(family)
    done = execute()
    had = kept(tmp_path)
    assert done.returncode == 0 and [path for path in had if path.endswith(program.keeps)], (done, had)
    assert not [path for path, data in had.items() if b"Authentication Required" in data]
    gw.grant(guest, for_="1s")
    wait_until(lambda: not gw.sessions() and not gw.members(), what="the session is over")
    fails(had)
    gw.grant(guest)
    gw.revoke(guest)
    fails(had)


@families
def test_a_redirect_would_be_kept(gw, family, tmp_path):
    """What 511 spares them: a probe's path is redirected to the portal's page, which curl and wget take for the file."""
    guest = gw.lab.guests["g1"]
    gw.revoke_all()
    url = f"http://{bracket(UP[family])}/generate_204"
    for name, argv in {"curl": ["curl", "-sS", "-fL", "-o"], "wget": ["wget", "-q", "-O"]}.items():
        assert guest.run([*argv, str(tmp_path / name), url]).returncode == 0
        assert b"<html" in (tmp_path / name).read_bytes()
