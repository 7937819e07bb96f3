# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole suite, all green, with portald: over IPv4 and IPv6, with and without a certificate (and, by PORTALD_DIVERT, in
both ways to divert).  And it is not green where it must not be.
"""
import json
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "net")]

import cache  # noqa: E402
import gateway  # noqa: E402
from check import MET, NOT_APPLICABLE  # noqa: E402
from conftest import families  # noqa: E402
from lab import FORBIDDEN, UP  # noqa: E402
from models import MODELS, NOTHING, PORTAL  # noqa: E402
from places import CRL_HOST, ZONE, Portald  # noqa: E402
from suite import COLUMNS, YES, examine, problems  # noqa: E402

NO_API = {*range(11, 27), *range(27, 36), 39, 40}
ON_LINK = 22  # the API sees who asks


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "certificate"])
def place(request):
    with Portald(gateway.DIVERT, tls=request.param) as the_place:
        yield the_place


@families
def test_all_green(place, family):
    """Every client notices everything, every requirement that applies is met, and there is none that is not looked at."""
    place.gateway.revoke_all()
    outcome = examine(place.subject(family), place.commands(family))
    assert not problems(outcome)
    assert set(outcome.clients) == {m.name for m in MODELS}
    assert all(row == dict.fromkeys(COLUMNS, YES) for row in outcome.clients.values()), outcome.why
    said = {r["number"]: r["verdict"] for r in outcome.requirements}
    others = {n for n, verdict in said.items() if verdict != MET}
    assert others == {ON_LINK} | (set() if place.tls else NO_API), outcome.requirements
    assert {said[n] for n in others} == {NOT_APPLICABLE}
    why = {r["number"]: r["why"] for r in outcome.requirements}
    assert ("NTP", CRL_HOST in why[41]) == (why[41].partition(",")[0], place.tls)
    assert not place.tls or "RA" in why[31], "radvd, with portalctl's lines, tells of the API as well"


@families
def test_a_cache_in_between_is_not_poisoned(place, family):
    """What was asked while the guest was a stranger is there once it has logged in."""
    place.gateway.revoke_all()
    with cache.Cache(place.guest.namespace, UP[family]) as proxy:
        assert proxy.get("www.example.org", "/a")[:2] == (511, "MISS")
        place.gateway.grant(place.guest)
        status, said, body = proxy.get("www.example.org", "/a")
        assert (status, said) == (200, "MISS") and b"The open internet" in body
        place.gateway.revoke(place.guest)
        assert proxy.get("www.example.org", "/b")[:2] == (511, "MISS")
        assert proxy.get("www.example.org", "/a")[:2] == (200, "HIT"), "this proxy does keep what it may"


def run(place, family, *more):
    argv = [os.path.join(HERE, "run"), "--netns", place.guest.namespace, "--ca", place.authority.path("ca.pem"), "--address",
            UP[family], *more]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_the_command(place, tmp_path):
    """tests/clients/run does the same with commands of the shell: status 0, the tables, and a picture."""
    family = 6 if place.tls else 4
    place.gateway.revoke_all()
    ctl = f"{gateway.PORTALCTL} --socket {place.gateway.socket}"
    grant = f"{ctl} grant {place.guest.mac} --for"
    expire = f"{grant} 1s && while {ctl} list --json | grep -q {place.guest.mac}; do sleep 0.1; done; sleep 1"
    picture = tmp_path / "clients.svg"
    done = run(place, family, "--login", f"{grant} 1h", "--expire", expire, "--revoke", f"{ctl} revoke {place.guest.mac}",
               "--other", place.other.namespace, "--may-readdress", "--svg", str(picture), "--name", "ours")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"ours, IPv{family}\n") and "\033" not in done.stdout
    assert done.stdout.count(" yes") == len(MODELS) * len(COLUMNS)
    assert picture.read_text().startswith("<svg")


def test_a_guest_that_is_online_is_no_stranger(place):
    """The command then says what is wrong, with status 1."""
    place.gateway.grant(place.guest)
    done = run(place, 4, "--json")
    place.gateway.revoke_all()
    outcome = json.loads(done.stdout)["outcomes"][0]
    assert done.returncode == 1 and {row["notices"] for row in outcome["clients"].values()} == {"no"}


@families
def test_plain_511_is_missed_by_some(family):
    """With probes = strict portald says 511 to all: the models that need more say so, and Android 14 is content with the
    API."""
    zone = ZONE.replace("venue-info-url", "probes = strict\n  venue-info-url")
    with Portald(gateway.DIVERT, tls=True, zone=zone) as place:
        subject = place.subject(family)
        subject.address = FORBIDDEN[family]
        found = [{m.name: m.look(subject.world(api)).verdict for m in MODELS} for api in (None, subject.api)]
    missed = {"Android 10", "Android 14", "ChromeOS 2022", "Kindle", "Nintendo"}
    wanted = [{m.name: NOTHING if m.name in names else PORTAL for m in MODELS} for names in (missed, missed - {"Android 14"})]
    assert found == wanted


@pytest.mark.parametrize("more, why", [
    (["--netns", "nowhere"], "nowhere"),
    (["--expire", "true"], "need --login"),
])
def test_wrong_usage(more, why):
    argv = [os.path.join(HERE, "run"), "--address", "192.0.2.1", *(["--netns", "x"] if "--netns" not in more else []), *more]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and why in done.stderr
