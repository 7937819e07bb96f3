# SPDX-License-Identifier: GPL-2.0-or-later
"""Models of devices that look for a captive portal and cannot be installed here: what each asks, and what it concludes.

A model is a row of MODELS: a name, the hosts of its probes, and look(world) -> Finding.  Its verdict is PORTAL (the sheet
opens, at the Finding's URL), ONLINE, PARTIAL (Android: there is an internet, but something is wrong with it), or NOTHING:
the device sees none of them, and its user is left without a word.

A model is not its device.  Inferred, for nobody outside knows: what Apple's does when the API that it was told of fails
(here: nothing), that ChromeOS wants its https probe answered as well, and what the Kindle and the Nintendo do at a status
other than 200 and a redirect.  Not modelled: Windows' DNS probe, ChromeOS' use of the API, repeated probes in the background.
"""
import collections
import functools
import json
import re
import time

from device import BODY_MAX, REDIRECTS, Failure, fetch, follow, location, request

PORTAL, ONLINE, PARTIAL, NOTHING = "portal", "online", "partial", "nothing"
ANDROID_AGENT = ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/60.0.3112.32 "
                 "Safari/537.36")
SHILL_AGENT = ("Mozilla/5.0 (X11; CrOS x86_64 13816.64.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/89.0.4389.95 "
               "Safari/537.36")
CAPTIVE_JSON = "application/captive+json"

APPLE = "http://captive.apple.com/hotspot-detect.html"
APPLE_AGENT, APPLE_API_AGENT = "CaptiveNetworkSupport-480 wispr", "CaptiveNetworkSupport-480"
APPLE_REDIRECTS, APPLE_TIMER, APPLE_TRIES = 6, 40.0, 10
ANDROID = "http://connectivitycheck.gstatic.com/generate_204"
ANDROID_HTTPS = "https://www.google.com/generate_204"
ANDROID_FALLBACKS = ("http://www.google.com/gen_204", "http://play.googleapis.com/generate_204")
ANDROID_API_MAX = 4096  # characters
SHILL, SHILL_HTTPS = "http://www.gstatic.com/generate_204", "https://www.google.com/generate_204"
NCSI = {4: "http://www.msftconnecttest.com/connecttest.txt", 6: "http://ipv6.msftconnecttest.com/connecttest.txt"}
NCSI_TEXT, NCSI_SHEET = b"Microsoft Connect Test", "http://www.msftconnecttest.com/redirect"
KINDLE = "http://spectrum.s3.amazonaws.com/kindle-wifi/wifistub.html"
KINDLE_WORD = b"81ce4465-7167-4dcb-835b-dcc9e44c112a"
NINTENDO = "http://conntest.nintendowifi.net/"

Finding = collections.namedtuple("Finding", "verdict sheet why", defaults=(None, ""))
Model = collections.namedtuple("Model", "name probes look")  # probes: (URL, user agent, HTTP version) of the plain ones


def read_state(answer, limit=None):
    """The object of RFC 8908 in an answer, with a "captive" that is a boolean; ValueError if there is none."""
    state = json.loads(answer.body.decode("utf-8")[:limit])
    if not isinstance(state, dict) or not isinstance(state.get("captive"), bool):
        raise ValueError("no boolean \"captive\"")
    return state


# ---- Apple

def apple_api(world):
    """The API alone decides; the probe is not sent."""
    try:
        answer = follow(world, world.api, APPLE_API_AGENT, APPLE_REDIRECTS, accept=CAPTIVE_JSON)
        if not 200 <= answer.status <= 299:
            return Finding(NOTHING, why=f"API: status {answer.status}")
        state = read_state(answer)
    except (Failure, ValueError) as e:
        return Finding(NOTHING, why=f"API: {e}")
    return Finding(PORTAL, state.get("user-portal-url", APPLE), "API") if state["captive"] else Finding(ONLINE, why="API")


