# SPDX-License-Identifier: GPL-2.0-or-later
"""Requirements 1 to 10: status 511 (RFC 6585, 6 and 7.4), and what programs that are no browsers make of a portal."""
import os
import re
import shutil
import ssl
import tempfile
import urllib.parse

import cache
from check import MUST, NOTE, SHOULD, Check, at_511, broken, met, not_applicable, unseen, verdict
from device import HTML, bracket, fetch, location, open_sheet, parse_page, refresh_target, request
from subject import AGENT, BEFORE

FORBIDDEN_TAGS = {"form", "input", "button", "textarea", "select"}
CHALLENGES = ("WWW-Authenticate", "Proxy-Authenticate")
SECRET = "portal-suite-secret"
SECRETS = (f"Cookie: a={SECRET}", f"Authorization: Basic {SECRET}")
OLD = b"GET /hotspot-detect.html HTTP/1.0\r\n\r\n"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW")
PROGRAMS = (  # argv, and the status that says that it was not served
    (("curl", "-sS", "-f", "-m", "20", "-o", "OUT", "URL"), "curl -f"),
    (("curl", "-sS", "-f", "-L", "-k", "-m", "20", "-o", "OUT", "URL"), "curl -fL"),
    (("wget", "-q", "-t", "1", "-T", "20", "--no-check-certificate", "-O", "OUT", "URL"), "wget"),
    (("git", "ls-remote", "URL"), "git"),
)


def _link(notice):
    page = parse_page(notice)
    return urllib.parse.urljoin(notice.url, page.links[0]) if page.links else None


def _origin(subject):
    """Where the portal's own pages are, by what strangers are told: scheme://host:port, or None."""
    notice = subject.stranger_s_page()
    target = location(notice) or refresh_target(parse_page(notice)) or _link(notice)
    if not target:
        return None
    parts = urllib.parse.urlsplit(urllib.parse.urljoin(notice.url, target))
    return f"{parts.scheme}://{parts.netloc}"


@at_511
def link(subject, notice):
    target = _link(notice)
    if not target:
        return broken("the page has no link")
    opened, why = open_sheet(subject.world(), target)
    return verdict(opened, f"its link leads to no form: {why}", f"the link leads to the form at {why}")


@at_511
def no_login(_, notice):
    tags = FORBIDDEN_TAGS & set(parse_page(notice).tags)
    challenges = [h for h in CHALLENGES if h in notice.headers]
    return verdict(not tags and not challenges, f"the page has {', '.join(sorted(tags) + challenges)}")


def not_the_origin(subject):
    origin = _origin(subject)
    if not origin:
        return not_applicable("strangers are not told where the portal is")
    paths = ("/", "/login", "/generate_204", "/no-such-page", "/hotspot-detect.html")
    found = [path for path in paths if fetch(subject.world(), origin + path, AGENT).status == 511]
    return verdict(not found, f"{origin} says 511 at {', '.join(found)}", origin)


@at_511
def uncached(subject, notice):
    if "no-store" not in notice.headers.get("Cache-Control", "").lower():
        return broken(f"Cache-Control: {notice.headers.get('Cache-Control')}")
    if not cache.program():
        return unseen("no-store is there, but nginx, to cache it, is not")
    with cache.Cache(subject.netns, subject.address) as proxy:
        answers = [proxy.get("www.example.org", "/page") for _ in range(2)]
    wrong = [a for a in answers if a[:2] != (511, "MISS")]
    return verdict(not wrong, f"nginx's cache: {wrong and wrong[0][:2]}", "nginx's cache asked again")


@at_511
def refresh(_, notice):
    page = parse_page(notice)
    target = refresh_target(page)
    if not target:
        return broken("no meta refresh")
    there = [urllib.parse.urlsplit(url).netloc for url in (target, _link(notice) or "")]
    return verdict(there[0] == there[1], f"the refresh leads to {there[0]}, the link to {there[1]}", there[0])


def _fooled(subject, argv):
    """Did the program take what it got for what it wanted?"""
    with tempfile.TemporaryDirectory() as folder:
        values = {"OUT": os.path.join(folder, "out"), "URL": f"http://{bracket(subject.address)}/file.git"}
        return subject.run([values.get(word, word) for word in argv]).returncode == 0


