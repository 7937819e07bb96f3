# SPDX-License-Identifier: GPL-2.0-or-later
"""Each check of a requirement holds at a portal that is right, and is seen to fail at one that is wrong in that one way."""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "net")]

import check  # noqa: E402
import rfc_network  # noqa: E402
from check import BROKEN, MET, NOT_APPLICABLE, UNSEEN  # noqa: E402
from conftest import families  # noqa: E402
from lab import SITES, UP  # noqa: E402
from models import MODELS  # noqa: E402
from subject import AFTER, BEFORE, REVOKED, URN  # noqa: E402
from suite import CHECKS, NO, UNKNOWN, examine  # noqa: E402
from wire import Records  # noqa: E402
from wrong import API, FORM, NOTICE, Knobs, WrongPortal  # noqa: E402

GATEWAY = {f: start + "1" for f, start in SITES["br-guest"].items()}
ROWS = {c.number: c for c in CHECKS}
CAPTIVE, ONLINE, JSON = Knobs.captive, Knobs.online, Knobs.api_headers
RAW = API.encode()


def without(state, *keys):
    return {k: v for k, v in state.items() if k not in keys}


def dhcp4(value, *more):
    return {"options": (f"dhcp-option-force=114,{value}", *more)}


def leads(name, addresses):
    """dnsmasq's lines that lead a name there."""
    return tuple(f"address=/{name}/{address}" for address in addresses.values())


def hexed(data):
    return ":".join(f"{b:02x}" for b in data)


CASES = [  # the number, what is wrong, and what the check then says if not "broken"
    (1, {"notice": "<html>Log in</html>"}),
    (1, {"link": "http://192.0.2.1:81/"}),
    (1, {"login_page": "<html>Welcome</html>"}),
    (1, {"status": 200}, NOT_APPLICABLE),
    (2, {"notice": NOTICE + FORM}),
    (2, {"headers": {"WWW-Authenticate": "Basic", "Cache-Control": "no-store"}}),
    (3, {"own_511": True}),
    (4, {"headers": {}}),
    (4, {"headers": {"X-Accel-Expires": "3600", "Cache-Control": "no-store"}}),  # nginx obeys the first of these
    (5, {"notice": '<html><a href="{url}">Log in</a></html>'}),
    (5, {"notice": NOTICE.replace("0; url={url}", "0; url=http://192.0.2.1/")}),
    (6, {"status": 302, "headers": {"Location": "http://192.0.2.1/"}}),
    (6, {"status": 200}),
    (7, {"headers": {"Set-Cookie": "a=b"}}),
    (7, {"echoes": True}),
    (8, {"forged_tls": True}),
    (9, {"length_off": 1}),
    (9, {"head_body": True}),
    (9, {"reason": "Unknown"}),
    (9, {"goes_on": True}),
    (10, {"drops_1_0": True}),
    (10, {"length_off": -1}),
    (11, {"api_in_clear": True}),
    (11, dhcp4("http://portal.test/api")),
    (12, dhcp4("https://portal.test:2443/api")),
    (13, {"pair": "other"}),
    (14, {"api_headers": {"Content-Type": "application/json"}}),
    (14, {"api_headers": {"Content-Type": "application/captive+json; charset=latin1"}}),
    (15, {"captive": {**CAPTIVE, "captive": "true"}}),
    (15, {"captive": without(CAPTIVE, "captive")}),
    (15, {"online": {**ONLINE, "captive": 0}}),
    (15, {"text": '{"captive": true, "captive": true}'}),
    (16, {"captive": {**CAPTIVE, "user-portal-url": "http://portal.test/login"}}),
    (16, {"captive": {"captive": True}, "online": {"captive": False}}, NOT_APPLICABLE),
    (17, {"online": {**ONLINE, "venue-info-url": "http://venue.test/"}}),
    (17, {"online": without(ONLINE, "venue-info-url")}, NOT_APPLICABLE),
    (18, {"captive": {**CAPTIVE, "seconds-remaining": 5}}),
    (18, {"online": {**ONLINE, "seconds-remaining": -1}}),
    (18, {"online": {**ONLINE, "bytes-remaining": 0.5}}),
    (18, {"online": without(ONLINE, "seconds-remaining")}),
    (19, {"online": {**ONLINE, "can-extend-session": "no"}}),
    (20, {"api_headers": {**JSON, "Cache-Control": "public, max-age=60"}}),
    (20, {"api_headers": without(JSON, "Cache-Control")}),
    (21, {"for_all": True}),
    (21, {"online": CAPTIVE}),
    (22, {"names": leads("portal.test", UP)}, UNSEEN),
    (23, {"no_api": True}),
    (23, {"names": leads("portal.test", {4: "203.0.113.99", 6: "2001:db8:ff::99"})}),
    (23, {"captive": ONLINE}),
    (24, {"online": CAPTIVE}),
    (24, {"captive": ONLINE}),
    (25, {"query_breaks": True}),
    (25, {"accept_breaks": True}),
    (25, {"captive": {**CAPTIVE, "x": "x" * 4096}}),
    (26, {"captive": {"captive": True, "login": "https://portal.test/login"}}),
    (26, {"login_page": "<html>Welcome</html>"}),
    (27, {**dhcp4("https://portal.test/login"), "advertised": None}),
    (28, dhcp4(hexed(RAW + b"\0"))),
    (28, dhcp4("portal")),
    (28, {"options": ()}, NOT_APPLICABLE),
    (29, {"options": ("dhcp-option-force=option6:103,portal",)}),
    (30, {"advertised": RAW + bytes(-(len(RAW) + 2) % 8 + 8)}),
    (30, {"advertised": b"\0" + RAW + bytes(-(len(RAW) + 3) % 8)}),
    (30, {"advertised": None}, NOT_APPLICABLE),
    (31, {"options": (f"dhcp-option-force=114,{API}", f"dhcp-option-force=option6:103,{API}2")}),
    (32, {"options": (f"dhcp-option=114,{API}",), "advertised": None}, NOT_APPLICABLE),
    (33, dhcp4("https://192.0.2.1/api")),
    (34, dhcp4(URN)),
    (35, {"browser": (302, {"Location": "https://portal.test/login"})}),
    (35, {"browser": (302, {"Location": "https://portal.test/nowhere", "Vary": "Accept"})}),
    (36, {"status": 403}),
    (37, dhcp4(API, f"dhcp-option-force=160,{API}")),
    (38, {"forged_until_login": ("address=/captive.apple.com/192.0.2.77",)}),
    (38, {"names": (*Knobs.names, *leads("captive.apple.com", GATEWAY))}),
    (39, {"captive": without(CAPTIVE, "user-portal-url")}),
    (40, {"believes": True}),
    (41, {"no_time": True}),
    (41, {"no_crl": True}),
    (42, {"unlimited": True}),
    (43, {"by_address": True}),
    (44, {"by_address": True}),
    (45, {"redirects_probes": False}),
]