def is_wispr(body):
    """A gateway's own login message, with an https address."""
    return (b"WISPAccessGatewayParam" in body and re.search(rb"<MessageType>\s*100\s*<", body)
            and re.search(rb"<LoginURL>\s*https://", body))


def apple_answer(answer, redirected):
    """In Apple's order; None: the redirect is to be followed."""
    title = re.search(rb"<title>(.*?)</title>", answer.body, re.IGNORECASE | re.DOTALL)
    is_redirect = answer.status in REDIRECTS and location(answer) is not None
    rules = (
        (answer.status in (305, 407), Finding(ONLINE, why="taken for a web proxy")),
        (not answer.whole, Finding(PORTAL, APPLE, f"more than {BODY_MAX} bytes")),
        (not answer.body and not is_redirect, Finding(ONLINE, why="an empty document")),
        (is_wispr(answer.body), Finding(PORTAL, APPLE, "WISPr")),
        (title and title.group(1).strip() == b"Success", Finding(ONLINE, why="Success")),
        (is_redirect, None),
        (answer.status in (200, 511) or redirected, Finding(PORTAL, APPLE, f"status {answer.status}")),
    )
    for holds, finding in rules:
        if holds:
            return finding
    return Finding(ONLINE, why=f"status {answer.status}: assumed to be online")


def apple_probe(world, left):
    url = APPLE
    for count in range(APPLE_REDIRECTS + 1):
        try:
            answer = fetch(world, url, APPLE_AGENT, timeout=left, version="1.0")
        except Failure as e:
            if count and url.startswith("https:"):
                return Finding(PORTAL, APPLE, f"redirect to https: {e}")
            raise
        finding = apple_answer(answer, count > 0)
        if finding:
            return finding
        url = location(answer)
    return Finding(PORTAL, APPLE, "too many redirects")


def apple(world):
    if (world.api or "").startswith("https://"):
        return apple_api(world)
    end = time.monotonic() + APPLE_TIMER
    why = "no answer"
    for tries in range(APPLE_TRIES):
        left = end - time.monotonic()
        if left <= 0:
            break
        try:
            return apple_probe(world, left)
        except Failure as e:
            why = str(e)
        world.sleep(0.1 * min(tries + 1, 8))
    return Finding(ONLINE, why=f"{why}: assumed to be online")


# ---- Android

def android_probe(world, url, agent=ANDROID_AGENT):
    """204: True; a portal: where its sheet opens; anything else, 511 among it: a Failure."""
    answer = fetch(world, url, agent)
    if answer.status == 204:
        return True
    if not 200 <= answer.status <= 399:
        raise Failure(f"status {answer.status}")
    if answer.status == 200 and len(answer.body) <= 4:
        raise Failure(f"{len(answer.body)} bytes")
    return location(answer) or url


def android_api(world):
    """Where the sheet opens, by the API; Failure: the other probes decide."""
    if not world.api.startswith("https://"):
        raise Failure("not https")
    answer = follow(world, world.api, ANDROID_AGENT, 5, accept=CAPTIVE_JSON)
    charset = answer.headers.get_content_charset("utf-8")
    if answer.status != 200 or charset != "utf-8":
        raise Failure(f"status {answer.status}, charset {charset}")
    try:
        state = read_state(answer, ANDROID_API_MAX)
    except ValueError as e:
        raise Failure(e) from e
    if not state["captive"] or not isinstance(state.get("user-portal-url"), str):
        raise Failure("it does not say captive, or not where to log in")
    return state["user-portal-url"]


def first_portal(world, steps):
    """Asks one after the other until one says portal: (Finding or None, was any a success, what they said)"""
    reached, said = False, []
    for what, step in steps:
        try:
            found = step(world)
            if found is not True:
                return Finding(PORTAL, found, what), reached, said
            reached = True
            said.append(f"{what}: 204")
        except Failure as e:
            said.append(f"{what}: {e}")
    return None, reached, said


