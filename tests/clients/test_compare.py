# SPDX-License-Identifier: GPL-2.0-or-later
"""compare goes on to its end, whatever real clients do, and says so: in the tables, in its files, and with status 1."""
import importlib.machinery
import importlib.util
import json
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "net")]

import client  # noqa: E402
import real  # noqa: E402
from models import MODELS, ONLINE  # noqa: E402
from suite import COLUMNS, UNKNOWN, YES  # noqa: E402


class FailsToStart(client.Client):
    name = "Fails to start"

    def start(self):
        self.spawn("log", ["false"])
        raise RuntimeError("there is\nno bus")


class FailsToLook(client.Client):
    """It has seen the portal, and is gone when it is asked for the login."""
    name = "Fails to look"
    looks = 0

    def start(self):
        pass

    def look(self, family):
        self.looks += 1
        if self.looks > 1:
            raise AssertionError("it has ended")
        return "portal"


class NotConcerned(client.Client):
    name = "Not concerned"

    @classmethod
    def applies(cls, subject):
        return False

    def look(self, family):
        return ONLINE


@pytest.fixture
def compare():
    loader = importlib.machinery.SourceFileLoader("compare", os.path.join(HERE, "compare"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare", loader))
    loader.exec_module(module)
    return module


def run(compare, monkeypatch, folder, *clients):
    """Its status, and what is in its JSON."""
    monkeypatch.setattr(real, "available", lambda: clients)
    monkeypatch.setattr(sys, "argv", ["compare", "--only", "portald redirect", "--output", str(folder)])
    status = compare.main()
    return status, json.loads((folder / "conformance.json").read_text())["outcomes"]


def test_clients_that_cannot_be_run(compare, monkeypatch, tmp_path, capsys):
    status, outcomes = run(compare, monkeypatch, tmp_path, FailsToStart, FailsToLook, NotConcerned)
    assert status == 1 and [o["family"] for o in outcomes] == [4, 6]
    for outcome in outcomes:
        assert outcome["failed"] == {"Fails to start": "RuntimeError: there is no bus",
                                     "Fails to look": "AssertionError: it has ended"}
        rows = outcome["clients"]
        assert {n: set(rows[n].values()) for n in rows} == {
            **{m.name: {YES} for m in MODELS}, **dict.fromkeys(outcome["failed"], {UNKNOWN})}
    said = capsys.readouterr()
    for text in (said.out, (tmp_path / "conformance.txt").read_text()):
        assert text.count("Fails to start  could not be run: RuntimeError: there is no bus\n") == 2
    assert said.err.count("wrong: portald redirect, IPv6: Fails to look: could not be run: AssertionError: it has ended\n") == 1
    picture = (tmp_path / "conformance.svg").read_text()
    assert picture.count('class="u"') == 2 * len(COLUMNS) and "Fails to look" in picture


def test_without_them_all_is_well(compare, monkeypatch, tmp_path):
    assert run(compare, monkeypatch, tmp_path, NotConcerned)[0] == 0
