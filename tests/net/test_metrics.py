# SPDX-License-Identifier: GPL-2.0-or-later
"""portalctl metrics: what the gateway counts."""
import os
import re
import signal

import pytest

import frames
import gateway
from conftest import families
from gateway import DIVERT, REPO
from guest import bracket
from lab import FORBIDDEN, UP
from namespace import wait_until
from prometheus import check, metrics, samples
from test_flood import GATEWAY_MAC, source


def test_promtool_is_content(gw):
    done = gw.ctl_raw("metrics")
    assert done.returncode == 0
    check(done.stdout)
    assert gw.ctl("metrics").keys() == {"metrics"}
    assert samples(done.stdout)[f'portald_build_info{{version="{gw.status()["version"]}"}}'] == 1


def test_the_manual_names_them(gw):
    with open(os.path.join(REPO, "daemon", "portald.8.scd"), encoding="utf-8") as page:
        manual = re.findall(r"^\*(\w+)\* \((\w+)\)$", page.read(), re.M)
    assert sorted(manual) == sorted(re.findall(r"^# TYPE (\w+) (\w+)$", gw.ctl_raw("metrics").stdout, re.M))


def test_sessions_and_store(fresh, lab):
    guest, before = lab.add_guest("g1"), metrics(fresh)
    fresh.grant(guest)
    fresh.grant(guest)
    now = metrics(fresh)
    assert now['portald_sessions{zone="guest"}'] == 1
    grants = 'portald_session_events_total{zone="guest",event="grant"}'
    assert now[grants] == before[grants] + 2
    commits = "portald_store_commit_seconds_count"
    assert now[commits] > before[commits] and now[commits] == now['portald_store_commit_seconds_bucket{le="+Inf"}']
    assert 0 < now['portald_store_commit_seconds_bucket{le="5"}'] <= now[commits]
    assert now["portald_store_healthy"] == 1
    fresh.revoke(guest)
    now = metrics(fresh)
    revokes = 'portald_session_events_total{zone="guest",event="revoke"}'
    assert now['portald_sessions{zone="guest"}'] == 0 and now[revokes] == before[revokes] + 1


@families
def test_login_and_bytes(fresh, lab, family):
    guest, before = lab.add_guest("g1"), metrics(fresh)
    guest.login(family)
    logins = 'portald_logins_total{zone="guest",outcome="online"}'
    assert metrics(fresh)[logins] == before[logins] + 1
    with guest.download(family) as download:
        download.wait_progress(100_000)
    bytes_ = 'portald_session_bytes_total{zone="guest",direction="%s"}'
    up, down = bytes_ % "up", bytes_ % "down"

    def counted():  # show has the gateway ask the kernel
        s = fresh.ctl("show", guest.mac)["sessions"][0]
        now = metrics(fresh)
        return 0 < s["bytes-down"] and (now[up] - before[up], now[down] - before[down]) == (s["bytes-up"], s["bytes-down"])

    wait_until(counted, what="the bytes of the session are those of the zone")


@pytest.fixture(scope="module")
def queued(make_lab):
    lab = make_lab()
    return lab.add_guest("g1"), gateway.Gateway(lab, 'zone "guest" {\n  interface = "br-guest"\n  divert = "queue"\n}\n')


@families
def test_what_finds_a_queue_full(queued, family):
    """Workers that stand still: the kernel drops, and that is counted; when they go on, strangers are answered."""
    guest, gw = queued
    name = "portald_queue_dropped_packets_total"
    before, workers = metrics(gw)[name], gw.pids()["portald-web"]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        with frames.Wire(guest.namespace) as wire:
            for number in range(20_000):  # of 50 MACs, each less than it may send at once; a queue has room for 2,048
                mac = frames.spoofed_mac(number % 50)
                wire.send(frames.tcp(GATEWAY_MAC, mac, source(family, number % 50), FORBIDDEN[family], 1024 + number, 80))
        wait_until(lambda: metrics(gw)[name] > before, what="what was dropped is counted")
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    wait_until(guest.is_stranger, what="strangers are answered again")


def test_a_restart_does_not_count_again(fresh, lab):
    guest = lab.add_guest("g1")
    fresh.grant(guest)
    with guest.download(4) as download:
        download.wait_progress(100_000)
    assert fresh.ctl("show", guest.mac)["sessions"][0]["bytes-down"] > 0
    fresh.restart()
    used = fresh.ctl("show", guest.mac)["sessions"][0]["bytes-down"]
    now = metrics(fresh)
    assert used > 0 and now['portald_session_bytes_total{zone="guest",direction="down"}'] < used
    assert now['portald_sessions{zone="guest"}'] == 1


def test_restarts_by_cause(gw):
    """What ended the run before is counted by the next one, and the one after that still knows."""
    names = ("stop", "reboot", "portald", "portald-gate", "portald-web")

    def restarts():
        return {name: metrics(gw)[f'portald_restarts_total{{after="{name}"}}'] for name in names}

    expected = restarts()
    for name in ("stop", "portald", "portald-web", "portald-gate", "stop"):
        if name == "stop":
            gw.stop()
        else:
            gw.kill(gw.pids()[name][:1])
        gw.start()
        expected[name] += 1
        assert restarts() == expected, name


@families
def test_diverted_requests(fresh, lab, family):
    guest, before = lab.add_guest("g1"), metrics(fresh)
    names = {
        "redirect": ['portald_diverted_requests_total{zone="guest",code="511"}'],
        "queue": [f'portald_queue_packets_total{{zone="guest",outcome="{o}"}}' for o in ("opened", "answered")],
    }[DIVERT]
    for _ in range(3):
        assert guest.get(f"http://{bracket(UP[family])}/").status == 511
    wait_until(lambda: all(metrics(fresh)[n] == before[n] + 3 for n in names), what="three requests are counted")
    assert metrics(fresh)["portald_queue_dropped_packets_total"] == 0
