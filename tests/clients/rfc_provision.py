# SPDX-License-Identifier: GPL-2.0-or-later
"""Requirements 27 to 37: how devices are told of the API (RFC 8910)."""
import functools
import urllib.parse

from check import MAY, MUST, NOTE, SHOULD, Check, broken, met, not_applicable, unseen, verdict, where_there_is_an_api
from device import HTML, Failure, is_literal, location, open_sheet
from models import CAPTIVE_JSON
from subject import BEFORE, URN

CODES = {"DHCPv4": 114, "DHCPv6": 103, "RA": 37}
URI_MAX = 255  # bytes


def where_it_is_told(look):
    """Does not apply to a network that tells of no API."""
    @functools.wraps(look)
    def wrapped(subject):
        return look(subject) if subject.uris else not_applicable("neither DHCP nor router advertisements name an API")
    return wrapped


def _is_silent(subject, how):
    """Result if nobody speaks this protocol or names an API in it, else None."""
    if subject.provisioned[how] is None and subject.provisioned.get(f"{how} asked") is None:
        return not_applicable(f"nobody answers {how}")
    return None if how in subject.uris else not_applicable(f"no option {CODES[how]}")


@where_it_is_told
def is_the_api(subject):
    for uri in set(subject.uris.values()) - {URN}:
        answer = subject.ask_api(uri=uri)
        kind = answer.headers.get_content_type()
        if answer.status != 200 or kind != CAPTIVE_JSON:
            return broken(f"{uri}: status {answer.status}, {kind}")
    return met(", ".join(sorted(set(subject.uris.values()))))


def _bytes(subject, how):
    value = subject.option(how, CODES[how])
    return subject.option(f"{how} asked", CODES[how]) if value is None else value


def _is_uri(value, more=""):
    """What is the matter with the bytes of an option."""
    if b"\0" in value:
        return broken("there is a NUL in it")
    if not 1 <= len(value) <= URI_MAX:
        return broken(f"{len(value)} bytes")
    text = value.decode("ascii", "replace")
    parts = urllib.parse.urlsplit(text)
    return verdict(text == URN or parts.scheme and parts.netloc, f"no URI: {text}", f"{len(value)} bytes{more}")


def dhcpv4(subject):
    return _is_silent(subject, "DHCPv4") or _is_uri(_bytes(subject, "DHCPv4"))


def dhcpv6(subject):
    return _is_silent(subject, "DHCPv6") or _is_uri(_bytes(subject, "DHCPv6"))


def router(subject):
    silent = _is_silent(subject, "RA")
    if silent:
        return silent
    value = _bytes(subject, "RA")  # with its type and length a multiple of 8, or it were not whole
    text = value.rstrip(b"\0")
    if len(value) - len(text) >= 8:
        return broken(f"{len(value) - len(text)} bytes of padding")
    return _is_uri(text, f" and {len(value) - len(text)} of padding")


@where_it_is_told
def the_same(subject):
    found = set(subject.uris.values())
    return verdict(len(found) == 1, f"{subject.uris}", f"in {', '.join(subject.uris)}")


@where_it_is_told
def unsolicited(subject):
    found = [how for how, code in CODES.items() if how != "RA" and subject.option(how, code) is not None]
    return met(f"in {', '.join(found)}") if found else not_applicable("only to those that ask, as it may be")


@where_it_is_told
def by_name(subject):
    literal = [uri for uri in subject.uris.values() if uri != URN and is_literal(urllib.parse.urlsplit(uri).hostname or "")]
    return verdict(not literal, f"{literal}")


@where_it_is_told
def no_urn(subject):
    urn = [how for how, uri in subject.uris.items() if uri == URN]
    return verdict(not urn, f"{', '.join(urn)} says that there is no portal")


@where_there_is_an_api
def negotiates(subject):
    answer = subject.ask_api(accept=HTML)
    if answer.status not in (301, 302, 303, 307, 308):
        return not_applicable(f"a browser gets status {answer.status}")
    opened, why = open_sheet(subject.world(), location(answer))
    kept = answer.headers.get("Cache-Control", "").lower()
    if not opened:
        return broken(f"a browser is redirected, but {why}")
    return verdict("vary" in answer.headers or "no-store" in kept or "private" in kept,
                   "a browser's redirect may be stored, and be given to others", "browsers are redirected to the page")


def intercepts(subject):
    try:
        answer = subject.stranger_s_page()
    except Failure as e:
        return broken(f"port 80: {e}")
    return verdict(answer.status == 511 or answer.status < 400, f"port 80: status {answer.status}",
                   f"status {answer.status}")


def no_old_option(subject):
    if subject.provisioned["DHCPv4"] is None:
        return unseen("nobody answers DHCPv4")
    old = subject.option("DHCPv4", 160)
    return verdict(old is None, f"option 160, which means other things elsewhere, is sent unasked: {old!r}")


CHECKS = (
    Check(27, MUST, "the URI is that of the API", BEFORE, is_the_api),
    Check(28, MUST, "DHCPv4 option 114: 1 to 255 bytes, no NUL", BEFORE, dhcpv4),
    Check(29, MUST, "DHCPv6 option 103: at most 255 bytes, no NUL", BEFORE, dhcpv6),
    Check(30, MUST, "router advertisement option 37: padded with NULs to 8 bytes", BEFORE, router),
    Check(31, SHOULD, "the same URI in all", BEFORE, the_same),
    Check(32, MAY, "told to those that do not ask, too", BEFORE, unsolicited),
    Check(33, SHOULD, "no address in the URI", BEFORE, by_name),
    Check(34, MUST, "\"no portal here\" never comes from a portal", BEFORE, no_urn),
    Check(35, MAY, "browsers that ask the API get the page, and no cache mixes them up", BEFORE, negotiates),
    Check(36, NOTE, "devices that know no API are answered on port 80", BEFORE, intercepts),
    Check(37, NOTE, "DHCPv4 option 160 of RFC 7710 is not sent", BEFORE, no_old_option),
)
