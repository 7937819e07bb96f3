# SPDX-License-Identifier: GPL-2.0-or-later
"""The listener for Prometheus: what it serves, and that a scraper cannot harm the gateway."""
import re
import socket

import pytest

import gateway
from guest import FAMILY
from namespace import open_socket, seconds, wait_until
from prometheus import check, metrics, samples


LISTEN = {4: ("127.0.0.1", "127.0.0.1:9273"), 6: ("::1", "[::1]:9273")}


@pytest.fixture(params=[4, 6], ids=["ipv4", "ipv6"])
def listening(request, own_gateway):
    host, address = LISTEN[request.param]
    gw = own_gateway(globals_=f'metrics = "{address}"')
    gw.family, gw.host, gw.url = request.param, host, f"http://{address}"
    return gw


def curl(gw, *args):
    """Status, headers and body of an answer that the gateway's own host gets."""
    done = gw.lab.run("gw", ["curl", "-sS", "-i", "-g", "--max-time", seconds(20), *args])
    assert done.returncode == 0, done.stderr
    head, _, body = done.stdout.partition("\r\n\r\n") if "\r\n\r\n" in done.stdout else done.stdout.partition("\n\n")
    return int(head.split()[1]), head.lower(), body


def served(gw):
    done = gw.lab.run("gw", ["curl", "-sS", "-g", "-o", "/dev/null", "-w", "%{http_code}", gw.url + "/metrics"])
    return done.stdout == "200"


def test_listener(listening):
    status, head, body = curl(listening, listening.url + "/metrics")
    assert status == 200 and "content-type: text/plain; version=0.0.4" in head
    check(body)
    assert samples(body).keys() == metrics(listening).keys()
    assert curl(listening, listening.url + "/")[0] == 404
    status, head, _ = curl(listening, "-d", "x", listening.url + "/metrics")
    assert status == 405 and "allow: get" in head
    assert curl(listening, "-H", "X-Long: " + "x" * 9000, listening.url + "/metrics")[0] in (413, 431)


def connect(gw, text=b""):
    sock = open_socket(gw.lab.name("gw"), FAMILY[gw.family], socket.SOCK_STREAM)
    sock.settimeout(60)
    sock.connect((gw.host, 9273))
    sock.send(text)
    return sock


def ended(sock):
    """Whether the gateway has closed it; waits as long as the socket's timeout says."""
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_idle_scrapers_harm_nobody(listening):
    """As many connections as it serves, silent or in the middle of a request: the next one is closed while they stay, the
    engine goes on, and others are served when they have gone."""
    open_ = [connect(listening, text) for text in [b"", b"GET /metrics HTTP/1.1\r\nX: "] * 4]
    with connect(listening) as ninth:
        assert ended(ninth)
    for sock in open_:
        sock.setblocking(False)
        assert not ended(sock)
    assert listening.status()["zones"]
    for sock in open_:
        sock.close()
    wait_until(lambda: served(listening), what="the listener serves again")


def test_a_slow_scraper_is_cut(listening):
    """One that is never silent for long, and never done."""
    with connect(listening, b"GET /metrics HTTP/1.1\r\nX: ") as sock:
        sock.setblocking(False)

        def cut():
            try:
                sock.send(b"x")
            except ConnectionError:
                return True
            return ended(sock)

        wait_until(cut, timeout=60, pause=1, what="the connection is cut")
    assert served(listening)


def test_address_in_use(own_gateway, lab):
    with open_socket(lab.name("gw"), socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 9273))
        taken.listen()
        gw = own_gateway(globals_='metrics = "127.0.0.1:9273"', start=False)
        gw.launch()
        assert gw.process.wait() == 1
        assert gw.log_lines(r"portald\.conf:\d+: metrics: 127\.0\.0\.1:9273: Address already in use; choose")


ADDRESSES = {4: ("127.0.0.1", "192.0.2.77"), 6: ("[::1]", "[2001:db8::77]")}


@pytest.mark.parametrize("family", ADDRESSES)
def test_check_tries_the_address(own_gateway, lab, family):
    own, foreign = ADDRESSES[family]
    gw = own_gateway(globals_=f'metrics = "{foreign}:9273"', start=False)
    told = rf"portald\.conf:\d+: metrics: {re.escape(foreign)}:9273: Cannot assign requested address; choose"
    done = gw.check_config()
    assert done.returncode == 1 and re.search(told, done.stderr), done
    gw.globals = gw.globals.replace(foreign, own)
    gw.write_config(gateway.ONE_ZONE)
    assert gw.check_config().returncode == 0
    with open_socket(lab.name("gw"), FAMILY[family], socket.SOCK_STREAM) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((own.strip("[]"), 9273))
        taken.listen()
        done = gw.check_config()
        assert done.returncode == 1 and "9273: Address already in use; choose" in done.stderr, done
    gw.start()
    done = gw.check_config()
    assert done.returncode == 0, done  # the port is its own
    gw.globals = gw.globals.replace(own, foreign)
    gw.write_config(gateway.ONE_ZONE)
    done = gw.check_config()
    assert done.returncode == 0 and re.search(told, done.stderr), done  # a reload may come all the same


def test_configuration_is_checked(own_gateway):
    gw = own_gateway(globals_='metrics = "localhost"', start=False)
    done = gw.check_config()
    assert done.returncode == 1 and re.search(r'portald\.conf:\d+: metrics: "localhost" is no address', done.stderr)
