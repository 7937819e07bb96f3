# SPDX-License-Identifier: GPL-2.0-or-later
"""OCSP stapling: what the CA says of the certificate (by `openssl ocsp`) is shown with it while it holds, and nothing else
is."""
import os
import re
import shutil
import ssl
import subprocess
import time

import pytest

import gateway
from authority import NAME, Authority
from browser import Browser, s_client
from conftest import families
from machine import Machine
from namespace import wait_until
from prometheus import check, metrics

MUST_STAPLE = "tlsfeature=status_request\n"
SIGNER = "extendedKeyUsage=OCSPSigning\n"


class Place:
    def __init__(self, lab):
        self.lab = lab
        self.ca = ca = Authority(os.path.join(lab.folder, "ca"))
        for file, more in (("leaf", ""), ("must", MUST_STAPLE), ("other", ""), ("bad", "")):
            ca.issue(file, more=more)
        ca.issue("signer", "signer.test", more=SIGNER)
        ca.revoke("bad")
        ca.write("empty", "")
        ca.issue("loner", "loner.test", more="basicConstraints=critical,CA:TRUE\n")  # a CA that has not issued the leaf
        self.guest = lab.add_guest("g1")
        for file in ("leaf", "must", "bad"):
            ca.join(file + "-chain", file, "ca")
        ca.respond("leaf")
        self.gw = gateway.Gateway(lab, globals_=self.keys("leaf-chain", "leaf"))

    def keys(self, file, response):
        return self.ca.keys(file, more=f'certificate-ocsp = "{self.ca.path(response)}.der"\n' if response else "")

    def configure(self, file, response):
        """What -n says of it, before it is taken over."""
        good = self.gw.globals
        self.gw.globals = good.replace(self.keys("leaf-chain", "leaf"), self.keys(file, response))
        self.gw.write_config(gateway.ONE_ZONE)
        self.gw.globals = good
        done = self.gw.check_config()
        self.gw.reload_now()
        return done

    def stapled(self, family=4, *options):
        """(what the response says, when it ends), or None."""
        text = s_client(self.guest, family, "-servername", NAME, "-status", *options)
        assert "BEGIN CERTIFICATE" in text, text
        if "OCSP response: no response sent" in text:
            return None
        assert "OCSP Response Status: successful" in text
        end = re.search(r"Next Update: (.*)", text).group(1)
        return re.search(r"Cert Status: (\S+)", text).group(1), ssl.cert_time_to_seconds(end)


@pytest.fixture(scope="module")
def running(make_lab):
    return Place(make_lab())


@pytest.fixture
def place(running):
    yield running
    running.ca.respond("leaf")
    running.configure("leaf-chain", "leaf")


@families
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_it_is_shown(running, family, version):
    """To those who ask for it; curl looks at the signature too."""
    said, end = running.stapled(family, version)
    assert said == "good" and 3500 < end - time.time() <= 3600
    tls = ["--tlsv1.2", "--tls-max", version[-3:].replace("_", ".")]
    assert Browser(running.guest, running.ca, family).run(f"https://{NAME}/", *tls, "--cert-status").returncode == 0
    assert Browser(running.guest, running.ca, family).run(f"https://{NAME}/", *tls).returncode == 0


def test_it_is_in_the_metrics(running):
    check(running.gw.ctl_raw("metrics").stdout)
    _, end = running.stapled()
    assert metrics(running.gw)[f'portald_ocsp_expiry_timestamp_seconds{{zone="guest",name="{NAME}"}}'] == end


def test_it_is_never_shown_after_its_end(place):
    """Not even when nothing else happens.  Each look is judged by the clock before and after it."""
    place.ca.respond("leaf", minutes=1, since=-52)
    done = place.configure("leaf-chain", "leaf")
    assert done.returncode == 0 and re.search(r":\d+: certificate-ocsp: it is too old in \ds; get a new one", done.stderr)
    _, end = place.stapled()
    while True:
        before = time.time()
        shown = place.stapled()
        if not shown:
            break
        assert before < end
    assert time.time() >= end
    assert "it is too old and not shown any more" in place.gw.ctl_raw("status").stdout
    assert Browser(place.guest, place.ca, 4).run(f"https://{NAME}/").returncode == 0
    place.ca.respond("leaf", minutes=5)
    place.gw.reload_now()
    assert place.stapled()[1] > end, "a fresh one is read at SIGHUP"


@families
def test_a_responder_in_the_ca_s_name(place, family):
    place.ca.respond("leaf", signer="signer", name="delegated")
    assert "certificate-ocsp" not in place.configure("leaf-chain", "delegated").stderr
    assert place.stapled(family)[0] == "good"
    assert Browser(place.guest, place.ca, family).run(f"https://{NAME}/", "--cert-status").returncode == 0


