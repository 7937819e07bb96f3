# SPDX-License-Identifier: GPL-2.0-or-later
"""Requirements 11 to 26: the captive portal API (RFC 8908)."""
import ipaddress
import json
import urllib.parse

from check import (MAY, MUST, NOTE, SHOULD, Check, after_a_login, broken, met, not_applicable, unseen, verdict,
                   where_there_is_an_api)
from device import Failure, open_sheet
from models import ANDROID_API_MAX, CAPTIVE_JSON
from subject import AFTER, BEFORE, EXPIRED, REVOKED

KEYS = {"captive", "user-portal-url", "venue-info-url", "can-extend-session", "seconds-remaining", "bytes-remaining"}
LEFT = ("seconds-remaining", "bytes-remaining")
END = REVOKED  # by then all stages have been seen


def _stages(subject):
    return [stage for stage in (BEFORE, AFTER, EXPIRED, REVOKED) if stage in subject.seen]


def _is_captive(subject, **how):
    """What the API says now."""
    return json.loads(subject.ask_api(**how).body)["captive"]


@where_there_is_an_api
def https_only(subject):
    if not subject.api.startswith("https://"):
        return broken(subject.api)
    plain = "http" + subject.api[5:]
    try:
        answer = subject.ask_api(uri=plain)
    except (Failure, OSError) as e:
        return met(f"over http: {e}")
    return verdict(b'"captive"' not in answer.body, "it tells the state over http", f"over http: status {answer.status}")


@where_there_is_an_api
def default_port(subject):
    parts = urllib.parse.urlsplit(subject.api)
    return verdict(parts.port in (None, 443), f"port {parts.port}")


@where_there_is_an_api
def certificate(subject):
    """The chain is whole, so no device has to fetch a part of it (AIA)."""
    host, port = subject.api_host(), urllib.parse.urlsplit(subject.api).port or 443
    address = subject.resolve(host)
    done = subject.run(["openssl", "s_client", "-connect", f"[{address}]:{port}" if ":" in address else f"{address}:{port}",
                        "-servername", host, "-verify_hostname", host, "-verify_return_error", "-status",
                        *(["-CAfile", subject.ca] if subject.ca else [])])
    if done.returncode:
        why = [line for line in (done.stdout + done.stderr).splitlines() if "error" in line.lower()]
        return broken(why[0].strip() if why else "the handshake fails")
    return met("stapled" if "OCSP Response Status: successful" in done.stdout else "no OCSP response is stapled")


@where_there_is_an_api
def media_type(subject):
    kind = subject.ask_api().headers.get("Content-Type", "")
    parts = [p.strip().lower() for p in kind.split(";")]
    return verdict(parts[0] == CAPTIVE_JSON and set(parts[1:]) <= {"charset=utf-8"}, f"Content-Type: {kind}")


@where_there_is_an_api
def captive_is_boolean(subject):
    values = [subject.state(stage).get("captive") for stage in _stages(subject)]
    return verdict(all(type(v) is bool for v in values), f"captive: {values}")


def _urls(subject, key):
    return [state[key] for state in (subject.state(stage) for stage in _stages(subject)) if key in state]


@where_there_is_an_api
def portal_url(subject):
    urls = _urls(subject, "user-portal-url")
    if not urls:
        return not_applicable("no user-portal-url")
    wrong = [u for u in urls if not str(u).startswith("https://")]
    return verdict(not wrong, f"user-portal-url: {wrong}", urls[0])


@where_there_is_an_api
def venue_url(subject):
    urls = _urls(subject, "venue-info-url")
    if not urls:
        return not_applicable("no venue-info-url")
    return verdict(all(str(u).startswith("https://") for u in urls), f"venue-info-url: {urls}", urls[0])


@where_there_is_an_api
@after_a_login
def what_is_left(subject):
    for stage in _stages(subject):
        state = subject.state(stage)
        present = {key: state[key] for key in LEFT if key in state}
        if stage != AFTER and present:
            return broken(f"{stage}, yet {present}")
        if any(type(v) is not int or v < 0 for v in present.values()):
            return broken(f"{stage}: {present}")
        if stage == AFTER and subject.limited and "seconds-remaining" not in present:
            return broken("the session has an end, but there is no seconds-remaining")
    present = {key: subject.state(AFTER)[key] for key in LEFT if key in subject.state(AFTER)}
    return met(str(present)) if present else not_applicable("the session has no limit that is known here")


@where_there_is_an_api
def can_extend(subject):
    values = _urls(subject, "can-extend-session")
    if not values:
        return not_applicable("no can-extend-session")
    return verdict(all(type(v) is bool for v in values), f"can-extend-session: {values}", str(values[0]).lower())


