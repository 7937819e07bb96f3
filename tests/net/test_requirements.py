# SPDX-License-Identifier: GPL-2.0-or-later
"""RFC 6585, 6 and 7.4, and RFC 8952 as far as they bind a gateway without a captive portal API: requirements 1 to 10 and
38, each by its number, over both families."""
import os
import re
import socket

import pytest

import gateway
from conftest import families
from guest import bracket, parse_page, refresh_target
from lab import FORBIDDEN, SITES
from namespace import open_socket

CONFIG = """
zone "guest" {
  interface = "br-guest"
  connection-limit = 2000
}
"""
SECRET = "hunter2"


@pytest.fixture(scope="module")
def gw(lab):
    return gateway.Gateway(lab, CONFIG, globals_='log-level = "debug"\n')


@pytest.fixture(scope="module")
def stranger(lab, gw):
    return lab.add_guest("s1")


@pytest.fixture(params=[4, 6], ids=["ipv4", "ipv6"])
def notice(request, stranger):
    """What a browser gets that asks for somebody else's page."""
    return stranger.get(f"http://{bracket(FORBIDDEN[request.param])}/page")


def test_01_the_notice_links_to_the_login_page(stranger, notice):
    links = parse_page(notice).links
    assert len(links) == 1 and "/login" in links[0]
    login = stranger.reach(links[0])
    assert login.status == 200 and parse_page(login).forms


def test_02_the_notice_is_neither_challenge_nor_login(notice):
    assert not {"form", "input", "button", "script"} & set(parse_page(notice).tags)
    assert not [h for h in notice.headers if h.lower() in ("www-authenticate", "proxy-authenticate")]


@families
def test_03_the_portal_does_not_say_511(stranger, family):
    portal = f"http://{bracket(stranger.gateway[family])}"
    for path in ("/", "/login", "/status", "/generate_204", "/no-such-page"):
        assert stranger.get(portal + path).status in (200, 303, 404), path


def test_04_no_cache_may_keep_the_notice(notice):
    assert notice.headers["Cache-Control"] == "no-store"
    assert not [h for h in notice.headers if h.lower() in ("expires", "etag", "last-modified", "age")]


def test_05_the_notice_moves_on_to_the_login_page(notice):
    page = parse_page(notice)
    assert refresh_target(page) == page.links[0]


@families
@pytest.mark.parametrize("argv, status", [
    (["curl", "-sS", "-f", "-o", "/dev/null", "URL"], 22),
    (["curl", "-sS", "-fL", "-o", "/dev/null", "URL"], 22),
    (["wget", "-q", "-t", "1", "-O", "/dev/null", "URL"], 8),
    (["git", "-c", "http.proxy=", "ls-remote", "URL"], 128),
], ids=["curl", "curl-L", "wget", "git"])
def test_06_programs_do_not_take_the_notice_for_the_page(stranger, family, argv, status):
    url = f"http://{bracket(FORBIDDEN[family])}/file.git"
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    done = stranger.run([url if a == "URL" else a for a in argv], env=env, timeout=20)
    assert done.returncode == status, done.stdout + done.stderr


@families
def test_06_apt_keeps_its_old_lists(stranger, family, tmp_path):
    (tmp_path / "partial").mkdir()
    sources = tmp_path / "sources.list"
    sources.write_text(f"deb [trusted=yes] http://{bracket(FORBIDDEN[family])}/debian stable main\n", encoding="ascii")
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    done = stranger.run(["apt-get", "update", "-o", f"Dir::State::lists={tmp_path}", "-o", f"Dir::Etc::sourcelist={sources}",
                         "-o", "Dir::Etc::sourceparts=-", "-o", "Acquire::Retries=0", "-o", "APT::Sandbox::User=root",
                         "-o", "Acquire::http::Proxy=DIRECT", "-o", "APT::Update::Error-Mode=any"], env=env, timeout=30)
    assert done.returncode == 100 and "511" in done.stdout + done.stderr, done.stdout + done.stderr
    assert not list(tmp_path.glob("*InRelease"))


@families
def test_07_no_cookie_is_set_and_no_secret_logged(gw, stranger, family):
    answer = stranger.http("GET", f"http://{bracket(FORBIDDEN[family])}/",
                           headers={"Cookie": f"session={SECRET}", "Authorization": f"Basic {SECRET}"})
    assert answer.status == 511 and "Set-Cookie" not in answer.headers
    assert SECRET.encode() not in answer.body and SECRET not in gw.log()


@families
def test_08_nobody_answers_tls_in_another_s_name(stranger, family):
    with pytest.raises(ConnectionRefusedError):
        stranger.connect(FORBIDDEN[family], 443).close()


@families
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_09_the_answer_is_well_formed(stranger, family, method):
    head, end, body = stranger.exchange(FORBIDDEN[family], f"{method} / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
                                        .encode() * 2).partition(b"\r\n\r\n")
    assert end and head.startswith(b"HTTP/1.1 511 Network Authentication Required\r\n")
    length = int(re.search(rb"\r\nContent-Length: (\d+)", head).group(1))
    assert length > 0 and len(body) == (0 if method == "HEAD" else length), "one answer, whole, and nothing behind it"


@families
def test_10_http_1_0_without_host(stranger, family):
    head, _, body = stranger.exchange(FORBIDDEN[family], b"GET / HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.[01] 511 ", head) and b"\r\nConnection: close\r\n" in head + b"\r\n"
    assert len(body) == int(re.search(rb"\r\nContent-Length: (\d+)", head).group(1))


QUESTIONS = {  # the last two with EDNS, and the DO bit of DNSSEC
    "A": b"\x00\x00\x01\x00\x01",
    "AAAA": b"\x00\x00\x1c\x00\x01",
    "DNSKEY with DO": b"\x00\x00\x30\x00\x01" + b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00",
    "A with DO": b"\x00\x00\x01\x00\x01" + b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00",
}


@families
@pytest.mark.parametrize("what", QUESTIONS)
def test_38_dns_answers_are_the_resolver_s_own(lab, stranger, family, what):
    """What a stranger gets is, byte by byte, what the resolver says to its own host, where nobody is in between."""
    extra = len(QUESTIONS[what]) > 5
    question = (b"\x12\x34\x01\x20\x00\x01\x00\x00\x00\x00\x00" + bytes([extra]) + b"\x07captive\x05apple\x03com"
                + QUESTIONS[what])
    answer = stranger.udp(stranger.gateway[family], 53, question)
    with open_socket(lab.name("gw"), {4: socket.AF_INET, 6: socket.AF_INET6}[family], socket.SOCK_DGRAM) as sock:
        sock.settimeout(5.0)
        sock.connect((SITES["br-guest"][family] + "1", 53))
        sock.send(question)
        assert answer == sock.recv(4096)
