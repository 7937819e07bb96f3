# SPDX-License-Identifier: GPL-2.0-or-later
"""The suite tells another portal from ours: openNDS of Debian's packages, before and after a click through its forms.  Its
sessions last a minute at least, so their end is left to `compare`.
"""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "net")]

import rfc_notice  # noqa: E402
from check import BROKEN, NOT_APPLICABLE, run  # noqa: E402
from models import MODELS, NOTHING, ONLINE, PORTAL  # noqa: E402
from opennds import OpenNds  # noqa: E402


@pytest.fixture(scope="module")
def place():
    with OpenNds() as the_place:
        yield the_place


TRIES = 4  # on a busy machine its pages take so long that a device loses patience


def look(subject, expected):
    """What those models think that are in `expected`; again where it is something else."""
    said = {}
    for _ in range(TRIES):
        wrong = [m for m in MODELS if m.name in expected and said.get(m.name) != expected[m.name]]
        said.update({m.name: m.look(subject.world()).verdict for m in wrong})
    return said


def test_from_the_probe_to_the_login(place):
    """It answers 307, which ChromeOS of 2022 does not know, and a program that follows it saves the login page."""
    subject = place.subject(4)
    strangers = {m.name: NOTHING if m.name == "ChromeOS 2022" else PORTAL for m in MODELS}
    assert look(subject, strangers) == strangers
    said = {c.number: run(c, subject).verdict for c in rfc_notice.CHECKS if c.number in (1, 6)}
    assert said == {1: NOT_APPLICABLE, 6: BROKEN}
    place.commands(4).login()
    members = dict.fromkeys(strangers, ONLINE)
    assert look(subject, members) == members
    place.commands(4).revoke()
    assert look(subject, {"Apple": PORTAL}) == {"Apple": PORTAL}