@where_there_is_an_api
def api_uncached(subject):
    found = []
    for stage in _stages(subject):
        subject.state(stage)
        found.append(subject.seen[stage]["api"].headers.get("Cache-Control", ""))
    return verdict(all({"private", "no-store"} & {w.strip() for w in c.lower().split(",")} for c in found),
                   f"Cache-Control: {found}")


@where_there_is_an_api
@after_a_login
def own_state(subject):
    if _is_captive(subject):
        return broken("captive after the login")
    try:
        family = {4: 6, 6: 4}[subject.family]
        subject.resolve(subject.api_host(), family)
        if _is_captive(subject, family=family):
            return broken(f"the same device is captive by IPv{family}")
        said = "the same by IPv4 and IPv6"
    except OSError:
        said = f"the API has no IPv{family} address"
    if not subject.other:
        return unseen(f"{said}, but that another guest gets another answer needs --other")
    return verdict(_is_captive(subject, netns=subject.other), "a guest that has not logged in is not captive",
                   f"{said}; another guest is captive")


@where_there_is_an_api
def distinct_uri(subject):
    address = ipaddress.ip_address(subject.resolve(subject.api_host()))
    links = [ipaddress.ip_interface(f"{a['local']}/{a['prefixlen']}").network
             for a in subject.ip("addr", "show", "dev", subject.interface)[0]["addr_info"]]
    if any(address in link for link in links if link.version == address.version):
        return not_applicable("the API is on the guest's own link and sees who asks")
    return unseen("the API is not on the guest's link: whether it sees who asks is not known here")


@where_there_is_an_api
def reachable(subject):
    captive = _is_captive(subject)
    return verdict(captive is True, f"captive: {captive}, before the login", subject.resolve(subject.api_host()))


@where_there_is_an_api
@after_a_login
def follows(subject):
    said = {stage: subject.state(stage).get("captive") for stage in _stages(subject)}
    wrong = [stage for stage, captive in said.items() if captive is not (stage != AFTER)]
    return verdict(not wrong, f"wrong {', '.join(wrong)}", ", ".join(said))


@where_there_is_an_api
def tolerant(subject):
    wanted = subject.ask_api()
    size = len(wanted.body.decode("utf-8"))
    if size > ANDROID_API_MAX:
        return broken(f"{size} characters")
    for accept, query in ((CAPTIVE_JSON, "?portal-suite=%ff&b"), ("*/*", ""), (None, ""), (f"{CAPTIVE_JSON}, x/y;q=0.1", "")):
        answer = subject.ask_api(accept, query)
        if (answer.status, json.loads(answer.body)) != (200, json.loads(wanted.body)):
            return broken(f"another answer for Accept {accept}, query {query!r}")
    return met(f"{size} characters")


@where_there_is_an_api
def needs_no_extension(subject):
    """A client that knows the keys of RFC 8908 alone gets to the form."""
    state = subject.state(BEFORE)
    url = state.get("user-portal-url")
    if not isinstance(url, str):
        return broken("no user-portal-url")
    opened, why = open_sheet(subject.world(), url)
    more = sorted(set(state) - KEYS)
    return verdict(opened, why, f"other keys: {', '.join(more)}" if more else "")


CHECKS = (
    Check(11, MUST, "the API is https alone", BEFORE, https_only),
    Check(12, SHOULD, "the API is on port 443", BEFORE, default_port),
    Check(13, MUST, "its certificate is valid for the name, with the chain", BEFORE, certificate),
    Check(14, MUST, "Content-Type: application/captive+json", BEFORE, media_type),
    Check(15, MUST, "\"captive\" is there, and boolean", END, captive_is_boolean),
    Check(16, MUST, "user-portal-url is https", END, portal_url),
    Check(17, SHOULD, "venue-info-url is https", END, venue_url),
    Check(18, SHOULD, "what is left is told to who is online, and to nobody else", END, what_is_left),
    Check(19, MAY, "can-extend-session is boolean", END, can_extend),
    Check(20, SHOULD, "no shared cache stores a state", END, api_uncached),
    Check(21, MUST, "the state is that of who asks", AFTER, own_state),
    Check(22, SHOULD, "a URI for each client, if the API cannot see who asks", BEFORE, distinct_uri),
    Check(23, NOTE, "the API and its name are there for the captive", BEFORE, reachable),
    Check(24, NOTE, "login, expiry and revoke are seen at the next query", END, follows),
    Check(25, NOTE, "other queries and Accepts do not disturb it; at most 4096 characters", BEFORE, tolerant),
    Check(26, MUST, "the keys of RFC 8908 suffice", BEFORE, needs_no_extension),
)
