# SPDX-License-Identifier: GPL-2.0-or-later
"""The portal over TLS, with a private CA: login, what stays plain, bad pairs, and a renewal while guests connect."""
import os
import re
import shutil
import ssl
import subprocess
import threading

import pytest

import gateway
from authority import NAME, Authority
from browser import OTHER, Browser
from conftest import families
from guest import bracket, parse_page
from lab import FORBIDDEN
from namespace import wait_until
from prometheus import check, metrics


@pytest.fixture(scope="module")
def authority(lab):
    ca = Authority(os.path.join(lab.folder, "ca"))
    ca.issue("one")
    ca.issue("two")
    ca.issue("expired", days=-1)
    ca.issue("other", OTHER)
    return ca


@pytest.fixture(scope="module")
def tls(lab, authority):
    lab.add_guest("g1")
    lab.add_guest("s1")
    return gateway.Gateway(lab, globals_=authority.keys("one"))


def expiry(file, authority):
    """Seconds since 1970."""
    done = subprocess.run(["openssl", "x509", "-in", authority.path(f"{file}.pem"), "-noout", "-enddate"], check=True,
                          capture_output=True, text=True)
    return ssl.cert_time_to_seconds(done.stdout.strip().partition("=")[2])


def serial(guest, family):
    """Of the certificate that the portal shows now."""
    done = guest.run(["sh", "-c", f"openssl s_client -connect {bracket(guest.gateway[family])}:443 -servername {NAME} "
                                  "</dev/null 2>/dev/null | openssl x509 -noout -serial"])
    return done.stdout.strip()


@families
def test_login(lab, tls, authority, family):
    tls.revoke_all()
    g1 = lab.guests["g1"]
    browser = Browser(g1, authority, family)
    first = g1.get(f"http://{bracket(FORBIDDEN[family])}/")
    assert first.status == 511
    assert parse_page(first).links[0].startswith(f"https://{NAME}/login")
    assert "not encrypted" not in browser.get(f"https://{NAME}/login")[2]
    assert "without https" not in tls.ctl_raw("status").stdout
    status, head, _ = browser.send("login")
    assert status == 303 and "strict-transport-security" not in head
    assert g1.is_online()
    assert browser.get(f"https://{NAME}/status")[0] == 200
    assert browser.send("logout")[0] == 303
    assert g1.is_stranger()


@families
def test_what_stays_plain(lab, tls, authority, family):
    """The landing page does; a form and what is said about a guest do not, by either way."""
    browser = Browser(lab.guests["s1"], authority, family)
    assert browser.get(f"http://{NAME}/")[0] == 200
    for path in ("login", "status", "success", "logout"):
        status, head, _ = browser.get(f"http://{NAME}/{path}")
        assert status == 303 and f"location: https://{NAME}/{path}" in head
    status, head, _ = browser.get(f"http://{NAME}/login", "-d", "accept=yes")
    assert status == 303 and f"location: https://{NAME}/login" in head


@families
def test_only_the_portal_is_answered(lab, tls, authority, family):
    """Other servers' port 443 is refused; another name is sent to the portal's own."""
    s1 = lab.guests["s1"]
    with pytest.raises(ConnectionRefusedError):
        s1.connect(FORBIDDEN[family], 443)
    browser = Browser(s1, authority, family)
    assert browser.run(f"https://{OTHER}/").returncode == 60, "the name is not in the certificate"
    status, head, _ = browser.get(f"https://{OTHER}/", "-k")
    assert status == 302 and f"location: https://{NAME}/" in head


def write(tls, authority, file, name=NAME):
    before = tls.globals
    tls.globals = before.replace(authority.keys("one"), authority.keys(file, name))
    tls.write_config(gateway.ONE_ZONE)
    tls.globals = before


def test_renewal_under_load(lab, tls, authority):
    """No handshake fails, and those after the reload see the new pair; then a wrong pair changes nothing."""
    s1 = lab.guests["s1"]
    browser = Browser(s1, authority, 4)
    failed, stop = [], threading.Event()

    def connect():
        while not stop.is_set():
            done = browser.run(f"https://{NAME}/style.css")
            if done.returncode != 0:
                failed.append(done.returncode)

    before = serial(s1, 4)
    threads = [threading.Thread(target=connect) for _ in range(2)]
    for thread in threads:
        thread.start()
    write(tls, authority, "two")
    tls.reload()
    wait_until(lambda: serial(s1, 4) not in ("", before), what="the new pair is shown")
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed
    after = serial(s1, 4)
    write(tls, authority, "other")
    tls.reload()
    wait_until(lambda: tls.log_lines("it is not for portal.test"), what="the wrong pair is refused")
    assert serial(s1, 4) == after
    write(tls, authority, "one")
    tls.reload()
    wait_until(lambda: serial(s1, 4) == before, what="the first pair is back")


def test_expiry_in_the_metrics(tls, authority):
    check(tls.ctl_raw("metrics").stdout)
    assert metrics(tls)[f'portald_certificate_expiry_timestamp_seconds{{zone="guest",name="{NAME}"}}'] == expiry("one", authority)


def test_key_of_root_alone(lab, tls, authority):
    """A reload then keeps the pair of the start."""
    s1 = lab.guests["s1"]
    before = serial(s1, 4)
    os.chmod(authority.path("one.key"), 0o600)
    tls.reload()
    wait_until(lambda: tls.log_lines("may not read it any more"), what="portald says so")
    assert serial(s1, 4) == before
    os.chmod(authority.path("one.key"), 0o640)


@pytest.mark.parametrize("file, name, status, text", [
    ("expired", NAME, 0, "it has expired"),
    ("other", NAME, 1, "it is not for portal.test"),
    ("mixed", NAME, 1, "the key of another certificate"),
    ("missing", NAME, 1, "cannot be read"),
    ("one", NAME, 0, ""),
])
def test_check(tls, authority, file, name, status, text):
    shutil.copy(authority.path("one.pem"), authority.path("mixed.pem"))
    shutil.copy(authority.path("two.key"), authority.path("mixed.key"))
    write(tls, authority, file, name)
    done = tls.check_config()
    write(tls, authority, "one")
    assert done.returncode == status, done.stderr
    assert text in done.stderr
    if text:
        assert re.search(r"portald\.conf:\d+: certificate", done.stderr)
    else:
        assert "certificate" not in done.stderr