def test_without_the_issuer_in_the_chain(place):
    """Then nobody can check the signature here; devices do."""
    assert "certificate-ocsp" not in place.configure("leaf", "leaf").stderr
    assert place.stapled()[0] == "good"


def broken(ca):
    with open(ca.path("leaf.der"), "rb") as f:
        data = bytearray(f.read())
    data[-1] ^= 1
    with open(ca.path("broken.der"), "wb") as f:
        f.write(data)


def test_it_is_told_before_it_is_too_late(place, make_lab):
    """A gateway that nobody touches says so in its log: first of the response, then of the certificate."""
    lab = make_lab()
    place.ca.respond("leaf", minutes=3 * 1440)
    gw = Machine(lab, globals_=place.keys("leaf-chain", "leaf") + "accounting = 1s\n", start=False)
    gw.own_clock()
    gw.start()
    lab.add_guest("s1").udp("192.0.2.1", 53, b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01")
    assert not gw.log_lines("certificate")
    for days, text in ((2.8, r":\d+: certificate-ocsp: it is too old in 4h"),
                       (3.1, r":\d+: certificate-ocsp: it is too old and not shown any more"),
                       (20, r":\d+: certificate: it expires in 9 days; renew it"),
                       (31, r":\d+: certificate: it has expired")):
        gw.set_clock(int(days * 86400))
        wait_until(lambda: gw.log_lines(text), 20, text)
    assert len(gw.log_lines("certificate: it expires")) == 1, "not again and again"


MAKE = {
    "another": lambda ca: ca.respond("other", name="another"),
    "revoked": lambda ca: ca.respond("bad", name="revoked"),
    "unknown": lambda ca: ca.respond("leaf", index="empty", name="unknown"),
    "endless": lambda ca: ca.respond("leaf", minutes=None, name="endless"),
    "over": lambda ca: ca.respond("leaf", minutes=60, since=-7200, name="over"),
    "future": lambda ca: ca.respond("leaf", since=3600, name="future"),
    "forged": lambda ca: ca.respond("leaf", signer="loner", name="forged"),
    "broken": broken,
    "garbage": lambda ca: shutil.copy(ca.path("leaf.pem"), ca.path("garbage.der")),
    "empty": lambda ca: shutil.copy(ca.path("empty"), ca.path("empty.der")),
    "fifo": lambda ca: os.mkfifo(ca.path("fifo.der")),
    "missing": lambda ca: None,
}


@pytest.mark.parametrize("file, response, text", [
    ("leaf", "another", "it is about another certificate"),
    ("bad", "revoked", "it says that the certificate is revoked"),
    ("leaf", "unknown", "the CA does not know the certificate"),
    ("leaf", "endless", "it does not say until when it holds"),
    ("leaf", "over", "it is too old and not shown any more"),
    ("leaf", "future", "it is from the future"),
    ("leaf", "forged", "it is not signed by the certificate's CA"),
    ("leaf", "broken", "it is not signed by the certificate's CA"),
    ("leaf", "garbage", "it is no OCSP response in DER"),
    ("leaf", "empty", "it is no OCSP response in DER"),
    ("leaf", "fifo", "it is no regular file"),
    ("leaf", "missing", "cannot be read: No such file"),
])
def test_what_is_not_shown(place, file, response, text):
    """Each with its reason and line; guests log in all the same."""
    MAKE[response](place.ca)
    done = place.configure(file + "-chain", response)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"portald\.conf:\d+: certificate-ocsp: .*{text}", done.stderr), done.stderr
    assert place.stapled() is None
    assert text in place.gw.ctl_raw("status").stdout and place.gw.log_lines(text)
    assert "portald_ocsp_expiry_timestamp_seconds{" not in place.gw.ctl_raw("metrics").stdout or response == "over"
    assert Browser(place.guest, place.ca, 4).run(f"https://{NAME}/").returncode == 0


def test_a_certificate_that_demands_it(place):
    """Must-staple: a warning without a response, with one that cannot be shown, none with a good one."""
    place.ca.respond("must")
    text = subprocess.run(["openssl", "x509", "-in", place.ca.path("must.pem"), "-noout", "-text"], check=True,
                          capture_output=True, text=True).stdout
    assert "status_request" in text
    assert re.search(r":\d+: certificate: it demands .* \(must-staple\).*set certificate-ocsp",
                     place.configure("must-chain", None).stderr)
    assert "browsers refuse the certificate (must-staple)" in place.configure("must-chain", "leaf").stderr
    assert "certificate" not in place.configure("must-chain", "must").stderr
    assert place.stapled()[0] == "good"
    assert "must-staple" not in place.configure("leaf-chain", None).stderr