def android(world, knows_api):
    """A portal is 200 to 399 but for 204, and 511 is a probe that failed; what the API says comes first.  The https probe
    and the plain one run side by side in the device: a portal that the plain one sees is told at once, whatever the other
    does, so here the other is asked after it."""
    steps = [("API", android_api)] if knows_api and world.api and world.by_dhcp4 else []
    portal, reached, said = first_portal(world, [*steps, ("http", lambda w: android_probe(w, ANDROID))])
    if portal:
        return portal
    try:
        if android_probe(world, ANDROID_HTTPS) is True:
            return Finding(ONLINE, why="https: 204")
        said.append("https: no 204")
    except Failure as e:
        said.append(f"https: {e}")
    portal, _, more = first_portal(world, [(f, functools.partial(android_probe, url=f)) for f in ANDROID_FALLBACKS])
    return portal or Finding(PARTIAL if reached else NOTHING, why="; ".join(said + more))


# ---- the others

def shill(world):
    """ChromeOS of 2022: of the redirects it knows 302 alone."""
    try:
        answer = fetch(world, SHILL, SHILL_AGENT)
        if answer.status == 302 and location(answer):
            return Finding(PORTAL, location(answer), "302")
        if answer.status == 200 and len(answer.body) > 1:
            return Finding(PORTAL, SHILL, "a page")
        if answer.status != 204:
            return Finding(NOTHING, why=f"status {answer.status}")
        answer = fetch(world, SHILL_HTTPS, SHILL_AGENT)
    except Failure as e:
        return Finding(NOTHING, why=str(e))
    return Finding(ONLINE if answer.status == 204 else NOTHING, why=f"https: status {answer.status}")


def ncsi(world):
    """Windows: any answer but the expected text is a portal, whatever its status."""
    try:
        answer = fetch(world, NCSI[world.family], "Microsoft NCSI")
    except Failure as e:
        return Finding(NOTHING, why=str(e))
    if answer.status == 200 and answer.body == NCSI_TEXT:
        return Finding(ONLINE, why="the text")
    return Finding(PORTAL, NCSI_SHEET, f"status {answer.status}")


def stub(world, url, agent, is_genuine):
    """The Kindle and the Nintendo, inferred: a page that is not the owner's, or a redirect, opens the browser."""
    try:
        answer = fetch(world, url, agent)
    except Failure as e:
        return Finding(NOTHING, why=str(e))
    if is_genuine(answer):
        return Finding(ONLINE, why="the owner's answer")
    if answer.status == 200 or answer.status in REDIRECTS:
        return Finding(PORTAL, location(answer) or url, f"status {answer.status}")
    return Finding(NOTHING, why=f"status {answer.status}")


def kindle(world):
    return stub(world, KINDLE, "Kindle", lambda a: KINDLE_WORD in a.body)


def nintendo(world):
    return stub(world, NINTENDO, "Nintendo", lambda a: a.headers.get("X-Organization") == "Nintendo")


_ANDROID_PROBES = tuple((url, ANDROID_AGENT, "1.1") for url in (ANDROID, *ANDROID_FALLBACKS))
MODELS = (
    Model("Apple", ((APPLE, APPLE_AGENT, "1.0"),), apple),
    Model("Android 10", _ANDROID_PROBES, functools.partial(android, knows_api=False)),
    Model("Android 14", _ANDROID_PROBES, functools.partial(android, knows_api=True)),
    Model("Windows NCSI", tuple((url, "Microsoft NCSI", "1.1") for url in (*NCSI.values(), NCSI_SHEET)), ncsi),
    Model("ChromeOS 2022", ((SHILL, SHILL_AGENT, "1.1"),), shill),
    Model("Kindle", ((KINDLE, "Kindle", "1.1"),), kindle),
    Model("Nintendo", ((NINTENDO, "Nintendo", "1.1"),), nintendo),
)
HOSTS = frozenset(url.split("/")[2] for m in MODELS for url, _, _ in m.probes)


def requests():
    """{what: bytes}: the models' plain requests, as they are sent."""
    return {f"{m.name}, {url.partition('//')[2]}": request(url, agent, version)
            for m in MODELS for url, agent, version in m.probes}