# What these look at depends on addresses or on how packets go; what the others read is the same over both families.
BY_ADDRESS = {1, 6, 8, 9, 10, 13, 21, 22, 23, 38, 40, 41, 42, 43, 44, 45}


def dns(*addresses, rcode=0, authentic=True, records=()):
    return Records(rcode, authentic, sorted(records or addresses), sorted(addresses))


@pytest.mark.parametrize("before, after, differ", [
    (dns("192.0.2.1", "192.0.2.2"), dns("192.0.2.2", "192.0.2.3"), False),
    (dns("192.0.2.1"), dns("192.0.2.2"), True),
    (dns("192.0.2.1"), dns("192.0.2.1", authentic=False), True),
    (dns("192.0.2.1"), dns(rcode=3), True),
    (dns(records=[b"key"]), dns(records=[b"other"]), True),
    (dns(rcode=3), dns(rcode=3), False),
    (None, dns("192.0.2.1"), True),
    (None, None, False),
])
def test_what_contradicts(before, after, differ):
    assert rfc_network.differ(before, after) is differ


@pytest.fixture(scope="module")
def portal():
    with WrongPortal() as the_portal:
        yield the_portal


def look(subject, stage):
    subject.observe(stage)
    subject.seen[stage]["services"] = rfc_network.observe_services(subject)
    subject.findings[stage] = {m.name: m.look(subject.world()) for m in MODELS if m.name == "Windows NCSI"}


def judge(portal, number, family):
    """What one check says, with no more of the stages than it needs."""
    row, subject, commands = ROWS[number], portal.subject(family), portal.commands(family)
    subject.limited = True
    subject.findings["without an API"] = {m.name: m.look(subject.world()) for m in MODELS} if number == 45 else {}
    look(subject, BEFORE)
    if row.stage != BEFORE:
        commands.login()
        look(subject, AFTER)
    if row.stage == REVOKED:
        commands.revoke()
        look(subject, REVOKED)
    return check.run(row, subject)


@pytest.mark.parametrize("case, family", [
    pytest.param(case, family, id=f"{case[0]}-{'-'.join(case[1])}-ipv{family}") for case in CASES
    for family in ((4, 6) if case[0] in BY_ADDRESS else (4,))])
def test_a_wrong_portal(portal, case, family):
    number, knobs, *wanted = case
    portal.set(Knobs(**knobs))
    found = judge(portal, number, family)
    assert found.verdict == (wanted[0] if wanted else BROKEN), found


@families
def test_an_address_that_cannot_be_taken(portal, family, monkeypatch):
    """Nothing of the portal's was seen then."""
    portal.set(Knobs(by_address=True))
    monkeypatch.setattr(rfc_network, "_ip", lambda *_: None)
    found = judge(portal, 44, family)
    assert found.verdict == UNSEEN and "Cannot assign requested address" in found.why, found


@families
def test_a_portal_that_is_right(portal, family):
    """Every check is met there, but for the one that has no object."""
    portal.set(Knobs())
    outcome = examine(portal.subject(family), portal.commands(family))
    assert not [row for row in outcome.clients.values() if {NO, UNKNOWN} & set(row.values())], outcome.why
    assert {r["number"]: r["why"] for r in outcome.requirements if r["verdict"] != MET}.keys() == {22}, outcome.requirements


def test_each_check_has_been_seen_to_fail():
    assert {number for number, *_ in CASES} == set(ROWS) == set(range(1, 46))
    missing = {number for number in ROWS if not any(c[0] == number and len(c) == 2 for c in CASES)}
    assert missing == {22, 32}, "these two can be met, not apply or not be seen, but not be broken"


def test_what_is_not_brought_about_is_not_called_met(portal):
    """Without commands nothing is said of what comes after a login."""
    portal.set(Knobs())
    subject = portal.subject(6)
    subject.other = None
    outcome = examine(subject)
    said = {r["number"]: r["verdict"] for r in outcome.requirements}
    assert {n for n, verdict in said.items() if verdict == UNSEEN} == {18, 21, 24, 38, 40, 41, 43, 44}
    assert BROKEN not in said.values(), outcome.requirements
    assert all(row["notices the login"] == UNKNOWN for row in outcome.clients.values())