def programs(subject):
    """That it is no browser is no excuse: a login page is saved as a file where a redirect leads to one with 200."""
    tried = [(name, argv) for argv, name in PROGRAMS if shutil.which(argv[0])]
    if not tried:
        return unseen("neither curl nor wget nor git is here")
    fooled = [name for name, argv in tried if _fooled(subject, argv)]
    return verdict(not fooled, f"fooled: {', '.join(fooled)}", f"{', '.join(name for name, _ in tried)} fail")


@at_511
def no_cookies(subject, _):
    answer = subject.stranger_s_page(headers=SECRETS)
    if answer.status != 511:
        return broken(f"with a cookie the status is {answer.status}")
    problems = (["Set-Cookie"] if "Set-Cookie" in answer.headers else []) + \
        (["the secret comes back"] if SECRET.encode() in answer.body else [])
    return verdict(not problems, ", ".join(problems), "what is logged is not seen from here")


def no_forged_tls(subject):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        sock = subject.tcp(subject.address, 443)
    except TimeoutError:
        return met("port 443 says nothing: devices have to wait for their timeouts")
    except OSError as e:
        return met(f"port 443: {e.strerror or e}")
    try:
        with context.wrap_socket(sock, server_hostname="www.google.com"):
            return broken("somebody shakes hands on port 443 in the name of www.google.com")
    except OSError as e:
        return met(f"port 443: {e}")


def _twice(method):
    """Two requests at once, for one answer and a close."""
    return f"{method} /page HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 0\r\n\r\n".encode() * 2


def _framing(subject, method):
    """What is wrong with the answer to this method."""
    head, end, body = subject.raw(_twice(method)).partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", head, re.IGNORECASE)
    if not head.startswith(b"HTTP/1.1 511 Network Authentication Required\r\n"):
        return f"{method}: {head.partition(chr(13).encode())[0].decode('latin-1')!r}"
    if not end or not length:
        return f"{method}: no length"
    if len(body) != (0 if method == "HEAD" else int(length.group(1))):
        return f"{method}: {len(body)} bytes of body, {length.group(1).decode()} said"
    return None


@at_511
def framing(subject, _):
    wrong = next((w for w in (_framing(subject, method) for method in METHODS) if w), None)
    return verdict(not wrong, wrong, ", ".join(METHODS))


def http_1_0(subject):
    answer = subject.raw(OLD)
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end or not re.match(rb"HTTP/1\.[01] [2-5]\d\d ", head):
        return broken(f"{answer[:40]!r}")
    length = re.search(rb"\r\nContent-Length: (\d+)", head, re.IGNORECASE)
    if length and int(length.group(1)) != len(body):
        return broken(f"{len(body)} bytes of body, {length.group(1).decode()} said")
    return met(head[9:12].decode() + ", and a close")


def requests():
    """{what: bytes}: what is sent here to port 80 of somebody else."""
    page = "http://www.example.org/page"
    return {"a browser's": request(page, AGENT, accept=HTML),
            "a browser's, with secrets": request(page, AGENT, accept=HTML, headers=SECRETS),
            "HTTP/1.0 for Apple's page": OLD, **{f"{method}, twice": _twice(method) for method in METHODS}}


CHECKS = (
    Check(1, SHOULD, "511 links to where one logs in", BEFORE, link),
    Check(2, SHOULD, "511 is neither a challenge nor the login itself", BEFORE, no_login),
    Check(3, SHOULD, "the portal's own pages never say 511", BEFORE, not_the_origin),
    Check(4, MUST, "no cache stores a 511", BEFORE, uncached),
    Check(5, NOTE, "511 moves on to the portal by itself", BEFORE, refresh),
    Check(6, NOTE, "programs do not take the portal for what they asked for", BEFORE, programs),
    Check(7, NOTE, "511 sets no cookie and gives none back", BEFORE, no_cookies),
    Check(8, NOTE, "nobody speaks TLS in another's name", BEFORE, no_forged_tls),
    Check(9, NOTE, "511 is well-formed for every method", BEFORE, framing),
    Check(10, NOTE, "HTTP/1.0 without Host gets a whole answer", BEFORE, http_1_0),
)
