# SPDX-License-Identifier: GPL-2.0-or-later
"""The hosts that devices ask whether the portal's certificate was revoked are in the walled garden by themselves: strangers
reach them by name, over IPv4 and IPv6, and nothing else.  The real programs ask: openssl, and curl.
"""
import os
import re

import pytest

import gateway
from authority import NAME, Authority
from conftest import families
from guest import bracket
from namespace import seconds, wait_until
from resolvers import Upstream, ask, connects, opened, pool, reload, wait_closed

OCSP_PORT = 2560  # upstream's own port 80 is taken
OCSP, CRL = "ocsp.garden.example", "crl.garden.example"  # nameserver.py has them
OCSP_NUMBER, CRL_NUMBER, STEADY_NUMBER = 5, 4, 6  # of the pool
MORE = f"""authorityInfoAccess=OCSP;URI:http://{OCSP}:{OCSP_PORT}/
crlDistributionPoints=URI:http://{CRL}/files/ca.crl
"""


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(dnsmasq=False)


@pytest.fixture(scope="module")
def authority(lab):
    """Its responder and its list are upstream."""
    ca = Authority(os.path.join(lab.folder, "ca"))
    for file in ("one", "revoked"):
        ca.issue(file, more=MORE)
    ca.revoke("revoked")
    ca.write_list(os.path.join(lab.folder, "files", "ca.crl"))
    responder = lab.spawn("up", ["openssl", "ocsp", "-index", ca.path("index"), "-CA", ca.path("ca.pem"), "-rsigner",
                                 ca.path("ca.pem"), "-rkey", ca.path("ca.key"), "-port", str(OCSP_PORT)], "ocsp")
    wait_until(lambda: "waiting for" in responder.output() or not responder.alive(), what="the responder is up")
    assert responder.alive(), responder.output()
    return ca


@pytest.fixture(scope="module")
def gw(lab, authority):
    Upstream(lab).resolver("dnsmasq")
    return gateway.Gateway(lab, globals_=authority.keys("one"))


@pytest.fixture
def g1(gw, lab, authority):
    guest = lab.add_guest("g1")
    with_hosts = gw.globals
    gw.globals = with_hosts.replace(authority.keys("one"), "")
    reload(gw, gateway.ONE_ZONE)  # closes what is open
    gw.globals = with_hosts
    reload(gw, gateway.ONE_ZONE)
    assert not opened(gw, 4) and not opened(gw, 6)
    return guest


def opens(gw, guest, name, family, wanted):
    """It is asked for until the web worker has the list of the reload."""
    wait_until(lambda: ask(guest, name, family) and opened(gw, family).keys() == wanted, what=f"{name} opens")


@families
def test_they_and_nothing_else(gw, g1, family):
    """The ports that the certificate names; of http without one https as well, for a redirect may lead there."""
    ocsp, crl, steady = pool(family, OCSP_NUMBER, CRL_NUMBER, STEADY_NUMBER)
    assert not connects(g1, ocsp, OCSP_PORT) and not connects(g1, crl, 443)
    opens(gw, g1, OCSP, family, {(ocsp, "tcp", OCSP_PORT)})
    assert not connects(g1, ocsp, 443) and not connects(g1, crl, 443)
    assert g1.get(f"http://{bracket(ocsp)}/").status == 511
    opens(gw, g1, CRL, family, {(ocsp, "tcp", OCSP_PORT), (crl, "tcp", 80), (crl, "tcp", 443)})
    assert g1.get(f"http://{bracket(crl)}/").status == 200
    g1.connect(crl, 443).close()
    assert not connects(g1, crl, 22) and not connects(g1, crl, OCSP_PORT)
    before = opened(gw, family).keys()
    for name in ("steady", "other", f"x.{OCSP.partition('.')[0]}"):
        ask(g1, f"{name}.garden.example", family)
    assert opened(gw, family).keys() == before and not connects(g1, steady)
    assert g1.is_stranger()


@families
def test_they_close_with_the_certificate(gw, g1, authority, family):
    address, = pool(family, CRL_NUMBER)
    opens(gw, g1, CRL, family, {(address, "tcp", 80), (address, "tcp", 443)})
    with_hosts = gw.globals
    gw.globals = with_hosts.replace(authority.keys("one"), f'hostname = "{NAME}"\n')
    reload(gw, gateway.ONE_ZONE)
    gw.globals = with_hosts
    wait_closed(gw, g1, address)
    assert not opened(gw, family)
    assert ask(g1, CRL, family) and not connects(g1, address)


@families
def test_the_list_by_name(gw, g1, authority, family):
    """curl fetches it as a device does, whole."""
    url = f"http://{CRL}/files/ca.crl"
    done = wait_until(lambda: next((d for d in [g1.run(["curl", "-sSf", f"-{family}", "--noproxy", "*", "-o",
                                                        authority.path("got"), url])] if d.returncode == 0), None), what=url)
    assert done.stderr == ""
    for file, said in (("one", "OK"), ("revoked", "certificate revoked")):
        done = g1.run(["openssl", "verify", "-crl_check", "-CAfile", authority.path("ca.pem"), "-CRLfile",
                       authority.path("got"), authority.path(f"{file}.pem")])
        assert said in done.stdout + done.stderr


@pytest.mark.parametrize("file, said", [("one", "good"), ("revoked", "revoked")])
def test_openssl_asks_both(gw, g1, authority, file, said):
    """Who says what of a certificate: its responder, and its list, fetched from where the certificate says."""
    def asked():
        return g1.run(["openssl", "ocsp", "-issuer", authority.path("ca.pem"), "-cert", authority.path(f"{file}.pem"),
                       "-CAfile", authority.path("ca.pem"), "-url", f"http://{OCSP}:{OCSP_PORT}/", "-timeout", seconds(10)])

    done = wait_until(lambda: next((d for d in [asked()] if d.returncode == 0), None), what="the responder answers")
    assert re.search(rf"{file}\.pem: {said}$", done.stdout, re.MULTILINE), done.stdout
    wait_until(lambda: ask(g1, CRL, 4) and opened(gw, 4), what="the list's host is open")
    done = g1.run(["openssl", "verify", "-crl_check", "-crl_download", "-CAfile", authority.path("ca.pem"),
                   authority.path(f"{file}.pem")])
    assert ({"good": ": OK", "revoked": "certificate revoked"}[said]) in done.stdout + done.stderr, done
